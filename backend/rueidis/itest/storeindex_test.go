package itest

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/redis/rueidis"

	rueidisstore "github.com/qsessions/qsessions/backend/rueidis"
	"github.com/qsessions/qsessions/core/store"
)

// TestIndexLost: FLT-7. A user's index that a failover has lost comes back with the next Touch or Save, though not before.
func TestIndexLost(t *testing.T) {
	for what, use := range map[string]func(s store.Store, r *store.Record) error{
		"Touch": func(s store.Store, r *store.Record) error { return s.Touch(t.Context(), r, touch(r)) },
		"Save":  func(s store.Store, r *store.Record) error { return s.Save(t.Context(), r) },
	} {
		t.Run(what, func(t *testing.T) {
			url, name := redisURL(t), prefix()
			c, s := client(t, url), openStore(t, url, rueidisstore.Config{Prefix: name})
			r := create(t, s, session("ann"))
			command(t, c, "DEL", indexKey(name, "ann"))
			if ids := deleteUser(t, s, "ann"); len(ids) > 0 {
				t.Fatalf("DeleteUser without an index names %v", ids)
			}
			if err := use(s, r); err != nil {
				t.Fatal(err)
			}
			if rs := listed(t, s, store.Query{User: "ann"}); len(rs) != 1 {
				t.Errorf("%d sessions are listed, want 1", len(rs))
			}
			if ids := deleteUser(t, s, "ann"); !slices.Equal(ids, []store.ID{r.ID}) {
				t.Errorf("DeleteUser names %v, want %v", ids, r.ID)
			}
			gone(t, s, r.ID)
		})
	}
}

// TestRemovedIsRemembered: a removed record is named again, by another process too, and its id stays taken, until a Sweep.
func TestRemovedIsRemembered(t *testing.T) {
	url, name := redisURL(t), prefix()
	s, other := openStore(t, url, rueidisstore.Config{Prefix: name}), openStore(t, url, rueidisstore.Config{Prefix: name})
	r := create(t, s, session("ann"))
	again := r.Clone()
	if err := s.Delete(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if ids := deleteUser(t, other, "ann"); !slices.Equal(ids, []store.ID{r.ID}) {
			t.Errorf("DeleteUser names %v, want %v", ids, r.ID)
		}
	}
	wantError(t, "Create", other.Create(t.Context(), again), store.ErrExists)
	wantError(t, "Save", other.Save(t.Context(), again), store.ErrConflict)
	wantError(t, "Touch", other.Touch(t.Context(), again, touch(again)), store.ErrConflict)
	if n, err := other.Sweep(t.Context(), time.Now().Add(-5*time.Minute), 100); n != 0 || err != nil {
		t.Errorf("Sweep of what was removed five minutes ago: got %d, %v", n, err)
	}
	if n, err := other.Sweep(t.Context(), time.Now().Add(time.Second), 100); n != 1 || err != nil {
		t.Errorf("Sweep of what was removed just now: got %d, %v; want 1", n, err)
	}
	if ids := deleteUser(t, s, "ann"); len(ids) > 0 {
		t.Errorf("DeleteUser after the Sweep names %v", ids)
	}
}

// TestSweepEntries: entries whose record is gone go, if they are an hour older than the given time; the index of a user without
// sessions is no key any more; entries of live records and young ones stay.
func TestSweepEntries(t *testing.T) {
	url, name := redisURL(t), prefix()
	c, s := client(t, url), openStore(t, url, rueidisstore.Config{Prefix: name})
	before := time.Now().Add(-5 * time.Minute)
	old := func() string { id := store.NewID(before.Add(-time.Hour - time.Second)); return string(id[:]) }
	young := store.NewID(before.Add(-time.Hour + time.Minute))
	for range 1000 {
		command(t, c, "ZADD", indexKey(name, "eve"), "0", old())
	}
	command(t, c, "ZADD", indexKey(name, "ann"), "0", old(), "0", string(young[:]), "0", "no id")
	r := create(t, s, session("ann"))
	live := session("ann")
	live.ID = store.NewID(before.Add(-time.Hour))
	create(t, s, live)
	for range 2 {
		if n, err := s.Sweep(t.Context(), before, 10); n != 0 || err != nil {
			t.Errorf("Sweep: got %d, %v; entries are no records", n, err)
		}
	}
	members, err := command(t, c, "ZRANGE", indexKey(name, "ann"), "0", "-1").AsStrSlice()
	if err != nil {
		t.Fatal(err)
	}
	want := []string{string(live.ID[:]), string(young[:]), string(r.ID[:]), "no id"}
	slices.Sort(want)
	if slices.Sort(members); !slices.Equal(members, want) {
		t.Errorf("the index has %x, want %x", members, want)
	}
	if left := keys(t, c, indexKey(name, "eve")); len(left) > 0 {
		t.Errorf("the index of a user without sessions is still there")
	}
}

