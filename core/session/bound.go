package session

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/qsessions/qsessions/core/internal/deadline"
	"github.com/qsessions/qsessions/core/store"
)

// Every call of the store is made under one of these bounds.
const (
	// longTimeout is of calls about very many records: all sessions of a user, a batch of a sweep.
	longTimeout = time.Minute
	// undoTimeout is of the removal of a login when the time of its commit has run out: the client waits for it.
	undoTimeout = time.Second
)

// bounded returns a context for reads. Of StoreTimeout and a deadline of ctx the earlier one counts.
func (m *Manager) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if at, ok := ctx.Deadline(); ok && time.Until(at) <= m.cfg.StoreTimeout {
		return ctx, func() {}
	}
	return deadline.WithTimeout(ctx, m.cfg.StoreTimeout)
}

// detached returns a context of its own for writes: a client that goes away must not leave their outcome open.
func (m *Manager) detached(ctx context.Context) (context.Context, context.CancelFunc) {
	return deadline.Detached(ctx, m.cfg.StoreTimeout)
}

// leftover returns a context for the calls that must follow a write under ctx, of which no time may be left.
func (m *Manager) leftover(ctx context.Context) (context.Context, context.CancelFunc) {
	timeout := min(m.cfg.StoreTimeout, undoTimeout)
	if at, ok := ctx.Deadline(); ok {
		timeout = max(timeout, time.Until(at))
	}
	return deadline.WithTimeout(context.WithoutCancel(ctx), timeout)
}

// long is the bound of calls about very many records.
func (m *Manager) long() time.Duration { return max(m.cfg.StoreTimeout, longTimeout) }

// explain adds a hint to an error of a request that may have waited for a transaction of its own. A database may answer that
// something is locked before the time of the call has run out; began is when the call was made, if that is known.
func (m *Manager) explain(err error, began time.Time) error {
	switch {
	case !errors.Is(err, ErrUnavailable), errors.Is(err, errBusy):
		return err
	case !hung(err) && (began.IsZero() || time.Since(began) < min(m.cfg.StoreTimeout/2, time.Second)):
		return err
	}
	return fmt.Errorf("%w (is a transaction of this request still open? End it before the response begins, or call Session.Save before it)", err)
}

// list is List of the store, which has StoreTimeout for each record. The time that the loop takes in between does not count.
func (m *Manager) list(ctx context.Context, q Query) iter.Seq2[*store.Record, error] {
	return func(yield func(*store.Record, error) bool) {
		bounded, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		timer := time.AfterFunc(m.cfg.StoreTimeout, func() { cancel(context.DeadlineExceeded) })
		defer timer.Stop()
		for r, err := range m.indexed.List(bounded, q) {
			timer.Stop()
			if err != nil && ctx.Err() == nil && errors.Is(context.Cause(bounded), context.DeadlineExceeded) {
				err = context.DeadlineExceeded
			}
			if err != nil {
				err = unavailable(ctx, err)
			}
			if !yield(r, err) {
				return
			}
			timer.Reset(m.cfg.StoreTimeout)
		}
	}
}
