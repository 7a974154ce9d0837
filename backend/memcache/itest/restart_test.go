package itest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	gomemcache "github.com/bradfitz/gomemcache/memcache"

	"github.com/qsessions/qsessions/backend/memcache"
	"github.com/qsessions/qsessions/core/store"
	"github.com/qsessions/qsessions/testserver"
)

// widen makes a pool have n idle connections: the server is paused until n calls wait for it.
func widen(t testing.TB, s *testserver.Server, d *dialer, n int64, call func() error) {
	t.Helper()
	must(t, s.Pause())
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			if err := call(); err != nil {
				t.Errorf("a call to a server that was paused for a moment: %v", err)
			}
		})
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); d.conns.Load() < n && time.Now().Before(end); {
		<-tick.C
	}
	must(t, s.Resume())
	wg.Wait()
	if got := d.conns.Load(); got != n {
		t.Fatalf("there are %d connections, want %d", got, n)
	}
}

// TestRestartCostsNothing: FLT-1. Eight idle connections die with their server; after its restart no call fails.
func TestRestartCostsNothing(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		first string
		at    int
	}{{"Get", 0}, {"Put", 1}, {"Delete", 2}} {
		t.Run(c.first+" first", func(t *testing.T) {
			t.Parallel()
			server, ctx := start(t), t.Context()
			var d dialer
			cache := openCache(t, memcachestore.CacheConfig{Dial: d.dial}, server.Addr)
			id := newID()
			ticket := lease(t, cache, id)
			widen(t, server, &d, 8, func() error { return cache.Delete(ctx, newID()) })
			restart(t, server)
			for i := c.at; i < c.at+20; i++ {
				var err error
				switch i % 3 {
				case 0:
					_, ticket, err = cache.Get(ctx, id)
				case 1:
					if err = cache.Put(ctx, id, ticket, []byte("copy"), time.Minute); errors.Is(err, store.ErrConflict) {
						err = nil // its connection was too old, or too young
					}
				case 2:
					err = cache.Delete(ctx, id)
				}
				if err != nil {
					t.Errorf("call %d after the restart: %v", i-c.at, err)
				}
			}
			fill(t, cache, newID(), []byte("copy"))
		})
	}
	for i, first := range []string{"Create", "Save", "Load", "Delete"} {
		t.Run("store, "+first+" first", func(t *testing.T) {
			t.Parallel()
			server, ctx := start(t), t.Context()
			var d dialer
			s := openStore(t, memcachestore.Config{Dial: d.dial}, server.Addr)
			r := record()
			must(t, s.Create(ctx, r))
			r = load(t, s, r.ID)
			widen(t, server, &d, 8, func() error { return s.Delete(ctx, newID()) })
			restart(t, server)
			for n := i; n < i+20; n++ {
				var err error
				switch n % 4 {
				case 0:
					r = record()
					err = s.Create(ctx, r)
				case 1:
					if err = s.Save(ctx, r); n < 4 && errors.Is(err, store.ErrConflict) {
						err = nil // it was lost
					}
				case 2:
					if _, err = s.Load(ctx, r.ID); n < 4 && errors.Is(err, store.ErrNotFound) {
						err = nil
					}
				case 3:
					err = s.Delete(ctx, r.ID)
				}
				if err != nil {
					t.Errorf("call %d after the restart: %v", n-i, err)
				}
			}
		})
	}
}

// TestTicketOfBefore: memcached counts its CAS ids from 1 again after a restart, so the ticket of a lease from before
// may be one of a lease from after. The connection tells them apart.
func TestTicketOfBefore(t *testing.T) {
	t.Parallel()
	for _, noticed := range []bool{false, true} {
		t.Run(fmt.Sprintf("noticed=%t", noticed), func(t *testing.T) {
			t.Parallel()
			server, ctx := start(t), t.Context()
			config := memcachestore.CacheConfig{Prefix: "p:"}
			old, other := openCache(t, config, server.Addr), openCache(t, config, server.Addr)
			cas := func(id store.ID) uint64 {
				raw := gomemcache.New(server.Addr)
				defer raw.Close()
				it, err := raw.Get("p:c1:" + base64ID(id))
				must(t, err)
				return it.CasID
			}
			id := newID()
			before := lease(t, old, id)
			was := cas(id)

			restart(t, server)
			if noticed { // so that the cache has a connection to the new process
				must(t, old.Delete(ctx, newID()))
			}
			var after store.Ticket
			for {
				after = lease(t, other, id)
				if cas(id) >= was {
					break
				}
				must(t, other.Delete(ctx, id))
			}
			if is := cas(id); is != was {
				t.Fatalf("the lease from after the restart has CAS id %d, want that from before, %d", is, was)
			}
			wantErr(t, "Put with a ticket from before the restart", old.Put(ctx, id, before, []byte("stale"), time.Minute), store.ErrConflict)
			if got, _, err := other.Get(ctx, id); got != nil || err != nil {
				t.Fatalf("Get = %q, %v; want the lease", got, err)
			}
			wantErr(t, "Put with the ticket from after it", other.Put(ctx, id, after, []byte("copy"), time.Minute), nil)
		})
	}
}

