package itest

import (
	"testing"
	"time"

	"github.com/qsessions/qsessions/backend/memcache"
	"github.com/qsessions/qsessions/core/store"
	"github.com/qsessions/qsessions/testserver"
)

// TestRoundTrips counts what calls cost, on a real server.
func TestRoundTrips(t *testing.T) {
	t.Parallel()
	addr, ctx := testserver.Memcached(t).Addr, t.Context()
	var d dialer
	trips := func(what string, want int64, call func() error) {
		t.Helper()
		before := d.trips.Load()
		if err := call(); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if got := d.trips.Load() - before; got != want {
			t.Errorf("%s: %d round trips, want %d", what, got, want)
		}
	}

	c := openCache(t, memcachestore.CacheConfig{Prefix: prefix(), Dial: d.dial}, addr)
	id, large := newID(), noise(1_000_000)
	var ticket store.Ticket
	get := func() (err error) {
		_, ticket, err = c.Get(ctx, id)
		return err
	}
	put := func(copy []byte) func() error {
		return func() error { return c.Put(ctx, id, ticket, copy, time.Minute) }
	}
	trips("Get, miss", 3, get)
	trips("Get, lease of another", 1, func() error { _, _, err := c.Get(ctx, id); return err })
	trips("Put, fill", 1, put([]byte("copy")))
	trips("Get, hit", 1, get)
	trips("Put, replace", 1, put(large))
	trips("Get, hit", 1, get)
	trips("Put, replace", 1, put([]byte("copy")))
	trips("Delete", 1, func() error { return c.Delete(ctx, id) })
	trips("Delete of none", 0, func() error { return c.Delete(ctx) })
	trips("Delete of 100", 100, func() error { return c.Delete(ctx, make([]store.ID, 100)...) })
	if got := d.conns.Load(); got > 16 {
		t.Errorf("Delete has opened %d connections, want at most 16", got)
	}

	s := openStore(t, memcachestore.Config{Prefix: prefix(), Dial: d.dial}, addr)
	r := record()
	reload := func() { r = load(t, s, r.ID) }
	trips("Create", 1, func() error { return s.Create(ctx, r) })
	trips("Save after Create", 2, func() error { return s.Save(ctx, r) })
	trips("Load", 1, func() error { reload(); return nil })
	trips("Save after Load", 1, func() error { return s.Save(ctx, r) })
	reload()
	r.User = "ann"
	trips("Save that sets the user", 1, func() error { return s.Save(ctx, r) })
	reload()
	trips("Touch after Load", 1, func() error { return s.Touch(ctx, r, later(r, time.Second)) })
	trips("Touch after Touch", 2, func() error { return s.Touch(ctx, r, later(r, time.Second)) })
	trips("Delete", 1, func() error { return s.Delete(ctx, r.ID) })
}
