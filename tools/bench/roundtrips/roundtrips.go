// Package roundtrips counts what the operations of a session manager cost: round trips to a cache, and statements of a
// database.
package roundtrips

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	sqlxstore "github.com/qsessions/qsessions/backend/sqlx"
	"github.com/qsessions/qsessions/core/cacheddb"
	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/store"
	"github.com/qsessions/qsessions/tools/bench/caches"
	"github.com/qsessions/qsessions/tools/bench/counting"
	"github.com/qsessions/qsessions/tools/bench/stores"
)

// A Line is an operation and what it cost.
type Line struct {
	Operation string
	Cache     int // round trips to the cache's server
	Database  int // statements
}

// Run counts each operation that there is over cache in front of db, of which either may be nil. It sets cache.Dial.
func Run(ctx context.Context, cache *caches.Cache, db *stores.Store) (lines []Line, err error) {
	w := &world{ctx: ctx}
	defer func() {
		for _, f := range w.closers {
			err = errors.Join(err, f())
		}
	}()
	if err := w.open(cache, db); err != nil {
		return nil, err
	}
	// The first time servers learn scripts.
	for range 2 {
		w.lines = nil
		w.reads()
		w.writes()
		w.conflicts()
		w.logins()
		w.revocations()
		w.sweeps()
	}
	return w.lines, w.err
}

// A world is a manager whose every call is counted.
type world struct {
	ctx        context.Context
	trips      counting.Trips
	statements atomic.Int64
	closers    []func() error

	store   store.Store
	indexed store.Indexed   // nil where the store is none
	other   *cacheddb.Store // another process; nil without a cache
	aging   *cacheddb.Store // its copies are too old at once

	sessions, touching *session.Manager
	capped             *session.Manager // one session a user; nil where the store is not indexed

	lines []Line
	err   error // the first one; what comes after it does nothing
}

// header carries tokens: it is easier to read than a cookie.
const header = "Session-Token"

func (w *world) open(cache *caches.Cache, db *stores.Store) error {
	var behind store.Indexed
	if db != nil {
		pool := counting.Open(db.Raw.Driver(), db.DSN, func(string) { w.statements.Add(1) })
		w.closers = append(w.closers, pool.Close)
		s, err := sqlxstore.New(w.ctx, pool, sqlxstore.Config{})
		if err != nil {
			return err
		}
		behind, w.store = s, s
	}
	if cache != nil {
		cache.Dial = w.trips.Dial
		if err := w.openCache(cache, behind); err != nil {
			return err
		}
	}
	w.indexed, _ = w.store.(store.Indexed)
	for to, c := range map[**session.Manager]session.Config{
		&w.sessions: {},
		&w.touching: {Policy: session.Policy{TouchEvery: time.Microsecond}},
		&w.capped:   {PerUser: session.Limit{Max: 1}},
	} {
		if c.PerUser.Max > 0 && w.indexed == nil {
			continue
		}
		c.Header = header
		var err error
		if *to, err = session.New(w.store, c); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) openCache(cache *caches.Cache, behind store.Indexed) error {
	if behind == nil {
		s, closeStore, err := cache.Store(w.ctx)
		if err != nil {
			return err
		}
		w.store = s
		w.closers = append(w.closers, closeStore)
		return nil
	}
	c, closeCache, err := cache.Connect(w.ctx)
	if err != nil {
		return err
	}
	w.closers = append(w.closers, closeCache)
	both, err := cacheddb.New(c, behind, cacheddb.Config{Timeout: caches.Timeout})
	if err != nil {
		return err
	}
	if w.other, err = cacheddb.New(c, behind, cacheddb.Config{Timeout: caches.Timeout}); err != nil {
		return err
	}
	// What is a little too old stays in the cache for Skew.
	w.aging, err = cacheddb.New(c, behind, cacheddb.Config{Timeout: caches.Timeout, Freshness: time.Microsecond, Skew: 30 * time.Second})
	w.store = both
	return err
}

// do does what is not counted.
func (w *world) do(f func() error) {
	if w.err == nil {
		w.err = f()
	}
}

// count adds a line.
func (w *world) count(operation string, f func() error) {
	if w.err != nil {
		return
	}
	trips, statements := w.trips.Count(), w.statements.Load()
	if err := f(); err != nil {
		w.err = fmt.Errorf("%s: %w", operation, err)
		return
	}
	w.lines = append(w.lines, Line{operation, w.trips.Count() - trips, int(w.statements.Load() - statements)})
}
