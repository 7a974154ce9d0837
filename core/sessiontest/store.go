package sessiontest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync/atomic"
	"time"

	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/store"
)

// A Store is a store in memory that a test can take down, to see how handlers answer an outage. Its zero value is an empty
// store that is up. It is safe for concurrent use.
type Store struct {
	memory memory.Store
	down   atomic.Bool
}

var (
	_ store.Indexed = (*Store)(nil)
	_ store.Keeper  = (*Store)(nil)

	errDown = fmt.Errorf("%w: %w", store.ErrUnavailable, errors.New("sessiontest: the store is down"))
)

// SetDown takes the store down, or up again. While it is down every call fails with an error that matches
// [github.com/qsessions/qsessions/core/session.ErrUnavailable], and changes nothing.
func (s *Store) SetDown(down bool) { s.down.Store(down) }

func (s *Store) err() error {
	if s.down.Load() {
		return errDown
	}
	return nil
}

// Load implements [store.Store].
func (s *Store) Load(ctx context.Context, id store.ID) (*store.Record, error) {
	if err := s.err(); err != nil {
		return nil, err
	}
	return s.memory.Load(ctx, id)
}

// Create implements [store.Store].
func (s *Store) Create(ctx context.Context, r *store.Record) error {
	if err := s.err(); err != nil {
		return err
	}
	return s.memory.Create(ctx, r)
}

// Save implements [store.Store].
func (s *Store) Save(ctx context.Context, r *store.Record) error {
	if err := s.err(); err != nil {
		return err
	}
	return s.memory.Save(ctx, r)
}

// Touch implements [store.Store].
func (s *Store) Touch(ctx context.Context, r *store.Record, t store.Touch) error {
	if err := s.err(); err != nil {
		return err
	}
	return s.memory.Touch(ctx, r, t)
}

// Delete implements [store.Store].
func (s *Store) Delete(ctx context.Context, ids ...store.ID) error {
	if err := s.err(); err != nil {
		return err
	}
	return s.memory.Delete(ctx, ids...)
}

// List implements [store.Indexed].
func (s *Store) List(ctx context.Context, q store.Query) iter.Seq2[*store.Record, error] {
	return func(yield func(*store.Record, error) bool) {
		if err := s.err(); err != nil {
			yield(nil, err)
			return
		}
		s.memory.List(ctx, q)(yield)
	}
}

// DeleteUser implements [store.Indexed].
func (s *Store) DeleteUser(ctx context.Context, user string, cutoff time.Time, keep ...store.ID) ([]store.ID, error) {
	if err := s.err(); err != nil {
		return nil, err
	}
	return s.memory.DeleteUser(ctx, user, cutoff, keep...)
}

// Cutoff implements [store.Indexed].
func (s *Store) Cutoff(ctx context.Context, user string) (time.Time, error) {
	if err := s.err(); err != nil {
		return time.Time{}, err
	}
	return s.memory.Cutoff(ctx, user)
}

// Sweep implements [store.Indexed].
func (s *Store) Sweep(ctx context.Context, before time.Time, limit int) (int, error) {
	if err := s.err(); err != nil {
		return 0, err
	}
	return s.memory.Sweep(ctx, before, limit)
}

// Key implements [store.Keeper].
func (s *Store) Key(ctx context.Context, name string) ([]byte, error) {
	if err := s.err(); err != nil {
		return nil, err
	}
	return s.memory.Key(ctx, name)
}
