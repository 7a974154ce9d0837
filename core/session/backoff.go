package session

import (
	"context"
	"math/rand/v2"
	"time"
)

// backOff is how long a request gives way after a conflict with another process: by chance, for longer with each conflict,
// but hardly at all once it has spent half of its time, so that those which came later give way to it.
func (t *turn) backOff(ctx context.Context) time.Duration {
	if t.tries == 0 {
		return 0
	}
	most := time.Millisecond << min(t.tries-1, 5)
	if at, ok := ctx.Deadline(); ok && time.Until(at) < time.Since(t.began) {
		most = time.Millisecond
	}
	return rand.N(most)
}

func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
