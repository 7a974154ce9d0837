package itest

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/rueidis"

	rueidisstore "github.com/qsessions/qsessions/backend/rueidis"
	"github.com/qsessions/qsessions/core/store"
)

// each runs a test over each mode of the cache.
func each(t *testing.T, test func(t *testing.T, c rueidisstore.CacheConfig)) {
	for name, c := range modes {
		t.Run(name, func(t *testing.T) { test(t, c) })
	}
}

// TestCache goes once through what each verb does.
func TestCache(t *testing.T) {
	each(t, func(t *testing.T, conf rueidisstore.CacheConfig) {
		c := openCache(t, redisURL(t), conf)
		ctx, id := t.Context(), newID()
		t1 := lease(t, c, id)
		noTicket(t, c, id) // somebody else's lease
		if err := c.Put(ctx, id, t1, []byte("one"), time.Hour); err != nil {
			t.Fatal(err)
		}
		wantError(t, "Put with a used ticket", c.Put(ctx, id, t1, []byte("two"), time.Hour), store.ErrConflict)
		wantError(t, "Put without a ticket", c.Put(ctx, id, 0, []byte("two"), time.Hour), store.ErrConflict)
		wantError(t, "Put with a made-up ticket", c.Put(ctx, id, t1+1, []byte("two"), time.Hour), store.ErrConflict)
		t2 := hit(t, c, id, "one")
		if err := c.Put(ctx, id, t2, []byte("two"), time.Hour); err != nil {
			t.Fatal(err)
		}
		t3 := hit(t, c, id, "two")
		if hit(t, c, id, "two") != t3 {
			t.Error("a read has changed the ticket")
		}
		remove(t, c, id, newID())
		wantError(t, "Put after Delete", c.Put(ctx, id, t3, []byte("three"), time.Hour), store.ErrConflict)
		t4 := lease(t, c, id)
		remove(t, c, id)
		wantError(t, "Put after Delete of the lease", c.Put(ctx, id, t4, []byte("four"), time.Hour), store.ErrConflict)
		t5 := lease(t, c, id)
		if t1 == t2 || t2 == t3 || t3 == t4 || t4 == t5 || t1 == t4 || t1 == t5 {
			t.Error("two states have the same ticket:", t1, t2, t3, t4, t5)
		}
		if err := c.Put(ctx, id, t5, nil, time.Hour); err != nil {
			t.Fatal(err)
		}
		hit(t, c, id, "")
		if err := c.Delete(ctx); err != nil {
			t.Error("Delete of nothing:", err)
		}
	})
}

// TestCacheOwnsCopies: whoever gets a copy may change it, and whoever gave one too.
func TestCacheOwnsCopies(t *testing.T) {
	each(t, func(t *testing.T, conf rueidisstore.CacheConfig) {
		c := openCache(t, redisURL(t), conf)
		id := newID()
		ticket, given := lease(t, c, id), []byte("copy")
		if err := c.Put(t.Context(), id, ticket, given, time.Hour); err != nil {
			t.Fatal(err)
		}
		clear(given)
		for range 4 { // the third comes from this process with client-side caching
			copy, _, err := c.Get(t.Context(), id)
			if err != nil || string(copy) != "copy" {
				t.Fatalf("Get: got %q, %v", copy, err)
			}
			clear(copy)
		}
	})
}

// TestCacheLease: of many that come at once, one gets the lease (A10).
func TestCacheLease(t *testing.T) {
	each(t, func(t *testing.T, conf rueidisstore.CacheConfig) {
		c := openCache(t, redisURL(t), conf)
		for range 200 {
			id := newID()
			var wg sync.WaitGroup
			var mu sync.Mutex
			leases := 0
			start := make(chan struct{})
			for range 8 {
				wg.Go(func() {
					<-start
					_, ticket, err := c.Get(t.Context(), id)
					mu.Lock()
					defer mu.Unlock()
					if err != nil {
						t.Error(err)
					}
					if ticket != 0 {
						leases++
					}
				})
			}
			close(start)
			wg.Wait()
			if leases != 1 {
				t.Fatalf("%d leases on one slot, want 1", leases)
			}
		}
	})
}

