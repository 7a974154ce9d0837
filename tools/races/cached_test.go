package races_test

import (
	"context"
	"testing"
	"time"

	"github.com/qsessions/qsessions/core/cacheddb"
	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/store"
	"github.com/qsessions/qsessions/tools/bench/caches"
	"github.com/qsessions/qsessions/tools/bench/caches/cachestest"
	"github.com/qsessions/qsessions/tools/bench/stores"
	"github.com/qsessions/qsessions/tools/bench/stores/benchtest"
	"github.com/qsessions/qsessions/tools/races"
)

// exact are the caches whose clients keep no copies of their own.
var exact = []string{caches.Memcached, caches.Redis, caches.RedisCluster}

// TestCachedRaces: CVE-1, SEC-10. Nothing is lost, and nobody comes back, with two processes on one cache and one database.
func TestCachedRaces(t *testing.T) {
	t.Parallel()
	for _, cache := range exact {
		for _, name := range stores.Names() {
			t.Run(cache+" and "+name, func(t *testing.T) {
				t.Parallel()
				db, c := benchtest.Open(t, name), cachestest.Open(t, cache)
				got, err := races.Run(t.Context(), races.Options{}, cachestest.Front(t, c, db), cachestest.Front(t, c, db))
				if err != nil {
					t.Fatal(err)
				}
				t.Logf("%+v", got)
				if got.Lost != 0 || got.LateWriteAlive != 0 || got.LateReadAlive != 0 {
					t.Errorf("%d updates of %d pairs are lost; %d and %d sessions are alive after %d logouts each; want none",
						got.Lost, got.Pairs, got.LateWriteAlive, got.LateReadAlive, got.Logouts)
				}
				if got.Pairs != 1000 || got.Logouts != 200 || got.Conflicts < 1000 {
					t.Errorf("%d pairs with %d conflicts and %d logouts: the races did not happen", got.Pairs, got.Conflicts, got.Logouts)
				}
			})
		}
	}
}

// TestFills: CVE-1, SEC-10. A removal while a copy is being made, on every pair.
func TestFills(t *testing.T) {
	t.Parallel()
	for _, cache := range exact {
		for _, name := range stores.Names() {
			t.Run(cache+" and "+name, func(t *testing.T) {
				t.Parallel()
				db, c := benchtest.Open(t, name), cachestest.Open(t, cache)
				alive, err := races.Fills(t.Context(), 1000, db, func(db store.Indexed) (store.Store, error) { return cachestest.Front(t, c, db), nil })
				if err != nil || alive != 0 {
					t.Errorf("got %d sessions alive, %v, want none", alive, err)
				}
			})
		}
	}
}

// A cache that stores whatever it is given keeps every session alive, as those of other libraries do: so Fills does see it.
func TestFillsFindsLosses(t *testing.T) {
	t.Parallel()
	var cache anyTicket
	alive, err := races.Fills(t.Context(), 100, new(memory.Store), func(db store.Indexed) (store.Store, error) {
		return cacheddb.New(&cache, db, cacheddb.Config{Timeout: caches.Timeout})
	})
	if err != nil || alive != 100 {
		t.Errorf("got %d sessions alive, %v, want all 100", alive, err)
	}
}

// anyTicket does not look at tickets.
type anyTicket struct{ memory.Cache }

func (c *anyTicket) Put(ctx context.Context, id store.ID, _ store.Ticket, b []byte, ttl time.Duration) error {
	if err := c.Delete(ctx, id); err != nil {
		return err
	}
	_, t, err := c.Get(ctx, id)
	if err != nil {
		return err
	}
	return c.Cache.Put(ctx, id, t, b, ttl)
}
