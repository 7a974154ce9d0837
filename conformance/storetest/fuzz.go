package storetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

const seeds = 12

// seed returns random bytes, always the same.
func seed(n uint64) []byte {
	r := rand.New(rand.NewPCG(n, 1))
	ops := make([]byte, 600)
	for i := range ops {
		ops[i] = byte(r.Uint32())
	}
	return ops
}

// Fuzz decodes sequences of calls from random bytes, and compares what the store answers with a model. When they
// differ, it prints the few calls that it takes. The seeds run with every go test.
func Fuzz(f *testing.F, c Config) {
	for n := range uint64(seeds) {
		f.Add(seed(n))
	}
	f.Fuzz(func(t *testing.T, ops []byte) {
		if err := c.sequence(t.Context(), ops[:min(len(ops), 600)]); err != nil {
			t.Error(err)
		}
	})
}

// callBytes is how many of the random bytes make one call.
const callBytes = 3

// maxShrink is how long Fuzz looks for fewer calls that fail too.
const maxShrink = 3 * time.Second

// sequence runs the calls that ops stands for.
func (c Config) sequence(ctx context.Context, ops []byte) error {
	start := time.Now()
	log, err := c.calls(ctx, ops)
	if err == nil {
		return nil
	}
	if time.Since(start) < time.Second { // else it hangs, and would so again
		log, err = c.shrink(ctx, ops, log, err)
	}
	return fmt.Errorf("storetest: the store differs from the model: %w\nafter these calls:\n\t%s", err, strings.Join(log, "\n\t"))
}

// shrink leaves calls out as long as the rest fails, first many at once and then fewer.
func (c Config) shrink(ctx context.Context, ops []byte, log []string, err error) ([]string, error) {
	end := time.Now().Add(maxShrink)
	ops = ops[:min(len(ops), len(log)*callBytes)] // it failed there
	for n := len(log) / 2; n > 0; {
		fewer := false
		for at := 0; at < len(ops) && time.Now().Before(end) && ctx.Err() == nil; {
			rest := slices.Concat(ops[:at], ops[min(at+n*callBytes, len(ops)):])
			l, e := c.calls(ctx, rest)
			if e == nil {
				at += n * callBytes
				continue
			}
			ops, log, err, fewer = rest[:min(len(rest), len(l)*callBytes)], l, e, true
		}
		if !fewer || n > 1 {
			n /= 2
		}
	}
	return slices.DeleteFunc(log, func(call string) bool { return call == "" }), err
}

// calls runs the calls that ops stands for on a store of their own, and says which they were, one for each call: empty for
// one that does nothing.
func (c Config) calls(ctx context.Context, ops []byte) ([]string, error) {
	s := &sequence{m: newModel()}
	err := c.run(ctx, Case{Name: "model/sequence", run: func(e *env) {
		s.e, s.users = e, []string{e.user("ann"), e.user("Ann")}
		for i := range s.ids {
			s.ids[i] = e.id()
		}
		for ; len(ops) >= callBytes; ops = ops[callBytes:] {
			s.step(ops[0], ops[1], ops[2])
			e.Still()
		}
	}})
	return s.log, err
}