// TestCacheTTL: what a Put sets is kept by a read, is never none, and never more than asked for (BAD-64).
func TestCacheTTL(t *testing.T) {
	each(t, func(t *testing.T, conf rueidisstore.CacheConfig) {
		conf.Prefix = prefix()
		c := openCache(t, redisURL(t), conf)
		side := client(t, redisURL(t))
		id := newID()
		key := slotKey(conf.Prefix, id)
		pttl := func() time.Duration {
			n, err := command(t, side, "PTTL", key).AsInt64()
			if err != nil {
				t.Fatal(err)
			}
			return time.Duration(n) * time.Millisecond
		}
		ticket := lease(t, c, id)
		if got := pttl(); got <= 0 || got > 5*time.Second {
			t.Errorf("a lease lasts %v, want at most 5 s", got)
		}
		const day = 24 * time.Hour
		for ttl, most := range map[time.Duration]time.Duration{time.Minute: time.Minute, 31 * day: 30 * day, 3650 * day: 30 * day} {
			if err := c.Put(t.Context(), id, ticket, []byte("x"), ttl); err != nil {
				t.Fatalf("Put for %v: %v", ttl, err)
			}
			command(t, side, "PEXPIRE", key, "40000", "LT") // what a read would set again to what Put has asked for
			before := pttl()
			ticket = hit(t, c, id, "x")
			if got := pttl(); got > before || before > 40*time.Second {
				t.Errorf("Put for %v: %v left, and %v after a read", ttl, before, got)
			}
			if err := c.Put(t.Context(), id, ticket, []byte("x"), ttl); err != nil {
				t.Fatal(err)
			}
			if got := pttl(); got > most || got < most-30*time.Second {
				t.Errorf("Put for %v: kept for %v, want %v", ttl, got, most)
			}
			ticket = hit(t, c, id, "x")
		}
		for _, ttl := range []time.Duration{1, time.Microsecond, time.Millisecond} {
			if err := c.Put(t.Context(), id, ticket, []byte("x"), ttl); err != nil {
				t.Fatalf("Put for %v: %v", ttl, err)
			}
			await(t, "a copy of a millisecond ends", func() bool { return pttl() == -2*time.Millisecond })
			ticket = lease(t, c, id)
		}
	})
}

// TestCacheForeignValues: CVE-23, FLT-6. What somebody else has put into a slot is no copy and no error, for no longer
// than a call, and a Put does not take it for the state of its ticket.
func TestCacheForeignValues(t *testing.T) {
	foreign := map[string][]string{
		"list":        {"RPUSH", "", "a"},
		"hash":        {"HSET", "", "f", "v"},
		"empty":       {"SET", "", ""},
		"short":       {"SET", "", "V1234567"},
		"mark":        {"SET", "", "V"},
		"text":        {"SET", "", "user input that is longer than a header"},
		"like lease":  {"SET", "", "Lines that nobody put there, and that never end"},
		"zero ticket": {"SET", "", "V\x00\x00\x00\x00\x00\x00\x00\x00copy"},
	}
	each(t, func(t *testing.T, conf rueidisstore.CacheConfig) {
		conf.Prefix = prefix()
		c := openCache(t, redisURL(t), conf)
		side := client(t, redisURL(t))
		for name, words := range foreign {
			t.Run(name, func(t *testing.T) {
				id := newID()
				words := append([]string(nil), words...)
				words[1] = slotKey(conf.Prefix, id)
				overwrite := func() {
					command(t, side, "DEL", words[1])
					command(t, side, words...)
				}
				overwrite()
				noTicket(t, c, id)
				fill(t, c, id, "copy")
				ticket := hit(t, c, id, "copy")
				hit(t, c, id, "copy")
				overwrite()
				wantError(t, "Put", c.Put(t.Context(), id, ticket, []byte("late"), time.Hour), store.ErrConflict)
				remove(t, c, id)
				fill(t, c, id, "copy")
				overwrite()
				await(t, "the foreign value is found and removed", func() bool {
					_, _, err := c.Get(t.Context(), id)
					n, _ := command(t, side, "EXISTS", words[1]).AsInt64()
					if err != nil {
						t.Fatal(err)
					}
					return n == 0
				})
				fill(t, c, id, "copy")
				hit(t, c, id, "copy")
			})
		}
	})
}

// TestCachePrefix: CVE-24. Caches with different prefixes share nothing, and the prefix is validated.
func TestCachePrefix(t *testing.T) {
	a, b := openCache(t, redisURL(t), rueidisstore.CacheConfig{}), openCache(t, redisURL(t), rueidisstore.CacheConfig{})
	id := newID()
	fill(t, a, id, "a")
	fill(t, b, id, "b")
	remove(t, b, id)
	hit(t, a, id, "a")
}

