package itest

import (
	"slices"
	"strconv"
	"testing"
	"time"

	rueidisstore "github.com/qsessions/qsessions/backend/rueidis"
	"github.com/qsessions/qsessions/core/store"
	"github.com/qsessions/qsessions/testserver"
)

// TestIndexRefused: CVE-11. A session does not live on longer than the index that has it, though the index could not be
// written for a while: a Save says so, and the caller's second try mends it; a Touch, which nobody tries again, has room.
func TestIndexRefused(t *testing.T) {
	url, name := redisURL(t), prefix()
	c, s := client(t, url), openStore(t, url, rueidisstore.Config{Prefix: name})
	index, aside := indexKey(name, "ann"), name+"aside"
	ttl := func(key string) time.Duration {
		t.Helper()
		ms, err := command(t, c, "PTTL", key).AsInt64()
		if err != nil {
			t.Fatal(err)
		}
		return time.Duration(ms) * time.Millisecond
	}
	breakIndex := func() {
		command(t, c, "RENAME", index, aside)
		command(t, c, "LPUSH", index, "x")
	}
	mendIndex := func() { command(t, c, "RENAME", aside, index) }

	r := create(t, s, session("ann"))
	breakIndex()
	longer := r.Clone()
	longer.ExpiresAt = r.ExpiresAt.Add(240 * time.Hour)
	for range 2 { // the second one finds that the first one was done
		wantError(t, "Save without the index", s.Save(t.Context(), longer), store.ErrUnavailable)
	}
	mendIndex()
	wantError(t, "Save that was done", s.Save(t.Context(), longer), store.ErrConflict)
	if i, r := ttl(index), ttl(recordKey(name, r.ID)); i < r {
		t.Errorf("the index lives for %v, and a record for %v", i, r)
	}

	r = session("ann")
	r.ExpiresAt = r.LastSeen.Add(240 * time.Hour)
	create(t, s, r)
	idle := r.ExpiresAt.Sub(r.LastSeen)
	command(t, c, "DEL", index)
	if err := s.Save(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	breakIndex()
	end := r.ExpiresAt // a request of the last moment
	_ = s.Touch(t.Context(), r.Clone(), store.Touch{LastSeen: end, ExpiresAt: end.Add(idle)})
	mendIndex()
	if i, r := ttl(index), ttl(recordKey(name, r.ID)); i < r {
		t.Errorf("after a Touch the index lives for %v, and a record for %v", i, r)
	}
}

// TestNestedPrefixes: CVE-24. One application's Prefix may begin with another's, and with what that one's keys begin with.
func TestNestedPrefixes(t *testing.T) {
	url, name := redisURL(t), prefix()
	outer := openStore(t, url, rueidisstore.Config{Prefix: name, IndexAll: true})
	for _, inside := range []string{"u1:", "a1:", "s1:", "c1:"} {
		inner := openStore(t, url, rueidisstore.Config{Prefix: name + inside, IndexAll: true})
		r := session("ann")
		r.ID = store.NewID(r.CreatedAt.Add(-48 * time.Hour))
		create(t, inner, r)
		if _, err := inner.DeleteUser(t.Context(), "bob", r.CreatedAt.Add(-48*time.Hour)); err != nil {
			t.Fatal(err)
		}
		if n, err := outer.Sweep(t.Context(), r.CreatedAt, 10); n != 0 || err != nil {
			t.Errorf("%s: Sweep: got %d, %v", inside, n, err)
		}
		if at, err := inner.Cutoff(t.Context(), "bob"); err != nil || at.IsZero() {
			t.Errorf("%s: a Sweep of another application took the cut-off: %v, %v", inside, at, err)
		}
		if n := len(listed(t, inner, store.Query{})); n != 1 {
			t.Errorf("%s: %d sessions are listed, want 1", inside, n)
		}
		if ids := deleteUser(t, inner, "ann"); !slices.Equal(ids, []store.ID{r.ID}) {
			t.Errorf("%s: DeleteUser names %v, want %v: a Sweep of another application took it", inside, ids, r.ID)
		}
	}
}

// TestSweepAgainstCreate: a Sweep between the two steps of a Create takes no entry away, though the id is a slow
// request's, which was made long before.
func TestSweepAgainstCreate(t *testing.T) {
	url, name := redisURL(t), prefix()
	clients := [2]*gated{newGated(client(t, url)), newGated(client(t, url))}
	creates, sweeps := storeOver(t, clients[0], name), storeOver(t, clients[1], name)
	plain := openStore(t, url, rueidisstore.Config{Prefix: name})
	for schedule := range uint(1 << 7) {
		r := session("ann")
		r.ID = store.NewID(r.CreatedAt.Add(-10 * time.Minute))
		interleave(schedule, clients, [2]func(){
			func() { create(t, creates, r) },
			func() {
				if _, err := sweeps.Sweep(t.Context(), time.Now().Add(-5*time.Minute), 10); err != nil {
					t.Error(err)
				}
			},
		})
		if ids := deleteUser(t, plain, "ann"); !slices.Contains(ids, r.ID) {
			t.Fatalf("schedule %b: DeleteUser does not find the session", schedule)
		}
		command(t, clients[0].Client, "DEL", recordKey(name, r.ID), indexKey(name, "ann"), cutoffKey(name, "ann"))
	}
}

// TestCutoffOrder: SEC-12. Times are compared to the microsecond, also where their upper half differs, and beyond 2^53.
func TestCutoffOrder(t *testing.T) {
	s := openStore(t, redisURL(t), rueidisstore.Config{})
	begin := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	wrap := begin.Add(-time.Duration((begin.UnixMicro()+62_135_596_800_000_000)%(1<<32)) * time.Microsecond) // the lower half is 0
	const µs = time.Microsecond
	for _, at := range []time.Time{begin, wrap, wrap.Add(-µs), wrap.Add((1<<31 - 1) * µs), wrap.Add(1 << 31 * µs), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)} {
		user := at.String()
		for _, d := range []time.Duration{-1 << 32 * µs, -µs, 0, µs, 1 << 32 * µs} {
			r := session(user)
			r.AuthenticatedAt = at
			create(t, s, r)
			ids, err := s.DeleteUser(t.Context(), user, at.Add(d))
			if err != nil || slices.Contains(ids, r.ID) != (d > 0) {
				t.Errorf("%v, cut-off %v later: got %v, %v", at, d, ids, err)
			}
			if got, err := s.Cutoff(t.Context(), user); err != nil || !got.Equal(at.Add(d)) && got.Year() < 9999 {
				t.Errorf("Cutoff: got %v, %v; want %v", got, err, at.Add(d))
			}
			if _, err := s.DeleteUser(t.Context(), user, at.Add(d-µs)); err != nil {
				t.Fatal(err)
			}
			if got, err := s.Cutoff(t.Context(), user); err != nil || got.Before(at.Add(d)) && got.Year() < 9999 {
				t.Errorf("Cutoff moved back: got %v, %v; want %v", got, err, at.Add(d))
			}
		}
	}
}

