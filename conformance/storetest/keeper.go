package storetest

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"time"

	"github.com/qsessions/qsessions/conformance/internal/harness"
	"github.com/qsessions/qsessions/core/store"
)

// key returns the key of that name, and ends the case unless it can be one.
func (e *env) key(k store.Keeper, name string) []byte {
	b, err := k.Key(e.ctx, name)
	e.ok("Key", err)
	if len(b) != store.KeySize || bytes.Equal(b, make([]byte, store.KeySize)) {
		e.Fatalf("Key %q: got %d bytes, want %d random ones", name, len(b), store.KeySize)
	}
	return b
}

func (e *env) sameKey(what string, got, want []byte) {
	if !bytes.Equal(got, want) {
		e.Fatalf("%s: got another key than before", what)
	}
}

// Cases of a store that keeps keys. No case shows one.
func keeperCases() []Case {
	cases := []Case{
		{Name: "keeper/same", Why: "Key returns the same bytes at every later call, KeySize of them.", run: func(e *env) {
			k := e.keeper
			for _, name := range []string{"cache", "a", "0", ".", "_", "-", strings.Repeat("a", 64)} {
				first := e.key(k, name)
				for range 3 {
					e.sameKey("Key "+name, e.key(k, name), first)
				}
			}
		}},
		{Name: "keeper/names", Why: "Keys of different names have nothing to do with each other.", run: func(e *env) {
			long := strings.Repeat("a", 63)
			seen := make(map[string]string)
			for _, name := range []string{"a", "aa", "b", "a.b", "a_b", "a-b", "ab", "1", "01", "10", long, long + "a", long + "b"} {
				b := string(e.key(e.keeper, name))
				if other, ok := seen[b]; ok {
					e.Fatalf("Key: %q and %q have the same key", other, name)
				}
				seen[b] = name
			}
		}},
		{Name: "keeper/random", Why: "A key is random and of one deployment: another empty store has another one.", run: func(e *env) {
			first := e.key(e.keeper, "cache")
			other, err := e.c.Open(e.ctx)
			e.ok("Open", err)
			if other.Close != nil {
				defer func() {
					if err := other.Close(); err != nil {
						e.Errorf("close: %v", err)
					}
				}()
			}
			if k, ok := other.Store.(store.Keeper); !ok || bytes.Equal(e.key(k, "cache"), first) {
				e.Fatalf("Key: two deployments have the same key")
			}
		}},
		{Name: "keeper/stays", Why: "Sweep forgets no key, and neither does what removes records.", run: func(e *env) {
			first := e.key(e.keeper, "cache")
			r := e.create(e.bound(e.user("ann"), e.now))
			e.ok("Delete", e.s.Delete(e.ctx, r.ID))
			if e.x != nil {
				_, err := e.x.DeleteUser(e.ctx, r.User, e.in(time.Hour))
				e.ok("DeleteUser", err)
				e.drain(e.in(1_000_000 * time.Hour))
			}
			e.sameKey("Key after a Sweep", e.key(e.keeper, "cache"), first)
		}},
		{Name: "keeper/owned", Why: "The bytes of a key are the caller's.", run: func(e *env) {
			for range 2 { // the one that made it, and one that found it
				b := e.key(e.keeper, "cache")
				want := bytes.Clone(b)
				for i := range b[:cap(b)] {
					b[:cap(b)][i] = '#'
				}
				e.sameKey("Key after its caller changed what it got", e.key(e.keeper, "cache"), want)
			}
		}},
		{Name: "keeper/name-refused", Why: "The name of a key has 1 to 64 bytes, each a lower-case letter, a digit, or one of . _ -; any other is an error.", run: func(e *env) {
			for _, name := range []string{"", "A", "a b", "a ", "é", "a\x00", "a\n", "a/b", "a:b", "{a}", "a%", "'", strings.Repeat("a", 65)} {
				if b, err := e.keeper.Key(e.ctx, name); err == nil || b != nil {
					e.Fatalf("Key %q: got %d bytes and error %s, want an error alone", name, len(b), harness.Sentinel(err))
				}
			}
		}},
		{Name: "keeper/context", Why: "A context that is done fails Key with an error that matches ctx.Err, and no bytes.", run: func(e *env) {
			ctx, cancel := context.WithCancel(e.ctx)
			cancel()
			for range 2 { // before there is a key, and after
				if b, err := e.keeper.Key(ctx, "cache"); b != nil || !errors.Is(err, context.Canceled) {
					e.Fatalf("Key: got %d bytes and error %s, want %v alone", len(b), harness.Sentinel(err), context.Canceled)
				}
				e.key(e.keeper, "cache")
			}
		}},
	}
	for i := range cases {
		cases[i].Needs |= NeedKeeper
	}
	return cases
}

func raceKeeperCases() []Case {
	return []Case{{Name: "race/key", Needs: NeedKeeper, Why: "Key makes a key once: of many that ask for a new name at once, all get the same one, and so does every later caller.", run: func(e *env) {
		e.AtLeast(max(1, e.Rounds/5), func() {
			e.made++
			name := "key-" + e.id().String()
			var got [writers][]byte
			fs := make([]func(), writers)
			for i := range fs {
				fs[i] = func() {
					var err error
					got[i], err = e.keeper.Key(e.ctx, name)
					e.either("Key", err)
				}
			}
			e.Together(fs...)
			e.Still()
			want := e.key(e.keeper, name)
			for _, b := range got {
				e.sameKey("Key beside others", b, want)
			}
		})
	}}}
}
