package session

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qsessions/qsessions/core/memory"
)

// sweeping notes when it is swept.
type sweeping struct {
	memory.Store
	at []time.Time
}

func (s *sweeping) Sweep(_ context.Context, _ time.Time, _ int) (int, error) {
	s.at = append(s.at, time.Now())
	return 0, nil
}

// TestFirstSweep: RPT-26. Run sweeps within its first minute, at a time by chance, and then at its interval, so that
// processes that live for a minute sweep too.
func TestFirstSweep(t *testing.T) {
	for _, every := range []time.Duration{0, time.Second, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			times := map[time.Duration]bool{}
			for range 100 {
				db := &sweeping{}
				m := newManager(t, db, Config{SweepEvery: every})
				began := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				if err := m.Run(ctx); err != nil {
					t.Fatal(err)
				}
				cancel()
				if len(db.at) == 0 {
					t.Fatalf("SweepEvery %v: no sweep in a minute", every)
				}
				if len(db.at) > 1 && every != time.Second {
					t.Errorf("SweepEvery %v: %d sweeps in a minute", every, len(db.at))
				}
				if every == time.Second && (len(db.at) < 50 || len(db.at) > 70) {
					t.Errorf("SweepEvery %v: %d sweeps in a minute", every, len(db.at))
				}
				times[db.at[0].Sub(began)] = true
			}
			if len(times) < 90 {
				t.Errorf("SweepEvery %v: the first sweep of 100 processes is at %d different times", every, len(times))
			}
		})
	}
}
