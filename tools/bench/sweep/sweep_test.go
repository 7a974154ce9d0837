package sweep_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/qsessions/qsessions/core/store"
	"github.com/qsessions/qsessions/testserver"
	"github.com/qsessions/qsessions/tools/bench/stores"
	"github.com/qsessions/qsessions/tools/bench/stores/benchtest"
	"github.com/qsessions/qsessions/tools/bench/sweep"
)

func TestMain(m *testing.M) { os.Exit(testserver.Run(m)) }

// TestSweepUnderLoad: FLT-24. It is what `measure sweep` does, with less to sweep: every expired session goes, no live one does, and
// no login or touch fails.
func TestSweepUnderLoad(t *testing.T) {
	t.Parallel()
	for _, name := range []string{stores.Postgres, stores.MariaDB} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := benchtest.Open(t, name)
			o := sweep.Options{Expired: 50_000, Live: 5_000, Before: 200 * time.Millisecond}
			r, err := sweep.Run(t.Context(), s, o)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%+v", r)
			if r.Lost != 0 || r.Left != 0 || r.Removed != o.Expired {
				t.Errorf("%d removed, %d live sessions lost, %d expired ones left; want %d, 0, 0", r.Removed, r.Lost, r.Left, o.Expired)
			}
			if r.Batches < 100 || r.During.Login.Count == 0 || r.During.Touch.Count == 0 {
				t.Errorf("%d batches beside %d logins and %d touches: that was no load", r.Batches, r.During.Login.Count, r.During.Touch.Count)
			}
		})
	}
}

// A sweep that takes a live session along, and leaves an expired one, is found out.
func TestSweepFindsLosses(t *testing.T) {
	t.Parallel()
	s := benchtest.Open(t, stores.SQLite)
	s.Indexed = &careless{Indexed: s.Indexed}
	r, err := sweep.Run(t.Context(), s, sweep.Options{Expired: 1000, Live: 100, Before: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if r.Lost != 1 || r.Left == 0 {
		t.Errorf("%d live sessions lost, %d expired ones left; want 1, and some", r.Lost, r.Left)
	}
}

// careless stops too early, and removes one session too many.
type careless struct {
	store.Indexed
	done bool
}

func (s *careless) Sweep(ctx context.Context, before time.Time, limit int) (int, error) {
	if s.done {
		return 0, nil
	}
	s.done = true
	for r, err := range s.List(ctx, store.Query{Live: before, Limit: 1}) {
		if err != nil {
			return 0, err
		}
		if err := s.Delete(ctx, r.ID); err != nil {
			return 0, err
		}
	}
	return s.Indexed.Sweep(ctx, before, limit)
}
