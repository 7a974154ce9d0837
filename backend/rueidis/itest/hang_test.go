package itest

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/rueidis"

	rueidisstore "github.com/qsessions/qsessions/backend/rueidis"
	"github.com/qsessions/qsessions/core/store"
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

// newFaultProxy starts a proxy in front of a server.
func newFaultProxy(t *testing.T, server string) *faultproxy.Proxy {
	t.Helper()
	p, err := faultproxy.New(server)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// A blackHole is an address that takes connections and answers nothing, or does not even take them.
func blackHole(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().String()
}

// inTime makes calls at once, with deadlines and cancellations, and reports those that outlast their context.
func inTime(t *testing.T, what string, calls map[string]func(ctx context.Context) error) {
	t.Helper()
	within(t, slack, what, calls)
}

// within is inTime with another slack.
func within(t *testing.T, slack time.Duration, what string, calls map[string]func(ctx context.Context) error) {
	t.Helper()
	var all sync.WaitGroup
	var mu sync.Mutex
	type late struct {
		call string
		took time.Duration
	}
	var took []late
	worst := lateness()
	for name, call := range calls {
		for way, limit := range map[string]func() (context.Context, context.CancelFunc){
			"deadline": func() (context.Context, context.CancelFunc) {
				return context.WithTimeout(context.Background(), 200*time.Millisecond)
			},
			"canceled": func() (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancel(context.Background())
				time.AfterFunc(200*time.Millisecond, cancel)
				return ctx, cancel
			},
			"canceled before a deadline": func() (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
				time.AfterFunc(200*time.Millisecond, cancel)
				return ctx, cancel
			},
		} {
			for range 3 {
				all.Go(func() {
					ctx, cancel := limit()
					defer cancel()
					begin := time.Now()
					err := call(ctx)
					mu.Lock()
					took = append(took, late{name + ", " + way, time.Since(begin)})
					mu.Unlock()
					if err != nil && !errors.Is(err, store.ErrUnavailable) {
						t.Errorf("%s: %s, %s: got %v, want ErrUnavailable", what, name, way, err)
					}
				})
			}
		}
	}
	all.Wait()
	limit := 200*time.Millisecond + slack + worst()
	for _, call := range took {
		if call.took > limit {
			t.Errorf("%s: %s: took %v of 200ms, at most %v", what, call.call, call.took, limit)
		}
	}
}

// hangs are the ways in which a network swallows what is sent.
var hangs = map[string]struct{ begin, end func(p *faultproxy.Proxy) }{
	"held":             {func(p *faultproxy.Proxy) { p.Hold(true) }, func(p *faultproxy.Proxy) { p.Hold(false) }},
	"requests dropped": {func(p *faultproxy.Proxy) { p.DropRequests(true) }, func(p *faultproxy.Proxy) { p.DropRequests(false) }},
	"replies dropped":  {func(p *faultproxy.Proxy) { p.DropReplies(true) }, func(p *faultproxy.Proxy) { p.DropReplies(false) }},
	"reset, and held": {
		func(p *faultproxy.Proxy) { p.Cut(); p.Hold(true); _ = p.Mend() },
		func(p *faultproxy.Proxy) { p.Hold(false) },
	},
}

// TestHang: RPT-8, FLT-2. Where the network swallows what is sent, no call of a Store or a Cache outlasts its context,
// whether it has a deadline or is canceled, with connections that are there and with new ones, also over a client of the
// application's. Afterwards all is as before, and no goroutine is left.
func TestHang(t *testing.T) {
	type opened struct {
		db    *rueidisstore.Store
		cache *rueidisstore.Cache
	}
	opens := map[string]func(t *testing.T, url string) opened{
		"own clients": func(t *testing.T, url string) opened {
			return opened{openStore(t, url, rueidisstore.Config{}), openCache(t, url, rueidisstore.CacheConfig{})}
		},
		"client-side caching": func(t *testing.T, url string) opened {
			return opened{openStore(t, url, rueidisstore.Config{IndexAll: true}), openCache(t, url, rueidisstore.CacheConfig{ClientSide: time.Second})}
		},
		"the application's client": func(t *testing.T, url string) opened {
			c := client(t, url)
			cache, err := rueidisstore.NewCache(c, rueidisstore.CacheConfig{Prefix: prefix(), Timeout: busy})
			if err != nil {
				t.Fatal(err)
			}
			return opened{storeOf(t, c, rueidisstore.Config{Prefix: prefix()}), cache}
		},
	}
	for hang, fault := range hangs {
		for way, open := range opens {
			t.Run(hang+"/"+way, func(t *testing.T) {
				t.Parallel()
				p := newFaultProxy(t, testserverAddr(t))
				o := open(t, "redis://"+p.Addr())
				r := create(t, o.db, session("ann"))
				id := newID()
				fill(t, o.cache, id, "copy")
				ticket := hit(t, o.cache, id, "copy")
				hit(t, o.cache, id, "copy")
				calls := everything(o.db, r)
				calls["Key"] = func(ctx context.Context) error { _, err := o.db.Key(ctx, "name"); return err }
				calls["RotateKey"] = func(ctx context.Context) error { return o.db.RotateKey(ctx, "name") }
				calls["List of all"] = func(ctx context.Context) error {
					for _, err := range o.db.List(ctx, store.Query{}) {
						if errors.Is(err, errors.ErrUnsupported) {
							err = nil
						}
						return err
					}
					return nil
				}
				calls["Cache.Get"] = func(ctx context.Context) error { _, _, err := o.cache.Get(ctx, newID()); return err }
				calls["Cache.Get of a copy"] = func(ctx context.Context) error { _, _, err := o.cache.Get(ctx, id); return err }
				calls["Cache.Put"] = func(ctx context.Context) error { return o.cache.Put(ctx, newID(), ticket, []byte("x"), time.Hour) }
				calls["Cache.Delete"] = func(ctx context.Context) error { return o.cache.Delete(ctx, numbered(150)...) }
				fault.begin(p)
				inTime(t, "at first", calls)
				inTime(t, "later", calls)
				fault.end(p)
				await(t, "the store works again", func() bool {
					return o.db.Create(t.Context(), session("ann")) == nil && o.cache.Delete(t.Context(), newID()) == nil
				})
			})
		}
	}
}

// TestHangLeavesNothing: RPT-8. The goroutines of calls that were given up end when the server answers, and when the store
// is closed, which takes about a second at most.
func TestHangLeavesNothing(t *testing.T) {
	before := runtime.NumGoroutine()
	for _, recovers := range []bool{true, false} {
		p := newFaultProxy(t, testserverAddr(t))
		s, err := rueidisstore.Open(t.Context(), "redis://"+p.Addr(), rueidisstore.Config{Prefix: prefix()})
		if err != nil {
			t.Fatal(err)
		}
		c, err := rueidisstore.OpenCache(t.Context(), "redis://"+p.Addr(), rueidisstore.CacheConfig{Prefix: prefix()})
		if err != nil {
			t.Fatal(err)
		}
		r := create(t, s, session("ann"))
		p.Hold(true)
		inTime(t, "held", everything(s, r))
		if recovers {
			p.Hold(false)
			await(t, "the store works again", func() bool { _, err := s.Load(t.Context(), r.ID); return err == nil })
		}
		begin := time.Now()
		_, _ = s.Close(), c.Close()
		if took := time.Since(begin); took > 4*time.Second {
			t.Errorf("Close took %v", took)
		}
		if _, err := s.Load(t.Context(), r.ID); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("Load after Close: got %v", err)
		}
		p.Close()
	}
	await(t, "all goroutines end", func() bool { return runtime.NumGoroutine() <= before })
}

