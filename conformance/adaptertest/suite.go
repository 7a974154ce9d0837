package adaptertest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/qsessions/qsessions/conformance/internal/harness"
)

// A Config says what to test. Only Start is required.
type Config struct {
	// Start serves app, with the sessions by the adapter, and returns its URL, such as http://127.0.0.1:41234. The server
	// accepts request headers of 64 KiB. stop, which may be nil, ends it. Start is called once for each case, at least; its
	// context ends with that.
	Start func(ctx context.Context, app App) (url string, stop func() error, err error)

	// Lacks has the features that the framework, or the adapter, does not have. What needs one of them is not covered:
	// [Run] skips it, and says so. That EarlyHints, Hijack or Flush is there all the same is a violation.
	Lacks Feature

	// Timeout ends the context of a case, and fails it, by default after a minute.
	Timeout time.Duration

	patience time.Duration // for tests of the suite
}

// A Case is one clause of what adapters promise.
type Case struct {
	Name  string  // area/clause; it never changes its meaning
	Why   string  // the sentence that it enforces
	Needs Feature // it is left out where one of them is lacking
	run   func(*env)
}

// A Violation says that an adapter does not do what a case wants. [Check] joins them.
type Violation struct {
	Case Case
	Err  error // what was seen
}

// Error implements error.
func (v *Violation) Error() string {
	return fmt.Sprintf("adaptertest: %s: %v\n\tthe contract: %s", v.Case.Name, v.Err, v.Case.Why)
}

// Unwrap returns Err.
func (v *Violation) Unwrap() error { return v.Err }

// Cases returns what [Run] tests, area by area.
func Cases() []Case {
	return slices.Concat(promiseCases(), anonymousCases(), tokenCases(), cookieCases(), jarCases(), headerCases(),
		crossSiteCases(), responseCases(), cacheCases(), commitCases(), failureCases(), endingCases(), outageCases(), lateCases(),
		lifeCases(), passiveCases(), clientCases(), parallelCases(), revokeCases(), replacedCases(), mountCases(), requireCases(),
		pageCases())
}

// Check runs all cases that c does not exclude, and returns what is violated: one [*Violation] for each case, joined, or
// nil. When ctx ends, so does Check, with an error.
func Check(ctx context.Context, c Config) error { return c.check(ctx, Cases()) }

func (c Config) check(ctx context.Context, cases []Case) error {
	if c.Start == nil {
		return errNoStart
	}
	var errs []error
	for _, k := range cases {
		if k.Needs&c.Lacks != 0 {
			continue
		}
		if err := ctx.Err(); err != nil {
			return errors.Join(append(errs, fmt.Errorf("adaptertest: stopped before %s: %w", k.Name, err))...)
		}
		if err := c.run(ctx, k); err != nil {
			errs = append(errs, &Violation{k, err})
		}
	}
	return errors.Join(errs...)
}

// Run is [Check] with a subtest for each case. It skips what is not covered.
func Run(t *testing.T, c Config) {
	t.Helper()
	if c.Start == nil {
		t.Fatal(errNoStart)
	}
	for _, k := range Cases() {
		t.Run(k.Name, func(t *testing.T) {
			t.Helper()
			if lacking := k.Needs & c.Lacks; lacking != 0 {
				t.Skipf("not covered, for want of %v: %s", lacking, k.Why)
			}
			if err := c.run(t.Context(), k); err != nil {
				t.Error(&Violation{k, err})
			}
		})
	}
}

// NotCovered returns the cases that c excludes.
func (c Config) NotCovered() []Case {
	return slices.DeleteFunc(Cases(), func(k Case) bool { return k.Needs&c.Lacks == 0 })
}

var errNoStart = errors.New("adaptertest: Config.Start is nil")

// run runs one case.
func (c Config) run(ctx context.Context, k Case) error {
	timeout := cmp.Or(c.Timeout, time.Minute)
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	e := &env{ctx: ctx, config: c, Trial: harness.Trial{Rounds: 1}}
	return e.Do(timeout, func() { k.run(e) }, func() error {
		cancel() // lets go of handlers that still wait
		return e.leave()
	})
}
