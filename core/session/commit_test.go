package session

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/store"
)

const (
	visits Key[int]      = "visits"
	shape  Key[string]   = "shape"
	cart   Key[[]string] = "cart"
)

// TestParallelWritesOfDifferentKeys: BAD-74. What another request saved in between stays.
func TestParallelWritesOfDifferentKeys(t *testing.T) {
	retried := 0
	m := newManager(t, new(memory.Store), Config{Observe: func(_ context.Context, e Event) {
		if e.Kind == ConflictRetried {
			retried++
		}
	}})
	b := newBrowser(t, m)
	b.do(func(s Session) { s.Login("alice"); visits.Set(s, 1) })
	first, second := b.start(), b.start()
	color.Set(first.s, "red")
	visits.Update(first.s, func(n int) int { return n + 1 })
	shape.Set(second.s, "round")
	visits.Update(second.s, func(n int) int { return n + 1 })
	for _, r := range []*request{first, second} {
		if _, err := r.end(); err != nil {
			t.Fatal(err)
		}
	}
	b.do(func(s Session) {
		if got := fmt.Sprint(color.Get(s), shape.Get(s), visits.Get(s)); got != "red round 3" && got != "redround3" {
			t.Errorf("got %q, want red round 3", got)
		}
	})
	if retried != 1 {
		t.Errorf("conflicts retried: got %d, want 1", retried)
	}
}

// TestHundredParallelRequests: BAD-74. A hundred requests of one browser lose no increment, and touch once.
func TestHundredParallelRequests(t *testing.T) {
	db := new(counting)
	m := newManager(t, db, Config{})
	b := newBrowser(t, m)
	b.do(func(s Session) { s.Login("alice") })
	const n = 100
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			c := *b
			r := c.start()
			visits.Update(r.s, func(n int) int { return n + 1 })
			Key[int](fmt.Sprint("key", i)).Set(r.s, i)
			if _, err := r.end(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	b.do(func(s Session) {
		if got := visits.Get(s); got != n {
			t.Errorf("visits: got %d, want %d", got, n)
		}
		for i := range n {
			if !Key[int](fmt.Sprint("key", i)).Has(s) {
				t.Errorf("key%d is lost", i)
			}
		}
	})
}

// TestOneTouchWins: BAD-74. Of parallel requests one touch is accepted, and the others are no errors.
func TestOneTouchWins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := new(counting)
		m := newManager(t, db, Config{})
		b := newBrowser(t, m)
		b.do(func(s Session) { s.Login("alice") })
		time.Sleep(2 * time.Minute)
		var won atomic.Int64
		var requests []*request
		for range 20 {
			requests = append(requests, b.start())
		}
		for _, r := range requests {
			before := r.s.self().base
			if _, err := r.end(); err != nil {
				t.Error(err)
			}
			if r.s.self().base != before {
				won.Add(1)
			}
		}
		if won.Load() != 1 {
			t.Errorf("touches accepted: got %d, want 1", won.Load())
		}
	})
}

// TestLateWriters: SEC-10, CVE-1, CVE-2, CVE-11. Nothing that a request in flight does revives a session that ended meanwhile.
func TestLateWriters(t *testing.T) {
	for name, late := range map[string]func(s Session){
		"save":           func(s Session) { color.Set(s, "red") },
		"update":         func(s Session) { visits.Update(s, func(n int) int { return n + 1 }) },
		"flash":          func(s Session) { cart.Pop(s) },
		"clear":          func(s Session) { s.Clear() },
		"touch":          func(s Session) {},
		"rotate":         func(s Session) { s.Rotate() },
		"reauthenticate": func(s Session) { s.Reauthenticate() },
		"login":          func(s Session) { s.Login("alice") },
		"expire":         func(s Session) { s.Expire(time.Hour, time.Hour) },
		"logout":         func(s Session) { s.Logout() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				db := new(memory.Store)
				m := newManager(t, db, Config{})
				b := newBrowser(t, m)
				b.do(func(s Session) { s.Login("alice"); cart.Set(s, []string{"tea"}) })
				time.Sleep(5 * time.Minute) // a touch is due
				cookie, id := b.cookie, b.id()
				r := (&browser{t: t, m: m, cookie: cookie, client: b.client}).start()
				b.do(func(s Session) { s.Logout() })
				late(r.s)
				e, err := r.end()
				if quiet := name == "touch" || name == "logout"; quiet && err != nil || !quiet && !errors.Is(err, ErrRevoked) {
					t.Errorf("late commit: got %v", err)
				}
				if e.Name != "" && r.b.cookie != "" {
					t.Error("the late request was given a token")
				}
				if _, err := db.Load(t.Context(), id); !errors.Is(err, store.ErrNotFound) {
					t.Errorf("the record is there again: %v", err)
				}
				if u := (&browser{t: t, m: m, cookie: cookie, client: b.client}).user(); u != "" {
					t.Errorf("the old token opens a session of %q", u)
				}
			})
		})
	}
}

