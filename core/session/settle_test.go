package session

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qsessions/qsessions/core/memory"
)

// TestCapRevokesOldest: SEC-2. The session whose user authenticated longest ago goes, even if its ID is the latest.
func TestCapRevokesOldest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var limited []ID
		m := newManager(t, new(memory.Store), Config{PerUser: Limit{Max: 3}, Observe: func(_ context.Context, e Event) {
			if e.Kind == Revoked && e.Reason == ReasonLimit {
				limited = append(limited, e.ID)
			}
		}})
		visitor := newBrowser(t, m) // the oldest ID of all
		visitor.do(func(s Session) { color.Set(s, "red") })
		var all []*browser
		for range 4 {
			time.Sleep(time.Second)
			all = append(all, signedIn(t, m, "alice", 1)...)
		}
		if got := alive(all); !slices.Equal(got, []int{1, 2, 3}) {
			t.Errorf("alive: got %v, want [1 2 3]", got)
		}
		time.Sleep(time.Second)
		visitor.do(func(s Session) { s.Login("alice") })
		if got := alive(append(all, visitor)); !slices.Equal(got, []int{2, 3, 4}) {
			t.Errorf("after the visitor signed in: got %v, want [2 3 4]", got)
		}
		all[2].do(func(s Session) { s.Reauthenticate() }) // is no new session
		if got := alive(append(all, visitor)); len(got) != 3 {
			t.Errorf("after a re-authentication: got %v", got)
		}
		if len(limited) != 2 {
			t.Errorf("events: got %d, want 2", len(limited))
		}
	})
}

// TestCapRefuses: SEC-2. The new session is refused, and signing out makes room.
func TestCapRefuses(t *testing.T) {
	m := newManager(t, new(memory.Store), Config{PerUser: Limit{Max: 2, Refuse: true}})
	all := signedIn(t, m, "alice", 2)
	third := newBrowser(t, m)
	r := third.start()
	r.s.Login("alice")
	if err := r.s.Save(r.ctx); !errors.Is(err, ErrTooMany) {
		t.Errorf("Save: got %v, want ErrTooMany", err)
	}
	if e, err := r.end(); err != nil || e.Name != "" { // the handler has answered for itself
		t.Errorf("commit after a handled refusal: %+v, %v", e, err)
	}
	if third.user() != "" || len(alive(all)) != 2 {
		t.Error("the wrong one was refused")
	}
	all[0].do(func(s Session) { s.Logout() })
	third.do(func(s Session) { s.Login("alice") })
	if third.user() != "alice" {
		t.Error("no room after a logout")
	}
}

// TestCapUnderLoad: SEC-2. Fifty logins at once leave exactly the cap, or at most the cap where new ones are refused.
func TestCapUnderLoad(t *testing.T) {
	for _, refuse := range []bool{false, true} {
		m := newManager(t, new(memory.Store), Config{PerUser: Limit{Max: 3, Refuse: refuse}})
		var wg sync.WaitGroup
		var refused atomic.Int64
		for range 50 {
			wg.Go(func() {
				r := newBrowser(t, m).start()
				r.s.Login("alice")
				if _, err := r.end(); errors.Is(err, ErrTooMany) {
					refused.Add(1)
				} else if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		list, err := Collect(m.Sessions(t.Context(), "alice"))
		if n := len(list); err != nil || n > 3 || !refuse && n != 3 {
			t.Errorf("refuse %t: %d sessions, %d refused, %v", refuse, n, refused.Load(), err)
		}
	}
}

// TestSweep removes what has ended, and no more.
func TestSweep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, new(memory.Store), Config{SweepBatch: 2})
		old := signedIn(t, m, "alice", 5)
		old[0].do(func(s Session) { s.Logout() })
		time.Sleep(time.Hour)
		fresh := signedIn(t, m, "alice", 3)
		time.Sleep(20 * time.Minute)
		if n, err := m.Sweep(t.Context()); n != 5 || err != nil {
			t.Errorf("got %d, %v, want 5", n, err)
		}
		if got := alive(fresh); len(got) != 3 { // which is a use
			t.Errorf("alive: got %v", got)
		}
		time.Sleep(35 * time.Minute)
		if n, err := m.Sweep(t.Context()); n != 0 || err != nil {
			t.Errorf("five minutes after the end: got %d, %v, want 0: another node's clock may be behind", n, err)
		}
		time.Sleep(time.Microsecond)
		if n, err := m.Sweep(t.Context()); n != 3 || err != nil {
			t.Errorf("after that: got %d, %v, want 3", n, err)
		}
	})
}

// TestRun sweeps until its context is done, and leaves no goroutine.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := new(memory.Store)
		m := newManager(t, db, Config{})
		b := signedIn(t, m, "alice", 1)[0]
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- m.Run(ctx) }()
		time.Sleep(2 * time.Hour)
		expired := 0
		for range db.List(t.Context(), Query{}) {
			expired++
		}
		if expired != 0 || b.user() != "" {
			t.Errorf("left after two hours: %d", expired)
		}
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}
