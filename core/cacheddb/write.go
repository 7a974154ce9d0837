package cacheddb

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

// Create implements [store.Store]. There is no copy before the first load.
func (s *Store) Create(ctx context.Context, r *store.Record) error { return s.db.Create(ctx, r) }

// Save implements [store.Store]. That the cache could not be told is no error: other processes may then read what was
// there before for as long as a copy of it is fresh.
func (s *Store) Save(ctx context.Context, r *store.Record) error {
	asOf := time.Now()
	if err := s.db.Save(ctx, r); err != nil {
		return err
	}
	s.replace(ctx, r, asOf)
	return nil
}

// Touch implements [store.Store]. It renews the copy: that the database accepted it proves the copy current.
func (s *Store) Touch(ctx context.Context, r *store.Record, t store.Touch) error {
	asOf := time.Now()
	if err := s.db.Touch(ctx, r, t); err != nil {
		return err
	}
	s.replace(ctx, r, asOf)
	return nil
}

// replace puts r in the place of the copy that it came from, or else empties the slot. r came from a copy if it has a tag;
// a tag is good for once.
func (s *Store) replace(ctx context.Context, r *store.Record, asOf time.Time) {
	t := store.Ticket(r.Tag)
	r.Tag = 0
	if s.put(context.WithoutCancel(ctx), r, t, asOf) == nil {
		return
	}
	_ = s.tell(ctx, false, r.ID)
}

// Delete implements [store.Store]. It returns a [*store.PendingError] if the records are removed and the cache could not
// be told. It tells the cache of all ids, whether there were records or not, so that a retry that returns nil is exact; and
// also where the database failed, which may have removed them nevertheless.
func (s *Store) Delete(ctx context.Context, ids ...store.ID) error {
	err := s.db.Delete(ctx, ids...)
	if pending := s.revoked(ctx, ids); err == nil {
		err = pending
	}
	return err
}

// DeleteUser implements [store.Indexed]. It returns a [*store.PendingError] as Delete does.
func (s *Store) DeleteUser(ctx context.Context, user string, cutoff time.Time, keep ...store.ID) ([]store.ID, error) {
	ids, err := s.db.DeleteUser(ctx, user, cutoff, keep...)
	if pending := s.revoked(ctx, ids); err == nil {
		err = pending
	}
	return ids, err
}

// revoked tells the cache that the database has removed records.
func (s *Store) revoked(ctx context.Context, ids []store.ID) error {
	if len(ids) == 0 {
		return nil
	}
	gone := time.Now()
	err := s.tell(ctx, true, ids...)
	switch {
	case err != nil:
		return &store.PendingError{EffectiveBy: gone.Add(s.cfg.Freshness + s.cfg.Skew + s.lag), Err: err}
	case s.lag > 0:
		return &store.PendingError{EffectiveBy: time.Now().Add(s.lag), Err: errLag}
	}
	return nil
}

var errLag = errors.New("cacheddb: other processes have copies of their own")

const (
	tellAtOnce = 100 // ids of one call
	maxUntried = 3   // calls that may fail before the rest is not tried
)

// tell empties the slots of ids. It goes on when ctx is canceled: the database has changed already. While the cache does
// not answer it tries nevertheless if it must.
func (s *Store) tell(ctx context.Context, must bool, ids ...store.ID) error {
	ctx = context.WithoutCancel(ctx)
	var failed error
	for failures := 0; len(ids) > 0; {
		n, began := min(len(ids), tellAtOnce), time.Now()
		var err error
		switch {
		case failures >= maxUntried:
			n, err = len(ids), failed
		case s.breaker.allow() || must:
			err = s.empty(ctx, ids[:n])
		default:
			s.count.skipped.Add(1)
			err = store.ErrUnavailable
		}
		if err != nil {
			failed = err
			failures++
			s.count.untold.Add(uint64(n))
			s.untold.add(ids[:n], time.Now())
		} else {
			for _, id := range ids[:n] {
				s.untold.told(id, began)
			}
		}
		ids = ids[n:]
	}
	return failed
}

func (s *Store) empty(ctx context.Context, ids []store.ID) error {
	cctx, cancel := s.bounded(ctx)
	defer cancel()
	err := s.cache.Delete(cctx, ids...)
	if err != nil {
		s.count.failedDeletes.Add(1)
		s.complain(ctx, &s.unremoved, unremovedText, err)
	}
	s.answered(ctx, err)
	return err
}

// List implements [store.Indexed] by the database.
func (s *Store) List(ctx context.Context, q store.Query) iter.Seq2[*store.Record, error] {
	return s.db.List(ctx, q)
}

// Cutoff implements [store.Indexed] by the database.
func (s *Store) Cutoff(ctx context.Context, user string) (time.Time, error) {
	return s.db.Cutoff(ctx, user)
}

// Sweep implements [store.Indexed] by the database. The time must lie further back than [MaxFreshness] and Config.Skew
// together, as that of session.Manager.Sweep does: until then a second revocation must find what was removed.
func (s *Store) Sweep(ctx context.Context, before time.Time, limit int) (int, error) {
	return s.db.Sweep(ctx, before, limit)
}
