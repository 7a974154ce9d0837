// Package deadline has contexts whose timer starts when somebody waits.
package deadline

import (
	"context"
	"sync"
	"time"
)

// WithTimeout is [context.WithTimeout] for a call within the one that parent is of: the earlier of the two times counts. A
// parent of this package is not waited for itself, which would start its timer too: the result ends with the time, with the
// parent of parent, and by its own cancel function, but not by that of parent.
func WithTimeout(parent context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	d := &deadline{parent: parent, at: time.Now().Add(timeout)}
	if p, ok := parent.(*deadline); ok {
		d.parent = p.parent
	}
	if at, ok := parent.Deadline(); ok && at.Before(d.at) {
		d.at = at
	}
	return d, d.end
}

// Detached is [WithTimeout] for a call that goes on when parent is canceled, and under its values. A deadline of parent that
// lies ahead counts, and one that has passed does not: it is no more than a cancellation.
func Detached(parent context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	d := &deadline{parent: context.WithoutCancel(parent)}
	t := time.Now()
	d.at = t.Add(timeout)
	if at, ok := parent.Deadline(); ok && at.After(t) && at.Before(d.at) {
		d.at = at
	}
	return d, d.end
}

// A deadline is a context that ends at a time of its own, or with its parent. The timer starts when somebody waits: a
// store in process only asks whether ctx is done, and the timer would cost more than what it does.
type deadline struct {
	parent context.Context
	at     time.Time

	mu     sync.Mutex
	ctx    context.Context // with the timer; nil: nobody waits yet
	cancel context.CancelFunc
	ended  bool // by end
}

// timed returns the context with the timer.
func (d *deadline) timed() context.Context {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ctx == nil {
		d.ctx, d.cancel = context.WithDeadline(d.parent, d.at)
		if d.ended {
			d.cancel()
		}
	}
	return d.ctx
}

// end is the [context.CancelFunc] of d.
func (d *deadline) end() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ended = true
	if d.cancel != nil {
		d.cancel()
	}
}

// Deadline implements [context.Context].
func (d *deadline) Deadline() (time.Time, bool) { return d.at, true }

// Done implements [context.Context].
func (d *deadline) Done() <-chan struct{} { return d.timed().Done() }

// Value implements [context.Context]. What derives a context from d finds the one with the timer by it.
func (d *deadline) Value(key any) any { return d.timed().Value(key) }

// Err implements [context.Context].
func (d *deadline) Err() error {
	d.mu.Lock()
	ctx, ended := d.ctx, d.ended
	d.mu.Unlock()
	if ctx == nil && !ended && time.Now().Before(d.at) {
		return d.parent.Err()
	}
	return d.timed().Err()
}