// TestDeleteUserInPart: what a server has refused to remove is not named, and what is removed is.
func TestDeleteUserInPart(t *testing.T) {
	server := ownRedis(t)
	c := client(t, "redis://"+server.Addr)
	const name = "part:"
	whole := storeOver(t, c, name)
	stays, goes := create(t, whole, session("ann")), create(t, whole, session("ann"))
	command(t, c, "ACL", "SETUSER", "app", "on", ">secret", "+@all", "~"+name+"u1:*", "~"+recordKey(name, goes.ID), "~"+name+"s1:")
	s := openStore(t, "redis://app:secret@"+server.Addr, rueidisstore.Config{Prefix: name})
	ids, err := s.DeleteUser(t.Context(), "ann", time.Now().Add(time.Second))
	wantError(t, "DeleteUser", err, store.ErrUnavailable)
	if !slices.Equal(ids, []store.ID{goes.ID}) {
		t.Errorf("DeleteUser names %v, want %v alone", ids, goes.ID)
	}
	gone(t, whole, goes.ID)
	if _, err := whole.Load(t.Context(), stays.ID); err != nil {
		t.Error(err)
	}
}

// TestSweepOfCluster: a Sweep reads each session of a Cluster once: not what replicas repeat.
func TestSweepOfCluster(t *testing.T) {
	c := &counting{Client: client(t, testserver.RedisCluster(t).DSN)}
	s := storeOver(t, c, prefix())
	const users = 100
	for i := range users {
		create(t, s, session("user"+strconv.Itoa(i)))
	}
	c.commands.Store(0)
	if n, err := s.Sweep(t.Context(), time.Now().Add(-5*time.Minute), 10); n != 0 || err != nil {
		t.Fatalf("Sweep: got %d, %v", n, err)
	}
	if got := c.commands.Load(); got != 2*users {
		t.Errorf("%d commands for %d users with a session each, want two for each", got, users)
	}
}

// TestSweepCutShort: Sweeps that never get to their end get to everything together.
func TestSweepCutShort(t *testing.T) {
	c := &crashing{Client: client(t, "redis://"+ownRedis(t).Addr)}
	c.left.Store(1 << 30)
	s := storeOver(t, c, prefix())
	const users, every = 2000, 100
	for i := range users {
		r := session("user" + strconv.Itoa(i))
		if i%every == 0 {
			r.ExpiresAt = r.CreatedAt.Add(-time.Hour)
		}
		create(t, s, r)
	}
	sum, calls := 0, 0
	for ; sum < users/every && calls < 100; calls++ {
		c.left.Store(10)
		n, err := s.Sweep(t.Context(), time.Now().Add(-5*time.Minute), 1000)
		if sum += n; err == nil {
			t.Fatalf("call %d: a Sweep of %d sessions takes no more than ten requests", calls, users)
		}
	}
	if sum != users/every {
		t.Errorf("%d sessions were forgotten in %d calls, want %d", sum, calls, users/every)
	}
}
