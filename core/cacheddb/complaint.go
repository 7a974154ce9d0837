package cacheddb

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"
)

// complaintPause is how often one kind of failed write is logged at most.
const complaintPause = time.Minute

// A complaint logs writes that the cache has not taken, which no caller hears of: the first one at once, and then one a
// minute with the count.
type complaint struct {
	count atomic.Uint64 // since the last one that was logged
	next  atomic.Int64  // when to log again, since the breaker was made
}

// complain counts a failed write, and logs it if it is time.
func (s *Store) complain(ctx context.Context, c *complaint, text string, err error) {
	c.count.Add(1)
	now, next := int64(time.Since(s.breaker.born)), c.next.Load()
	if now < next || !c.next.CompareAndSwap(next, now+int64(complaintPause)) {
		return
	}
	s.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, text, slog.Uint64("times", c.count.Swap(0)), slog.Any("error", err))
}
