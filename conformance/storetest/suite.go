package storetest

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
	// Open returns an empty store. It is called once for each case, sequence or benchmark, and once more where a case compares
	// two stores; its context ends with that.
	Open func(ctx context.Context) (Fixture, error)

	// Indexed, Cached and Keeper are promises that the store implements [store.Indexed], [store.Cached] and [store.Keeper],
	// Users that it refers to a table of users. A promise that is not kept is a violation, and so is one that is kept but was
	// not made.
	Indexed, Cached, Keeper, Users bool

	// MaxData is how many bytes of Data the store can keep at most; it answers twice as many with [store.ErrTooLarge].
	// Zero means that there is no such limit: 1 MiB is tried.
	MaxData int

	// Rounds is how often each race is run at least, by default 50. One that takes less than 200 milliseconds goes on
	// until then: what a fast store loses, it loses seldom.
	Rounds int

	// Timeout ends the context of a case, and fails it, by default after a minute.
	Timeout time.Duration

	raceTime time.Duration // for tests of the suite
}

// A Fixture is an empty store and what a test needs around it.
type Fixture struct {
	Store store.Store

	// Close is called when the case has ended. It may be nil. The context that Open got may be done by then.
	Close func() error

	// User makes a user known to a store that refers to a table of users, and returns the id that the table has for it:
	// name itself where ids are text, any other id that is new where they are not. Nil stands for: every name is known.
	User func(ctx context.Context, name string) (id string, err error)

	// Nobody is a well-formed id that is not in that table. It goes with Config.Users.
	Nobody string

	// Behind is what lies behind the copies of a cached store, so that a case can write past them. It goes with
	// Config.Cached.
	Behind store.Store
}

// A Need is what a case cannot do without; needs are added up.
type Need uint8

// The needs of a [Case], each promised by the field of [Config] with that name.
const (
	NeedIndexed Need = 1 << iota
	NeedCached
	NeedUsers
	NeedMaxData
	NeedKeeper
)

// A Case is one clause of the contract.
type Case struct {
	Name  string // area/clause; it never changes its meaning
	Why   string // the sentence that it enforces
	Needs Need   // it is left out where one of them is not promised
	run   func(*env)
}

// A Violation says that a store does not do what a case wants. [Check] joins them.
type Violation struct {
	Case Case
	Err  error // what was seen
}

// Error implements error.
func (v *Violation) Error() string {
	return fmt.Sprintf("storetest: %s: %v\n\tthe contract: %s", v.Case.Name, v.Err, v.Case.Why)
}

// Unwrap returns Err.
func (v *Violation) Unwrap() error { return v.Err }

// Cases returns what [Run] tests, area by area.
func Cases() []Case {
	return slices.Concat(promiseCases(), loadCases(), createCases(), saveCases(), touchCases(), deleteCases(),
		listCases(), listIDsCases(), loopCases(), deleteUserCases(), cutoffCases(), sweepCases(), cachedCases(), keeperCases(), valueCases(),
		ownershipCases(), contextCases(), raceCases(), raceIndexedCases(), raceKeeperCases())
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
			return errors.Join(append(errs, fmt.Errorf("storetest: stopped before %s: %w", k.Name, err))...)
		}
		if err := c.run(ctx, k); err != nil {
			errs = append(errs, &Violation{k, err})
		}
	}
	return errors.Join(errs...)
}

// Run is [Check] with a subtest for each case.
func Run(t *testing.T, c Config) {
	t.Helper()
	if c.Open == nil {
		t.Fatal(errNoOpen)
	}
	for _, k := range c.cases() {
		t.Run(k.Name, func(t *testing.T) {
			t.Helper()
			if err := c.run(t.Context(), k); err != nil {
				t.Error(&Violation{k, err})
			}
		})
	}
}

// cases returns the cases that apply.
func (c Config) cases() []Case {
	have := Need(0)
	for n, promised := range map[Need]bool{NeedIndexed: c.Indexed, NeedCached: c.Cached, NeedUsers: c.Users, NeedMaxData: c.MaxData > 0, NeedKeeper: c.Keeper} {
		if promised {
			have |= n
		}
	}
	return slices.DeleteFunc(Cases(), func(k Case) bool { return k.Needs&^have != 0 })
}

var errNoOpen = errors.New("storetest: Config.Open is nil")

// open returns an environment for one case, and how to leave it.
func (c Config) open(ctx context.Context) (*env, func() error, error) {
	if c.Open == nil {
		return nil, nil, errNoOpen
	}
	f, err := c.Open(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("open: %w", err)
	}
	if f.Store == nil {
		err := errors.New("storetest: Open returned no Store")
		if f.Close != nil {
			err = errors.Join(err, f.Close())
		}
		return nil, nil, err
	}
	e := &env{
		ctx: ctx, s: f.Store, f: f, c: c, users: make(map[string]string),
		now:   time.Now().UTC().Truncate(time.Second),
		Trial: harness.Trial{Rounds: cmp.Or(c.Rounds, harness.DefaultRounds), RaceTime: cmp.Or(c.raceTime, harness.RaceTime)},
	}
	e.x, _ = f.Store.(store.Indexed)
	e.keeper, _ = f.Store.(store.Keeper)
	leave := func() error {
		if f.Close == nil {
			return nil
		}
		if err := f.Close(); err != nil {
			return fmt.Errorf("close: %w", err)
		}
		return nil
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