// TestSaveAfterExpiry: CVE-11. A save that comes after the end revives nothing.
func TestSaveAfterExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBrowser(t, newManager(t, new(memory.Store), Config{}))
		b.do(func(s Session) { s.Login("alice") })
		r := b.start()
		time.Sleep(time.Hour) // a very slow handler
		color.Set(r.s, "red")
		if _, err := r.end(); !errors.Is(err, ErrRevoked) {
			t.Errorf("got %v, want ErrRevoked", err)
		}
		if b.user() != "" {
			t.Error("revived")
		}
	})
}

// TestSetAfterLogout: CVE-2, CVE-9. After Logout a value goes into a new anonymous session under a new ID.
func TestSetAfterLogout(t *testing.T) {
	db := new(memory.Store)
	b := newBrowser(t, newManager(t, db, Config{}))
	b.do(func(s Session) { s.Login("alice"); color.Set(s, "red") })
	old := b.id()
	b.do(func(s Session) {
		s.Logout()
		if s.User() != "" || color.Has(s) || !s.ID().IsZero() {
			t.Error("something of the session is left after Logout")
		}
		shape.Set(s, "bye")
	})
	b.do(func(s Session) {
		if s.User() != "" || color.Has(s) || shape.Get(s) != "bye" || s.ID() == old || s.ID().IsZero() {
			t.Errorf("new session: user %q, color %q, shape %q", s.User(), color.Get(s), shape.Get(s))
		}
	})
	if _, err := db.Load(t.Context(), old); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the old record: %v", err)
	}
}

// TestClearIsAChange: CVE-9. Removing the last value is saved.
func TestClearIsAChange(t *testing.T) {
	b := newBrowser(t, newManager(t, new(memory.Store), Config{}))
	b.do(func(s Session) { color.Set(s, "red"); shape.Set(s, "round") })
	b.do(func(s Session) { color.Delete(s); shape.Delete(s) })
	b.do(func(s Session) {
		if color.Has(s) || shape.Has(s) {
			t.Error("deleted values are back")
		}
		color.Set(s, "red")
	})
	b.do(func(s Session) { s.Clear() })
	b.do(func(s Session) {
		if color.Has(s) {
			t.Error("cleared values are back")
		}
	})
}

// TestLoginReplacesToken: SEC-7, SEC-30, CVE-32. The ID and the values stay, and the old token is dead at once.
func TestLoginReplacesToken(t *testing.T) {
	for name, change := range map[string]func(s Session){
		"login":          func(s Session) { s.Login("alice") },
		"reauthenticate": func(s Session) { s.Reauthenticate() },
		"rotate":         func(s Session) { s.Rotate() },
	} {
		t.Run(name, func(t *testing.T) {
			m := newManager(t, new(memory.Store), Config{Policy: Policy{RotateEvery: 4 * time.Minute}})
			b := newBrowser(t, m)
			b.do(func(s Session) {
				color.Set(s, "red")
				if name == "reauthenticate" {
					s.Login("alice")
				}
			})
			attacker := *b
			id := b.id()
			b.do(change)
			if attacker.cookie == b.cookie {
				t.Fatal("the token stays")
			}
			b.do(func(s Session) {
				if s.ID() != id || color.Get(s) != "red" {
					t.Error("the session is not the same any more")
				}
			})
			attacker.do(func(s Session) {
				if s.User() != "" || color.Has(s) || s.ID() == id {
					t.Error("the old token still opens the session")
				}
			})
		})
	}
}

// TestPreLoginRequestInFlight: SEC-7, RPT-22. What a request with the token of before a login set does not get into the session.
func TestPreLoginRequestInFlight(t *testing.T) {
	m := newManager(t, new(memory.Store), Config{})
	b := newBrowser(t, m)
	b.do(func(s Session) { color.Set(s, "red") })
	early := (&browser{t: t, m: m, cookie: b.cookie}).start()
	b.do(func(s Session) { s.Login("alice") })
	color.Set(early.s, "attacker's")
	if e, err := early.end(); !errors.Is(err, ErrReplaced) || errors.Is(err, ErrRevoked) || e.Name != "" {
		t.Errorf("got %+v, %v, want ErrReplaced and no header", e, err)
	}
	b.do(func(s Session) {
		if color.Get(s) != "red" || s.User() != "alice" {
			t.Errorf("got %q of %q", color.Get(s), s.User())
		}
	})
}

