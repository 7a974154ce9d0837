package cacheddb

import (
	"context"
	"errors"
	"time"

	"github.com/qsessions/qsessions/core/internal/deadline"
	"github.com/qsessions/qsessions/core/store"
)

// A Store is a database with a cache in front. It implements [store.Indexed] and [store.Cached], and is safe for
// concurrent use. Make one with [New].
type Store struct {
	cache   store.Cache
	db      store.Indexed
	cfg     Config
	keys    *keyring
	lag     time.Duration // for so long other processes may go on with a copy that was deleted
	breaker breaker
	untold  untold
	count   counters

	unstored, unremoved complaint
}

var (
	_ store.Indexed = (*Store)(nil)
	_ store.Cached  = (*Store)(nil)
)

// Load implements [store.Store]. A copy answers it if it is fresh and its session has not expired by it.
func (s *Store) Load(ctx context.Context, id store.ID) (*store.Record, error) {
	if s.untold.some.Load() && s.untold.has(id, time.Now()) {
		s.count.bypassed.Add(1)
		return s.ask(ctx, id, s.look(ctx, id), true)
	}
	l := s.look(ctx, id)
	if l.copy == nil {
		s.count.misses.Add(1)
		return s.ask(ctx, id, l, false)
	}
	f, now := s.keys.form(ctx, time.Now()) // asking the cache took time
	if f == nil {
		s.count.skipped.Add(1)
		return s.ask(ctx, id, l, false)
	}
	r, notAfter, ok := decode(f, id, l.copy)
	if !ok {
		s.keys.met(f, l.copy)
		s.count.bad.Add(1)
		return s.ask(ctx, id, l, false)
	}
	// A copy from a clock that is ahead of all others would be used for too long.
	if t := now.UnixMicro(); t > notAfter || notAfter > t+(s.cfg.Freshness+s.cfg.Skew).Microseconds() || !r.Live(now) {
		s.count.stale.Add(1)
		return s.ask(ctx, id, l, false)
	}
	s.count.hits.Add(1)
	r.Tag = uint64(l.ticket)
	return r, nil
}

// LoadFresh implements [store.Cached]: the database answers, and the copy is renewed or deleted.
func (s *Store) LoadFresh(ctx context.Context, id store.ID) (*store.Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.count.fresh.Add(1)
	return s.ask(ctx, id, s.look(ctx, id), true)
}

// A look is what the cache said about a slot.
type look struct {
	asked  bool // it answered
	copy   []byte
	ticket store.Ticket
}

func (s *Store) look(ctx context.Context, id store.ID) look {
	if !s.breaker.allow() {
		s.count.skipped.Add(1)
		return look{}
	}
	cctx, cancel := s.bounded(ctx)
	defer cancel()
	b, t, err := s.cache.Get(cctx, id)
	if !s.answered(ctx, err) {
		return look{}
	}
	if err != nil { // it has no room for a lease
		s.count.tooLarge.Add(1)
		s.complain(ctx, &s.unstored, unstoredText, err)
		return look{asked: true}
	}
	return look{true, b, t}
}

// ask reads the database, and leaves a copy of its answer where nothing has happened to the slot since the look. If the
// answer must replace every other, the slot is emptied where that fails.
func (s *Store) ask(ctx context.Context, id store.ID, l look, exact bool) (*store.Record, error) {
	asOf := time.Now()
	r, err := s.db.Load(ctx, id)
	gone := errors.Is(err, store.ErrNotFound)
	if exact && !l.asked && (err == nil || gone) { // the caller may know of a change that nobody could tell the cache
		s.untold.add([]store.ID{id}, time.Now())
	}
	switch {
	case gone:
		if exact && l.asked { // even if the lease was ours: it may be gone, and somebody about to fill the slot
			_ = s.tell(ctx, false, id)
		}
		return nil, err
	case err != nil || !l.asked:
		return r, err
	}
	switch err := s.put(ctx, r, l.ticket, asOf); {
	case err == nil:
		s.untold.told(id, asOf)
	case exact:
		_ = s.tell(ctx, false, id)
	}
	return r, nil
}

// put stores a copy of r, which the database vouched for at the given time.
func (s *Store) put(ctx context.Context, r *store.Record, t store.Ticket, asOf time.Time) error {
	if t == 0 {
		return store.ErrConflict
	}
	f, _ := s.keys.form(ctx, time.Now())
	if f == nil || !s.breaker.allow() {
		s.count.skipped.Add(1)
		return store.ErrUnavailable
	}
	b, err := encode(f, r, asOf.Add(s.cfg.Freshness).UnixMicro())
	if err != nil {
		return err
	}
	cctx, cancel := s.bounded(ctx)
	defer cancel()
	err = s.cache.Put(cctx, r.ID, t, b, s.cfg.Freshness+s.cfg.Skew)
	switch {
	case err == nil:
		s.count.stored.Add(1)
	case errors.Is(err, store.ErrConflict):
		s.count.refused.Add(1)
	case errors.Is(err, store.ErrTooLarge):
		s.count.tooLarge.Add(1)
		s.complain(ctx, &s.unstored, unstoredText, err)
	default:
		s.count.failedPuts.Add(1)
		if ctx.Err() == nil { // else the caller has left, which is no fault of the cache
			s.complain(ctx, &s.unstored, unstoredText, err)
		}
	}
	s.answered(ctx, err)
	return err
}

const (
	unstoredText  = "cacheddb: the cache does not take copies; sessions are read from the database instead"
	unremovedText = "cacheddb: the cache cannot be told what has changed; other processes may use copies from before until they are too old"
)

// bounded returns a context for one call of the cache. It leaves half of the caller's time for the database.
func (s *Store) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	timeout := s.cfg.Timeout
	if end, ok := ctx.Deadline(); ok {
		timeout = min(timeout, time.Until(end)/2)
	}
	return deadline.WithTimeout(ctx, timeout)
}

// answered notes whether the cache answered at all. What the caller's own context ended says nothing about the cache, and
// neither does what its deadline left less than Timeout.
func (s *Store) answered(ctx context.Context, err error) bool {
	if err == nil || errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrTooLarge) {
		s.breaker.success(ctx)
		return true
	}
	s.count.failed.Add(1)
	if ctx.Err() == nil && !(errors.Is(err, context.DeadlineExceeded) && s.hurried(ctx)) {
		s.breaker.failure(ctx, err)
	}
	return false
}

// hurried reports, after a call that ran out of time, whether it had less than Timeout: as much as was left for it is
// left now.
func (s *Store) hurried(ctx context.Context) bool {
	end, ok := ctx.Deadline()
	return ok && time.Until(end) < s.cfg.Timeout
}
