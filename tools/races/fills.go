package races

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

// Fills removes sessions while another process makes a copy of them: it has read the record, and has not stored the copy
// yet. Every second removal is that of all sessions of the user. It returns how many of n sessions can still be loaded by
// either process. Front puts a cache of both before a database.
func Fills(ctx context.Context, n int, db store.Indexed, front func(store.Indexed) (store.Store, error)) (alive int, err error) {
	paused := &pausedStore{Indexed: db}
	reader, err := front(paused)
	if err != nil {
		return 0, err
	}
	other, err := front(db)
	if err != nil {
		return 0, err
	}
	for i := range n {
		now := time.Now().UTC().Truncate(time.Microsecond)
		r := &store.Record{
			ID: store.NewID(now), User: fmt.Sprintf("filled-%d", i), AuthenticatedAt: now.Add(-time.Second), CreatedAt: now,
			LastSeen: now, ExpiresAt: now.Add(time.Hour),
		}
		if err := other.Create(ctx, r); err != nil {
			return alive, err
		}
		paused.then = func() error {
			if all, ok := other.(store.Indexed); ok && i%2 == 1 {
				_, err := all.DeleteUser(ctx, r.User, now)
				return err
			}
			return other.Delete(ctx, r.ID)
		}
		if _, err := reader.Load(ctx, r.ID); err != nil { // it began before the removal
			return alive, err
		}
		for _, s := range []store.Store{reader, other} {
			if _, err := s.Load(ctx, r.ID); err == nil {
				alive++
				break
			} else if !errors.Is(err, store.ErrNotFound) {
				return alive, err
			}
		}
	}
	return alive, nil
}

// A pausedStore lets something happen between the next Load and its answer.
type pausedStore struct {
	store.Indexed
	then func() error
}

// Key implements [store.Keeper] by the store behind it.
func (s *pausedStore) Key(ctx context.Context, name string) ([]byte, error) {
	return s.Indexed.(store.Keeper).Key(ctx, name)
}

func (s *pausedStore) Load(ctx context.Context, id store.ID) (*store.Record, error) {
	r, err := s.Indexed.Load(ctx, id)
	if then := s.then; then != nil {
		s.then = nil
		err = errors.Join(err, then())
	}
	return r, err
}
