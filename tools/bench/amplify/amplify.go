// Package amplify counts what a cache leaves to the database: reads, and writes of "last seen", over an hour of requests.
// The hour is one of testing/synctest, so only tests can run it.
package amplify

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/qsessions/qsessions/core/cacheddb"
	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/store"
)

// Options say what comes in.
type Options struct {
	Sessions  int
	Every     time.Duration // between two requests of a session, on average; their times are a Poisson process
	Freshness time.Duration // 0: no cache
	Touch     time.Duration // how often "last seen" is written
	Hour      time.Duration // how long is counted; default an hour
}

// A Result is what was counted.
type Result struct {
	Requests, Reads, Touches int // the last two: of the database
	Hour                     time.Duration
}

// PerSecond is n in a second, for so many sessions, if it was counted for o.Sessions.
func (r Result) PerSecond(n int, o Options, sessions int) float64 {
	return float64(n) / r.Hour.Seconds() * float64(sessions) / float64(o.Sessions)
}

// warmUp is before the count: sessions begin in it, and come out of step.
const warmUp = 10 * time.Minute

// header carries tokens: it is easier to read than a cookie.
const header = "Session-Token"

// Run sends the requests, one after the other, by the clock of the bubble that it runs in. Its random numbers are always
// the same.
func Run(ctx context.Context, o Options) (Result, error) {
	if o.Hour == 0 {
		o.Hour = time.Hour
	}
	db := new(countingStore)
	var err error
	// Bounds that nothing comes near.
	if db.Store, err = memory.New(memory.Config{MaxRecords: 4*o.Sessions + 1000, MaxBytes: 64 << 30}); err != nil {
		return Result{}, err
	}
	var all store.Store = db
	var both *cacheddb.Store
	if o.Freshness > 0 {
		cache, err := memory.NewCache(memory.CacheConfig{MaxEntries: 4*o.Sessions + 1000, MaxBytes: 64 << 30})
		if err != nil {
			return Result{}, err
		}
		if both, err = cacheddb.New(cache, db, cacheddb.Config{Freshness: o.Freshness}); err != nil {
			return Result{}, err
		}
		all = both
	}
	m, err := session.New(all, session.Config{Header: header, Policy: session.Policy{TouchEvery: o.Touch}})
	if err != nil {
		return Result{}, err
	}
	s := &simulation{m: m, random: rand.New(rand.NewPCG(1, 2)), every: o.Every, tokens: make([]string, o.Sessions)}
	start := time.Now()
	for i := range o.Sessions {
		s.queue = append(s.queue, event{start.Add(time.Duration(s.random.Int64N(int64(warmUp / 2)))), i})
	}
	heap.Init(&s.queue)
	if err := s.until(ctx, start.Add(warmUp)); err != nil {
		return Result{}, err
	}
	before := Result{s.requests, int(db.loads.Load()), int(db.touches.Load()), 0}
	if err := s.until(ctx, start.Add(warmUp+o.Hour)); err != nil {
		return Result{}, err
	}
	if both != nil {
		if stats := both.Stats(); stats.Failed+stats.Untold+stats.Bad+stats.TooLarge > 0 {
			return Result{}, fmt.Errorf("the cache did not do its work: %+v", stats)
		}
	}
	return Result{s.requests - before.Requests, int(db.loads.Load()) - before.Reads, int(db.touches.Load()) - before.Touches, o.Hour}, nil
}

// An event is the next request of a session.
type event struct {
	at      time.Time
	session int
}

type queue []event

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].at.Before(q[j].at) }
func (q queue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)        { *q = append(*q, x.(event)) }
func (q *queue) Pop() any          { panic("amplify: nothing leaves the queue") }

type simulation struct {
	m        *session.Manager
	random   *rand.Rand
	every    time.Duration
	tokens   []string // of the sessions
	queue    queue
	requests int
}

// until sends the requests that are due until then.
func (s *simulation) until(ctx context.Context, end time.Time) error {
	for s.queue[0].at.Before(end) {
		next := &s.queue[0]
		time.Sleep(time.Until(next.at))
		if err := s.request(ctx, next.session); err != nil {
			return err
		}
		next.at = next.at.Add(time.Duration(s.random.ExpFloat64() * float64(s.every)))
		heap.Fix(&s.queue, 0)
	}
	time.Sleep(time.Until(end))
	return ctx.Err()
}

// request reads the session, and begins one where there is none.
func (s *simulation) request(ctx context.Context, i int) error {
	s.requests++
	var lines []string
	if s.tokens[i] != "" {
		lines = append(lines, s.tokens[i])
	}
	ctx, _ = s.m.Start(ctx, session.Client{}, lines...)
	defer s.m.Close(ctx)
	got, err := s.m.From(ctx)
	if err != nil {
		return err
	}
	if got.User() == "" {
		got.Login("ann")
	}
	e, err := s.m.Commit(ctx)
	if e.Name != "" {
		s.tokens[i] = e.Value
	}
	if s.tokens[i] == "" {
		err = errors.Join(err, errors.New("a login brought no token"))
	}
	return err
}

// countingStore counts what reaches the database.
type countingStore struct {
	*memory.Store
	loads, touches atomic.Int64
}

func (s *countingStore) Load(ctx context.Context, id store.ID) (*store.Record, error) {
	s.loads.Add(1)
	return s.Store.Load(ctx, id)
}

func (s *countingStore) Touch(ctx context.Context, r *store.Record, t store.Touch) error {
	s.touches.Add(1)
	return s.Store.Touch(ctx, r, t)
}
