package itest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	rueidisstore "github.com/qsessions/qsessions/backend/rueidis"
	"github.com/qsessions/qsessions/core/store"
	"github.com/qsessions/qsessions/testserver"
)

// TestStoreOutage: FLT-1. Without a server each method says so in a bounded time, also under a context without a deadline:
// no record is not found, and no error has data. When the server is back, so is the store.
func TestStoreOutage(t *testing.T) {
	const timeout = 500 * time.Millisecond
	for what, fault := range map[string]struct {
		begin, end func(s *testserver.Server) error
	}{
		"killed": {(*testserver.Server).Kill, func(s *testserver.Server) error { return s.Restart(t.Context()) }},
		"frozen": {(*testserver.Server).Pause, (*testserver.Server).Resume},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			server := ownRedis(t)
			url, name := "redis://"+server.Addr, prefix()
			r := session("MARKER-user")
			r.Data, r.Secret = []byte("MARKER"), []byte("MARKER")
			create(t, openStore(t, url, rueidisstore.Config{Prefix: name}), r)
			var s *rueidisstore.Store
			await(t, "a quiet moment", func() bool {
				var err error
				s, err = rueidisstore.Open(t.Context(), url, rueidisstore.Config{Prefix: name, Timeout: timeout})
				return err == nil
			})
			t.Cleanup(func() { s.Close() })
			if err := fault.begin(server); err != nil {
				t.Fatal(err)
			}
			for method, call := range everything(s, r) {
				begin := time.Now()
				err := call(context.Background())
				took := time.Since(begin)
				if !errors.Is(err, store.ErrUnavailable) || errors.Is(err, store.ErrNotFound) || errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%s: got %v, want ErrUnavailable alone", method, err)
				}
				if took > 10*timeout {
					t.Errorf("%s took %v with a timeout of %v", method, took, timeout)
				}
				if err != nil && strings.Contains(err.Error(), "MARKER") {
					t.Errorf("%s: the error has data: %v", method, err)
				}
				ctx, cancel := context.WithTimeout(t.Context(), timeout/10)
				begin = time.Now()
				if err := call(ctx); !errors.Is(err, store.ErrUnavailable) {
					t.Errorf("%s with a deadline: got %v, want ErrUnavailable", method, err)
				}
				cancel()
				if took := time.Since(begin); took > 10*timeout {
					t.Errorf("%s took %v with a deadline of %v", method, took, timeout/10)
				}
			}
			if err := fault.end(server); err != nil {
				t.Fatal(err)
			}
			await(t, "the store works again", func() bool { return s.Create(t.Context(), session("ann")) == nil })
		})
	}
}

// TestStoreEviction: FLT-5. A server that evicts is refused by name of its policy; one without a limit evicts nothing.
func TestStoreEviction(t *testing.T) {
	server := ownRedis(t)
	url := "redis://" + server.Addr
	c := client(t, url)
	for _, policy := range []string{"allkeys-lru", "allkeys-lfu", "allkeys-random", "volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl", "noeviction"} {
		command(t, c, "CONFIG", "SET", "maxmemory-policy", policy)
		for _, limit := range []string{"0", "100mb"} {
			command(t, c, "CONFIG", "SET", "maxmemory", limit)
			_, err := rueidisstore.New(t.Context(), c, rueidisstore.Config{})
			refused := limit != "0" && policy != "noeviction"
			if (err != nil) != refused || refused && !strings.Contains(err.Error(), policy) {
				t.Errorf("maxmemory %s, %s: got %v; refused should be %t, with the policy", limit, policy, err, refused)
			}
			if _, err := rueidisstore.New(t.Context(), c, rueidisstore.Config{AllowEviction: true}); err != nil {
				t.Errorf("maxmemory %s, %s with AllowEviction: %v", limit, policy, err)
			}
		}
	}

	var log bytes.Buffer
	command(t, c, "ACL", "SETUSER", "app", "on", ">MARKER", "~*", "+@all", "-info")
	conf := rueidisstore.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))}
	s, err := rueidisstore.Open(t.Context(), "redis://app:MARKER@"+server.Addr, conf)
	if err != nil {
		t.Fatal("INFO is forbidden:", err)
	}
	defer s.Close()
	if text := log.String(); !strings.Contains(text, "noeviction") || !strings.Contains(text, server.Addr) || strings.Contains(text, "MARKER") {
		t.Errorf("the log should warn of the server: %s", text)
	}
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	_, err = rueidisstore.New(t.Context(), c, rueidisstore.Config{Timeout: 200 * time.Millisecond})
	wantError(t, "New without a server", err, store.ErrUnavailable)
	if errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("New without a server: got %v, which the caller's context has not said", err)
	}
}

