package cachetest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/qsessions/qsessions/conformance/internal/harness"
	"github.com/qsessions/qsessions/core/store"
)

// A Config says what to test. Only Open is required.
type Config struct {
	// Open returns an empty cache. It is called once for each case or benchmark; its context ends with that.
	Open func(ctx context.Context) (Fixture, error)

	// Shared promises that the cache can have clients in several processes, Namespaces that one server can hold several
	// caches that share nothing, and Restarts that it can lose everything at once and go on. A promise that is not kept
	// is a violation, and so is one that is kept but was not made.
	Shared, Namespaces, Restarts bool

	// Parallel says that Open may be called while other caches that it returned are in use. Run then lets the cases that
	// wait do so at the same time.
	Parallel bool

	// MaxCopy is how many bytes a copy can have at most; one of twice as many is [store.ErrTooLarge]. Zero means that
	// there is no such limit: 1 MiB is tried.
	MaxCopy int

	// Rounds is how often each race is run at least, by default 50. One that takes less than 200 milliseconds goes on
	// until then: what a fast cache loses, it loses seldom.
	Rounds int

	// Timeout ends the context of a case, and fails it, by default after a minute.
	Timeout time.Duration

	raceTime time.Duration // for tests of the suite
}

// A Fixture is an empty cache and what a test needs around it.
type Fixture struct {
	Cache store.Cache

	// Second is another client of the same cache, as another process has one. It goes with Config.Shared.
	Second store.Cache

	// Other is a cache on the same server that shares nothing with Cache. It goes with Config.Namespaces.
	Other store.Cache

	// Restart restarts the cache, which is empty then, and whose clients stay. It goes with Config.Restarts.
	Restart func(ctx context.Context) error

	// Close is called when the case has ended. It may be nil. The context that Open got may be done by then.
	Close func() error
}

// A Need is what a case cannot do without; needs are added up.
type Need uint8

// The needs of a [Case], each promised by the field of [Config] with that name.
const (
	NeedShared Need = 1 << iota
	NeedNamespaces
	NeedRestarts
	NeedMaxCopy
)

// A Case is one clause of the contract.
type Case struct {
	Name  string // area/clause; it never changes its meaning
	Why   string // the sentence that it enforces
	Needs Need   // it is left out where one of them is not promised
	Waits bool   // for seconds, until something has ended by itself
	run   func(*env)
}

// A Violation says that a cache does not do what a case wants. [Check] joins them.
type Violation struct {
	Case Case
	Err  error // what was seen
}

// Error implements error.
func (v *Violation) Error() string {
	return fmt.Sprintf("cachetest: %s: %v\n\tthe contract: %s", v.Case.Name, v.Err, v.Case.Why)
}

// Unwrap returns Err.
func (v *Violation) Unwrap() error { return v.Err }

// Cases returns what [Run] tests, area by area.
func Cases() []Case {
	return slices.Concat(promiseCases(), getCases(), leaseCases(), putCases(), ticketCases(), deleteCases(), ttlCases(),
		restartCases(), valueCases(), ownershipCases(), contextCases(), raceCases())
}

// Check runs all cases that c promises to satisfy and returns what is violated: one [*Violation] for each case, joined,
// or nil. When ctx ends, so does Check, with an error.
func Check(ctx context.Context, c Config) error { return c.check(ctx, c.cases()) }

func (c Config) check(ctx context.Context, cases []Case) error {
	if c.Open == nil {
		return errNoOpen
	}
	var errs []error
	for _, k := range cases {
		if err := ctx.Err(); err != nil {
			return errors.Join(append(errs, fmt.Errorf("cachetest: stopped before %s: %w", k.Name, err))...)
		}
		if err := c.run(ctx, k); err != nil {
			errs = append(errs, &Violation{k, err})
		}
	}
	return errors.Join(errs...)
}

// Run is [Check] with a subtest for each case. With -short it skips those that wait.
func Run(t *testing.T, c Config) {
	t.Helper()
	if c.Open == nil {
		t.Fatal(errNoOpen)
	}
	for _, k := range c.cases() {
		t.Run(k.Name, func(t *testing.T) {
			t.Helper()
			if k.Waits && testing.Short() {
				t.Skip("waits for seconds")
			}
			if k.Waits && c.Parallel {
				t.Parallel()
			}
			if err := c.run(t.Context(), k); err != nil {
				t.Error(&Violation{k, err})
			}
		})
	}
}

// cases returns the cases that apply.
func (c Config) cases() []Case {
	have := Need(0)
	for n, promised := range map[Need]bool{NeedShared: c.Shared, NeedNamespaces: c.Namespaces, NeedRestarts: c.Restarts, NeedMaxCopy: c.MaxCopy > 0} {
		if promised {
			have |= n
		}
	}
	return slices.DeleteFunc(Cases(), func(k Case) bool { return k.Needs&^have != 0 })
}

var errNoOpen = errors.New("cachetest: Config.Open is nil")

// open returns an environment for one case, and how to leave it.
func (c Config) open(ctx context.Context) (*env, func() error, error) {
	if c.Open == nil {
		return nil, nil, errNoOpen
	}
	f, err := c.Open(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("open: %w", err)
	}
	leave := func() error {
		if f.Close == nil {
			return nil
		}
		if err := f.Close(); err != nil {
			return fmt.Errorf("close: %w", err)
		}
		return nil
	}
	if f.Cache == nil {
		return nil, nil, errors.Join(errors.New("cachetest: Open returned no Cache"), leave())
	}
	e := &env{
		ctx: ctx, c: f.Cache, f: f, config: c, clients: []store.Cache{f.Cache}, now: time.Now(),
		Trial: harness.Trial{Rounds: cmp.Or(c.Rounds, harness.DefaultRounds), RaceTime: cmp.Or(c.raceTime, harness.RaceTime)},
	}
	if f.Second != nil {
		e.clients = append(e.clients, f.Second)
	}
	return e, leave, nil
}

// run runs one case.
func (c Config) run(ctx context.Context, k Case) error {
	timeout := cmp.Or(c.Timeout, time.Minute)
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	e, leave, err := c.open(ctx)
	if err != nil {
		return err
	}
	return e.Do(timeout, func() {
		if !e.lacks(k.Needs) {
			k.run(e)
		}
	}, leave)
}
