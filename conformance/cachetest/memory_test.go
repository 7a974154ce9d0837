package cachetest_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qsessions/qsessions/conformance/cachetest"
	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/store"
)

const maxCopy = 1 << 20

// restartable is a cache in memory that restarts as its process would.
type restartable struct{ now atomic.Pointer[memory.Cache] }

func (r *restartable) restart(context.Context) error {
	c, err := memory.NewCache(memory.CacheConfig{MaxBytes: maxCopy * 3 / 2})
	r.now.Store(c)
	return err
}

func (r *restartable) Get(ctx context.Context, id store.ID) ([]byte, store.Ticket, error) {
	return r.now.Load().Get(ctx, id)
}

func (r *restartable) Put(ctx context.Context, id store.ID, t store.Ticket, copy []byte, ttl time.Duration) error {
	return r.now.Load().Put(ctx, id, t, copy, ttl)
}

func (r *restartable) Delete(ctx context.Context, ids ...store.ID) error {
	return r.now.Load().Delete(ctx, ids...)
}

func inMemory() cachetest.Config {
	return cachetest.Config{Open: func(context.Context) (cachetest.Fixture, error) {
		return cachetest.Fixture{Cache: new(memory.Cache)}, nil
	}}
}

func everythingInMemory() cachetest.Config {
	return cachetest.Config{
		Shared: true, Namespaces: true, Restarts: true, MaxCopy: maxCopy,
		Open: func(ctx context.Context) (cachetest.Fixture, error) {
			c := new(restartable)
			return cachetest.Fixture{Cache: c, Second: c, Other: new(memory.Cache), Restart: c.restart}, c.restart(ctx)
		},
	}
}

// The cases that wait do so in a bubble; races need the real clock.
func TestMemory(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]cachetest.Config{"plain": inMemory(), "everything": everythingInMemory()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := cachetest.CheckOnly(t.Context(), c, func(k cachetest.Case) bool { return !k.Waits }); err != nil {
				t.Error(err)
			}
			synctest.Test(t, func(t *testing.T) {
				if err := cachetest.CheckOnly(t.Context(), c, func(k cachetest.Case) bool { return k.Waits }); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func BenchmarkMemory(b *testing.B) { cachetest.Bench(b, inMemory()) }
