package session

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// A throttle lets something happen once in a while.
type throttle struct {
	mu     sync.Mutex
	next   time.Time
	missed int
}

// pass reports whether it may happen now, and how often it could not since it did last.
func (t *throttle) pass(every time.Duration) (missed int, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	if now.Before(t.next) {
		t.missed++
		return 0, false
	}
	missed, t.missed, t.next = t.missed, 0, now.Add(every)
	return missed, true
}

// logCorrupt logs that values of a session cannot be read. After a release that changed a type each session has some. err
// names the value, and holds nothing of it.
func (m *Manager) logCorrupt(ctx context.Context, id ID, err error) {
	missed, ok := m.corrupt.pass(time.Second)
	if !ok {
		return
	}
	m.cfg.Logger.LogAttrs(ctx, slog.LevelError, "session: a stored value cannot be read", slog.String("session", id.String()),
		slog.Any("error", err), slog.Int("not logged before", missed))
}
