package storetest

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

// calls prepares a call of each method that the store has.
func (e *env) calls() []call {
	kept, fresh := e.create(e.bound(e.user("ann"), e.now)), e.record()
	was, touching, saving := kept.Clone(), kept.Clone(), kept.Clone()
	saving.Data = []byte("must not be saved")
	unchanged := func() { e.stored(was) }
	cs := []call{
		{"Load", func(ctx context.Context) error { _, err := e.s.Load(ctx, was.ID); return err }, unchanged},
		{"Load of no record", func(ctx context.Context) error { _, err := e.s.Load(ctx, fresh.ID); return err }, unchanged},
		{"Create", func(ctx context.Context) error { return e.s.Create(ctx, fresh) }, func() { e.gone(fresh.ID) }},
		{"Save", func(ctx context.Context) error { return e.s.Save(ctx, saving) }, func() {
			unchanged()
			if saving.Version != 1 {
				e.Fatalf("Save: the caller's record has version %d now, want 1", saving.Version)
			}
		}},
		{"Touch", func(ctx context.Context) error { return e.s.Touch(ctx, touching, e.touch(was, time.Second)) }, unchanged},
		{"Delete", func(ctx context.Context) error { return e.s.Delete(ctx, was.ID) }, unchanged},
	}
	if c, ok := e.s.(store.Cached); ok {
		cs = append(cs, call{"LoadFresh", func(ctx context.Context) error { _, err := c.LoadFresh(ctx, was.ID); return err }, unchanged})
	}
	if e.x == nil {
		return cs
	}
	return append(cs, []call{
		{"List", func(ctx context.Context) (got error) {
			for _, err := range e.x.List(ctx, store.Query{}) {
				got = err
			}
			return got
		}, unchanged},
		{"DeleteUser", func(ctx context.Context) error {
			_, err := e.x.DeleteUser(ctx, was.User, e.in(time.Second))
			return err
		}, func() {
			unchanged()
			e.cutoff(was.User, time.Time{})
		}},
		{"Cutoff", func(ctx context.Context) error { _, err := e.x.Cutoff(ctx, was.User); return err }, unchanged},
		{"Sweep", func(ctx context.Context) error { _, err := e.x.Sweep(ctx, e.in(10*time.Hour), 10); return err }, unchanged},
	}...)
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
			cancel(store.ErrNotFound)
			e.fail(ctx, context.Canceled)
		}},
		{Name: "context/store-survives", Why: "Every method honors ctx: a call that was canceled spoils no other.", run: func(e *env) {
			r := e.create(e.record())
			for range 20 { // more than a pool has connections
				ctx, cancel := context.WithCancel(e.ctx)
				cancel()
				_, _ = e.s.Load(ctx, r.ID)
				_ = e.s.Delete(ctx, e.id())
			}
			e.stored(r)
			e.ok("Save", e.s.Save(e.ctx, r))
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
