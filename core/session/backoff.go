package session

import (
	"context"
	"math/rand/v2"
	"time"
)

// backOff gives way to the other requests that change the session.
func backOff(ctx context.Context, try int) error {
	if try < 2 {
		return ctx.Err()
	}
	timer := time.NewTimer(rand.N(time.Millisecond << min(try-2, 5)))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