// TestOpenWithoutNode: FLT-1. A Cluster of which a server stands still opens, be it the first or the last.
func TestOpenWithoutNode(t *testing.T) {
	testserver.Redis(t) // skips where there is none
	cluster, err := testserver.StartRedisCluster(t.Context(), testserver.Options{Args: []string{"--cluster-node-timeout", "60000"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Stop)
	c := client(t, cluster.DSN)
	if n := len(c.Nodes()); n != len(cluster.Nodes) {
		t.Fatalf("the client knows %d servers, want %d", n, len(cluster.Nodes))
	}
	nodes := slices.SortedFunc(slices.Values(cluster.Nodes), func(a, b *testserver.Server) int { return strings.Compare(a.Addr, b.Addr) })
	for _, node := range []*testserver.Server{nodes[0], nodes[len(nodes)-1]} {
		if err := node.Pause(); err != nil {
			t.Fatal(err)
		}
		if _, err := rueidisstore.New(t.Context(), c, rueidisstore.Config{Timeout: 5 * time.Second}); err != nil {
			t.Error(err)
		}
		if err := node.Resume(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestStoreFull: FLT-5. A server without memory refuses what is new and keeps what it has; a user can still read, sign out,
// and sign out everywhere.
func TestStoreFull(t *testing.T) {
	server := ownRedis(t, "--maxmemory", "20mb", "--maxmemory-policy", "noeviction")
	s := openStore(t, "redis://"+server.Addr, rueidisstore.Config{Prefix: "full:"})
	c := client(t, "redis://"+server.Addr)
	kept := []*store.Record{session("ann"), session("ann"), session("bob")}
	create(t, s, kept...)
	big := bytes.Repeat([]byte("x"), 100_000)
	var err error
	for n := 0; err == nil; n++ {
		r := session("eve")
		r.Data = big
		if err = s.Create(t.Context(), r); n > 1000 {
			t.Fatal("the server takes anything")
		}
	}
	wantError(t, "Create", err, store.ErrUnavailable)
	command(t, c, "CONFIG", "SET", "maxmemory", "1mb") // far below what is used: each write that takes memory is refused
	for what, err := range map[string]error{
		"Create": s.Create(t.Context(), session("")), "Save": s.Save(t.Context(), kept[0].Clone()), "Touch": s.Touch(t.Context(), kept[0].Clone(), touch(kept[0])),
	} {
		wantError(t, what, err, store.ErrUnavailable)
	}
	for _, r := range kept {
		if got, err := s.Load(t.Context(), r.ID); err != nil || got.Version != 1 || !got.LastSeen.Equal(r.LastSeen) {
			t.Errorf("Load: got %+v, %v", got, err)
		}
	}
	if err := s.Delete(t.Context(), kept[0].ID); err != nil {
		t.Error("Delete:", err)
	}
	gone(t, s, kept[0].ID)
	ids, err := s.DeleteUser(t.Context(), "ann", time.Now().Add(time.Second))
	if !errors.Is(err, store.ErrUnavailable) || len(ids) != 2 || !slices.Contains(ids, kept[1].ID) {
		t.Errorf("DeleteUser that cannot keep the cut-off: got %v, %v; want both sessions, and ErrUnavailable", ids, err)
	}
	gone(t, s, kept[1].ID)

	// What DeleteUser removes makes room for its cut-off.
	used := stat(t, c, "memory", "used_memory")
	command(t, c, "CONFIG", "SET", "maxmemory", fmt.Sprint(used-200_000))
	cutoff := time.Now().Add(time.Second).UTC().Truncate(time.Microsecond)
	ids, err = s.DeleteUser(t.Context(), "eve", cutoff)
	if err != nil {
		t.Error("DeleteUser that makes room:", err)
	}
	if n := len(ids); n == 0 || len(slices.Compact(slices.SortedFunc(slices.Values(ids), compareIDs))) != n {
		t.Errorf("DeleteUser that makes room names %d sessions, some of them twice", n)
	}
	if at, err := s.Cutoff(t.Context(), "eve"); err != nil || !at.Equal(cutoff) {
		t.Errorf("Cutoff: got %v, %v; want %v", at, err, cutoff)
	}
	create(t, s, session("eve"))
}

// TestStoreRestart: CVE-11. Redis with an append-only file keeps removals, notes and cut-offs over a restart.
func TestStoreRestart(t *testing.T) {
	server := ownRedis(t, "--appendonly", "yes", "--appendfsync", "always")
	s := openStore(t, "redis://"+server.Addr, rueidisstore.Config{})
	stays, ann := create(t, s, session("bob")), create(t, s, session("ann"))
	cutoff := time.Now().Add(time.Second).UTC().Truncate(time.Microsecond)
	if _, err := s.DeleteUser(t.Context(), "ann", cutoff); err != nil {
		t.Fatal(err)
	}
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	await(t, "the store works again", func() bool { _, err := s.Load(t.Context(), stays.ID); return err == nil })
	gone(t, s, ann.ID)
	wantError(t, "Save of a removed record", s.Save(t.Context(), ann), store.ErrConflict)
	if at, err := s.Cutoff(t.Context(), "ann"); err != nil || !at.Equal(cutoff) {
		t.Errorf("Cutoff: got %v, %v; want %v", at, err, cutoff)
	}
	if ids := deleteUser(t, s, "ann"); len(ids) != 1 {
		t.Errorf("DeleteUser names %v, want the removed session", ids)
	}
}

// TestScriptFlush: a server that has forgotten the scripts gets them again, in pipelines too.
func TestScriptFlush(t *testing.T) {
	server := ownRedis(t)
	s, c := openStore(t, "redis://"+server.Addr, rueidisstore.Config{}), client(t, "redis://"+server.Addr)
	r := create(t, s, session("ann"))
	ids := created(t, s, "ann", 250)
	for _, what := range []string{"Create", "Touch", "Save", "Delete", "Sweep"} {
		command(t, c, "SCRIPT", "FLUSH")
		if err := everything(s, r)[what](t.Context()); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	command(t, c, "SCRIPT", "FLUSH")
	if got := deleteUser(t, s, "ann"); len(got) < len(ids) {
		t.Errorf("DeleteUser names %d sessions, want %d or more", len(got), len(ids))
	}
}

// TestStoreFailover: FLT-7. The replica that a failover promotes has the sessions, and what was removed stays removed,
// once it was replicated; before that nothing is accepted that is not there.
func TestStoreFailover(t *testing.T) {
	for name, start := range map[string]func(context.Context, testserver.Options) (*testserver.Cluster, error){
		"sentinel": testserver.StartRedisSentinel, "cluster": testserver.StartRedisCluster,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testserver.Redis(t) // skips where there is none
			cluster, err := start(t.Context(), testserver.Options{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(cluster.Stop)
			s := openStore(t, cluster.DSN, rueidisstore.Config{Prefix: "f:"})
			stays, removed := create(t, s, session("ann")), create(t, s, session("bob"))
			cutoff := time.Now().Add(time.Second).UTC().Truncate(time.Microsecond)
			if _, err := s.DeleteUser(t.Context(), "bob", cutoff); err != nil {
				t.Fatal(err)
			}
			master, err := cluster.Master(t.Context(), recordKey("f:", removed.ID))
			if err != nil {
				t.Fatal(err)
			}
			await(t, "the replicas have everything", func() bool {
				c := client(t, "redis://"+master.Addr)
				n, err := c.Do(t.Context(), c.B().Wait().Numreplicas(1).Timeout(1000).Build()).AsInt64()
				return err == nil && n >= 1
			})
			if err := master.Kill(); err != nil {
				t.Fatal(err)
			}
			for range 20 {
				if _, err := s.Load(t.Context(), removed.ID); err == nil {
					t.Fatal("a removed session is back")
				}
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if err := cluster.AwaitReady(ctx); err != nil {
				t.Fatal(err)
			}
			await(t, "the store works again", func() bool {
				r := session("ann")
				r.ID[15] = removed.ID[15]
				_, err := s.Load(t.Context(), stays.ID)
				return err == nil && s.Create(t.Context(), r) == nil && s.Delete(t.Context(), removed.ID) == nil
			})
			gone(t, s, removed.ID)
			wantError(t, "Create with the id of a removed session", s.Create(t.Context(), removed), store.ErrExists)
			if at, err := s.Cutoff(t.Context(), "bob"); err != nil || !at.Equal(cutoff) {
				t.Errorf("Cutoff: got %v, %v; want %v", at, err, cutoff)
			}
			if ids := deleteUser(t, s, "bob"); len(ids) != 1 || ids[0] != removed.ID {
				t.Errorf("DeleteUser names %v, want %v", ids, removed.ID)
			}
			if n, err := s.Sweep(t.Context(), time.Now().Add(time.Minute), 100); n < 1 || err != nil {
				t.Errorf("Sweep: got %d, %v", n, err)
			}
		})
	}
}

// TestStoreUser: RPT-4. A user with an ACL needs what the package documentation says, and one who lacks a right is refused when the
// store is opened, not at each request.
func TestStoreUser(t *testing.T) {
	name := prefix()
	const direct = "get getex getrange set pttl pexpire unlink zadd zrem zrangebylex zrevrangebylex evalsha eval"
	t.Run("single", func(t *testing.T) {
		server := ownRedis(t)
		admin, url := client(t, "redis://"+server.Addr), "redis://app:pass@"+server.Addr
		allow := func(keys, rights string) {
			words := []string{"ACL", "SETUSER", "app", "reset", "on", ">pass", "+hello", "+client", "+ping", "~" + keys + "*"}
			for right := range strings.FieldsSeq(rights) {
				words = append(words, "+"+right)
			}
			command(t, admin, words...)
		}
		all := direct + " scan role"
		allow(name, all)
		s := openStore(t, url, rueidisstore.Config{Prefix: name, IndexAll: true})
		r := create(t, s, session("ann"))
		if err := s.Save(t.Context(), r); err != nil {
			t.Error(err)
		}
		if _, err := s.Load(t.Context(), r.ID); err != nil {
			t.Error(err)
		}
		if _, err := s.Key(t.Context(), "cache"); err != nil {
			t.Error(err)
		}
		if err := s.RotateKey(t.Context(), "cache"); err != nil {
			t.Error(err)
		}
		if _, err := s.DeleteUser(t.Context(), "ann", time.Now()); err != nil {
			t.Error(err)
		}
		if _, err := s.Cutoff(t.Context(), "ann"); err != nil {
			t.Error(err)
		}
		if err := s.Delete(t.Context(), r.ID); err != nil {
			t.Error(err)
		}
		for _, err := range s.List(t.Context(), store.Query{}) {
			if err != nil {
				t.Error(err)
			}
		}
		if _, err := s.Sweep(t.Context(), time.Now().Add(48*time.Hour), 10); err != nil {
			t.Error(err)
		}
		for right := range strings.FieldsSeq(all) {
			allow(name, strings.Join(slices.DeleteFunc(strings.Fields(all), func(r string) bool { return r == right }), " "))
			_, err := rueidisstore.Open(t.Context(), url, rueidisstore.Config{Prefix: name})
			if err == nil || errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), "use "+strings.ToUpper(right)+" ") {
				t.Errorf("without %s: got %v", right, err)
			}
		}
		allow("other", all)
		if _, err := rueidisstore.Open(t.Context(), url, rueidisstore.Config{Prefix: name}); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("without the right to the keys: got %v", err)
		}
	})
	t.Run("cluster", func(t *testing.T) {
		cluster := ownCluster(t)
		for _, addr := range cluster.Addrs() {
			words := strings.Fields("ACL SETUSER app reset on >pass +hello +client +ping +cluster +asking +role +scan ~" + name + "*")
			for right := range strings.FieldsSeq(direct) {
				words = append(words, "+"+right)
			}
			command(t, client(t, "redis://"+addr).Nodes()[addr], words...)
		}
		url := "redis://app:pass@" + cluster.Addrs()[0]
		s := openStore(t, url, rueidisstore.Config{Prefix: name})
		create(t, s, session("ann"))
		if _, err := s.DeleteUser(t.Context(), "ann", time.Now()); err != nil {
			t.Error(err)
		}
	})
}

// TestOpenWithoutServer: FLT-1. Where no server can be asked, Open says that it is unavailable, as New does, or that the time is over; a
// password that is refused is neither.
func TestOpenWithoutServer(t *testing.T) {
	for _, url := range []string{"redis://127.0.0.1:1", "redis://127.0.0.1:1?addr=127.0.0.1:2", "redis://127.0.0.1:1?master_set=m", "redis://cache.invalid:6379", "unix:///nowhere/redis.sock"} {
		s, err := rueidisstore.Open(t.Context(), url, rueidisstore.Config{})
		if !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("%s: got %v, want %v", url, err, store.ErrUnavailable)
		}
		if err == nil {
			s.Close()
		}
		ctx, cancel := context.WithDeadline(t.Context(), time.Now())
		if _, err := rueidisstore.Open(ctx, url, rueidisstore.Config{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: got %v, want %v", url, err, context.DeadlineExceeded)
		}
		cancel()
	}
	server := ownRedis(t)
	if _, err := rueidisstore.Open(t.Context(), "redis://nobody:wrong@"+server.Addr, rueidisstore.Config{}); err == nil || errors.Is(err, store.ErrUnavailable) {
		t.Errorf("a wrong password: got %v, not %v", err, store.ErrUnavailable)
	}
}
