package cachetest

import (
	"context"
	"errors"
	"time"

	"github.com/qsessions/qsessions/conformance/internal/harness"
	"github.com/qsessions/qsessions/core/store"
)

// call is a method with arguments that would have an effect, and what must be as before when it had none.
type call struct {
	name  string
	do    func(ctx context.Context) error
	after func()
}

// calls prepares a call of each method for each state of a slot.
func (e *env) calls() []call {
	empty, leased, full := e.id(), e.id(), e.id()
	lease := e.lease(leased)
	e.fill(full, "copy")
	_, ticket := e.get(e.c, full)
	copy := []byte("must not be put")
	get := func(id store.ID) func(ctx context.Context) error {
		return func(ctx context.Context) error { _, _, err := e.c.Get(ctx, id); return err }
	}
	put := func(id store.ID, t store.Ticket) func(ctx context.Context) error {
		return func(ctx context.Context) error { return e.c.Put(ctx, id, t, copy, ttl) }
	}
	del := func(id store.ID) func(ctx context.Context) error {
		return func(ctx context.Context) error { return e.c.Delete(ctx, id) }
	}
	still := func() {
		e.leased(leased)
		e.holds(full, "copy")
	}
	return []call{
		{"Get from an empty slot", get(empty), func() { e.lease(empty); e.delete(empty) }},
		{"Get from a leased slot", get(leased), still},
		{"Get from a full slot", get(full), still},
		{"Put into a leased slot", put(leased, lease), still},
		{"Put into a full slot", put(full, ticket), still},
		{"Delete of a leased slot", del(leased), still},
		{"Delete of a full slot", del(full), still},
		{"Put with an old ticket", put(full, lease), func() {
			e.put(leased, lease, "the lease works still")
			e.put(full, ticket, "so does the ticket")
		}},
	}
}

func contextCases() []Case {
	return []Case{
		{Name: "context/canceled", Why: "A context that is done fails the call with an error that matches ctx.Err, here Canceled, and the call has no effect.", run: func(e *env) {
			ctx, cancel := context.WithCancel(e.ctx)
			cancel()
			e.fail(ctx, context.Canceled)
		}},
		{Name: "context/deadline", Why: "A context that is done fails the call with an error that matches ctx.Err, here DeadlineExceeded, and the call has no effect.", run: func(e *env) {
			ctx, cancel := context.WithDeadline(e.ctx, time.Now().Add(-time.Second))
			defer cancel()
			e.fail(ctx, context.DeadlineExceeded)
		}},
		{Name: "context/cause", Why: "A context that is done fails the call with an error that matches ctx.Err, whatever its cause.", run: func(e *env) {
			ctx, cancel := context.WithCancelCause(e.ctx)
			cancel(store.ErrConflict)
			e.fail(ctx, context.Canceled)
		}},
		{Name: "context/cache-survives", Why: "Every method honors ctx: a call that was canceled spoils no other.", run: func(e *env) {
			id := e.id()
			e.fill(id, "copy")
			for range 20 { // more than a pool has connections
				ctx, cancel := context.WithCancel(e.ctx)
				cancel()
				_, _, _ = e.c.Get(ctx, id)
				_ = e.c.Delete(ctx, e.id())
			}
			e.put(id, e.full(id, "copy"), "another")
		}},
	}
}

// fail ends the case unless every method fails with want under ctx, without effect.
func (e *env) fail(ctx context.Context, want error) {
	for _, c := range e.calls() {
		if err := c.do(ctx); !errors.Is(err, want) {
			e.Errorf("%s: got error %s, want %s", c.name, harness.Sentinel(err), harness.Sentinel(want))
			continue
		}
		c.after()
	}
}
