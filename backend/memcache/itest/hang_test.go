package itest

import (
	"context"
	"errors"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/qsessions/qsessions/backend/memcache"
	"github.com/qsessions/qsessions/core/store"
	"github.com/qsessions/qsessions/testserver"
	"github.com/qsessions/qsessions/testserver/faultproxy"
)

// slack is by how much a call may outlast its context.
const slack = 100 * time.Millisecond

// lateness measures by how much a busy machine is late with what is due, until the function that it returns is called,
// which allows for one delay after another.
func lateness() (end func() time.Duration) {
	const every = 5 * time.Millisecond
	done, worst := make(chan struct{}), make(chan time.Duration)
	go func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		var most time.Duration
		for last := time.Now(); ; {
			select {
			case <-tick.C:
			case <-done:
				worst <- max(most, time.Since(last)-every)
				return
			}
			most = max(most, time.Since(last)-every)
			last = time.Now()
		}
	}()
	return func() time.Duration { close(done); return 3 * <-worst }
}

// inTime makes calls at once, with deadlines and cancellations, and reports those that outlast their context.
func inTime(t *testing.T, what string, calls map[string]func(ctx context.Context) error) {
	t.Helper()
	const limit = 200 * time.Millisecond
	type late struct {
		call string
		took time.Duration
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	var took []late
	worst := lateness()
	for name, call := range calls {
		for way, bound := range map[string]func() (context.Context, context.CancelFunc){
			"deadline": func() (context.Context, context.CancelFunc) { return context.WithTimeout(context.Background(), limit) },
			"canceled": func() (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancel(context.Background())
				time.AfterFunc(limit, cancel)
				return ctx, cancel
			},
			"canceled before a deadline": func() (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
				time.AfterFunc(limit, cancel)
				return ctx, cancel
			},
		} {
			for range 3 {
				all.Go(func() {
					ctx, cancel := bound()
					defer cancel()
					begin := time.Now()
					err := call(ctx)
					mu.Lock()
					defer mu.Unlock()
					took = append(took, late{name + ", " + way, time.Since(begin)})
					if err == nil {
						t.Errorf("%s: %s, %s: no error", what, name, way)
					}
				})
			}
		}
	}
	all.Wait()
	most := limit + slack + worst()
	for _, call := range took {
		if call.took > most {
			t.Errorf("%s: %s: took %v of %v, at most %v", what, call.call, call.took, limit, most)
		}
	}
}

func newProxy(t *testing.T) *faultproxy.Proxy {
	t.Helper()
	p, err := faultproxy.New(testserver.Memcached(t).Addr)
	must(t, err)
	t.Cleanup(p.Close)
	return p
}

// TestHang: RPT-8, FLT-2. Where the network swallows what is sent, no call of a Store or a Cache outlasts its context,
// whether it has a deadline or is canceled, with connections that are there and with new ones. Afterwards all is as before,
// and no goroutine is left.
func TestHang(t *testing.T) {
	testserver.Memcached(t) // started before the goroutines are counted
	before := runtime.NumGoroutine()
	for name, fault := range map[string]struct{ begin, end func(p *faultproxy.Proxy) }{
		"held":             {func(p *faultproxy.Proxy) { p.Hold(true) }, func(p *faultproxy.Proxy) { p.Hold(false) }},
		"requests dropped": {func(p *faultproxy.Proxy) { p.DropRequests(true) }, func(p *faultproxy.Proxy) { p.DropRequests(false) }},
		"replies dropped":  {func(p *faultproxy.Proxy) { p.DropReplies(true) }, func(p *faultproxy.Proxy) { p.DropReplies(false) }},
		"reset, and held": {
			func(p *faultproxy.Proxy) { p.Cut(); p.Hold(true); _ = p.Mend() },
			func(p *faultproxy.Proxy) { p.Hold(false) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProxy(t)
			const long = 30 * time.Second // the context alone ends a call
			c := openCache(t, memcachestore.CacheConfig{Timeout: long}, p.Addr())
			s := openStore(t, memcachestore.Config{Timeout: long}, p.Addr())
			r := record()
			must(t, s.Create(t.Context(), r))
			id := newID()
			fill(t, c, id, []byte("copy"))
			ticket := holds(t, c, id, []byte("copy"))
			calls := map[string]func(ctx context.Context) error{
				"Load":         func(ctx context.Context) error { _, err := s.Load(ctx, r.ID); return err },
				"Create":       func(ctx context.Context) error { return s.Create(ctx, record()) },
				"Save":         func(ctx context.Context) error { return s.Save(ctx, r.Clone()) },
				"Touch":        func(ctx context.Context) error { return s.Touch(ctx, r.Clone(), later(r, time.Second)) },
				"Delete":       func(ctx context.Context) error { return s.Delete(ctx, newID()) },
				"Cache.Get":    func(ctx context.Context) error { _, _, err := c.Get(ctx, newID()); return err },
				"Cache.Put":    func(ctx context.Context) error { return c.Put(ctx, id, ticket, []byte("x"), time.Hour) },
				"Cache.Delete": func(ctx context.Context) error { return c.Delete(ctx, newID(), newID(), newID()) },
				"Open": func(ctx context.Context) error {
					s, err := memcachestore.Open(ctx, []string{p.Addr()}, memcachestore.Config{Timeout: long})
					if err == nil {
						_ = s.Close()
					}
					return err
				},
			}
			fault.begin(p)
			inTime(t, "at first", calls)
			inTime(t, "later", calls)
			fault.end(p)
			await(t, c)
			load(t, s, r.ID)
			worst := lateness()
			begin := time.Now()
			_, _ = s.Close(), c.Close()
			if d := time.Since(begin); d > slack+worst() {
				t.Errorf("Close took %v", d)
			}
			p.Close()
		})
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); runtime.NumGoroutine() > before; <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("%d goroutines are left of %d", runtime.NumGoroutine(), before)
		}
	}
}

