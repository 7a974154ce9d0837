package interleave

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
)

// Faults is what may go wrong in a schedule.
type Faults uint8

// The faults. A command fails before or after its effect, or has it at any later moment.
const (
	CacheFails Faults = 1 << iota
	DatabaseFails
	Evicts   // the cache loses the slot of the session
	Restarts // the cache loses everything, and memcached begins to count anew
	Jumps    // more time passes than copies are fresh
	Crashes  // the process of an operation ends, between two commands
	Pauses   // more time passes than clocks may differ, and less than a lease lasts
	Delays   // an answer of the database takes longer than what others do meanwhile

	NoFaults  Faults = 0 // AllFaults are those that need no other beside them
	AllFaults        = CacheFails | DatabaseFails | Evicts | Restarts | Jumps | Crashes
)

// A Config is what [Explore] explores. There are at most three operations.
type Config struct {
	Cache     Cache
	Anonymous bool // session S has no user at first
	State     State
	Ops       []Op
	Faults    Faults
	Budget    int // faults in one schedule; default 1

	everything bool            // without reduction
	collect    map[string]bool // gets what can be told of each schedule
	young      bool            // session S has had no exchange before
	forgetful  bool            // DeleteUser names no rows that were removed before
	unguarded  bool            // memcached's client sends a cas on any connection
}

func (c *Config) operations() string {
	var ops []string
	for _, k := range c.Ops {
		ops = append(ops, k.String())
	}
	return strings.Join(ops, " | ")
}

// String names the configuration.
func (c *Config) String() string {
	who := "signed in"
	if c.Anonymous {
		who = "anonymous"
	}
	return fmt.Sprintf("%s, %v, %v, %s", c.operations(), c.Cache, c.State, who)
}

// A Result is what was found.
type Result struct {
	Schedules int // that ran to their end
	Given     int // that were given up, as they only differ from others in the order of independent steps
	Broken    int // schedules that break an invariant
	Shortest  *Counterexample
}

// A Counterexample is a schedule that breaks invariants.
type Counterexample struct {
	Invariants []string // the names of those, the first one first
	What       string
	Trace      []string
	length     int
}

// String returns what happens, a line each.
func (x *Counterexample) String() string {
	return x.What + "\n\t" + strings.Join(x.Trace, "\n\t")
}

// Explore runs every schedule of c. It fails t only if the harness itself cannot go on.
func Explore(t *testing.T, c Config) Result {
	t.Helper()
	sc, err := prepare(t, &c)
	if errors.Is(err, errScene) {
		return Result{Broken: 1, Shortest: &Counterexample{Invariants: []string{"T3"}, What: "T3: before the operations begin: " + err.Error()}}
	} else if err != nil {
		t.Fatalf("%v: %v", &c, err)
	}
	e := explorer{t: t, c: &c, scene: sc}
	var res Result
	for more := true; more; more = e.back() {
		r, complete := e.run(false)
		if !complete {
			res.Given++
			continue
		}
		res.Schedules++
		if c.collect != nil {
			c.collect[r.signature()] = true
		}
		if len(r.broken) > 0 {
			res.Broken++
			if res.Shortest == nil || r.seq < res.Shortest.length {
				r, _ = e.run(true)
				res.Shortest = r.counterexample()
			}
		}
	}
	return res
}

// endless is more transitions than any schedule has.
const endless = 300

// An explorer walks through the tree of choices, depth first.
type explorer struct {
	t     *testing.T
	c     *Config
	scene *scene
	path  []*choice
}

// A choice is a place in the path where the scheduler had options.
type choice struct {
	options []transition
	at      int       // the option that the path takes
	foot    footprint // of that option
	asleep  []sleeper // options that were explored elsewhere, in an order that makes no difference
	done    []sleeper // options that were explored here
}

// A sleeper is a transition that need not be taken before one that depends on it.
type sleeper struct {
	transition

	foot footprint
}

func (c *choice) sleeps(t transition) bool {
	for _, s := range c.asleep {
		if s.transition == t {
			return true
		}
	}
	return false
}

// advance goes to the first option from at on that does not sleep.
func (c *choice) advance() bool {
	for c.at < len(c.options) && c.sleeps(c.options[c.at]) {
		c.at++
	}
	return c.at < len(c.options)
}

// back takes the last choice that has another option. It is false if there is none.
func (e *explorer) back() bool {
	for len(e.path) > 0 {
		c := e.path[len(e.path)-1]
		if c.at < len(c.options) {
			c.done = append(c.done, sleeper{c.options[c.at], c.foot})
			c.at++
		}
		if c.advance() {
			return true
		}
		e.path = e.path[:len(e.path)-1]
	}
	return false
}

// run runs the path and goes on with first options to the end. It is not complete if all that is left sleeps.
func (e *explorer) run(traced bool) (r *run, complete bool) {
	synctest.Test(e.t, func(t *testing.T) {
		var err error
		if r, err = newRun(e.c, e.scene); err != nil {
			t.Fatal(err)
		}
		r.traced = traced
		var buffer []transition
		for depth := 0; ; depth++ {
			buffer = r.options(buffer[:0])
			if len(buffer) == 0 {
				break
			}
			if depth == len(e.path) && depth < endless {
				e.path = append(e.path, e.choose(buffer))
			}
			if depth == endless {
				r.violate("I4", "after %d steps it has not come to an end", depth)
				r.abandon()
				complete = true
				return
			}
			c := e.path[depth]
			if len(c.options) != len(buffer) {
				t.Fatalf("%v: a replay has %d options at %d instead of %d", e.c, len(buffer), depth, len(c.options))
			}
			if c.at == len(c.options) {
				r.abandon()
				return
			}
			c.foot = r.take(c.options[c.at])
		}
		complete = true
		if err := r.finish(); err != nil {
			t.Fatal(err)
		}
	})
	return r, complete
}

// choose makes the choice behind the path.
func (e *explorer) choose(options []transition) *choice {
	c := &choice{options: append([]transition(nil), options...)}
	if n := len(e.path); n > 0 && !e.c.everything {
		last := e.path[n-1]
		for _, all := range [][]sleeper{last.asleep, last.done} {
			for _, s := range all {
				if !dependent(s.foot, last.foot) {
					c.asleep = append(c.asleep, s)
				}
			}
		}
	}
	c.advance()
	return c
}
