package itest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/rueidis"

	rueidisstore "github.com/qsessions/qsessions/backend/rueidis"
	"github.com/qsessions/qsessions/core/store"
	"github.com/qsessions/qsessions/testserver"
)

// near opens a cache with client-side caching for d.
func near(tb testing.TB, url, prefix string, d time.Duration) *rueidisstore.Cache {
	tb.Helper()
	c := openCache(tb, url, rueidisstore.CacheConfig{Prefix: prefix, ClientSide: d})
	if c.Lag() != d {
		tb.Fatalf("Lag is %v, want %v", c.Lag(), d)
	}
	return c
}

// keep makes a process keep a copy of its own.
func keep(tb testing.TB, c store.Cache, id store.ID, copy string) {
	tb.Helper()
	for range 3 {
		hit(tb, c, id, copy)
	}
}

// TestClientSideReadsOwnWrites: what this process has replaced or deleted it does not find again, while other goroutines,
// and another process, read the same. Without a fence some of a thousand reads are stale.
func TestClientSideReadsOwnWrites(t *testing.T) {
	const writes = 10_000
	p := prefix()
	c, other := near(t, redisURL(t), p, 5*time.Second), near(t, redisURL(t), p, 5*time.Second)
	id := newID()
	fill(t, c, id, "0")

	turn := make(chan struct{}, 1) // the readers read a few times for each write, and more often when they are quick
	var readers sync.WaitGroup
	for _, reader := range []store.Cache{c, c, other} {
		readers.Go(func() {
			for range turn {
				for range 4 {
					_, _, _ = reader.Get(context.Background(), id)
				}
			}
		})
	}
	defer readers.Wait()
	defer close(turn)

	reads, stale := 0, 0
	for n := range writes {
		select {
		case turn <- struct{}{}:
		default:
		}
		want := strconv.Itoa(n)
		for { // somebody else may have the lease, or have read the copy before this process heard of the latest change
			_, ticket, err := c.Get(t.Context(), id)
			if err == nil {
				err = c.Put(t.Context(), id, ticket, []byte(want), time.Hour)
			}
			if err == nil {
				break
			}
			if !errors.Is(err, store.ErrConflict) {
				t.Fatal(err)
			}
			remove(t, c, id)
			reads++
			if copy, _, err := c.Get(t.Context(), id); err != nil {
				t.Fatal(err)
			} else if copy != nil {
				stale++
			}
			remove(t, c, id)
		}
		for range 2 {
			copy, _, err := c.Get(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			reads++
			if string(copy) != want {
				stale++
			}
		}
		if n%4 == 0 {
			remove(t, c, id)
		}
	}
	t.Logf("%d of %d reads were stale", stale, reads)
	if stale > 0 {
		t.Errorf("%d of %d reads after this process's own write were stale, want 0", stale, reads)
	}
}

// TestClientSideDelete: what this process has deleted it does not find again. Without a fence some of a thousand are found.
func TestClientSideDelete(t *testing.T) {
	for name, url := range deployments {
		t.Run(name, func(t *testing.T) {
			c := near(t, url(t), prefix(), 5*time.Second)
			found := 0
			for n := range 3000 {
				ids := numbered(1 + n%3)
				for _, id := range ids {
					fill(t, c, id, "copy")
					hit(t, c, id, "copy")
					hit(t, c, id, "copy")
				}
				remove(t, c, ids...)
				for _, id := range ids {
					if copy, _, err := c.Get(t.Context(), id); err != nil {
						t.Fatal(err)
					} else if copy != nil {
						found++
					}
				}
			}
			if found > 0 {
				t.Errorf("found %d copies after their Delete", found)
			}
		})
	}
}

// TestClientSideRevocation: another process drops its own copy soon after a Delete or Put, though it has asked the server
// nothing, and never serves it for longer than Lag.
func TestClientSideRevocation(t *testing.T) {
	p := prefix()
	a, b := near(t, redisURL(t), p, 5*time.Second), near(t, redisURL(t), p, 5*time.Second)
	var slowest time.Duration
	for range 100 {
		id := newID()
		fill(t, a, id, "copy")
		keep(t, b, id, "copy")
		remove(t, a, id)
		start := time.Now()
		await(t, "the other process hears of a Delete", func() bool {
			copy, _, err := b.Get(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			return copy == nil
		})
		slowest = max(slowest, time.Since(start))
	}
	t.Logf("the slowest of 100 took %v", slowest)
	if slowest > a.Lag() {
		t.Errorf("took %v, and Lag is %v", slowest, a.Lag())
	}
}

// TestClientSideFrozen: FLT-4. A process that has lost its server without notice serves its own copies no longer than Lag
// after another process deleted them.
func TestClientSideFrozen(t *testing.T) {
	s := ownRedis(t)
	for range 3 {
		if servedDeaf(t, s) > 0 {
			return
		}
	} // where the machine stands still for Lag, the copy has ended
	t.Error("the copy was not served at all: nothing was tried")
}

// servedDeaf returns how often a process that hears no more of s served a copy that another one has deleted.
func servedDeaf(t *testing.T, s *testserver.Server) int {
	var deaf atomic.Bool
	wall := &proxy{reply: func(_ int, b []byte) ([]byte, bool) {
		if deaf.Load() {
			return nil, true
		}
		return b, true
	}}
	startProxy(t, wall, s.Addr)
	const lag = 2 * time.Second
	p := prefix()
	a, b := near(t, "redis://"+s.Addr, p, lag), near(t, "redis://"+wall.addr, p, lag)
	id := newID()
	fill(t, a, id, "copy")
	keep(t, b, id, "copy")
	deaf.Store(true)
	remove(t, a, id)
	deleted := time.Now()
	served, last := 0, time.Duration(0)
	await(t, "the copy ends", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		asked := time.Since(deleted)
		copy, _, err := b.Get(ctx, id)
		if copy != nil {
			served, last = served+1, asked
		}
		return err != nil && asked > lag
	})
	t.Logf("served %d times, for %v more", served, last)
	if last > lag {
		t.Errorf("served for %v after the Delete, and Lag is %v", last, lag)
	}
	return served
}

// TestClientSideLateReply: a reply that was under way for longer than Lag serves only the call that asked, and none that
// came meanwhile: the copy may have been deleted long before.
func TestClientSideLateReply(t *testing.T) {
	s := ownRedis(t)
	var held atomic.Bool
	release := make(chan struct{})
	wall := &proxy{reply: func(_ int, b []byte) ([]byte, bool) {
		if held.Load() && bytes.Contains(b, []byte("copy")) {
			<-release
		}
		return b, true
	}}
	startProxy(t, wall, s.Addr)
	const lag = 200 * time.Millisecond
	p := prefix()
	a, b := near(t, "redis://"+s.Addr, p, lag), near(t, "redis://"+wall.addr, p, lag)
	side := client(t, "redis://"+s.Addr)
	id := newID()
	fill(t, a, id, "copy")
	hit(t, b, id, "copy") // b will ask for a copy of its own
	held.Store(true)
	var calls sync.WaitGroup
	calls.Go(func() { _, _, _ = b.Get(context.Background(), id) })
	await(t, "the server has answered", func() bool { return stat(t, side, "stats", "tracking_total_keys") > 0 })
	remove(t, a, id)
	deleted := time.Now()
	await(t, "Lag has passed", func() bool { return time.Since(deleted) > 2*lag })
	begun := make(chan struct{}, 4)
	for range cap(begun) {
		calls.Go(func() {
			begun <- struct{}{}
			if copy, _, err := b.Get(context.Background(), id); copy != nil || err != nil {
				t.Errorf("long after the Delete: got %q, %v", copy, err)
			}
		})
	}
	for range cap(begun) {
		<-begun
	}
	start := time.Now()
	await(t, "they wait", func() bool { return time.Since(start) > 50*time.Millisecond })
	close(release)
	calls.Wait()
}

// TestClientSideServerStopped: a server that stops is no reason to serve copies for longer.
func TestClientSideServerStopped(t *testing.T) {
	s := ownRedis(t)
	const lag = time.Second
	c := near(t, "redis://"+s.Addr, prefix(), lag)
	id := newID()
	fill(t, c, id, "copy")
	keep(t, c, id, "copy")
	if err := s.Pause(); err != nil {
		t.Fatal(err)
	}
	paused := time.Now()
	await(t, "the copy ends", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		asked := time.Since(paused)
		copy, _, err := c.Get(ctx, id)
		if copy != nil && asked > lag {
			t.Fatalf("served for %v", asked)
		}
		return err != nil
	})
}

