package storetest_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/qsessions/qsessions/conformance/storetest"
	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/store"
)

// The test of a backend is this, in a file that ends in _test.go.
func ExampleRun() {
	TestContract := func(t *testing.T) {
		storetest.Run(t, storetest.Config{
			Indexed: true,
			Open: func(context.Context) (storetest.Fixture, error) {
				return storetest.Fixture{Store: new(memory.Store)}, nil // yours: a fresh table, prefix or directory
			},
		})
	}
	_ = TestContract
}

// A plain store is five methods. This one is a map, and has a fault.
type plainStore struct {
	mu   sync.Mutex
	rows map[store.ID]*store.Record
}

func (s *plainStore) Load(ctx context.Context, id store.ID) (*store.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r := s.rows[id]
	if r == nil {
		return nil, store.ErrNotFound
	}
	return r.Clone(), nil
}

func (s *plainStore) Create(ctx context.Context, r *store.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.rows[r.ID] != nil {
		return store.ErrExists
	}
	r.Version = 1
	s.rows[r.ID] = r.Clone()
	return nil
}

func (s *plainStore) Save(ctx context.Context, r *store.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if old := s.rows[r.ID]; old == nil || old.Version != r.Version || old.User != "" && old.User != r.User {
		return store.ErrConflict
	}
	r.Version++
	s.rows[r.ID] = r.Clone()
	return nil
}

func (s *plainStore) Touch(ctx context.Context, r *store.Record, t store.Touch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.rows[r.ID]
	if err := ctx.Err(); err != nil {
		return err
	}
	if old == nil || old.Version != r.Version { // and it should compare LastSeen
		return store.ErrConflict
	}
	r.LastSeen, r.ExpiresAt, r.IP, r.UserAgent = t.LastSeen, t.ExpiresAt, t.IP, t.UserAgent
	c := old.Clone()
	c.LastSeen, c.ExpiresAt, c.IP, c.UserAgent = t.LastSeen, t.ExpiresAt, t.IP, t.UserAgent
	s.rows[r.ID] = c
	return nil
}

func (s *plainStore) Delete(ctx context.Context, ids ...store.ID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, id := range ids {
		delete(s.rows, id)
	}
	return nil
}

// Check returns what a store violates, for programs and for tests of the tests.
func ExampleCheck() {
	err := storetest.Check(context.Background(), storetest.Config{
		Open: func(context.Context) (storetest.Fixture, error) {
			return storetest.Fixture{Store: &plainStore{rows: make(map[store.ID]*store.Record)}}, nil
		},
	})
	var v *storetest.Violation
	if errors.As(err, &v) { // the first of them
		fmt.Println(v.Case.Name)
		fmt.Println(v.Case.Why)
	}
	// Output:
	// touch/compares-last-seen
	// Touch answers ErrConflict if somebody touched the record first.
}
