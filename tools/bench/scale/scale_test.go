package scale_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/qsessions/qsessions/core/store"
	"github.com/qsessions/qsessions/testserver"
	"github.com/qsessions/qsessions/tools/bench/caches"
	"github.com/qsessions/qsessions/tools/bench/caches/cachestest"
	"github.com/qsessions/qsessions/tools/bench/scale"
	"github.com/qsessions/qsessions/tools/bench/stores"
	"github.com/qsessions/qsessions/tools/bench/stores/benchtest"
)

func TestMain(m *testing.M) { os.Exit(testserver.Run(m)) }

// TestCompare is what `measure scale` does, with few sessions: those that are there can be loaded, are in the list of their
// user, and end. Times are those of a busy machine here.
func TestCompare(t *testing.T) {
	t.Parallel()
	for name, fill := range map[string]func(*testing.T, *scale.Set) error{
		"PostgreSQL": func(t *testing.T, s *scale.Set) error {
			db := benchtest.Open(t, stores.Postgres)
			s.Store = db
			return scale.FillPostgres(t.Context(), db.Raw, s, func(int) {})
		},
		"Redis": func(t *testing.T, s *scale.Set) error {
			alone, closeStore, err := cachestest.Open(t, caches.Redis).Store(t.Context())
			if err != nil {
				return err
			}
			t.Cleanup(func() { _ = closeStore() })
			s.Store = alone.(store.Indexed)
			return scale.Fill(t.Context(), s, func(int) {})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var sets [2]scale.Set
			for i, n := range []int{2_000, 20_000} {
				sets[i] = scale.Set{Name: name, N: n, Began: time.Now().Add(-time.Hour)}
				if err := fill(t, &sets[i]); err != nil {
					t.Fatal(err)
				}
				for r, err := range sets[i].Store.List(t.Context(), store.Query{User: "user-7"}) {
					if err != nil {
						t.Fatal(err)
					}
					if r.UserAgent == "" || !r.IP.IsPrivate() || time.Until(r.ExpiresAt) < 10*time.Hour {
						t.Fatalf("got %+v, want a session like those of a browser", r)
					}
				}
			}
			lines, err := scale.Compare(t.Context(), &sets[0], &sets[1], 50)
			if err != nil {
				t.Fatal(err)
			}
			if len(lines) != 4 {
				t.Errorf("got %d lines, want 4", len(lines))
			}
			for _, l := range lines {
				t.Logf("%+v", l)
				if l.Small <= 0 || l.Large <= 0 {
					t.Errorf("%+v: nothing was measured", l)
				}
			}
		})
	}
}

// A store whose lists read everything is seen.
func TestCompareFindsGrowth(t *testing.T) {
	t.Parallel()
	var sets [2]scale.Set
	for i, n := range []int{200, 20_000} {
		db := benchtest.Open(t, stores.Memory)
		sets[i] = scale.Set{Name: "slow", N: n, Began: time.Now().Add(-time.Hour), Store: &readsAll{db}}
		if err := scale.Fill(t.Context(), &sets[i], func(int) {}); err != nil {
			t.Fatal(err)
		}
	}
	lines, err := scale.Compare(t.Context(), &sets[0], &sets[1], 20)
	if err != nil {
		t.Fatal(err)
	}
	if l := lines[0]; l.Ratio < 5 {
		t.Errorf("%+v, want a ratio beyond 5: a load reads a hundred times as much", l)
	}
}

// readsAll looks through all records for one.
type readsAll struct{ store.Indexed }

func (s *readsAll) Load(ctx context.Context, id store.ID) (*store.Record, error) {
	var found *store.Record
	for r, err := range s.List(ctx, store.Query{}) {
		if err != nil {
			return nil, err
		}
		if r.ID == id {
			found = r
		}
	}
	if found == nil {
		return nil, store.ErrNotFound
	}
	return found, nil
}
