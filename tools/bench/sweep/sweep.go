// Package sweep measures what a sweep of many expired sessions does to the requests beside it, and verifies that it takes
// no other session along.
package sweep

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/store"
	"github.com/qsessions/qsessions/tools/bench/stores"
)

// Options says how much there is to sweep. Fields that are zero have the defaults.
type Options struct {
	Expired int           // sessions to sweep; default 1,000,000
	Live    int           // sessions among them; default 100,000
	Batch   int           // of the sweep; default that of session.Config
	Bytes   int           // of data in each; default 256
	Rate    int           // logins and touches a second, half of each; default 200
	Before  time.Duration // how long these run before the sweep begins; default 5 s
}

func (o Options) withDefaults() Options {
	for _, f := range []struct {
		n   *int
		def int
	}{{&o.Expired, 1_000_000}, {&o.Live, 100_000}, {&o.Bytes, 256}, {&o.Rate, 200}} {
		if *f.n == 0 {
			*f.n = f.def
		}
	}
	if o.Before == 0 {
		o.Before = 5 * time.Second
	}
	return o
}

// A Result is what [Run] found.
type Result struct {
	Removed        int           // by the sweep
	Took           time.Duration // the sweep
	Batches        int
	Median         time.Duration // of a batch
	Longest        time.Duration // batch
	Before, During Load
	Lost           int // live sessions that are not there afterwards
	Left           int // expired sessions that are still there afterwards
}

// Load is what the requests beside the sweep met.
type Load struct{ Login, Touch Latency }

// Latency is of operations.
type Latency struct {
	Count         int
	P50, P99, Max time.Duration
}

// Run fills the store, and sweeps it while others sign in and touch. The store must be empty and of a database.
func Run(ctx context.Context, s *stores.Store, o Options) (Result, error) {
	o = o.withDefaults()
	var r Result
	live, err := fill(ctx, s, o)
	if err != nil {
		return r, fmt.Errorf("fill: %w", err)
	}
	timed := &timedStore{Indexed: s.Indexed}
	sessions, err := session.New(timed, session.Config{SweepBatch: o.Batch})
	if err != nil {
		return r, err
	}
	l := &load{sessions: sessions, store: s.Indexed, live: live, rate: o.Rate}
	before, cancel := context.WithTimeout(ctx, o.Before)
	r.Before, err = l.run(ctx, before)
	cancel()
	if err != nil {
		return r, fmt.Errorf("before the sweep: %w", err)
	}

	during, cancel := context.WithCancel(ctx)
	var loadErr, sweepErr error
	var wg sync.WaitGroup
	wg.Go(func() { r.During, loadErr = l.run(ctx, during) })
	start := time.Now()
	r.Removed, sweepErr = sessions.Sweep(ctx)
	r.Took = time.Since(start)
	cancel()
	wg.Wait()
	if err := errors.Join(sweepErr, loadErr); err != nil {
		return r, fmt.Errorf("during the sweep: %w", err)
	}
	r.Batches = len(timed.batches)
	slices.Sort(timed.batches)
	r.Median, r.Longest = timed.batches[r.Batches/2], timed.batches[r.Batches-1]
	return r, r.verify(ctx, s, append(live, l.logins...))
}

// verify looks for every session that must be there, and for those that must not.
func (r *Result) verify(ctx context.Context, s store.Indexed, live []store.ID) error {
	now := time.Now()
	found := make(map[store.ID]bool, len(live))
	for rec, err := range s.List(ctx, store.Query{}) {
		switch {
		case err != nil:
			return fmt.Errorf("verify: %w", err)
		case rec.Live(now):
			found[rec.ID] = true
		default:
			r.Left++
		}
	}
	for _, id := range live {
		if !found[id] {
			r.Lost++
		}
	}
	return nil
}

// timedStore notes how long each batch takes. One goroutine sweeps.
type timedStore struct {
	store.Indexed
	batches []time.Duration
}

func (s *timedStore) Sweep(ctx context.Context, before time.Time, limit int) (int, error) {
	start := time.Now()
	n, err := s.Indexed.Sweep(ctx, before, limit)
	s.batches = append(s.batches, time.Since(start))
	return n, err
}
