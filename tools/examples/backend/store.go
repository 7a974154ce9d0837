// Package backend is a backend as a third party would write it: a store.Store in about 100 lines, and its
// certificate. It is not indexed, so that it may forget a record as soon as it is removed; but as nothing in it expires, a
// real one needs a way to forget what nobody ended.
package backend

import (
	"context"
	"sync"

	"github.com/qsessions/qsessions/core/store"
)

// A Store keeps records in a map. Its zero value is ready to use.
type Store struct {
	mu      sync.Mutex
	records map[store.ID]*store.Record
}

// Load implements [store.Store].
func (s *Store) Load(ctx context.Context, id store.ID) (*store.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r, ok := s.records[id]
	if !ok {
		return nil, store.ErrNotFound
	}
	return r.Clone(), nil
}

// Create implements [store.Store].
func (s *Store) Create(ctx context.Context, r *store.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.records[r.ID] != nil {
		return store.ErrExists
	}
	if s.records == nil {
		s.records = map[store.ID]*store.Record{}
	}
	r.Version = 1
	s.keep(r)
	return nil
}

func (s *Store) keep(r *store.Record) {
	c := r.Clone()
	c.Tag = 0
	s.records[r.ID] = c
}

// Save implements [store.Store].
func (s *Store) Save(ctx context.Context, r *store.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if old := s.records[r.ID]; old == nil || old.Version != r.Version || old.User != "" && old.User != r.User {
		return store.ErrConflict
	}
	r.Version++
	s.keep(r)
	return nil
}

// Touch implements [store.Store].
func (s *Store) Touch(ctx context.Context, r *store.Record, t store.Touch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	old := s.records[r.ID]
	if old == nil || old.Version != r.Version || !old.LastSeen.Equal(r.LastSeen) {
		return store.ErrConflict
	}
	for _, x := range []*store.Record{old, r} {
		x.LastSeen, x.ExpiresAt, x.IP, x.UserAgent = t.LastSeen, t.ExpiresAt, t.IP, t.UserAgent
	}
	return nil
}

// Delete implements [store.Store].
func (s *Store) Delete(ctx context.Context, ids ...store.ID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, id := range ids {
		delete(s.records, id) // Save and Touch never insert, so that a request in flight does not bring it back
	}
	return nil
}
