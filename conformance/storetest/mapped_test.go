package storetest_test

import (
	"context"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/qsessions/qsessions/conformance/storetest"
	"github.com/qsessions/qsessions/core/store"
)

// mapped is a store without a lock, right unless it has a fault. Unlike naive it does not wait in the gap of a fault, so
// that only a race that is really run often, and really close, is lost.
type mapped struct {
	fault string
	rows  sync.Map // store.ID to *store.Record, which is never modified, only replaced
}

// buried is what is left of a removed record.
var buried = new(store.Record)

func (s *mapped) row(id store.ID) *store.Record {
	if v, ok := s.rows.Load(id); ok && v != any(buried) {
		return v.(*store.Record)
	}
	return nil
}

func (s *mapped) Load(ctx context.Context, id store.ID) (*store.Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r := s.row(id)
	if r == nil {
		return nil, store.ErrNotFound
	}
	return r.Clone(), nil
}

func (s *mapped) Create(ctx context.Context, r *store.Record) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c := r.Clone()
	c.Version, c.Tag = 1, 0
	if _, taken := s.rows.LoadOrStore(r.ID, c); taken {
		return store.ErrExists
	}
	r.Version = 1
	return nil
}

func (s *mapped) Save(ctx context.Context, r *store.Record) error {
	for ctx.Err() == nil {
		old := s.row(r.ID)
		if old == nil || old.Version != r.Version {
			return store.ErrConflict
		}
		if old.User != "" && old.User != r.User {
			return store.ErrConflict
		}
		c := r.Clone()
		c.Version, c.Tag = old.Version+1, 0
		switch {
		case s.fault == "looks, then saves":
			s.rows.Store(r.ID, c)
		case s.rows.CompareAndSwap(r.ID, old, c):
		case s.fault == "swaps once":
			return store.ErrConflict
		default:
			continue
		}
		r.Version++
		return nil
	}
	return ctx.Err()
}

func (s *mapped) Touch(ctx context.Context, r *store.Record, t store.Touch) error {
	for ctx.Err() == nil {
		old := s.row(r.ID)
		if old == nil || old.Version != r.Version || !old.LastSeen.Equal(r.LastSeen) {
			return store.ErrConflict
		}
		c := *old
		c.LastSeen, c.ExpiresAt, c.IP, c.UserAgent = t.LastSeen, t.ExpiresAt, t.IP, t.UserAgent
		if s.rows.CompareAndSwap(r.ID, old, &c) {
			r.LastSeen, r.ExpiresAt, r.IP, r.UserAgent = t.LastSeen, t.ExpiresAt, t.IP, t.UserAgent
			return nil
		}
	}
	return ctx.Err()
}

func (s *mapped) Delete(ctx context.Context, ids ...store.ID) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, id := range ids {
		for old := s.row(id); old != nil; old = s.row(id) {
			if s.fault == "forgets what it removed" && s.rows.CompareAndDelete(id, old) || s.rows.CompareAndSwap(id, old, buried) {
				break
			}
		}
	}
	return nil
}

func checkMapped(fault string) storetest.Config {
	return storetest.Config{Open: func(context.Context) (storetest.Fixture, error) {
		return storetest.Fixture{Store: &mapped{fault: fault}}, nil
	}}
}

// A store that is not indexed may remember removed records or not.
func TestMapped(t *testing.T) {
	for _, harmless := range []string{"", "forgets what it removed"} {
		t.Run(harmless, func(t *testing.T) {
			storetest.Run(t, checkMapped(harmless))
			for n := range uint64(storetest.Seeds) {
				if err := storetest.Sequence(t.Context(), checkMapped(harmless), storetest.Seed(n)); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// A store in memory that loses an update once in a thousand is caught every time. This test is not parallel: it has the
// processors to itself, but for what else the machine does, which costs it a run or two at the most.
func TestWrongMapped(t *testing.T) {
	if runtime.GOMAXPROCS(0) < 2 {
		t.Skip("a gap of a few instructions needs two processors")
	}
	const runs = 20
	for _, w := range []struct{ fault, cases string }{
		{"looks, then saves", "race/save-save race/save-all-counted race/save-delete"}, // at least one of them
		{"swaps once", "race/touch-save"},
	} {
		t.Run(w.fault, func(t *testing.T) {
			caught, cases := 0, strings.Fields(w.cases)
			for range runs {
				if storetest.CheckOnly(t.Context(), checkMapped(w.fault), func(k storetest.Case) bool { return slices.Contains(cases, k.Name) }) != nil {
					caught++
				}
			}
			if caught < runs-2 {
				t.Errorf("caught in %d of %d runs", caught, runs)
			}
		})
	}
}
