package itest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/rueidis"

	rueidisstore "github.com/qsessions/qsessions/backend/rueidis"
	"github.com/qsessions/qsessions/core/store"
)

// TestCacheRoundTrips: a hit, a miss and a Put are one round trip, as is a Delete of up to a hundred.
func TestCacheRoundTrips(t *testing.T) {
	for name, conf := range modes {
		for server, rewrite := range map[string]func([]byte) []byte{"redis": nil, "before 7": oldServer} {
			t.Run(name+" "+server, func(t *testing.T) {
				p := &proxy{rewrite: rewrite}
				startProxy(t, p, testserverAddr(t))
				c := openCache(t, "redis://"+p.addr, conf)
				ids := numbered(250)
				fill(t, c, ids[0], "copy")
				hit(t, c, ids[0], "copy") // the scripts are known now, and with client-side caching the id is

				want := func(what string, got, want int64) {
					t.Helper()
					if got != want {
						t.Errorf("%s: %d round trips, want %d", what, got, want)
					}
				}
				id := ids[1]
				var ticket store.Ticket
				want("miss", p.count(func() { ticket = lease(t, c, id) }), 1)
				want("lease of somebody else", p.count(func() { noTicket(t, c, id) }), 1)
				want("Put", p.count(func() {
					if err := c.Put(t.Context(), id, ticket, []byte("copy"), time.Hour); err != nil {
						t.Fatal(err)
					}
				}), 1)
				want("hit", p.count(func() { hit(t, c, id, "copy") }), 1)
				second := int64(1)
				if conf.ClientSide > 0 {
					second = 2 // the copy, and whether it is a primary's
				}
				want("second hit", p.count(func() { hit(t, c, id, "copy") }), second)
				if conf.ClientSide > 0 {
					want("hits in this process", p.count(func() {
						for range 100 {
							hit(t, c, id, "copy")
						}
					}), 0)
				}
				want("Delete", p.count(func() { remove(t, c, id) }), 1)
				want("Delete of 100", p.count(func() { remove(t, c, ids[:100]...) }), 1)
				want("Delete of 250", p.count(func() { remove(t, c, ids...) }), 3)
			})
		}
	}
}

// TestCacheBeforeRedis7 runs everything over a server that refuses SET with NX and GET.
func TestCacheBeforeRedis7(t *testing.T) {
	p := &proxy{rewrite: oldServer}
	startProxy(t, p, testserverAddr(t))
	c := openCache(t, "redis://"+p.addr, rueidisstore.CacheConfig{})
	id := newID()
	fill(t, c, id, "copy")
	ticket := hit(t, c, id, "copy")
	remove(t, c, id)
	lease(t, c, id)
	noTicket(t, c, id)
	wantError(t, "Put with an old ticket", c.Put(t.Context(), id, ticket, nil, time.Hour), store.ErrConflict)
}

// TestCacheFull: RPT-6, FLT-5. Where Redis may evict nothing, copies are still found; a miss and a Put say that there
// is no room and changes nothing, and a Delete works.
func TestCacheFull(t *testing.T) {
	for name, rewrite := range map[string]func([]byte) []byte{"redis": nil, "before 7": oldServer} {
		t.Run(name, func(t *testing.T) {
			s := ownRedis(t, "--maxmemory-policy", "noeviction")
			p := &proxy{rewrite: rewrite}
			startProxy(t, p, s.Addr)
			each(t, func(t *testing.T, conf rueidisstore.CacheConfig) {
				c := openCache(t, "redis://"+p.addr, conf)
				side := client(t, "redis://"+s.Addr)
				id := newID()
				fill(t, c, id, "copy")
				leased := newID()
				lost := lease(t, c, leased)
				command(t, side, "CONFIG", "SET", "maxmemory", "1")
				defer command(t, side, "CONFIG", "SET", "maxmemory", "0")

				ticket := hit(t, c, id, "copy")
				wantError(t, "Get of an empty slot", noRoom(t, c), store.ErrTooLarge)
				noTicket(t, c, leased)
				wantError(t, "Put over a copy", c.Put(t.Context(), id, ticket, []byte("new"), time.Hour), store.ErrTooLarge)
				wantError(t, "Put over a lease", c.Put(t.Context(), leased, lost, []byte("new"), time.Hour), store.ErrTooLarge)
				hit(t, c, id, "copy")
				remove(t, c, id, leased)
				wantError(t, "Get of an emptied slot", noRoom(t, c), store.ErrTooLarge)
				command(t, side, "CONFIG", "SET", "maxmemory", "0")
				fill(t, c, id, "copy")
			})
		})
	}
}