// TestClientSideFlush: with the connection go the copies of it.
func TestClientSideFlush(t *testing.T) {
	s := ownRedis(t)
	url := "redis://" + s.Addr
	c, side := near(t, url, prefix(), 5*time.Second), client(t, url)
	id := newID()
	fill(t, c, id, "copy")
	keep(t, c, id, "copy")
	command(t, side, "CLIENT", "KILL", "SKIPME", "yes", "TYPE", "normal")
	command(t, side, "FLUSHALL") // nobody is told any more
	await(t, "the copy is gone", func() bool {
		copy, _, err := c.Get(t.Context(), id)
		return err == nil && copy == nil
	})
}

// TestClientSideUnknownIDs: ids that somebody has made up leave nothing behind in this process or in the server's table
// of what to tell whom.
func TestClientSideUnknownIDs(t *testing.T) {
	s := ownRedis(t)
	url := "redis://" + s.Addr
	c, side := near(t, url, prefix(), 5*time.Second), client(t, url)
	for range 2 {
		for _, id := range numbered(100) {
			lease(t, c, id)
			noTicket(t, c, id)
		}
	}
	if n := stat(t, side, "stats", "tracking_total_keys"); n != 0 {
		t.Errorf("the server watches over %d keys of unknown ids, want 0", n)
	}
	id := newID()
	fill(t, c, id, "copy")
	keep(t, c, id, "copy")
	if n := stat(t, side, "stats", "tracking_total_keys"); n != 1 {
		t.Errorf("the server watches over %d keys, want 1", n)
	}
}

