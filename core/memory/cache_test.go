package memory

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

// fill puts a copy into the slot of id, which is empty or full, and returns the ticket of the Put.
func fill(t *testing.T, c *Cache, id store.ID, copy string, ttl time.Duration) store.Ticket {
	t.Helper()
	_, ticket, err := c.Get(t.Context(), id)
	if err != nil || ticket == 0 {
		t.Fatalf("Get: ticket %d, error %v; want a ticket", ticket, err)
	}
	if err := c.Put(t.Context(), id, ticket, []byte(copy), ttl); err != nil {
		t.Fatalf("Put: %v", err)
	}
	return ticket
}

func newCache(t *testing.T, config CacheConfig) *Cache {
	t.Helper()
	c, err := NewCache(config)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestNewCacheRefusesNegativeBounds(t *testing.T) {
	t.Parallel()
	for _, config := range []CacheConfig{{MaxEntries: -1}, {MaxBytes: -1}} {
		if c, err := NewCache(config); err == nil || c != nil {
			t.Errorf("NewCache(%+v) = %v, %v; want an error", config, c, err)
		}
	}
}

// A lease and a copy end at the instant that was set, and neither a Get nor a refused Put prolongs them.
func TestCacheTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, c, id := t.Context(), new(Cache), store.NewID(time.Now())
		_, lease, err := c.Get(ctx, id)
		if err != nil || lease == 0 {
			t.Fatalf("Get = %d, %v; want a lease", lease, err)
		}
		time.Sleep(leaseTime - 1)
		if b, ticket, err := c.Get(ctx, id); b != nil || ticket != 0 || err != nil {
			t.Fatalf("Get under a lease = %q, %d, %v; want nothing", b, ticket, err)
		}
		time.Sleep(time.Nanosecond)
		if err := c.Put(ctx, id, lease, []byte("late"), time.Minute); !errors.Is(err, store.ErrConflict) {
			t.Fatalf("Put with a lease that has ended: %v, want ErrConflict", err)
		}
		used := fill(t, c, id, "copy", time.Minute)
		if used == lease {
			t.Fatal("the second lease has the ticket of the first")
		}
		time.Sleep(time.Minute - 1)
		b, ticket, err := c.Get(ctx, id)
		if string(b) != "copy" || ticket == 0 || err != nil {
			t.Fatalf("Get before the end = %q, %d, %v; want the copy", b, ticket, err)
		}
		if err := c.Put(ctx, id, used, []byte("refused"), time.Hour); !errors.Is(err, store.ErrConflict) {
			t.Fatalf("Put with a used ticket: %v, want ErrConflict", err)
		}
		time.Sleep(time.Nanosecond)
		if err := c.Put(ctx, id, ticket, []byte("late"), time.Hour); !errors.Is(err, store.ErrConflict) {
			t.Fatalf("Put with the ticket of a copy that has ended: %v, want ErrConflict", err)
		}
		if b, again, err := c.Get(ctx, id); b != nil || again == 0 || again == ticket || err != nil {
			t.Fatalf("Get after the end = %q, %d, %v; want a new lease", b, again, err)
		}
	})
}

// Two caches, or one after a restart, do not count alike.
func TestCacheTicketsAreOfOneCache(t *testing.T) {
	t.Parallel()
	id, seen := store.NewID(time.Now()), map[store.Ticket]bool{0: true}
	for range 100 {
		_, ticket, err := new(Cache).Get(t.Context(), id)
		if err != nil || seen[ticket] {
			t.Fatalf("Get = %d, %v; want a ticket that no other cache has given", ticket, err)
		}
		seen[ticket] = true
	}
}

// The counter passes zero, which is no ticket.
func TestCacheTicketsWrap(t *testing.T) {
	t.Parallel()
	c := newCache(t, CacheConfig{MaxEntries: 4})
	c.seed.Do(func() {})
	c.ticket.Store(^uint64(0) - 3)
	for i := range 20 {
		id := store.NewID(time.Now())
		fill(t, c, id, fmt.Sprint(i), time.Minute)
		if b, ticket, err := c.Get(t.Context(), id); string(b) != fmt.Sprint(i) || ticket == 0 || err != nil {
			t.Fatalf("Get %d = %q, %d, %v; want the copy", i, b, ticket, err)
		}
	}
}

// A cache beyond a bound drops something else than what it was just given, and counts what it holds.
func TestCacheBounds(t *testing.T) {
	t.Parallel()
	for _, config := range []CacheConfig{{MaxEntries: 1}, {MaxEntries: 10}, {MaxEntries: 200}, {MaxBytes: 300}, {MaxBytes: 100 * 300}} {
		c := newCache(t, config)
		for i := range 1000 {
			id := store.NewID(time.Now())
			fill(t, c, id, "a copy", time.Minute)
			if b, _, err := c.Get(t.Context(), id); string(b) != "a copy" || err != nil {
				t.Fatalf("%+v: Get of copy %d, put just now = %q, %v", config, i, b, err)
			}
			if n, b := held(c); n != c.used.records.Load() || b != c.used.bytes.Load() || n > c.maxEntries() || b > c.maxBytes() {
				t.Fatalf("%+v: holds %d entries and %d bytes, and counts %d and %d", config, n, b, c.used.records.Load(), c.used.bytes.Load())
			}
		}
	}
}