// noRoom returns the error of a Get that finds nothing, and no room for a lease.
func noRoom(t *testing.T, c store.Cache) error {
	t.Helper()
	copy, ticket, err := c.Get(t.Context(), newID())
	if copy != nil || ticket != 0 {
		t.Errorf("Get: got a copy of %d bytes, ticket %d", len(copy), ticket)
	}
	return err
}

// TestCacheEviction: FLT-5. Under each policy that evicts, copies and leases vanish, which is never an error and never
// makes an old ticket good.
func TestCacheEviction(t *testing.T) {
	for _, policy := range []string{"allkeys-lru", "volatile-lru", "volatile-ttl", "allkeys-random"} {
		t.Run(policy, func(t *testing.T) {
			s := ownRedis(t, "--maxmemory", "3mb", "--maxmemory-policy", policy)
			c := openCache(t, "redis://"+s.Addr, rueidisstore.CacheConfig{})
			big := []byte(strings.Repeat("x", 10_000))
			ids := numbered(1000)
			tickets := map[store.ID]store.Ticket{}
			for _, id := range ids {
				for _, copy := range [][]byte{nil, big} {
					_, ticket, err := c.Get(t.Context(), id)
					if err == nil {
						tickets[id] = ticket
						err = c.Put(t.Context(), id, ticket, copy, time.Hour)
					}
					if err != nil && !errors.Is(err, store.ErrConflict) { // which is an eviction in between
						t.Fatal(err)
					}
				}
			}
			var found int
			for _, id := range ids {
				copy, _, err := c.Get(t.Context(), id)
				if err != nil {
					t.Fatal(err)
				}
				if copy != nil {
					found++
				}
				wantError(t, "Put with an old ticket", c.Put(t.Context(), id, tickets[id], nil, time.Hour), store.ErrConflict)
			}
			if found == 0 || found == len(ids) {
				t.Errorf("%d of %d copies are left, want some", found, len(ids))
			}
		})
	}
}

// TestCacheStopped: FLT-2. A server that has stopped holds nobody up for longer than Timeout, whether the context has no
// deadline or a later one ends; what it was sent meanwhile and does afterwards makes no dead ticket good.
func TestCacheStopped(t *testing.T) {
	each(t, func(t *testing.T, conf rueidisstore.CacheConfig) {
		s := ownRedis(t)
		conf.Timeout = 100 * time.Millisecond
		const long = 30 * time.Second
		conf.Option = func(o *rueidis.ClientOption) { // the connection is not given up: Timeout alone ends a call
			o.ConnWriteTimeout, o.Dialer.KeepAlive = long, long
		}
		c := openCache(t, "redis://"+s.Addr, conf)
		id, gone := newID(), newID()
		var ticket store.Ticket
		await(t, "a quiet moment", func() bool { // a busy machine may miss 100 ms
			if c.Delete(t.Context(), id) != nil {
				return false
			}
			var err error
			if _, ticket, err = c.Get(t.Context(), id); err != nil {
				return false
			}
			return c.Put(t.Context(), id, ticket, []byte("copy"), time.Hour) == nil && c.Delete(t.Context(), gone) == nil
		})
		if err := s.Pause(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Resume() })

		// context.Background has neither a deadline nor an end.
		var wg sync.WaitGroup
		var longest atomic.Int64
		try := func(call func(ctx context.Context) error) {
			for range 10 {
				wg.Go(func() {
					start := time.Now()
					if call(context.Background()) == nil {
						t.Error("a call of a server that has stopped succeeded")
					}
					for d := int64(time.Since(start)); ; {
						l := longest.Load()
						if d <= l || longest.CompareAndSwap(l, d) {
							break
						}
					}
				})
			}
			wg.Wait()
		}
		unknown := newID()
		try(func(ctx context.Context) error { _, _, err := c.Get(ctx, unknown); return err })
		try(func(ctx context.Context) error { return c.Put(ctx, unknown, 7, nil, time.Hour) })
		try(func(ctx context.Context) error { return c.Delete(ctx, gone) })
		// The longest of them has waited for another one's attempt to connect, and then for its own.
		if got := time.Duration(longest.Load()); got > long/2 {
			t.Errorf("a call took %v, with a Timeout of 100 ms", got)
		}
		if err := s.Resume(); err != nil {
			t.Fatal(err)
		}
		await(t, "the server answers again", func() bool {
			_, _, err := c.Get(t.Context(), newID())
			return err == nil
		})
		// The leases of calls that timed out are nobody's, and end.
		await(t, "a late lease ends", func() bool {
			_, ticket, err := c.Get(t.Context(), unknown)
			return err == nil && ticket != 0
		})
	})
}