// TestClientSideUnsupported: where the server has no tracking, OpenCache goes without, and says so.
func TestClientSideUnsupported(t *testing.T) {
	p := &proxy{rewrite: func(b []byte) []byte {
		return bytes.ReplaceAll(b, []byte("$8\r\nTRACKING\r\n"), []byte("$8\r\nTRICKING\r\n"))
	}}
	startProxy(t, p, testserverAddr(t))
	var log strings.Builder
	c := openCache(t, "redis://"+p.addr, rueidisstore.CacheConfig{ClientSide: time.Second, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if c.Lag() != 0 || !strings.Contains(log.String(), "client-side caching") {
		t.Errorf("Lag is %v, and the log is %q", c.Lag(), log.String())
	}
	id := newID()
	fill(t, c, id, "copy")
	keep(t, c, id, "copy")
}

// TestClientSideOptions: options that would take the order of messages away are overruled.
func TestClientSideOptions(t *testing.T) {
	c := openCache(t, redisURL(t), rueidisstore.CacheConfig{ClientSide: time.Second, Option: func(o *rueidis.ClientOption) {
		o.PipelineMultiplex, o.DisableAutoPipelining, o.BlockingPipeline, o.DisableCache = 2, true, 1, true
		o.ClientTrackingOptions = []string{"PREFIX", "nothing:", "BCAST"}
	}})
	id := newID()
	fill(t, c, id, "0")
	for n := range 1000 {
		keep(t, c, id, fmt.Sprint(n))
		if err := c.Put(t.Context(), id, hit(t, c, id, fmt.Sprint(n)), fmt.Append(nil, n+1), time.Hour); err != nil && !errors.Is(err, store.ErrConflict) {
			t.Fatal(err)
		}
	}
}