// TestCacheScriptFlush: a server that has forgotten the scripts gets them again.
func TestCacheScriptFlush(t *testing.T) {
	each(t, func(t *testing.T, conf rueidisstore.CacheConfig) {
		s := ownRedis(t)
		c := openCache(t, "redis://"+s.Addr, conf)
		side := client(t, "redis://"+s.Addr)
		id := newID()
		for range 3 {
			fill(t, c, id, "copy")
			command(t, side, "SCRIPT", "FLUSH")
			ticket := hit(t, c, id, "copy")
			if err := c.Put(t.Context(), id, ticket, []byte("new"), time.Hour); err != nil {
				t.Fatal(err)
			}
			hit(t, c, id, "new")
			remove(t, c, id)
		}
	})
}

// TestCacheTooLarge: a copy beyond MaxCopy is refused before it is sent.
func TestCacheTooLarge(t *testing.T) {
	c := openCache(t, redisURL(t), rueidisstore.CacheConfig{MaxCopy: 10})
	id := newID()
	ticket := lease(t, c, id)
	wantError(t, "Put of 11 bytes", c.Put(t.Context(), id, ticket, []byte("12345678901"), time.Hour), store.ErrTooLarge)
	if err := c.Put(t.Context(), id, ticket, []byte("1234567890"), time.Hour); err != nil {
		t.Error("Put of 10 bytes:", err)
	}
}

// TestNewCache: a client that the application has is used, and never closed.
func TestNewCache(t *testing.T) {
	side := client(t, redisURL(t))
	c, err := rueidisstore.NewCache(side, rueidisstore.CacheConfig{Prefix: prefix()})
	if err != nil {
		t.Fatal(err)
	}
	fill(t, c, newID(), "copy")
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	fill(t, c, newID(), "copy")
	if c.Lag() != 0 {
		t.Errorf("Lag is %v without client-side caching", c.Lag())
	}
	if _, err := rueidisstore.NewCache(side, modes["clientside"]); err == nil || !strings.Contains(err.Error(), "ClientSide") {
		t.Errorf("NewCache with ClientSide: got %v, want an error that names it", err)
	}
	if _, err := rueidisstore.NewCache(nil, rueidisstore.CacheConfig{}); err == nil {
		t.Error("NewCache without a client: no error")
	}
	if _, err := rueidisstore.NewCache(side, rueidisstore.CacheConfig{Option: func(*rueidis.ClientOption) {}}); err == nil {
		t.Error("NewCache with Option: no error")
	}
}

// TestCacheClosed: after Close, calls fail and do not hang.
func TestCacheClosed(t *testing.T) {
	each(t, func(t *testing.T, conf rueidisstore.CacheConfig) {
		c := openCache(t, redisURL(t), conf)
		fill(t, c, newID(), "copy")
		c.Close()
		_, _, err := c.Get(t.Context(), newID())
		wantError(t, "Get", err, store.ErrUnavailable)
		wantError(t, "Put", c.Put(t.Context(), newID(), 1, nil, time.Hour), store.ErrUnavailable)
		wantError(t, "Delete", c.Delete(t.Context(), newID()), store.ErrUnavailable)
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestCacheContext: a context that has ended is honored.
func TestCacheContext(t *testing.T) {
	each(t, func(t *testing.T, conf rueidisstore.CacheConfig) {
		c := openCache(t, redisURL(t), conf)
		id, kept := newID(), newID()
		fill(t, c, kept, "copy")
		keep(t, c, kept, "copy")
		ticket := lease(t, c, id)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, _, err := c.Get(ctx, id)
		wantError(t, "Get", err, context.Canceled)
		_, _, err = c.Get(ctx, kept) // with client-side caching there is nobody to ask
		wantError(t, "Get of a copy", err, context.Canceled)
		wantError(t, "Put", c.Put(ctx, id, ticket, nil, time.Hour), context.Canceled)
		wantError(t, "Delete", c.Delete(ctx, id), context.Canceled)
		if err := c.Put(t.Context(), id, ticket, nil, time.Hour); err != nil {
			t.Error("nothing was to have happened:", err)
		}
	})
}