// TestCacheLatePut: a Put that its client gave up, and that a stopped server does when it goes on, does not outlast a
// Delete that was answered.
func TestCacheLatePut(t *testing.T) {
	s := ownRedis(t)
	conf := rueidisstore.CacheConfig{Prefix: prefix()}
	a, b := openCache(t, "redis://"+s.Addr, conf), openCache(t, "redis://"+s.Addr, conf)
	for range 5 {
		id := newID()
		fill(t, a, id, "copy")
		ticket := hit(t, a, id, "copy")
		if err := s.Pause(); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		err := a.Put(ctx, id, ticket, []byte("late"), time.Hour)
		cancel()
		if err == nil {
			t.Fatal("Put succeeded on a server that has stopped")
		}
		if err := s.Resume(); err != nil {
			t.Fatal(err)
		}
		remove(t, b, id)
		for range 20 {
			if copy, _, err := b.Get(t.Context(), id); copy != nil || err != nil {
				t.Fatalf("after a Delete: got %q, %v", copy, err)
			}
		}
	}
}

// TestCacheRestart: FLT-1. A client that was there before a restart of the server goes on after it, and a ticket from
// before is of no use.
func TestCacheRestart(t *testing.T) {
	each(t, func(t *testing.T, conf rueidisstore.CacheConfig) {
		s := ownRedis(t)
		c := openCache(t, "redis://"+s.Addr, conf)
		id := newID()
		fill(t, c, id, "copy")
		before := hit(t, c, id, "copy")
		hit(t, c, id, "copy")
		if err := s.Kill(); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		if _, _, err := c.Get(ctx, newID()); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("Get without a server: got %v, want %v", err, store.ErrUnavailable)
		}
		if err := s.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		await(t, "the client connects again", func() bool {
			copy, _, err := c.Get(t.Context(), id)
			if copy != nil {
				t.Fatal("a copy from before the restart")
			}
			return err == nil
		})
		wantError(t, "Put with a ticket from before", c.Put(t.Context(), id, before, nil, time.Hour), store.ErrConflict)
		fill(t, c, newID(), "copy")
	})
}