// TestRestartInsideGet: the server restarts between an answer to Get and the next thing that Get does, and the cache has a
// connection to the new process by then. A ticket of the old process is of no use in the new one, where the lease of
// another client has the same CAS id.
func TestRestartInsideGet(t *testing.T) {
	t.Parallel()
	for name, v := range map[string]struct {
		answer int64 // to gets, add, gets
		want   string
	}{
		"after gets":          {1, "a ticket"},
		"after add":           {2, "nothing"},
		"after gets of lease": {3, "a ticket of before"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, ctx := start(t), t.Context()
			d := &dialer{}
			var c *memcachestore.Cache
			var after atomic.Int64 // answers until then
			after.Store(v.answer)
			c = openCache(t, memcachestore.CacheConfig{Prefix: "p:", Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
				nc, err := d.dial(ctx, network, addr)
				return &hooked{nc, func() {
					if after.Add(-1) == 0 {
						restart(t, server)
						must(t, c.Delete(t.Context(), newID()))
					}
				}}, err
			}}, server.Addr)
			id := newID()
			got, ticket, err := c.Get(ctx, id)
			if got != nil || err != nil || (ticket == 0) != (v.want == "nothing") {
				t.Fatalf("Get = %q, %d, %v; want %s", got, ticket, err, v.want)
			}
			if v.want == "a ticket" {
				must(t, c.Put(ctx, id, ticket, []byte("copy"), time.Minute))
				return
			}
			other := openCache(t, memcachestore.CacheConfig{Prefix: "p:"}, server.Addr)
			theirs := lease(t, other, id)
			if was, is := ticket<<24, theirs<<24; v.want == "a ticket of before" && was != is { // the CAS ids in tickets
				t.Fatalf("the leases have the CAS ids %d and %d, want the same", was>>24, is>>24)
			}
			wantErr(t, "Put", c.Put(ctx, id, ticket, []byte("stale"), time.Minute), store.ErrConflict)
			must(t, other.Put(ctx, id, theirs, []byte("copy"), time.Minute))
		})
	}
}

// hooked calls hook after each answer that it reads.
type hooked struct {
	net.Conn
	hook func()
}

func (h *hooked) NetConn() net.Conn { return h.Conn }

func (h *hooked) Read(b []byte) (int, error) {
	n, err := h.Conn.Read(b)
	if err == nil {
		h.hook()
	}
	return n, err
}