// TestHangFull: RPT-8. Of more calls at once than a connection takes none outlasts its context, and when the server answers
// again so does the store.
func TestHangFull(t *testing.T) {
	p := newFaultProxy(t, testserverAddr(t))
	s := openStore(t, "redis://"+p.Addr(), rueidisstore.Config{})
	r := create(t, s, session("ann"))
	p.Hold(true)
	var all sync.WaitGroup
	for range 6000 {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			_, err := s.Load(ctx, r.ID)
			if end, _ := ctx.Deadline(); time.Since(end) > 2*time.Second { // six thousand goroutines on a busy machine
				t.Errorf("late by %v: %v", time.Since(end), err)
			}
		})
	}
	all.Wait()
	p.Hold(false)
	await(t, "the store works again", func() bool { _, err := s.Load(t.Context(), r.ID); return err == nil })
}

// TestOpenHang: RPT-8. Neither Open nor OpenCache outlasts its context, and OpenCache goes on without its server.
func TestOpenHang(t *testing.T) {
	for name, url := range map[string]string{
		"one":       "redis://" + blackHole(t),
		"several":   "redis://" + blackHole(t) + "?addr=" + blackHole(t),
		"Sentinels": "redis://" + blackHole(t) + "?addr=" + blackHole(t) + "&master_set=m",
		"TLS":       "rediss://" + blackHole(t),
	} {
		within(t, 5*slack, name, map[string]func(ctx context.Context) error{ // a client takes megabytes to make
			"Open": func(ctx context.Context) error {
				_, err := rueidisstore.Open(ctx, url, rueidisstore.Config{})
				if err == nil || !errors.Is(err, ctx.Err()) {
					t.Errorf("%s: Open: got %v, want the context's error", name, err)
				}
				return nil
			},
			"OpenCache": func(ctx context.Context) error {
				c, err := rueidisstore.OpenCache(ctx, url, rueidisstore.CacheConfig{})
				if c != nil {
					c.Close()
				}
				if err != nil && ctx.Err() == nil {
					t.Errorf("%s: OpenCache: %v", name, err)
				}
				return nil
			},
		})
	}
}

