package session

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"
)

// sweepMargin is how long stores keep what has expired or was removed: clocks differ, and a second revocation must still
// find what to tell a cache about.
const sweepMargin = 5 * time.Minute

// Sweep removes sessions that expired more than five minutes ago, and what stores remember of removed ones, in batches of
// Config.SweepBatch until there are no more. It returns how many it removed, also with an error. Several processes may
// sweep at once. No event is raised for a swept session. It returns [errors.ErrUnsupported] over a store that expires
// sessions by itself.
func (m *Manager) Sweep(ctx context.Context) (int, error) {
	if m.indexed == nil {
		return 0, unsupported("Sweep")
	}
	before, total := now().Add(-sweepMargin), 0
	for {
		n, err := m.sweepBatch(ctx, before)
		total += n
		if err != nil {
			return total, fmt.Errorf("session: sweep: %w", err)
		}
		if n == 0 {
			return total, nil
		}
	}
}

func (m *Manager) sweepBatch(ctx context.Context, before time.Time) (int, error) {
	bounded, cancel := context.WithTimeout(ctx, m.long())
	defer cancel()
	n, err := m.indexed.Sweep(bounded, before, m.cfg.SweepBatch)
	if err != nil && ctx.Err() == nil && bounded.Err() != nil {
		err = unavailable(bounded, err)
	}
	return n, err
}

// firstSweep is within how long Run sweeps for the first time: processes that are scaled to zero, or deployed often, live for
// minutes.
const firstSweep = time.Minute

// Run sweeps within the first minute, and then every Config.SweepEvery, with some jitter so that the processes of a fleet
// spread, until ctx is done. It blocks: give it a goroutine. Where processes live for seconds, call [Manager.Sweep] from a
// scheduled job instead. An error of one sweep is logged and does not end it. It returns nil when ctx is done, or
// [errors.ErrUnsupported].
func (m *Manager) Run(ctx context.Context) error {
	if m.indexed == nil {
		return unsupported("Run")
	}
	for wait := rand.N(min(firstSweep, m.cfg.SweepEvery)); ; wait = m.cfg.SweepEvery - m.cfg.SweepEvery/10 + rand.N(m.cfg.SweepEvery/5+1) {
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
		n, err := m.Sweep(ctx)
		switch {
		case err != nil && ctx.Err() == nil:
			m.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "session: sweep failed", slog.Any("error", err))
		case n > 0:
			m.cfg.Logger.LogAttrs(ctx, slog.LevelDebug, "session: swept", slog.Int("sessions", n))
		}
	}
}

func unsupported(what string) error {
	return fmt.Errorf("session: %s needs a store.Indexed: %w", what, errors.ErrUnsupported)
}
