package itest

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/rueidis"

	rueidisstore "github.com/qsessions/qsessions/backend/rueidis"
	"github.com/qsessions/qsessions/core/store"
	"github.com/qsessions/qsessions/testserver"
)

// A pair is a primary and the server that takes over from it behind the same name, as behind a load balancer that keeps
// the connections it has.
type pair struct {
	*proxy
	old, promoted *testserver.Server
}

func newPair(t *testing.T, rewrite func([]byte) []byte) *pair {
	t.Helper()
	own := func() *testserver.Server { return ownRedis(t, "--repl-diskless-sync-delay", "0") }
	p := &pair{&proxy{rewrite: rewrite}, own(), own()}
	startProxy(t, p.proxy, p.old.Addr)
	return p
}

func (p *pair) url() string { return "redis://" + p.addr }

func replicaOf(t *testing.T, replica, primary *testserver.Server) {
	t.Helper()
	host, port, err := net.SplitHostPort(primary.Addr)
	if err != nil {
		t.Fatal(err)
	}
	command(t, client(t, "redis://"+replica.Addr), "REPLICAOF", host, port)
}

// fail copies what the old primary has to the other server, promotes that, and makes the old one a replica of no server
// that answers: it knows nothing of what happens later.
func (p *pair) fail(t *testing.T) {
	t.Helper()
	replicaOf(t, p.promoted, p.old)
	side := client(t, "redis://"+p.promoted.Addr)
	await(t, "the replica has everything", func() bool {
		info, err := command(t, side, "INFO", "replication").ToString()
		return err == nil && strings.Contains(info, "master_link_status:up")
	})
	c := client(t, "redis://"+p.old.Addr)
	await(t, "all is replicated", func() bool {
		n, err := c.Do(t.Context(), c.B().Wait().Numreplicas(1).Timeout(1000).Build()).AsInt64()
		return err == nil && n >= 1
	})
	command(t, side, "REPLICAOF", "NO", "ONE")
	p.server.Store(&p.promoted.Addr)
	command(t, c, "REPLICAOF", "127.0.0.1", "1")
}