// TestOpenErrors: RPT-8, ATK-18. What cannot be opened is an error that says why, in time, and without the password.
func TestOpenErrors(t *testing.T) {
	const secret = "s3cret"
	down := ownRedis(t)
	if err := down.Kill(); err != nil {
		t.Fatal(err)
	}
	frozen := ownRedis(t)
	if err := frozen.Pause(); err != nil {
		t.Fatal(err)
	}
	locked := ownRedis(t)
	command(t, client(t, "redis://"+locked.Addr), "CONFIG", "SET", "requirepass", "another")
	for url, want := range map[string]string{
		"redis://:" + secret + "@" + down.Addr:           "connection refused",
		"redis://:" + secret + "@" + frozen.Addr:         "deadline",
		"redis://:" + secret + "@" + locked.Addr:         "WRONGPASS",
		"redis://" + locked.Addr:                         "NOAUTH",
		"redis://:" + secret + "#@localhost:1":           "URL",
		"redis://:" + secret + "/x@localhost:1":          "URL",
		"redis://u:1/" + secret + "@localhost:1":         "URL",
		"http://:" + secret + "@localhost:1":             "URL",
		"redis://:" + secret + "@localhost:1/9x":         "URL",
		"redis://:" + secret + "@%zz":                    "URL",
		"redis://:#" + secret + "@" + down.Addr:          "URL", // otherwise host "" without a password
		"redis://:1?" + secret + "@" + down.Addr:         "URL",
		"rediss://:" + secret + "@" + locked.Addr:        "deadline", // it does not speak TLS
		"unix://:" + secret + "@/nowhere/redis.sock":     "no such file",
		"redis://:" + secret + "@" + down.Addr + "?db=1": "connection refused",
	} {
		limit := 30 * time.Second
		if want == "deadline" {
			limit = time.Second
		}
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		start := time.Now()
		s, err := rueidisstore.Open(ctx, url, rueidisstore.Config{})
		cancel()
		if err == nil {
			s.Close()
			t.Errorf("%s: no error", url)
			continue
		}
		if !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "rueidisstore: ") {
			t.Errorf("%s: got %q, want it to say %q", url, err, want)
		}
		if strings.Contains(err.Error(), secret) || strings.Contains(fmt.Sprintf("%+v", err), secret) {
			t.Errorf("the password is in %q", err)
		}
		if d := time.Since(start); d > limit+5*slack {
			t.Errorf("%s: took %v, with a deadline of %v", url, d, limit)
		}
	}
	for name, c := range map[string]rueidisstore.CacheConfig{
		"Prefix":       {Prefix: "a{b}"},
		"Timeout":      {Timeout: -1},
		"MaxCopy":      {MaxCopy: -1},
		"ClientSide":   {ClientSide: 2 * time.Minute},
		"ConnLifetime": {Option: func(o *rueidis.ClientOption) { o.ConnLifetime = time.Minute }},
		"replicas":     {Option: func(o *rueidis.ClientOption) { o.SendToReplicas = func(rueidis.Completed) bool { return true } }},
	} {
		if _, err := rueidisstore.OpenCache(t.Context(), redisURL(t), c); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: got %v, want an error that names it", name, err)
		}
	}
}

// TestErrorsQuoteNothing: an answer of the server that quotes its arguments does not come through.
func TestErrorsQuoteNothing(t *testing.T) {
	p := &proxy{rewrite: func(b []byte) []byte { return []byte(strings.ReplaceAll(string(b), "\r\nEVAL", "\r\nOVAL")) }}
	startProxy(t, p, testserverAddr(t))
	c := openCache(t, "redis://"+p.addr, rueidisstore.CacheConfig{})
	id := newID()
	err := c.Put(t.Context(), id, lease(t, c, id), []byte("private data"), time.Hour)
	if err == nil || !strings.Contains(err.Error(), "unknown command") || strings.Contains(err.Error(), "private") ||
		strings.Contains(err.Error(), id.String()) {
		t.Errorf("got %q", err)
	}
}

// TestCacheRepliesCut: CVE-20, FLT-3. Replies that are cut off in the middle, under load, never make a call return what
// belongs to another one.
func TestCacheRepliesCut(t *testing.T) {
	each(t, func(t *testing.T, conf rueidisstore.CacheConfig) {
		var cuts atomic.Int64
		p := &proxy{reply: func(conn int, b []byte) ([]byte, bool) {
			if len(b) > 300 && rand.IntN(100) == 0 {
				cuts.Add(1)
				return b[:rand.IntN(len(b))], false
			}
			return b, true
		}}
		startProxy(t, p, testserverAddr(t))
		conf.Timeout = 200 * time.Millisecond
		c := openCache(t, "redis://"+p.addr, conf)
		ids := numbered(64)
		var wg sync.WaitGroup
		var hits, failures atomic.Int64
		for range 16 {
			wg.Go(func() {
				for cuts.Load() < 30 && !t.Failed() {
					id := ids[rand.IntN(len(ids))]
					want := strings.Repeat(id.String(), 1+rand.IntN(10))
					copy, ticket, err := c.Get(context.Background(), id)
					if err != nil {
						failures.Add(1)
						continue
					}
					if copy != nil {
						hits.Add(1)
						if strings.ReplaceAll(string(copy), id.String(), "") != "" || len(copy) == 0 {
							t.Errorf("Get of %s: got the copy %s", id, copy)
						}
					}
					if ticket != 0 && (copy == nil || rand.IntN(10) == 0) {
						_ = c.Put(context.Background(), id, ticket, []byte(want), time.Hour)
					}
				}
			})
		}
		wg.Wait()
		t.Logf("%d cuts, %d hits, %d failed reads", cuts.Load(), hits.Load(), failures.Load())
		if hits.Load() == 0 {
			t.Error("no hits at all")
		}
	})
}
