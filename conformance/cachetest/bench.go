package cachetest

import (
	"errors"
	"testing"

	"github.com/qsessions/qsessions/conformance/internal/harness"
	"github.com/qsessions/qsessions/core/store"
)

// Bench measures the calls of a request on copies of about 1 KiB: a Get that finds one, a Get and a Put that replaces it,
// a slot that is emptied, leased and filled, and a Delete.
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
	kib := harness.Noise(1024)
	put := func(e *env, id store.ID) error {
		_, t, err := e.c.Get(e.ctx, id)
		if err != nil {
			return err
		}
		return e.c.Put(e.ctx, id, t, kib, ttl)
	}
	bench("get", func(e *env) func() error {
		id := e.id()
		e.fill(id, string(kib))
		return func() error { _, _, err := e.c.Get(e.ctx, id); return err }
	})
	bench("replace", func(e *env) func() error {
		id := e.id()
		return func() error { return put(e, id) }
	})
	bench("fill", func(e *env) func() error {
		id := e.id()
		return func() error { return errors.Join(e.c.Delete(e.ctx, id), put(e, id)) }
	})
	bench("delete", func(e *env) func() error {
		id := e.id()
		return func() error { return e.c.Delete(e.ctx, id) }
	})
}