// TestSweepGoesOn: a Sweep with a small limit goes on where the last one stopped, and is done when nothing is left,
// whatever else there is.
func TestSweepGoesOn(t *testing.T) {
	c := &counting{Client: client(t, redisURL(t))}
	s := storeOver(t, c, prefix())
	const users, each, first = 40, 25, "\x00" // the first in the order of keys
	created(t, s, first, 1000)
	for i := range users {
		for j := range each {
			r := session("user" + strconv.Itoa(i))
			if j%2 == 0 {
				r.ExpiresAt = r.CreatedAt.Add(-time.Hour)
			}
			create(t, s, r)
		}
	}
	sum, calls := 0, 0
	c.commands.Store(0)
	for n := 37; n > 0; calls++ {
		var err error
		if n, err = s.Sweep(t.Context(), time.Now().Add(-5*time.Minute), 37); err != nil || n > 37 {
			t.Fatalf("Sweep: got %d, %v", n, err)
		}
		sum += n
	}
	// It may see everything three times, and reads up to a batch ahead. Beginning anew each time would be all sessions
	// for each call.
	sessions := 1000 + users*each
	got, most := c.commands.Load(), int64(4*sessions+calls*300)
	t.Logf("%d commands in %d calls of Sweep over %d sessions", got, calls, sessions)
	if got > most {
		t.Errorf("%d commands in %d calls of Sweep over %d sessions, want at most %d", got, calls, sessions, most)
	}
	if want := users * (each/2 + each%2); sum != want {
		t.Errorf("%d sessions were forgotten, want %d", sum, want)
	}
	for i := range users {
		if n := len(listed(t, s, store.Query{User: "user" + strconv.Itoa(i)})); n != each/2 {
			t.Fatalf("user %d: %d sessions are left, want %d", i, n, each/2)
		}
	}
}

// TestAllShards: List of all sessions merges the parts of the index, however uneven those are.
func TestAllShards(t *testing.T) {
	s := openStore(t, redisURL(t), rueidisstore.Config{IndexAll: true})
	begin := time.Now().Add(-time.Hour)
	var want []store.ID
	for i := range 400 {
		r := session("")
		r.ID = store.NewID(begin.Add(time.Duration(i) * time.Millisecond))
		if r.ID[15] = 0; i%100 == 0 {
			r.ID[15] = byte(i / 100)
		}
		want = append(want, create(t, s, r).ID)
	}
	slices.Reverse(want)
	for _, limit := range []int{0, 1, 7, 250} {
		var got []store.ID
		for q := (store.Query{Limit: limit}); ; {
			rs := listed(t, s, q)
			for _, r := range rs {
				got = append(got, r.ID)
			}
			if len(rs) == 0 || limit == 0 {
				break
			}
			q.After = got[len(got)-1]
		}
		if !slices.Equal(got, want) {
			t.Errorf("pages of %d: got %d sessions, want %d in their order", limit, len(got), len(want))
		}
	}
}

// TestHugeIndex: a hundred thousand entries of one user delay nobody, and hide nothing.
func TestHugeIndex(t *testing.T) {
	url, name := redisURL(t), prefix()
	c, s := client(t, url), openStore(t, url, rueidisstore.Config{Prefix: name})
	const entries, sessions = 100_000, 500
	add := make(rueidis.Commands, 0, 1000)
	for i := range entries {
		id := newID()
		add = append(add, c.B().Zadd().Key(indexKey(name, "ann")).ScoreMember().ScoreMember(0, string(id[:])).Build())
		if len(add) == cap(add) {
			for _, r := range c.DoMulti(t.Context(), add...) {
				if err := r.Error(); err != nil {
					t.Fatal(err)
				}
			}
			add = add[:0]
		}
		if i%(entries/sessions) == 0 {
			create(t, s, session("ann"))
		}
	}
	command(t, c, "PEXPIRE", indexKey(name, "ann"), "600000")
	took := func(what string, f func()) {
		begin := time.Now()
		f()
		t.Logf("%s: %v", what, time.Since(begin).Round(time.Millisecond))
	}
	took("first page of 20", func() {
		if n := len(listed(t, s, store.Query{User: "ann", Limit: 20})); n != 20 {
			t.Errorf("%d sessions are listed, want 20", n)
		}
	})
	took("all", func() {
		if n := len(listed(t, s, store.Query{User: "ann"})); n != sessions {
			t.Errorf("%d sessions are listed, want %d", n, sessions)
		}
	})
	took("DeleteUser", func() {
		if n := len(deleteUser(t, s, "ann")); n != sessions {
			t.Errorf("DeleteUser names %d sessions, want %d", n, sessions)
		}
	})
	took("second DeleteUser", func() {
		if n := len(deleteUser(t, s, "ann")); n != sessions {
			t.Errorf("second DeleteUser names %d sessions, want %d", n, sessions)
		}
	})
	took("Sweep", func() {
		if n, err := s.Sweep(t.Context(), time.Now().Add(time.Hour+time.Minute), 10_000); n != sessions || err != nil {
			t.Errorf("Sweep: got %d, %v; want %d", n, err, sessions)
		}
	})
	if left := keys(t, c, indexKey(name, "ann")); len(left) > 0 {
		t.Error("the index is still there")
	}
}