// TestNoDeadline: RPT-8. A context without a deadline is bounded by Timeout.
func TestNoDeadline(t *testing.T) {
	p := newFaultProxy(t, testserverAddr(t))
	const timeout = 300 * time.Millisecond
	s := openStore(t, "redis://"+p.Addr(), rueidisstore.Config{Timeout: timeout})
	c := openCache(t, "redis://"+p.Addr(), rueidisstore.CacheConfig{Timeout: timeout})
	r := create(t, s, session("ann"))
	p.Hold(true)
	for name, call := range map[string]func() error{
		"Load":         func() error { _, err := s.Load(context.Background(), r.ID); return err },
		"Save":         func() error { return s.Save(context.Background(), r) },
		"Cache.Get":    func() error { _, _, err := c.Get(context.Background(), newID()); return err },
		"Cache.Delete": func() error { return c.Delete(context.Background(), newID()) },
	} {
		begin, worst := time.Now(), lateness()
		err := call()
		if took := time.Since(begin); took > timeout+slack+worst() || !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("%s: %v after %v, with a Timeout of %v", name, err, took, timeout)
		}
	}
	p.Hold(false)
}

// TestIdleReset: RPT-4. A connection that was reset while it was idle costs no call.
func TestIdleReset(t *testing.T) {
	for way, open := range ways {
		t.Run(way, func(t *testing.T) {
			p := newFaultProxy(t, testserverAddr(t))
			s := open(t, "redis://"+p.Addr(), rueidisstore.Config{Prefix: prefix()})
			c := openCache(t, "redis://"+p.Addr(), rueidisstore.CacheConfig{})
			r := create(t, s, session("ann"))
			for range 20 {
				p.Cut()
				if err := p.Mend(); err != nil {
					t.Fatal(err)
				}
				if _, err := s.Load(t.Context(), r.ID); err != nil {
					t.Error("Load:", err)
				}
				if _, err := s.Cutoff(t.Context(), "ann"); err != nil {
					t.Error("Cutoff:", err)
				}
				if err := c.Delete(t.Context(), newID()); err != nil {
					t.Error("Delete of a copy:", err)
				}
			}
		})
	}
}