// Leases are bounded too, and a copy that is as large as the cache drops everything else.
func TestCacheMakesRoom(t *testing.T) {
	t.Parallel()
	c := newCache(t, CacheConfig{MaxEntries: 300, MaxBytes: 400 * slotBytes})
	for range 500 {
		if _, ticket, err := c.Get(t.Context(), store.NewID(time.Now())); ticket == 0 || err != nil {
			t.Fatalf("Get = %d, %v; want a lease", ticket, err)
		}
	}
	if n, _ := held(c); n != 300 {
		t.Errorf("holds %d leases, want 300", n)
	}
	id := store.NewID(time.Now())
	fill(t, c, id, string(make([]byte, 399*slotBytes)), time.Minute)
	if n, b := held(c); n != 1 || b != c.maxBytes() || b != c.used.bytes.Load() {
		t.Errorf("holds %d entries and %d bytes, and counts %d; want one copy", n, b, c.used.bytes.Load())
	}
}

// held returns how many slots there are, and their size.
func held(c *Cache) (n, bytes int64) {
	for i := range c.shards {
		for _, s := range c.shards[i].slots {
			n, bytes = n+1, bytes+slotBytes+int64(len(s.copy))
		}
	}
	return n, bytes
}

// Many that fill a full cache at once leave it within its bounds, and what it counts is what it holds.
func TestCacheBoundsConcurrently(t *testing.T) {
	t.Parallel()
	c := newCache(t, CacheConfig{MaxEntries: 50, MaxBytes: 40 * (slotBytes + 100)})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 500 {
				id := store.NewID(time.Now())
				_, ticket, err := c.Get(t.Context(), id)
				if err != nil {
					t.Errorf("Get: %v", err)
				}
				if err := c.Put(t.Context(), id, ticket, make([]byte, i%200), time.Minute); err != nil && !errors.Is(err, store.ErrConflict) {
					t.Errorf("Put: %v", err)
				}
				if i%3 == 0 {
					if err := c.Delete(t.Context(), id); err != nil {
						t.Errorf("Delete: %v", err)
					}
				}
			}
		})
	}
	wg.Wait()
	if n, b := held(c); n != c.used.records.Load() || b != c.used.bytes.Load() || n > c.maxEntries() || b > c.maxBytes() {
		t.Errorf("holds %d entries and %d bytes, and counts %d and %d", n, b, c.used.records.Load(), c.used.bytes.Load())
	}
}

// What has ended goes before what is old, and what is old before what is new.
func TestCacheEviction(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCache(t, CacheConfig{MaxEntries: 3})
		ids := make([]store.ID, 5)
		for i := range ids {
			ids[i] = store.NewID(time.Now())
			ids[i][15] = 7 // one shard, so that the sample is everything
		}
		has := func(id store.ID) bool { return c.shardOf(id).slots[id].live(time.Now()) }
		fill(t, c, ids[0], "old", time.Hour)
		fill(t, c, ids[1], "ended", time.Minute)
		fill(t, c, ids[2], "new", time.Hour)
		time.Sleep(time.Minute)
		fill(t, c, ids[3], "in the place of what has ended", time.Hour)
		if !has(ids[0]) || !has(ids[2]) || !has(ids[3]) {
			t.Error("a copy went while there was one that had ended")
		}
		fill(t, c, ids[4], "in the place of the oldest", time.Hour)
		if has(ids[0]) || !has(ids[2]) || !has(ids[3]) || !has(ids[4]) {
			t.Error("want the oldest copy to go, and no other")
		}
	})
}

// A copy that could never be kept changes nothing. BAD-41
func TestCacheTooLarge(t *testing.T) {
	t.Parallel()
	c, id := newCache(t, CacheConfig{MaxBytes: slotBytes + 100}), store.NewID(time.Now())
	fill(t, c, id, "copy", time.Minute)
	_, ticket, _ := c.Get(t.Context(), id)
	if err := c.Put(t.Context(), id, ticket, make([]byte, 101), time.Minute); !errors.Is(err, store.ErrTooLarge) {
		t.Errorf("Put of 101 bytes: %v, want ErrTooLarge", err)
	}
	if b, _, err := c.Get(t.Context(), id); string(b) != "copy" || err != nil {
		t.Errorf("Get after it = %q, %v; want the copy", b, err)
	}
	if err := c.Put(t.Context(), id, ticket, make([]byte, 100), time.Minute); err != nil {
		t.Errorf("Put of 100 bytes: %v", err)
	}
}

// The estimate of what a slot needs covers what the runtime says, or MaxBytes would not bound the process.
func TestCacheEstimate(t *testing.T) {
	if testing.Short() {
		t.Skip("allocates some 15 MB")
	}
	const n = 30_000 // maps have just grown
	var c Cache
	before := heap()
	for range n {
		fill(t, &c, store.NewID(time.Now()), string(make([]byte, 320)), time.Minute)
	}
	got, counted := heap()-before, c.used.bytes.Load()
	t.Logf("%d bytes each, %d counted", got/n, counted/n)
	if got > counted {
		t.Errorf("%d copies need %d bytes, but count as %d", n, got, counted)
	}
}

func TestCacheAllocations(t *testing.T) {
	ctx, id := t.Context(), store.NewID(time.Now())
	var c Cache
	fill(t, &c, id, "copy", time.Hour)
	copy := make([]byte, 1000)
	for _, a := range []struct {
		name string
		want float64
		run  func() error
	}{
		{"Get", 1, func() error { _, _, err := c.Get(ctx, id); return err }},
		{"Get and Put", 2, func() error {
			_, ticket, err := c.Get(ctx, id)
			return errors.Join(err, c.Put(ctx, id, ticket, copy, time.Hour))
		}},
		{"Delete of an unknown id", 0, func() error { return c.Delete(ctx, store.ID{}) }},
	} {
		var err error
		if got := testing.AllocsPerRun(100, func() { err = errors.Join(err, a.run()) }); got != a.want || err != nil {
			t.Errorf("%s: %v allocations, error %v; want %v", a.name, got, err, a.want)
		}
	}
}