// ways are those in which a store comes to its client.
var ways = map[string]func(t *testing.T, url string, c rueidisstore.Config) *rueidisstore.Store{
	"Open": func(t *testing.T, url string, c rueidisstore.Config) *rueidisstore.Store { return openStore(t, url, c) },
	"New": func(t *testing.T, url string, c rueidisstore.Config) *rueidisstore.Store {
		return storeOf(t, client(t, url), c)
	},
	"New, four connections": func(t *testing.T, url string, c rueidisstore.Config) *rueidisstore.Store {
		o, err := rueidis.ParseURL(url)
		if err != nil {
			t.Fatal(err)
		}
		o.PipelineMultiplex, o.DisableCache = 2, true
		many, err := rueidis.NewClient(o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(many.Close)
		for range 64 { // open them all
			many.Do(t.Context(), many.B().Get().Key("x").Build())
		}
		return storeOf(t, many, c)
	},
}

// before6_2 makes a server refuse GETEX and headers of scripts, as those before Redis 6.2 do.
func before6_2(request []byte) []byte {
	text := strings.ReplaceAll(string(request), "\r\nGETEX\r\n", "\r\nGATEX\r\n")
	text = strings.ReplaceAll(text, "\n#!lua\n", "\n#§ua\n")
	return []byte(strings.ReplaceAll(text, "\n#!lua flags", "\n#§ua flags"))
}

// TestStoreDemoted: RPT-1. After a failover behind one name whose former primary keeps its connections, each operation
// goes right at once, and what was revoked on the new primary is not accepted: a replica answers none of them.
func TestStoreDemoted(t *testing.T) {
	conf := rueidisstore.Config{Prefix: "d:", IndexAll: true}
	type calls map[string]func(t *testing.T, s, fresh *rueidisstore.Store, r *store.Record)
	each := calls{
		"Load": func(t *testing.T, s, fresh *rueidisstore.Store, r *store.Record) {
			deleteUser(t, fresh, "ann")
			for range 8 {
				gone(t, s, r.ID)
			}
		},
		"Create": func(t *testing.T, s, fresh *rueidisstore.Store, _ *store.Record) {
			n := create(t, s, session("eve"))
			if _, err := fresh.Load(t.Context(), n.ID); err != nil {
				t.Error(err)
			}
		},
		"Save": func(t *testing.T, s, fresh *rueidisstore.Store, r *store.Record) {
			n := create(t, fresh, session("eve"))
			if err := s.Save(t.Context(), n); err != nil {
				t.Error("of a record that the former primary has not got:", err)
			}
			if err := s.Save(t.Context(), r); err != nil {
				t.Error(err)
			}
		},
		"Touch": func(t *testing.T, s, fresh *rueidisstore.Store, _ *store.Record) {
			n := create(t, fresh, session("eve"))
			if err := s.Touch(t.Context(), n, touch(n)); err != nil {
				t.Error(err)
			}
		},
		"Delete": func(t *testing.T, s, fresh *rueidisstore.Store, _ *store.Record) {
			n := create(t, fresh, session("eve"))
			if err := s.Delete(t.Context(), n.ID); err != nil {
				t.Error(err)
			}
			gone(t, fresh, n.ID)
		},
		"DeleteUser": func(t *testing.T, s, fresh *rueidisstore.Store, r *store.Record) {
			n := create(t, fresh, session("ann"))
			if ids := deleteUser(t, s, "ann"); len(ids) != 2 {
				t.Errorf("names %v, want the two sessions", ids)
			}
			gone(t, fresh, n.ID)
			gone(t, fresh, r.ID)
		},
		"Cutoff": func(t *testing.T, s, fresh *rueidisstore.Store, _ *store.Record) {
			deleteUser(t, fresh, "ann")
			if at, err := s.Cutoff(t.Context(), "ann"); err != nil || at.IsZero() {
				t.Errorf("got %v, %v", at, err)
			}
		},
		"List": func(t *testing.T, s, fresh *rueidisstore.Store, _ *store.Record) {
			deleteUser(t, fresh, "ann")
			n := create(t, fresh, session("ann"))
			for _, q := range []store.Query{{User: "ann"}, {}} {
				if rs := listed(t, s, q); len(rs) == 0 || rs[0].ID != n.ID {
					t.Errorf("%+v: got %d sessions, want the new one first", q, len(rs))
				}
			}
		},
		"Sweep": func(t *testing.T, s, fresh *rueidisstore.Store, r *store.Record) {
			if err := fresh.Delete(t.Context(), r.ID); err != nil {
				t.Fatal(err)
			}
			if n, err := s.Sweep(t.Context(), time.Now().Add(48*time.Hour), 10); n == 0 || err != nil {
				t.Errorf("got %d, %v, want what was removed", n, err)
			}
		},
		"Key": func(t *testing.T, s, fresh *rueidisstore.Store, _ *store.Record) {
			want, err := fresh.Key(t.Context(), "new")
			if err != nil {
				t.Fatal(err)
			}
			if got, err := s.Key(t.Context(), "new"); err != nil || string(got) != string(want) {
				t.Errorf("got another key, %v", err)
			}
		},
		"RotateKey": func(t *testing.T, s, _ *rueidisstore.Store, _ *store.Record) {
			if err := s.RotateKey(t.Context(), "new"); err != nil {
				t.Error(err)
			}
		},
	}
	for server, rewrite := range map[string]func([]byte) []byte{"redis 7": nil, "before 6.2": before6_2} {
		for way, open := range ways {
			for name, call := range each {
				t.Run(server+"/"+way+"/"+name, func(t *testing.T) {
					p := newPair(t, rewrite)
					s := open(t, p.url(), conf)
					r := create(t, s, session("ann"))
					for range 16 { // each connection has been used
						if _, err := s.Load(t.Context(), r.ID); err != nil {
							t.Fatal(err)
						}
					}
					p.fail(t)
					call(t, s, openStore(t, "redis://"+p.promoted.Addr, conf), r)
				})
			}
		}
	}
}

// TestCacheDemoted: RPT-1, FLT-7. After a failover behind one name whose former primary keeps its connections, each
// operation of a cache goes right at once, also over a client of the application's.
func TestCacheDemoted(t *testing.T) {
	opens := map[string]func(t *testing.T, url string) *rueidisstore.Cache{
		"plain":      func(t *testing.T, url string) *rueidisstore.Cache { return openCache(t, url, modes["plain"]) },
		"clientside": func(t *testing.T, url string) *rueidisstore.Cache { return openCache(t, url, modes["clientside"]) },
		"NewCache": func(t *testing.T, url string) *rueidisstore.Cache {
			c, err := rueidisstore.NewCache(client(t, url), rueidisstore.CacheConfig{Timeout: busy})
			if err != nil {
				t.Fatal(err)
			}
			return c
		},
	}
	for name, open := range opens {
		for server, rewrite := range map[string]func([]byte) []byte{"redis": nil, "before 7": oldServer} {
			t.Run(name+"/"+server, func(t *testing.T) {
				var c *rueidisstore.Cache
				for call, do := range map[string]func(t *testing.T, id store.ID){
					"Get": func(t *testing.T, _ store.ID) { lease(t, c, newID()) },
					"Put": func(t *testing.T, id store.ID) {
						if err := c.Put(t.Context(), id, hit(t, c, id, "copy"), []byte("new"), time.Hour); err != nil {
							t.Error(err)
						}
					},
					"Delete": func(t *testing.T, id store.ID) {
						remove(t, c, id)
						lease(t, c, id)
					},
				} {
					t.Run(call, func(t *testing.T) {
						p := newPair(t, rewrite)
						c = open(t, p.url())
						id := newID()
						fill(t, c, id, "copy")
						p.fail(t)
						do(t, id)
					})
				}
			})
		}
	}
}

// TestStoreDemotedUnderLoad: RPT-1. Of many calls at once none fails because the primary has changed.
func TestStoreDemotedUnderLoad(t *testing.T) {
	p := newPair(t, nil)
	s := openStore(t, p.url(), rueidisstore.Config{})
	ctx, stop := context.WithCancel(t.Context())
	var calls sync.WaitGroup
	for range 32 {
		calls.Go(func() {
			for ctx.Err() == nil {
				r := session("ann")
				if err := s.Create(t.Context(), r); err != nil {
					t.Error("Create:", err)
					return
				}
				if err := s.Save(t.Context(), r); err != nil && !errors.Is(err, store.ErrConflict) { // lost by the failover
					t.Error("Save:", err)
					return
				}
			}
		})
	}
	p.fail(t)
	n := 0
	await(t, "calls on the new primary", func() bool { n++; return n > 50 })
	stop()
	calls.Wait()
}

// TestStoreStaysReplica: RPT-1. Where a replica is all that is behind a name, calls fail with ErrUnavailable, and open no
// connection each.
func TestStoreStaysReplica(t *testing.T) {
	p := newPair(t, nil)
	s := openStore(t, p.url(), rueidisstore.Config{})
	r := create(t, s, session("ann"))
	p.fail(t)
	p.server.Store(&p.old.Addr)
	for name, call := range everything(s, r) {
		wantError(t, name, call(t.Context()), store.ErrUnavailable)
	}
	p.mu.Lock()
	before := len(p.conns)
	p.mu.Unlock()
	begin := time.Now()
	var calls sync.WaitGroup
	for range 200 {
		calls.Go(func() { _, _ = s.Load(t.Context(), r.ID) })
	}
	calls.Wait()
	p.mu.Lock()
	made := (len(p.conns) - before) / 2
	p.mu.Unlock()
	if most := 5 + int(time.Since(begin)/(10*time.Millisecond)); made > most {
		t.Errorf("200 calls at once made %d connections in %v", made, time.Since(begin))
	}
}

// TestClientSideDemoted: RPT-1. A process that answers from copies of its own notices that its server has become a replica
// when they end, and is not told of removals for no longer than Cache.Lag says.
func TestClientSideDemoted(t *testing.T) {
	p := newPair(t, nil)
	c := openCache(t, p.url(), rueidisstore.CacheConfig{Prefix: "n:", ClientSide: time.Second})
	id := newID()
	fill(t, c, id, "copy")
	for range 3 {
		hit(t, c, id, "copy")
	}
	p.fail(t)
	other := openCache(t, "redis://"+p.promoted.Addr, rueidisstore.CacheConfig{Prefix: "n:"})
	remove(t, other, id)
	removed, worst := time.Now(), lateness()
	await(t, "the removal is noticed", func() bool {
		copy, _, err := c.Get(t.Context(), id)
		return copy == nil && err == nil
	})
	if d := time.Since(removed); d > c.Lag()+slack+worst() {
		t.Errorf("it took %v, with a Lag of %v", d, c.Lag())
	}
}
