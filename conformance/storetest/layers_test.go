package storetest_test

import (
	"context"
	"sync"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

// cached is a store with copies in front of a naive one, right unless it has a fault.
type cached struct {
	*naive
	fault string

	mu     sync.Mutex
	copies map[store.ID]*store.Record
	absent map[store.ID]bool // with the fault that remembers them
	epoch  int               // of the copies: what was read before a change is not kept after it
}

func newCached(fault string) *cached {
	return &cached{naive: newNaive(""), fault: fault, copies: make(map[store.ID]*store.Record), absent: make(map[store.ID]bool)}
}

// drop forgets copies.
func (s *cached) drop(ids ...store.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.epoch++
	for _, id := range ids {
		delete(s.copies, id)
	}
}

func (s *cached) copy(id store.ID) (*store.Record, int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.copies[id]; r != nil {
		return r.Clone(), s.epoch
	}
	return nil, s.epoch
}

func (s *cached) Load(ctx context.Context, id store.ID) (*store.Record, error) {
	if r, _ := s.copy(id); r != nil && ctx.Err() == nil {
		return r, nil
	}
	s.mu.Lock()
	absent := s.absent[id]
	s.mu.Unlock()
	if absent && ctx.Err() == nil {
		return nil, store.ErrNotFound
	}
	return s.LoadFresh(ctx, id)
}

func (s *cached) LoadFresh(ctx context.Context, id store.ID) (*store.Record, error) {
	c, epoch := s.copy(id)
	if c != nil && ctx.Err() == nil && s.fault == "answers LoadFresh from a copy" {
		return c, nil
	}
	r, err := s.naive.Load(ctx, id)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err != nil:
		if s.fault != "leaves the copy of what is gone" {
			delete(s.copies, id)
		}
		s.absent[id] = s.fault == "remembers what is not there"
		return nil, err
	case epoch == s.epoch && !(c != nil && s.fault == "leaves the old copy"):
		s.copies[id] = r.Clone()
	}
	return r, nil
}

func (s *cached) Create(ctx context.Context, r *store.Record) error {
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.absent, r.ID)
	}()
	return s.naive.Create(ctx, r)
}

func (s *cached) Save(ctx context.Context, r *store.Record) error {
	if c, _ := s.copy(r.ID); s.fault == "compares with the copy" && c != nil && c.Version == r.Version {
		if now, err := s.naive.Load(ctx, r.ID); err == nil {
			r.Version = now.Version
		}
	}
	defer s.drop(r.ID)
	return s.naive.Save(ctx, r)
}

func (s *cached) Touch(ctx context.Context, r *store.Record, t store.Touch) error {
	defer s.drop(r.ID)
	return s.naive.Touch(ctx, r, t)
}

func (s *cached) Delete(ctx context.Context, ids ...store.ID) error {
	if s.fault != "leaves the copy of what it deletes" {
		defer s.drop(ids...)
	}
	return s.naive.Delete(ctx, ids...)
}

func (s *cached) DeleteUser(ctx context.Context, user string, cutoff time.Time, keep ...store.ID) ([]store.ID, error) {
	ids, err := s.naive.DeleteUser(ctx, user, cutoff, keep...)
	if s.fault != "leaves the copies of a user" {
		s.drop(ids...)
	}
	return ids, err
}

// referring is a store that refers to a table of users, right unless it has a fault.
type referring struct {
	*naive
	fault string

	mu    sync.Mutex
	known map[string]bool
}

func newReferring(fault string) *referring {
	return &referring{naive: newNaive(""), fault: fault, known: map[string]bool{"": true}}
}

func (s *referring) add(_ context.Context, name string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known[name] = true
	return name, nil
}

func (s *referring) knows(r *store.Record) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known[r.User]
}

func (s *referring) Create(ctx context.Context, r *store.Record) error {
	switch known := s.knows(r); {
	case known || s.fault == "knows everybody" || ctx.Err() != nil:
		return s.naive.Create(ctx, r)
	case s.fault == "calls an unknown user unavailable":
		return store.ErrUnavailable
	case s.fault == "writes, then looks for the user":
		_ = s.naive.Create(ctx, r.Clone())
	}
	return store.ErrNoUser
}

func (s *referring) Save(ctx context.Context, r *store.Record) error {
	switch known := s.knows(r); {
	case known || s.fault == "knows everybody" || ctx.Err() != nil:
		return s.naive.Save(ctx, r)
	case s.fault == "calls an unknown user unavailable":
		return store.ErrUnavailable
	case s.fault == "writes, then looks for the user":
		_ = s.naive.Save(ctx, r.Clone())
	}
	return store.ErrNoUser
}

// maxData is how much a bounded store keeps.
const maxData = 10_000

// bounded is a store with a limit, right unless it has a fault.
type bounded struct {
	*naive
	fault string
}

func (s bounded) fits(ctx context.Context, r *store.Record, write func(context.Context, *store.Record) error) error {
	if len(r.Data) <= maxData || ctx.Err() != nil {
		return write(ctx, r)
	}
	switch s.fault {
	case "cuts what is too large":
		c := r.Clone()
		c.Data = c.Data[:maxData]
		err := write(ctx, c)
		r.Version = c.Version
		return err
	case "calls what is too large unavailable":
		return store.ErrUnavailable
	}
	return store.ErrTooLarge
}

func (s bounded) Create(ctx context.Context, r *store.Record) error {
	return s.fits(ctx, r, s.naive.Create)
}

func (s bounded) Save(ctx context.Context, r *store.Record) error {
	return s.fits(ctx, r, s.naive.Save)
}
