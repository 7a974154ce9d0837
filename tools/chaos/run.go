package chaos

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/store"
)

// Options says how long [Run] takes. Fields that are zero have the defaults.
type Options struct {
	Before time.Duration // load without a fault; default 700 ms
	During time.Duration // with it; default 2 s
	After  time.Duration // and afterwards; default 2.5 s, which is longer than a copy can be used
}

// A Result is what a scenario did.
type Result struct {
	Scenario Scenario
	Pair     Pair
	Version  string
	Phases   [3]*Phase // before, during, after
	Wrong    [violations]int
	Stalest  time.Duration // the oldest values that were read, by how long they had been out of date
	Bound    time.Duration // what Stalest may be
	Examples []string      // of what was wrong
	Checked  int           // sessions that were looked at in the database at the end
	Opened   bool          // a process has given the cache up at some time
	Latest   time.Duration // by how much a call or a request has outlived its deadline
	Late     string        // which
	Beat     time.Duration // the longest that the machine let a goroutine wait that had something to do
	Outage   time.Duration // from the fault's begin until all requests succeeded again; 0 if none failed
	Needless time.Duration // the same since the servers could have answered: most often since the fault's end
	Down     error         // the servers did not answer after the fault
	Growth   Use           // what is in use at the end, above what was before the fault
}

// A Use is what must not grow with faults. What the proxies need for connections is not in it.
type Use struct{ Goroutines, Files, Connections int }

func (w *world) inUse() Use {
	const goroutines, files = 5, 3        // of a connection: the proxy has both ends of it, and the client one
	dir, _ := os.ReadDir("/proc/self/fd") // elsewhere there are none to count
	u := Use{Goroutines: runtime.NumGoroutine(), Files: len(dir)}
	for _, n := range w.processes {
		for _, p := range n.proxies() {
			u.Connections += p.Open()
		}
	}
	u.Goroutines -= goroutines * u.Connections
	u.Files = max(0, u.Files-files*u.Connections)
	return u
}

// Bad reports whether something happened that must not.
func (r Result) Bad() bool { return r.Latest > maxLate || r.wrong() }

// wrong is Bad without the judgment of deadlines.
func (r Result) wrong() bool {
	for _, n := range r.Wrong {
		if n > 0 {
			return true
		}
	}
	if most := r.Scenario.recover; most > 0 && r.Needless > most {
		return true
	}
	return r.Down != nil || r.Stalest > r.Bound || max(r.Growth.Goroutines, r.Growth.Files) > maxGrowth || r.Growth.Connections > maxConns
}

// Disturbed reports whether the machine stood still for so long that calls may have been late for that alone. Then nothing
// is known of them, until the scenario is run again.
func (r Result) Disturbed() bool {
	const hops = 4 // of goroutines, from the end of a context to the return of a call
	return r.Latest > maxLate && r.Latest <= hops*r.Beat
}

// String says what a bad result is bad for.
func (r Result) String() string {
	return fmt.Sprintf("wrong: %v, stalest %v of %v, latest %v of %v (%s; heartbeat %v), more in use %+v, failed needlessly for %v (0 or at most %v), down: %v, %q",
		r.Wrong, r.Stalest, r.Bound, r.Latest, maxLate, r.Late, r.Beat, r.Growth, r.Needless, r.Scenario.recover, r.Down, r.Examples)
}

const (
	maxLate   = 100 * time.Millisecond     // by which a call may outlive its deadline
	maxGrowth = 50                         // for what drivers do beside their connections
	maxConns  = processes * (64 + dbConns) // what the pools may hold
)

