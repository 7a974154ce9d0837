package itest

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/qsessions/qsessions/backend/memcache"
	"github.com/qsessions/qsessions/core/store"
	"github.com/qsessions/qsessions/testserver"
)

// start starts a server that is the test's alone, so that it may be killed.
func start(t testing.TB, args ...string) *testserver.Server {
	t.Helper()
	testserver.Memcached(t) // skips or fails where there can be none
	if os.Getenv("QSESSIONS_TEST_MEMCACHED") != "" {
		t.Skip("needs servers of its own")
	}
	s, err := testserver.Start(t.Context(), testserver.KindMemcached, testserver.Options{Args: args})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// restart restarts a server without warning.
func restart(t testing.TB, s *testserver.Server) {
	t.Helper()
	must(t, s.Kill())
	must(t, s.Restart(t.Context()))
}

// TestServers: three servers share the ids evenly, in whatever order they are named; without one of them the ids of the
// others are where they were, and its own fail at once; a fourth takes a quarter of the ids and moves no other.
func TestServers(t *testing.T) {
	t.Parallel()
	var servers []*testserver.Server
	var addrs []string
	for range 4 {
		s := start(t)
		servers, addrs = append(servers, s), append(addrs, s.Addr)
	}
	config := memcachestore.CacheConfig{Prefix: prefix()}
	c := openCache(t, config, addrs[:3]...)
	reversed := openCache(t, config, addrs[2], addrs[1], addrs[0])
	const n = 900
	ids := make([]store.ID, n)
	for i := range ids {
		ids[i] = newID()
		fill(t, c, ids[i], ids[i][:])
	}
	for _, id := range ids {
		holds(t, reversed, id, id[:])
	}

	moved, more := 0, openCache(t, config, addrs...)
	for _, id := range ids {
		if got, _, err := more.Get(t.Context(), id); err != nil {
			t.Fatal(err)
		} else if got == nil {
			moved++
		}
	}
	if moved < n/4-n/10 || moved > n/4+n/10 {
		t.Errorf("a fourth server took %d of %d ids, want about a quarter", moved, n)
	}

	must(t, servers[1].Kill())
	failed := 0
	for _, id := range ids {
		start := time.Now()
		got, ticket, err := c.Get(t.Context(), id)
		switch {
		case errors.Is(err, store.ErrUnavailable):
			failed++
			if d := time.Since(start); d > patience/2 {
				t.Errorf("a server that is gone cost %v", d)
			}
		case err != nil || string(got) != string(id[:]) || ticket == 0:
			t.Fatalf("Get = %q, %d, %v; want what was there", got, ticket, err)
		}
	}
	if failed < n/3-n/10 || failed > n/3+n/10 {
		t.Errorf("one of three servers had %d of %d ids, want about a third", failed, n)
	}

	if err := c.Delete(t.Context(), ids...); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Delete without one of the servers: got error %v, want %v", err, store.ErrUnavailable)
	}
	left := 0
	for _, id := range ids {
		if got, _, err := c.Get(t.Context(), id); err == nil && got != nil {
			left++
		}
	}
	if left > 0 {
		t.Errorf("Delete has left %d copies on servers that answer", left)
	}
	must(t, servers[1].Restart(t.Context()))
	must(t, c.Delete(t.Context(), ids...))
}

// TestDeleteBesideFrozen: FLT-2. A Delete tells the servers that answer of all their ids, also when it has no more time than
// the one that does not answer takes.
func TestDeleteBesideFrozen(t *testing.T) {
	t.Parallel()
	frozen := start(t)
	addrs := []string{frozen.Addr, start(t).Addr, start(t).Addr}
	const limit = 8 * time.Second
	c := openCache(t, memcachestore.CacheConfig{Timeout: limit}, addrs...)
	patient := openCache(t, memcachestore.CacheConfig{}, addrs...)
	its := openCache(t, memcachestore.CacheConfig{}, frozen.Addr)
	ids := make([]store.ID, 300)
	var elsewhere []store.ID
	for i := range ids {
		ids[i] = newID()
		fill(t, patient, ids[i], ids[i][:])
		got, _, err := its.Get(t.Context(), ids[i])
		must(t, err)
		if got == nil {
			elsewhere = append(elsewhere, ids[i])
		}
	}
	must(t, frozen.Pause())
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	err := c.Delete(ctx, ids...)
	wantErr(t, "Delete", err, context.DeadlineExceeded)
	if !strings.Contains(err.Error(), frozen.Addr) {
		t.Errorf("%v does not say that %s did not answer", err, frozen.Addr)
	}
	for _, id := range elsewhere {
		got, _, err := patient.Get(t.Context(), id)
		must(t, err)
		if got != nil {
			t.Fatal("a copy is left on a server that answers")
		}
	}
	must(t, frozen.Resume())
}

// TestOpen: the servers' names are checked when a cache is opened, and a store's servers are asked.
func TestOpen(t *testing.T) {
	t.Parallel()
	up := testserver.Memcached(t).Addr
	for name, servers := range map[string][]string{
		"none":                   {},
		"twice the same":         {up, up},
		"no port":                {"127.0.0.1"},
		"port 0":                 {"127.0.0.1:0"},
		"no host":                {":11211"},
		"a port that is no port": {"127.0.0.1:memcached?"},
		"a user":                 {"user@127.0.0.1:11211"},
		"an empty name":          {""},
		"a URL":                  {"tcp://127.0.0.1:11211"},
		"a relative path":        {"run/memcached.sock"},
	} {
		if c, err := memcachestore.OpenCache(t.Context(), servers, memcachestore.CacheConfig{}); err == nil || c != nil {
			t.Errorf("OpenCache with %s: got %v, %v; want an error", name, c, err)
		}
		if s, err := memcachestore.Open(t.Context(), servers, memcachestore.Config{}); err == nil || s != nil {
			t.Errorf("Open with %s: got %v, %v; want an error", name, s, err)
		}
	}
	gone := start(t)
	must(t, gone.Kill())
	openCache(t, memcachestore.CacheConfig{}, gone.Addr)
	_, err := memcachestore.Open(t.Context(), []string{up, gone.Addr}, memcachestore.Config{})
	wantErr(t, "Open with a server that is down", err, store.ErrUnavailable)
}

// MaxIdleConns connections stay open; after Close none does, also of those that calls used then, and nothing works.
func TestClose(t *testing.T) {
	t.Parallel()
	server := start(t)
	var d dialer
	c := openCache(t, memcachestore.CacheConfig{MaxIdleConns: 3, Dial: d.dial}, server.Addr)
	widen(t, server, &d, 8, func() error { return c.Delete(t.Context(), newID()) })
	if got := d.open.Load(); got != 3 {
		t.Errorf("%d connections are idle, want 3", got)
	}
	id := newID()
	ticket := lease(t, c, id)
	must(t, server.Pause())
	d.trips.Store(0)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if err := c.Delete(t.Context(), newID()); err != nil {
				t.Errorf("Delete that began before Close: %v", err)
			}
		})
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); d.trips.Load() < 8 && time.Now().Before(end); {
		<-tick.C
	}
	must(t, c.Close())
	must(t, c.Close())
	must(t, server.Resume())
	wg.Wait()
	if got := d.open.Load(); got != 0 {
		t.Errorf("%d connections are left", got)
	}
	_, _, err := c.Get(t.Context(), id)
	wantErr(t, "Get", err, store.ErrUnavailable)
	wantErr(t, "Put", c.Put(t.Context(), id, ticket, nil, time.Minute), store.ErrUnavailable)
	wantErr(t, "Delete", c.Delete(t.Context(), id), store.ErrUnavailable)
}