// TestPaused: FLT-2, CVE-20. A server that does not answer costs a call its timeout or what its context has left; what
// it was sent does no harm later, and no answer gets to another call.
func TestPaused(t *testing.T) {
	t.Parallel()
	server := start(t)
	const timeout, short, most = time.Second, 50 * time.Millisecond, patience / 2
	c := openCache(t, memcachestore.CacheConfig{Timeout: timeout}, server.Addr)
	s := openStore(t, memcachestore.Config{Timeout: timeout}, server.Addr)
	patient, patientStore := openCache(t, memcachestore.CacheConfig{}, server.Addr), openStore(t, memcachestore.Config{}, server.Addr)
	zero, one, two, three := newID(), newID(), newID(), newID()
	fill(t, patient, zero, []byte("zero"))
	fill(t, patient, one, []byte("one"))
	r := record()
	must(t, patientStore.Create(t.Context(), r))
	stored := load(t, patientStore, r.ID)
	_, _ = s.Load(t.Context(), r.ID) // for a connection
	second, third := lease(t, c, two), lease(t, c, three)

	type call struct {
		name string
		do   func(ctx context.Context) error
		sent bool // over a connection of before, which the first call uses up
	}
	calls := func(c *memcachestore.Cache, s *memcachestore.Store) []call {
		return []call{
			{"Put", func(ctx context.Context) error { return c.Put(ctx, two, second, []byte("late"), time.Minute) }, true},
			{"Get", func(ctx context.Context) error { _, _, err := c.Get(ctx, zero); return err }, false},
			{"Delete", func(ctx context.Context) error { return c.Delete(ctx, one) }, false},
			{"Delete of 400", func(ctx context.Context) error { return c.Delete(ctx, make([]store.ID, 400)...) }, false},
			{"Save", func(ctx context.Context) error { return s.Save(ctx, stored.Clone()) }, false},
			{"Load", func(ctx context.Context) error { _, err := s.Load(ctx, r.ID); return err }, false},
			{"Create", func(ctx context.Context) error { return s.Create(ctx, record()) }, false},
		}
	}
	must(t, server.Pause())
	brief := calls(patient, patientStore)
	for i, call := range calls(c, s) {
		start := time.Now()
		err := call.do(t.Context())
		if d := time.Since(start); d < timeout*9/10 || d > 10*timeout {
			t.Errorf("%s took %v, want about %v", call.name, d, timeout)
		}
		if !errors.Is(err, store.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: got error %v, want %v alone", call.name, err, store.ErrUnavailable)
		}
		if call.sent {
			continue
		}
		ctx, cancel := context.WithTimeout(t.Context(), short)
		start = time.Now()
		err = brief[i].do(ctx)
		if d := time.Since(start); d > most {
			t.Errorf("%s took %v, with a context that ends after %v", call.name, d, short)
		}
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: got error %v, want the context's", call.name, err)
		}
		cancel()
	}
	// Over no connection that is old enough nothing is sent.
	wantErr(t, "Put", c.Put(t.Context(), three, third, []byte("late"), time.Minute), store.ErrConflict)
	must(t, server.Resume())
	for range 20 {
		holds(t, patient, zero, []byte("zero"))
		if got, _, err := patient.Get(t.Context(), one); err != nil || got != nil && string(got) != "one" {
			t.Fatalf("Get = %q, %v; want what was there, or nothing", got, err)
		}
	}
}

// passed has a deadline that has passed, and does not say so yet, as a context may for a moment.
type passed struct{ context.Context }

func (passed) Deadline() (time.Time, bool) { return time.Now().Add(-time.Millisecond), true }

// A call that comes too late does not take the connections for dead: it costs at most its own.
func TestDeadlinePassed(t *testing.T) {
	t.Parallel()
	server := start(t)
	var d dialer
	c := openCache(t, memcachestore.CacheConfig{Dial: d.dial}, server.Addr)
	s := openStore(t, memcachestore.Config{Dial: new(dialer).dial}, server.Addr)
	widen(t, server, &d, 8, func() error { return c.Delete(t.Context(), newID()) })
	id := newID()
	ticket := lease(t, c, id)
	late := passed{t.Context()}
	wantErr(t, "Put", c.Put(late, id, ticket, []byte("late"), time.Minute), context.DeadlineExceeded)
	wantErr(t, "Create", s.Create(late, record()), context.DeadlineExceeded)
	if got := d.open.Load(); got != 7 {
		t.Errorf("there are %d connections, want 7", got)
	}
	wantErr(t, "Put", c.Put(t.Context(), id, ticket, []byte("copy"), time.Minute), nil)
}

// TestManyPaused: FLT-2. 500 calls at a time find a server that does not answer: each ends in time, and none leaves a
// connection behind, also when the cache is closed under them.
func TestManyPaused(t *testing.T) {
	t.Parallel()
	server := start(t)
	var d dialer
	c := openCache(t, memcachestore.CacheConfig{Dial: d.dial, Timeout: 500 * time.Millisecond}, server.Addr)
	must(t, server.Pause())
	for _, last := range []bool{false, true} {
		var wg sync.WaitGroup
		var ready sync.WaitGroup
		ready.Add(500)
		for range 500 {
			wg.Go(func() {
				ready.Done()
				start := time.Now()
				_, _, err := c.Get(t.Context(), newID())
				if took := time.Since(start); took > patience || !errors.Is(err, store.ErrUnavailable) {
					t.Errorf("Get: %v after %v, want %v", err, took, store.ErrUnavailable)
				}
			})
		}
		ready.Wait()
		if last {
			must(t, c.Close())
		}
		wg.Wait()
		if got := d.open.Load(); got != 0 {
			t.Errorf("%d connections are left", got)
		}
	}
}