// Run holds load on the servers of the pair while the scenario happens. It starts them, and ends them.
func Run(ctx context.Context, s Scenario, p Pair, o Options) (r Result, err error) {
	for _, f := range []struct {
		d   *time.Duration
		def time.Duration
	}{{&o.Before, 700 * time.Millisecond}, {&o.During, 2 * time.Second}, {&o.After, 2500 * time.Millisecond}} {
		if *f.d == 0 {
			*f.d = f.def
		}
	}
	if o.After < bound {
		return r, fmt.Errorf("chaos: After is %v, and a copy may be used for %v", o.After, bound)
	}
	r = Result{Scenario: s, Pair: p, Bound: bound}
	w, err := newWorld(ctx, s, p)
	if err != nil {
		return r, err
	}
	r.Version = w.version()

	l := newLoad(w, s.back)
	loadCtx, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { defer close(done); l.run(loadCtx) }()
	var beat heartbeat
	beating := make(chan struct{})
	go func() { defer close(beating); beat.beat(loadCtx) }()
	defer func() {
		stop()
		err = errors.Join(err, w.close()) // which ends what still waits
		<-done
		<-beating
	}()

	pause(ctx, o.Before/2) // connections are made, sessions begin
	l.tally.next("before")
	pause(ctx, o.Before)
	l.tally.await(ctx)
	used := w.inUse()
	r.Phases[0] = l.tally.next("during")
	l.tally.harm()
	fault, cancel := context.WithTimeout(ctx, o.During)
	err = s.during(fault, w)
	cancel()
	if err != nil {
		return r, fmt.Errorf("the fault: %w", err)
	}
	for _, n := range w.processes {
		r.Opened = r.Opened || n.front.Stats().Skipped > 0
	}
	r.Phases[1] = l.tally.next("after")
	l.tally.mend()
	if s.settle > 0 {
		settled, cancel := context.WithTimeout(ctx, s.settle)
		r.Down = w.await(settled)
		cancel()
	}
	pause(ctx, o.After)
	l.tally.await(ctx)
	stop()
	select {
	case <-done:
	case <-time.After(patience):
	}
	r.Phases[2] = l.tally.next("end")
	r.Latest, r.Late = w.watch.lateness()
	r.Beat = beat.worst()
	r.Outage, r.Needless = l.tally.outage()
	select {
	case <-done:
		r.Down = errors.Join(r.Down, l.settleAccounts(ctx))
		now := w.inUse()
		r.Growth = Use{now.Goroutines - used.Goroutines, now.Files - used.Files, now.Connections - used.Connections}
	default:
		r.Down = errors.Join(r.Down, fmt.Errorf("requests were not answered within %v after the end: %s", patience, w.watch.running()))
	}
	r.Wrong, r.Stalest, r.Examples = l.tally.result()
	r.Checked = len(l.all())
	return r, ctx.Err()
}

// patience is for requests that were sent before the end of a scenario.
const patience = 5 * time.Second

// settleAccounts looks at every session when all is quiet: in the database, and by a request to each process.
func (l *load) settleAccounts(ctx context.Context) error {
	for _, h := range l.all() {
		k := h.ask(l.back)
		r, err := l.w.processes[0].front.LoadFresh(ctx, h.id)
		gone := errors.Is(err, store.ErrNotFound)
		switch {
		case err != nil && !gone:
			return err
		case !gone && l.finished(h):
			l.tally.wrong(resurrected, "%s of %s, version %d", h.id, h.user.name, r.Version)
		case gone && !h.mayEnd():
			l.tally.wrong(falseLogout, "%s of %s is not in the database", h.id, h.user.name)
		}
		for _, p := range l.w.processes {
			l.read(p, h)
			got, found, err := p.inDatabase(ctx, h.token)
			if err != nil {
				return err
			}
			for i := range got {
				if found && (got[i] < k.acked[i] || got[i] > h.sent[i]) {
					l.tally.wrong(lostWrite, "%s: value %d is %d in the database, acknowledged %d, sent %d", h.id, i, got[i], k.acked[i], h.sent[i])
				}
			}
		}
	}
	return nil
}

// finished reports whether a revocation is done in the database, pending or not.
func (l *load) finished(h *held) bool {
	h.user.mu.Lock()
	defer h.user.mu.Unlock()
	return !h.revoked.IsZero() || !h.effective.IsZero()
}

// inDatabase reads a session whatever the cache says.
func (n *process) inDatabase(ctx context.Context, token string) (got [len(values)]int, found bool, err error) {
	ctx, _ = n.sessions.Start(ctx, session.Client{}, "session="+token)
	defer n.sessions.Close(ctx)
	s, err := n.sessions.Require(ctx, session.Requirement{MaxAge: time.Hour})
	switch {
	case errors.Is(err, session.ErrUnauthenticated):
		return got, false, nil
	case err != nil:
		return got, false, err
	}
	for i := range got {
		got[i] = values[i].Get(s)
	}
	return got, true, nil
}