// TestLoginAsAnother ends the session of the first user; nothing of it is seen by the second.
func TestLoginAsAnother(t *testing.T) {
	b := newBrowser(t, newManager(t, new(memory.Store), Config{}))
	b.do(func(s Session) { s.Login("alice"); color.Set(s, "red") })
	first, id := *b, b.id()
	b.do(func(s Session) { s.Login("bob"); shape.Set(s, "round") })
	b.do(func(s Session) {
		if s.User() != "bob" || color.Has(s) || shape.Get(s) != "round" || s.ID() == id {
			t.Errorf("user %q, color %q, shape %q", s.User(), color.Get(s), shape.Get(s))
		}
	})
	if u := first.user(); u != "" {
		t.Errorf("the first session is still %q's", u)
	}
}

// TestUnknownOutcome: a write whose outcome is unknown is settled, whether it happened or not.
// TestOutage: a store that cannot be asked is an error, never a logout; the request may try again.
// TestOutageOfTouch: a touch that fails costs the client nothing.
// TestCommitOutlivesClient: BAD-72. A client that goes away does not leave the outcome open; a load it may cancel.
// TestStoreTimeout bounds loads and commits of contexts without a deadline.
// stuck is a store that answers nothing.
// TestStickyError: nothing is stored by a request whose change failed.
func TestStickyError(t *testing.T) {
	db := new(counting)
	b := newBrowser(t, newManager(t, db, Config{}))
	b.do(func(s Session) { s.Login("alice") })
	writes := db.writes()
	r := b.start()
	color.Set(r.s, "red")
	Key[chan int]("c").Set(r.s, nil)
	shape.Set(r.s, "round")
	if r.s.Err() == nil {
		t.Error("Err is nil")
	}
	if _, err := r.end(); err == nil || db.writes() != writes {
		t.Errorf("got %v, %d writes", err, db.writes()-writes)
	}
	if b.user() != "alice" {
		t.Error("signed out by a bad value")
	}
}

// TestAfterTheRequest: a goroutine that keeps the session finds it closed.
func TestAfterTheRequest(t *testing.T) {
	db := new(counting)
	m := newManager(t, db, Config{})
	b := newBrowser(t, m)
	b.do(func(s Session) { s.Login("alice"); color.Set(s, "red") })
	r := b.start()
	if _, err := r.end(); err != nil {
		t.Fatal(err)
	}
	writes := db.writes()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			_ = r.s.User()
			_ = color.Get(r.s)
			_ = r.s.Info()
			color.Set(r.s, "late")
			r.s.Login("eve")
			r.s.Logout()
			if err := r.s.Save(context.Background()); !errors.Is(err, ErrClosed) {
				t.Errorf("Save: got %v, want ErrClosed", err)
			}
		})
	}
	wg.Wait()
	if s, err := From(r.ctx); err != nil || s.User() != "alice" { // an error page may show it
		t.Errorf("From of a loaded session: %v", err)
	}
	ctx, _ := m.Start(t.Context(), b.client, b.cookie)
	m.Close(ctx)
	if _, err := From(ctx); !errors.Is(err, ErrClosed) {
		t.Errorf("From: got %v, want ErrClosed", err)
	}
	if _, ok := m.Start(ctx, b.client, b.cookie); !ok {
		t.Error("Start in the context of a request that has ended does not begin one")
	}
	if db.writes() != writes {
		t.Error("a closed session was written")
	}
}

