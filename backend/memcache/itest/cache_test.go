package itest

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/qsessions/qsessions/backend/memcache"
	"github.com/qsessions/qsessions/core/store"
	"github.com/qsessions/qsessions/testserver"
)

var prefixes atomic.Int64

// prefix returns a prefix that no other test of this process has.
func prefix() string { return fmt.Sprintf("t%d:", prefixes.Add(1)) }

// patience is a timeout that no call meets unless its server is stopped, however busy the machine is.
const patience = 10 * time.Second

func openCache(t testing.TB, c memcachestore.CacheConfig, servers ...string) *memcachestore.Cache {
	t.Helper()
	c.Timeout = cmp.Or(c.Timeout, patience)
	cache, err := memcachestore.OpenCache(t.Context(), servers, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cache.Close(); err != nil {
			t.Error(err)
		}
	})
	return cache
}

func newID() store.ID { return store.NewID(time.Now()) }

// lease returns a ticket for the empty slot of id.
func lease(t testing.TB, c store.Cache, id store.ID) store.Ticket {
	t.Helper()
	got, ticket, err := c.Get(t.Context(), id)
	if err != nil || got != nil || ticket == 0 {
		t.Fatalf("Get on an empty slot = %q, %d, %v; want a ticket alone", got, ticket, err)
	}
	return ticket
}

// fill puts a copy into the empty slot of id.
func fill(t testing.TB, c store.Cache, id store.ID, copy []byte) {
	t.Helper()
	if err := c.Put(t.Context(), id, lease(t, c, id), copy, time.Minute); err != nil {
		t.Fatalf("Put: %v", err)
	}
}

// holds fails the test unless the slot of id has the copy, and returns the ticket for it.
func holds(t testing.TB, c store.Cache, id store.ID, want []byte) store.Ticket {
	t.Helper()
	got, ticket, err := c.Get(t.Context(), id)
	if err != nil || !bytes.Equal(got, want) || ticket == 0 {
		t.Fatalf("Get = %.40q (%d bytes), %d, %v; want %.40q (%d bytes) and a ticket", got, len(got), ticket, err, want, len(want))
	}
	return ticket
}

func wantErr(t testing.TB, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("%s: got error %v, want %v", what, err, want)
	}
}

func noise(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}

// The way of a copy: lease, copy, next copy, nothing.
func TestCache(t *testing.T) {
	t.Parallel()
	addr := testserver.Memcached(t).Addr
	c := openCache(t, memcachestore.CacheConfig{Prefix: prefix()}, addr)
	ctx, id := t.Context(), newID()

	first := lease(t, c, id)
	if got, other, err := c.Get(ctx, id); got != nil || other != 0 || err != nil {
		t.Fatalf("Get under somebody's lease = %q, %d, %v; want nothing", got, other, err)
	}
	wantErr(t, "Put", c.Put(ctx, id, first, []byte("one"), time.Minute), nil)
	wantErr(t, "Put with a used ticket", c.Put(ctx, id, first, []byte("two"), time.Minute), store.ErrConflict)
	second := holds(t, c, id, []byte("one"))
	wantErr(t, "Put over a copy", c.Put(ctx, id, second, []byte("two"), time.Minute), nil)
	wantErr(t, "Put over a copy that has changed", c.Put(ctx, id, second, []byte("three"), time.Minute), store.ErrConflict)
	wantErr(t, "Put without a ticket", c.Put(ctx, id, 0, []byte("three"), time.Minute), store.ErrConflict)
	third := holds(t, c, id, []byte("two"))
	wantErr(t, "Delete", c.Delete(ctx, id, newID()), nil)
	wantErr(t, "Put after Delete", c.Put(ctx, id, third, []byte("three"), time.Minute), store.ErrConflict)

	dead := lease(t, c, id)
	wantErr(t, "Delete", c.Delete(ctx, id), nil)
	lease(t, c, id)
	wantErr(t, "Put with a lease that was deleted", c.Put(ctx, id, dead, []byte("three"), time.Minute), store.ErrConflict)

	canceled, cancel := context.WithCancel(ctx)
	cancel()
	_, _, err := c.Get(canceled, id)
	wantErr(t, "Get", err, context.Canceled)
	wantErr(t, "Put", c.Put(canceled, id, second, nil, time.Minute), context.Canceled)
	wantErr(t, "Delete", c.Delete(canceled, id, newID()), context.Canceled)
	if errors.Is(c.Delete(canceled, id), store.ErrUnavailable) {
		t.Error("a canceled call says that the cache is unavailable")
	}
}