// TestDialHangs: RPT-8. A Dial that returns late, or never looks at its context, keeps no call; what it returns then is
// closed.
func TestDialHangs(t *testing.T) {
	release := make(chan struct{})
	closed := make(chan struct{}, 100)
	dial := func(context.Context, string, string) (net.Conn, error) {
		<-release
		a, b := net.Pipe()
		go func() { _, _ = b.Read(make([]byte, 1)); closed <- struct{}{} }()
		return a, nil
	}
	c := openCache(t, memcachestore.CacheConfig{Dial: dial, Timeout: 30 * time.Second}, "cache:11211")
	inTime(t, "Dial", map[string]func(ctx context.Context) error{
		"Get":    func(ctx context.Context) error { _, _, err := c.Get(ctx, newID()); return err },
		"Delete": func(ctx context.Context) error { return c.Delete(ctx, newID()) },
	})
	close(release)
	for range 18 {
		<-closed
	}
}

// TestIdleReset: RPT-4. Connections that were reset while they were idle cost no call, of a Cache or a Store.
func TestIdleReset(t *testing.T) {
	p := newProxy(t)
	c := openCache(t, memcachestore.CacheConfig{}, p.Addr())
	s := openStore(t, memcachestore.Config{}, p.Addr())
	r := record()
	must(t, s.Create(t.Context(), r))
	for range 20 {
		var busy sync.WaitGroup
		for range 8 { // connections
			busy.Go(func() { _, _ = s.Load(t.Context(), r.ID); _ = c.Delete(t.Context(), newID()) })
		}
		busy.Wait()
		p.Cut()
		must(t, p.Mend())
		if _, err := s.Load(t.Context(), r.ID); err != nil {
			t.Error("Load:", err)
		}
		if err := c.Delete(t.Context(), newID()); err != nil {
			t.Error("Delete of a copy:", err)
		}
		if _, _, err := c.Get(t.Context(), newID()); err != nil {
			t.Error("Get:", err)
		}
	}
}

// TestNoMemory: RPT-6. A server that has no memory, and may not evict, says so as ErrTooLarge, of which package cacheddb
// tells; what it has is still found and removed.
func TestNoMemory(t *testing.T) {
	server := start(t, "-m", "1", "-M", "-I", "512k")
	c := openCache(t, memcachestore.CacheConfig{MaxItem: 512 << 10}, server.Addr)
	kept := newID()
	fill(t, c, kept, []byte("copy"))
	big := noise(100_000)
	var put, get error
	for n := 0; put == nil || get == nil; n++ {
		if n > 100_000 {
			t.Fatalf("the server takes anything: put %v, get %v", put, get)
		}
		id := newID()
		_, ticket, err := c.Get(t.Context(), id)
		if get == nil && err != nil {
			get = err
		}
		if ticket == 0 || err != nil {
			continue
		}
		if err := c.Put(t.Context(), id, ticket, big, time.Hour); err != nil && put == nil {
			put = err
		}
	}
	for what, err := range map[string]error{"Get": get, "Put": put} {
		if !errors.Is(err, store.ErrTooLarge) || !strings.Contains(err.Error(), "out of memory") {
			t.Errorf("%s: got %v, want ErrTooLarge with the cause", what, err)
		}
	}
	holds(t, c, kept, []byte("copy"))
	must(t, c.Delete(t.Context(), kept))
}

// TestUnknownName: FLT-1. A process starts while the names of its cache's servers are unknown, and is not kept long; a
// store needs its servers.
func TestUnknownName(t *testing.T) {
	c, err := memcachestore.OpenCache(t.Context(), []string{"cache.invalid:11211"}, memcachestore.CacheConfig{Timeout: time.Second})
	must(t, err)
	defer c.Close()
	if _, _, err := c.Get(t.Context(), newID()); err == nil {
		t.Error("Get: no error")
	}
	if _, err := memcachestore.Open(t.Context(), []string{"cache.invalid:11211"}, memcachestore.Config{}); err == nil {
		t.Error("Open: no error")
	}
}

// TestPasswords: ATK-18. Servers have no URLs, and the error about one does not quote its password.
func TestPasswords(t *testing.T) {
	for _, scheme := range []string{"", "memcached://", "tcp://", "//"} {
		for _, between := range []string{"", ":", "@", "/", "?", "#", "%", "\x00", "["} {
			for _, end := range []string{"@127.0.0.1:11211", "@cache", "@", "@:0"} {
				name := scheme + "user:SECRETA" + between + "SECRETB" + end
				_, err := memcachestore.OpenCache(t.Context(), []string{name}, memcachestore.CacheConfig{})
				if err == nil || strings.Contains(err.Error(), "SECRET") {
					t.Errorf("%q: got %v", name, err)
				}
			}
		}
	}
}
