package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/qsessions/qsessions/conformance/internal/harness"
	"github.com/qsessions/qsessions/core/store"
)

// Bench measures the calls of a request on records of about 1 KiB: load, save, touch and create, and, if the store is
// indexed, a page of a user's list.
func Bench(b *testing.B, c Config) {
	bench := func(name string, prepare func(e *env) func() error) {
		b.Run(name, func(b *testing.B) {
			e, leave, err := c.open(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			defer func() {
				if err := errors.Join(e.Err(), leave()); err != nil {
					b.Error(err)
				}
			}()
			var f func() error
			done := make(chan struct{})
			go func() { // a failed expectation ends its goroutine
				defer close(done)
				f = prepare(e)
			}()
			if <-done; f == nil {
				return
			}
			b.ReportAllocs()
			for b.Loop() {
				if err := f(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	kib := func(e *env) *store.Record {
		r := e.bound(e.user("ann"), e.now)
		r.Secret, r.Data = harness.Noise(100), harness.Noise(1024)
		return r
	}
	bench("load", func(e *env) func() error {
		id := e.create(kib(e)).ID
		return func() error { _, err := e.s.Load(e.ctx, id); return err }
	})
	bench("save", func(e *env) func() error {
		r := e.create(kib(e))
		return func() error { return e.s.Save(e.ctx, r) }
	})
	bench("touch", func(e *env) func() error {
		r := e.create(kib(e))
		return func() error { return e.s.Touch(e.ctx, r, e.touch(r, time.Microsecond)) }
	})
	bench("create", func(e *env) func() error {
		r := kib(e)
		return func() error {
			r.ID = e.id()
			return e.s.Create(e.ctx, r)
		}
	})
	if !c.Indexed {
		return
	}
	bench("list", func(e *env) func() error {
		for range 200 {
			e.create(kib(e))
		}
		q := store.Query{User: e.user("ann"), Limit: 50}
		return func() error {
			for _, err := range e.x.List(e.ctx, q) {
				if err != nil {
					return err
				}
			}
			return nil
		}
	})
}
