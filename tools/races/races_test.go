package races_test

import (
	"context"
	"maps"
	"os"
	"slices"
	"sync"
	"testing"

	"github.com/qsessions/qsessions/core/store"
	"github.com/qsessions/qsessions/testserver"
	"github.com/qsessions/qsessions/tools/bench/stores"
	"github.com/qsessions/qsessions/tools/bench/stores/benchtest"
	"github.com/qsessions/qsessions/tools/races"
)

func TestMain(m *testing.M) { os.Exit(testserver.Run(m)) }

// TestRaces: CVE-1, CVE-14. Nothing is lost, and nobody comes back, on every store.
func TestRaces(t *testing.T) {
	t.Parallel()
	for _, name := range stores.Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := races.Run(t.Context(), races.Options{}, benchtest.Open(t, name))
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%+v", got)
			if got.Lost != 0 || got.LateWriteAlive != 0 || got.LateReadAlive != 0 {
				t.Errorf("%d updates of %d pairs are lost; %d and %d sessions are alive after %d logouts each; want none",
					got.Lost, got.Pairs, got.LateWriteAlive, got.LateReadAlive, got.Logouts)
			}
			if got.Pairs != 1000 || got.Logouts != 200 || got.Conflicts < 1000 {
				t.Errorf("%d pairs with %d conflicts and %d logouts: the races did not happen", got.Pairs, got.Conflicts, got.Logouts)
			}
		})
	}
}

// A store that lets the last write win loses one update of every pair, and every logout: so Run does see them.
func TestRacesFindsLosses(t *testing.T) {
	t.Parallel()
	got, err := races.Run(t.Context(), races.Options{Pairs: 100, Logouts: 20}, &lastWriteWins{records: map[store.ID]*store.Record{}})
	if err != nil {
		t.Fatal(err)
	}
	got.Elapsed = 0
	if want := (races.Result{Pairs: 100, Lost: 100, Logouts: 20, LateWriteAlive: 20, LateReadAlive: 20}); got != want {
		t.Errorf("Run = %+v\nwant  %+v", got, want)
	}
}

// lastWriteWins is how the stores of other libraries work: whatever is written is there.
type lastWriteWins struct {
	mu      sync.Mutex
	records map[store.ID]*store.Record
}

func (s *lastWriteWins) Load(_ context.Context, id store.ID) (*store.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.records[id]; r != nil {
		return r.Clone(), nil
	}
	return nil, store.ErrNotFound
}

func (s *lastWriteWins) Save(_ context.Context, r *store.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.Version++
	s.records[r.ID] = r.Clone()
	return nil
}

func (s *lastWriteWins) Create(ctx context.Context, r *store.Record) error { return s.Save(ctx, r) }

func (s *lastWriteWins) Touch(ctx context.Context, r *store.Record, t store.Touch) error {
	r.LastSeen, r.ExpiresAt, r.IP, r.UserAgent = t.LastSeen, t.ExpiresAt, t.IP, t.UserAgent
	return s.Save(ctx, r)
}

func (s *lastWriteWins) Delete(_ context.Context, ids ...store.ID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.records, func(id store.ID, _ *store.Record) bool { return slices.Contains(ids, id) })
	return nil
}