// TestAfterTheFirstByte: BAD-71. An existing session's values are still saved; what needs a new token fails loudly.
func TestAfterTheFirstByte(t *testing.T) {
	for name, c := range map[string]struct {
		existing bool
		late     func(s Session)
		want     error
	}{
		"value of a stored session": {true, func(s Session) { color.Set(s, "red") }, nil},
		"logout":                    {true, func(s Session) { s.Logout() }, nil},
		"value of a new session":    {false, func(s Session) { color.Set(s, "red") }, ErrTooLate},
		"login":                     {true, func(s Session) { s.Login("alice") }, ErrTooLate},
		"rotate":                    {true, func(s Session) { s.Rotate() }, ErrTooLate},
	} {
		t.Run(name, func(t *testing.T) {
			db := new(counting)
			b := newBrowser(t, newManager(t, db, Config{}))
			if c.existing {
				b.do(func(s Session) { shape.Set(s, "round") })
			}
			cookie := b.cookie
			r := b.start()
			if _, err := b.m.Commit(r.ctx); err != nil {
				t.Fatal(err)
			}
			creates := db.creates.Load()
			c.late(r.s)
			e, err := r.end()
			if !errors.Is(err, c.want) || c.want == nil && err != nil {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if c.want != nil && (e.Name != "" || db.creates.Load() != creates || b.cookie != cookie) {
				t.Error("a record without an owner, or a token that cannot be sent")
			}
		})
	}
}

// TestDropped: ATK-10. A request that is closed without a commit leaves nothing, but for what Save stored before, and for the
// end of access that was asked for: a Logout, and the new token after RevokeOthers.
func TestDropped(t *testing.T) {
	b := newBrowser(t, newManager(t, new(memory.Store), Config{}))
	b.do(func(s Session) { s.Login("alice"); color.Set(s, "red") })
	r := b.start()
	color.Set(r.s, "blue")
	r.s.Rotate()
	if e := b.m.Close(r.ctx); e.Name != "" {
		t.Errorf("Close: %+v", e)
	}
	b.do(func(s Session) {
		if s.User() != "alice" || color.Get(s) != "red" {
			t.Errorf("got %q, %q", s.User(), color.Get(s))
		}
	})
	r = b.start()
	r.s.Rotate()
	if err := r.s.Save(r.ctx); err != nil {
		t.Fatal(err)
	}
	if e := b.m.Close(r.ctx); e.Name != "Set-Cookie" {
		t.Error("the token of a saved rotation was not sent: the client is locked out")
	}
}

// TestDroppedEnds: ATK-10. A response of failure, and a panic, take back no Logout and no RevokeOthers; a login as another user
// is taken back, and so the end of the session that it would have followed.
func TestDroppedEnds(t *testing.T) {
	for _, stack := range stacks(t) {
		b := newBrowser(t, newManager(t, stack.store, Config{}))
		close := func(f func(m *Manager, r *request)) Effect {
			r := b.start()
			f(b.m, r)
			e := b.m.Close(r.ctx)
			if e.Name != "" {
				b.cookie, _, _ = strings.Cut(e.Value, ";")
			}
			return e
		}
		b.do(func(s Session) { s.Login("alice"); color.Set(s, "red") })
		if e := close(func(_ *Manager, r *request) { color.Set(r.s, "blue"); r.s.Login("bob") }); e.Name != "" || b.user() != "alice" {
			t.Errorf("%s: a login that failed: %+v, user %q", stack.name, e, b.user())
		}
		before := b.old()
		e := close(func(m *Manager, r *request) {
			color.Set(r.s, "blue")
			if _, err := m.RevokeOthers(r.ctx, r.s); err != nil {
				t.Fatal(err)
			}
		})
		if e.Name != "Set-Cookie" || before.user() != "" || b.user() != "alice" {
			t.Errorf("%s: RevokeOthers: %+v; before %q, after %q, want a new token", stack.name, e, before.user(), b.user())
		}
		b.do(func(s Session) {
			if color.Get(s) != "red" {
				t.Errorf("%s: a value of a request that failed was saved", stack.name)
			}
		})
		signedIn := b.old()
		e = close(func(_ *Manager, r *request) { r.s.Logout(); color.Set(r.s, "green") })
		if !strings.Contains(e.Value, "Max-Age=0") || signedIn.user() != "" {
			t.Errorf("%s: Logout: %+v, user %q; want the cookie taken back and no session", stack.name, e, signedIn.user())
		}
	}
}

// TestDroppedEndUnknown: ATK-10. The cookie is taken back only if the session is known to have ended.
func TestDroppedEndUnknown(t *testing.T) {
	db := new(counting)
	b := newBrowser(t, newManager(t, db, Config{}))
	b.do(func(s Session) { s.Login("alice") })
	r := b.start()
	r.s.Logout()
	db.onBefore("Delete", func() error { return errNetwork })
	if e := b.m.Close(r.ctx); e.Name != "" {
		t.Errorf("Close: %+v, want no header", e)
	}
	if n := db.deletes.Load(); n != 1 {
		t.Errorf("%d deletions were tried, want 1", n)
	}
	if b.user() != "alice" {
		t.Error("signed out")
	}
}