// TestStartWithoutCache: FLT-1. A process starts while its cache is down, be it one server, a Cluster or Sentinels,
// is told so in the log, and uses the cache when it is there. A server that refuses the password is an error.
func TestStartWithoutCache(t *testing.T) {
	server := ownRedis(t)
	p := newFaultProxy(t, server.Addr)
	p.Cut()
	for mode, conf := range modes {
		for name, url := range map[string]string{
			"one": "redis://MARKER:MARKER@" + p.Addr(), "Cluster": "redis://" + p.Addr() + "?addr=127.0.0.1:1",
			"Sentinel": "redis://" + p.Addr() + "?master_set=m", "socket": "unix:///nowhere/redis.sock", "name": "redis://cache.invalid:6379",
		} {
			var log bytes.Buffer
			conf.Logger = slog.New(slog.NewTextHandler(&log, nil))
			c, err := rueidisstore.OpenCache(t.Context(), url, conf)
			if err != nil {
				t.Errorf("%s, %s: %v", name, mode, err)
				continue
			}
			t.Cleanup(func() { c.Close() })
			if !strings.Contains(log.String(), "cannot be reached") || strings.Contains(log.String(), "MARKER") {
				t.Errorf("%s: the log says %q", name, log.String())
			}
			begin := time.Now()
			for range 1000 {
				if _, _, err := c.Get(t.Context(), newID()); !errors.Is(err, store.ErrUnavailable) {
					t.Fatalf("%s: got %v", name, err)
				}
			}
			if took := time.Since(begin); took > 5*time.Second {
				t.Errorf("%s: a thousand calls took %v", name, took)
			}
			if n := p.Count().Connections; n != 0 {
				t.Errorf("%s: %d connections", name, n)
			}
		}
	}
	caches := map[string]*rueidisstore.Cache{}
	for mode, conf := range modes {
		c, err := rueidisstore.OpenCache(t.Context(), "redis://"+p.Addr(), conf)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		caches[mode] = c
	}
	if err := p.Mend(); err != nil {
		t.Fatal(err)
	}
	for mode, c := range caches {
		await(t, mode+": the cache is used", func() bool { _, _, err := c.Get(t.Context(), newID()); return err == nil })
		id := newID()
		fill(t, c, id, "copy")
		hit(t, c, id, "copy")
		hit(t, c, id, "copy")
		remove(t, c, id)
	}
	command(t, client(t, "redis://"+server.Addr), "CONFIG", "SET", "requirepass", "another")
	if _, err := rueidisstore.OpenCache(t.Context(), "redis://:MARKER@"+server.Addr, rueidisstore.CacheConfig{}); err == nil || strings.Contains(err.Error(), "MARKER") {
		t.Errorf("a wrong password: got %v", err)
	}
}

// TestURLPasswords: ATK-18. No error about a URL has a part of its password, however wrong the URL is.
func TestURLPasswords(t *testing.T) {
	p := newFaultProxy(t, testserverAddr(t))
	p.Cut()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	n := 0
	try := func(url string, parts ...string) {
		n++
		var log bytes.Buffer
		c, err := rueidisstore.OpenCache(ctx, url, rueidisstore.CacheConfig{
			Logger: slog.New(slog.NewTextHandler(&log, nil)),
			Option: func(o *rueidis.ClientOption) {
				o.DialCtxFn = nil // of a socket
				o.Dialer.Timeout = time.Second
				o.Dialer.Control = nil
			},
		})
		said := log.String()
		if err != nil {
			said += err.Error()
		} else {
			if _, _, err := c.Get(ctx, newID()); err != nil {
				said += err.Error()
			}
			c.Close()
		}
		for _, part := range parts {
			if strings.Contains(said, part) {
				t.Errorf("%q: %q", url, said)
			}
		}
	}
	host := p.Addr()
	for _, scheme := range []string{"redis://", "rediss://", "unix://", "valkey://", "http://", "redis:", "", "REDIS://", " redis://", "redis:/", "redis//"} {
		for _, between := range []string{"", "@", "#", "/", "?", "%", "%zz", ":", "[", "]", "\\", " ", "\x00", "\n", "é", ";", "&", "=", "?x=", "#@", "/@", "//", "%40", "::"} {
			for _, end := range []string{"@" + host, "@" + host + "/0", "@" + host + "/x", "@" + host + "?db=x", "@localhost:notaport", "@[::1", "@", ""} {
				if between == "@" && end == "" {
					continue // SECRETB is the host
				}
				try(scheme+"user:SECRETA"+between+"SECRETB"+end, "SECRETA", "SECRETB")
			}
		}
	}
	t.Logf("%d URLs", n)
}
