package sqlxstore

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

// The first wait before a repetition is random up to the first bound; the bound doubles up to the second.
const (
	firstWait = 4 * time.Millisecond
	lastWait  = 250 * time.Millisecond
)

// do runs statement, again where the database gave it up in favor of another one: then it has changed nothing.
func (s *Store) do(ctx context.Context, op string, statement func() error) error {
	if s.closed.Load() {
		return fmt.Errorf("sqlxstore: %s: %w: the store is closed", op, store.ErrUnavailable)
	}
	bound := firstWait
	for again := s.config.Retries; ; again-- {
		if err := ctx.Err(); err != nil {
			return s.dialect.fail(ctx, op, err)
		}
		err := statement()
		if err == nil {
			return nil
		}
		if again <= 0 || s.dialect.classify(err).kind != retryable || !wait(ctx, rand.N(bound)) {
			return s.dialect.fail(ctx, op, err)
		}
		bound = min(2*bound, lastWait)
	}
}

// wait reports whether d has passed before ctx was done.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
