package itest

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/rueidis"

	rueidisstore "github.com/qsessions/qsessions/backend/rueidis"
	"github.com/qsessions/qsessions/core/store"
	"github.com/qsessions/qsessions/testserver"
)

// TestCacheCanceled: FLT-2. A call on a server that has stopped ends when its context is canceled, long before the
// deadline, also where it is the only one.
func TestCacheCanceled(t *testing.T) {
	each(t, func(t *testing.T, conf rueidisstore.CacheConfig) {
		s := ownRedis(t)
		const long = 10 * time.Second
		conf.Option = func(o *rueidis.ClientOption) { // the connection is not given up
			o.ConnWriteTimeout, o.Dialer.KeepAlive, o.Dialer.Timeout = long, long, long
		}
		c := openCache(t, "redis://"+s.Addr, conf)
		fill(t, c, newID(), "copy")
		if err := s.Pause(); err != nil {
			t.Fatal(err)
		}
		defer s.Resume() // before the client is closed
		for name, call := range map[string]func(ctx context.Context) error{
			"Get":    func(ctx context.Context) error { _, _, err := c.Get(ctx, newID()); return err },
			"Put":    func(ctx context.Context) error { return c.Put(ctx, newID(), 1, nil, time.Hour) },
			"Delete": func(ctx context.Context) error { return c.Delete(ctx, newID()) },
		} {
			ctx, cancel := context.WithTimeout(t.Context(), long)
			time.AfterFunc(20*time.Millisecond, cancel)
			start := time.Now()
			err := call(ctx)
			cancel()
			if d := time.Since(start); d > long/2 || !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v after %v", name, err, d)
			}
		}
	})
}

// TestCacheSilentNode: a node of a Cluster that does not answer keeps nobody from opening a cache, and the others are told
// of a Delete, which fails.
func TestCacheSilentNode(t *testing.T) {
	each(t, func(t *testing.T, conf rueidisstore.CacheConfig) {
		s := ownCluster(t, "--cluster-node-timeout", "60000") // the others do not notice
		conf.Prefix, conf.Timeout = prefix(), 10*time.Second
		url := "redis://" + s.Addrs()[0]
		c := openCache(t, url, conf)
		first, err := s.Master(t.Context(), slotKey(conf.Prefix, newID()))
		if err != nil {
			t.Fatal(err)
		}
		var silent *testserver.Server // not the one of the URL
		ids := map[*testserver.Server][]store.ID{}
		var all []store.ID
		for range 60 {
			id := newID()
			node, err := s.Master(t.Context(), slotKey(conf.Prefix, id))
			if err != nil {
				t.Fatal(err)
			}
			if silent == nil && node != first && node.Addr != s.Addrs()[0] {
				silent = node
			}
			fill(t, c, id, "copy")
			ids[node], all = append(ids[node], id), append(all, id)
		}
		if err := silent.Pause(); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		err = c.Delete(ctx, all...)
		cancel()
		wantError(t, "Delete", err, store.ErrUnavailable)
		for node, on := range ids {
			for _, id := range on {
				if node != silent {
					lease(t, c, id)
				}
			}
		}
		ctx, cancel = context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		second, err := rueidisstore.OpenCache(ctx, url, conf)
		if err != nil {
			t.Fatal("OpenCache:", err)
		}
		second.Close()
	})
}

// TestCacheDeleteAgain: FLT-3. A Delete whose connection is lost under it is done again, once.
func TestCacheDeleteAgain(t *testing.T) {
	each(t, func(t *testing.T, conf rueidisstore.CacheConfig) {
		var cut atomic.Bool
		p := &proxy{reply: func(_ int, b []byte) ([]byte, bool) {
			if cut.CompareAndSwap(true, false) {
				return nil, false
			}
			return b, true
		}}
		startProxy(t, p, testserverAddr(t))
		c := openCache(t, "redis://"+p.addr, conf)
		id := newID()
		fill(t, c, id, "copy")
		cut.Store(true)
		remove(t, c, id)
	})
}

// TestCacheGoroutines: a cache that was closed leaves no goroutines behind, under load too, and neither does one that
// could not be opened.
func TestCacheGoroutines(t *testing.T) {
	ended := func(t *testing.T, do func()) {
		before := runtime.NumGoroutine()
		do()
		await(t, "all goroutines end", func() bool { return runtime.NumGoroutine() <= before })
	}
	load := func(c *rueidisstore.Cache) {
		var calls sync.WaitGroup
		for range 20 {
			calls.Go(func() {
				for range 20 {
					_, _, _ = c.Get(context.Background(), newID())
				}
			})
		}
		c.Close()
		calls.Wait()
	}
	for name, url := range deployments {
		t.Run(name, func(t *testing.T) {
			url := url(t)
			each(t, func(t *testing.T, conf rueidisstore.CacheConfig) {
				ended(t, func() {
					for range 5 {
						c, err := rueidisstore.OpenCache(t.Context(), url, conf)
						if err != nil {
							t.Fatal(err)
						}
						load(c)
					}
				})
			})
		})
	}
	t.Run("stopped", func(t *testing.T) {
		s := ownRedis(t)
		ended(t, func() {
			c, err := rueidisstore.OpenCache(t.Context(), "redis://"+s.Addr, rueidisstore.CacheConfig{})
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Pause(); err != nil {
				t.Fatal(err)
			}
			load(c)
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			defer cancel()
			if _, err := rueidisstore.Open(ctx, "redis://"+s.Addr, rueidisstore.Config{}); err == nil {
				t.Error("Open of a server that has stopped: no error")
			}
		})
	})
}
