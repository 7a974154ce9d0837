package itest

import (
	"net"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/redis/rueidis"

	rueidisstore "github.com/qsessions/qsessions/backend/rueidis"
	"github.com/qsessions/qsessions/core/store"
	"github.com/qsessions/qsessions/testserver"
)

// TestStoreReshard: while slots move from one server of a Cluster to another, nothing fails, gets lost or is missed: neither
// with the keys there, nor with them here, nor after that; by servers that do not know the scripts.
func TestStoreReshard(t *testing.T) {
	testserver.Redis(t) // skips where there is none
	cluster, err := testserver.StartRedisCluster(t.Context(), testserver.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Stop)
	c := client(t, cluster.DSN)
	s := openStore(t, cluster.DSN, rueidisstore.Config{Prefix: "m:", IndexAll: true})
	on := func(addr string, words ...string) rueidis.RedisResult {
		t.Helper()
		node := c.Nodes()[addr]
		r := node.Do(t.Context(), node.B().Arbitrary(words...).Build())
		if err := r.Error(); err != nil {
			t.Fatalf("%v: %v", words, err)
		}
		return r
	}
	// move moves the slot of a key, and calls f in each state of that.
	move := func(key string, f func(state string)) {
		n, err := command(t, c, "CLUSTER", "KEYSLOT", key).AsInt64()
		from, err2 := cluster.Master(t.Context(), key)
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		to := cluster.Nodes[slices.IndexFunc(cluster.Nodes, func(s *testserver.Server) bool { return s != from })] // the first three are masters
		slot := strconv.FormatInt(n, 10)
		id := func(addr string) string { s, _ := on(addr, "CLUSTER", "MYID").ToString(); return s }
		fromID, toID := id(from.Addr), id(to.Addr)
		on(to.Addr, "SCRIPT", "FLUSH")
		on(to.Addr, "CLUSTER", "SETSLOT", slot, "IMPORTING", fromID)
		on(from.Addr, "CLUSTER", "SETSLOT", slot, "MIGRATING", toID)
		f("keys there")
		keys, err := on(from.Addr, "CLUSTER", "GETKEYSINSLOT", slot, "1000").AsStrSlice()
		if err != nil {
			t.Fatal(err)
		}
		host, port, _ := net.SplitHostPort(to.Addr)
		for _, key := range keys {
			on(from.Addr, "MIGRATE", host, port, key, "0", "5000")
		}
		f("keys here")
		for _, node := range []*testserver.Server{to, from} {
			on(node.Addr, "CLUSTER", "SETSLOT", slot, "NODE", toID)
		}
		f("moved")
	}

	user := "ann"
	var live []store.ID
	add := func(r *store.Record) *store.Record { live = append(live, create(t, s, r).ID); return r }
	for range 5 {
		add(session(user))
	}
	r := add(session(user))
	visitor := create(t, s, session(""))
	state := func(moving string) func(state string) {
		return func(state string) {
			t.Helper()
			check := func(what string, err error) {
				t.Helper()
				if err != nil {
					t.Errorf("%s, %s: %s: %v", moving, state, what, err)
				}
			}
			check("Save", s.Save(t.Context(), r))
			check("Touch", s.Touch(t.Context(), r, touch(r)))
			got, err := s.Load(t.Context(), r.ID)
			if check("Load", err); err == nil && got.Version != r.Version {
				t.Errorf("%s, %s: Load: version %d, want %d", moving, state, got.Version, r.Version)
			}
			check("Save", s.Save(t.Context(), visitor))
			add(session(user))
			goes := create(t, s, session(user)).ID
			check("Delete", s.Delete(t.Context(), goes))
			var ids []store.ID
			for r, err := range s.List(t.Context(), store.Query{User: user}) {
				if check("List", err); err == nil {
					ids = append(ids, r.ID)
				}
			}
			if slices.SortFunc(ids, compareIDs); !slices.Equal(ids, slices.SortedFunc(slices.Values(live), compareIDs)) {
				t.Errorf("%s, %s: %d sessions are listed, want %d", moving, state, len(ids), len(live))
			}
			if rs := listed(t, s, store.Query{Kind: store.Anonymous}); len(rs) != 1 || rs[0].ID != visitor.ID {
				t.Errorf("%s, %s: %d visitors are listed, want 1", moving, state, len(rs))
			}
			for name, call := range everything(s, session("bob")) {
				if name != "Load" && name != "Save" && name != "Touch" {
					check(name, call(t.Context()))
				}
			}
		}
	}
	for moving, key := range map[string]string{
		"record": recordKey("m:", r.ID), "index": indexKey("m:", user), "cut-off and index": cutoffKey("m:", user),
		"a new user's": indexKey("m:", "bob"), "index of all": "m:a1:0", "visitor": recordKey("m:", visitor.ID),
	} {
		move(key, state(moving))
	}

	// All of a user's sessions go while one of them, and then the index, is on its way.
	for moving, key := range map[string]string{"record": recordKey("m:", r.ID), "index": indexKey("m:", "eve")} {
		if moving == "index" {
			user = "eve"
		}
		move(key, func(state string) {
			want := append(created(t, s, user, 3), live...)
			if user == "eve" {
				want = want[:3]
			}
			ids := deleteUser(t, s, user)
			for _, id := range want {
				if !slices.Contains(ids, id) {
					t.Errorf("%s, %s: DeleteUser does not name %v", moving, state, id)
				}
				gone(t, s, id)
			}
			if at, err := s.Cutoff(t.Context(), user); err != nil || time.Until(at) < -time.Minute {
				t.Errorf("%s, %s: Cutoff: got %v, %v", moving, state, at, err)
			}
		})
	}
}
