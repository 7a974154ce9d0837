package cacheddb

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"
)

// maxFailures is how many calls in a row may fail before the cache is left alone, if none has succeeded for as long as one
// may take: where one server of several fails, the others still answer.
const maxFailures = 5

// A breaker keeps calls from a cache that does not answer, so that a request does not wait for it again and again. It goes
// by the monotonic clock: a step of the wall clock must not keep it open.
type breaker struct {
	pause    time.Duration
	least    time.Duration // without a success
	logger   *slog.Logger
	born     time.Time
	failures atomic.Int32 // in a row
	answered atomic.Int64 // when the last call succeeded, since born
	until    atomic.Int64 // when the next call may try, since born; 0: closed
}

func (b *breaker) init(c Config) {
	b.pause, b.least, b.logger, b.born = c.Retry, c.Timeout, c.Logger, time.Now()
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
	b.answered.Store(int64(time.Since(b.born)))
	if b.failures.Load() != 0 {
		b.failures.Store(0)
	}
	if b.until.Load() != 0 && b.until.Swap(0) != 0 {
		b.logger.LogAttrs(ctx, slog.LevelInfo, "cacheddb: the cache answers again")
	}
}

func (b *breaker) failure(ctx context.Context, err error) {
	now := time.Since(b.born)
	if b.failures.Add(1) < maxFailures || now-time.Duration(b.answered.Load()) < b.least {
		return
	}
	if b.until.Swap(int64(now+b.pause)) == 0 {
		b.logger.LogAttrs(ctx, slog.LevelWarn, "cacheddb: the cache does not answer; the database is asked instead", slog.Any("error", err))
	}
}
