package cacheddb

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"
)

// maxFailures is how many calls in a row may fail before the cache is left alone.
const maxFailures = 5

// A breaker keeps calls from a cache that does not answer, so that a request does not wait for it again and again. It goes
// by the monotonic clock: a step of the wall clock must not keep it open.
type breaker struct {
	pause    time.Duration
	logger   *slog.Logger
	born     time.Time
	failures atomic.Int32
	until    atomic.Int64 // when the next call may try, since born; 0: closed
}

func (b *breaker) init(pause time.Duration, logger *slog.Logger) {
	b.pause, b.logger, b.born = pause, logger, time.Now()
}

// allow reports whether the cache may be called. Of those that come when the pause has ended it allows one.
func (b *breaker) allow() bool {
	until := b.until.Load()
	if until == 0 {
		return true
	}
	t := int64(time.Since(b.born))
	return t >= until && b.until.CompareAndSwap(until, t+int64(b.pause))
}

func (b *breaker) open() bool { return b.until.Load() != 0 }

func (b *breaker) success(ctx context.Context) {
	if b.failures.Load() != 0 {
		b.failures.Store(0)
	}
	if b.until.Load() != 0 && b.until.Swap(0) != 0 {
		b.logger.LogAttrs(ctx, slog.LevelInfo, "cacheddb: the cache answers again")
	}
}

func (b *breaker) failure(ctx context.Context, err error) {
	if b.failures.Add(1) < maxFailures {
		return
	}
	t := int64(time.Since(b.born) + b.pause)
	if b.until.Swap(t) == 0 {
		b.logger.LogAttrs(ctx, slog.LevelWarn, "cacheddb: the cache does not answer; the database is asked instead", slog.Any("error", err))
	}
}
