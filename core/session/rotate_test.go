package session

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qsessions/qsessions/core/memory"
)

const rotateEvery = 15 * time.Minute

func rotating(t *testing.T, observe func(context.Context, Event)) (*Manager, *counting) {
	db := new(counting)
	return newManager(t, db, Config{Policy: Policy{RotateEvery: rotateEvery, AnonymousIdle: 30 * time.Minute}, Observe: observe}), db
}

// old returns a browser that still holds the token that b holds now.
func (b *browser) old() *browser {
	c := *b
	return &c
}

// TestPeriodicRotation: SEC-32. Of twenty parallel requests exactly one gets a new token, no user is signed out, and the
// old token dies after the grace, counted from the first use of the new one.
func TestPeriodicRotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _ := rotating(t, nil)
		b := newBrowser(t, m)
		b.do(func(s Session) { s.Login("alice") })
		time.Sleep(rotateEvery)
		old := b.old()
		var requests []*request
		for range 20 {
			requests = append(requests, b.old().start())
		}
		cookies := 0
		for _, r := range requests {
			e, err := r.end()
			if err != nil {
				t.Fatal(err)
			}
			if e.Name != "" {
				cookies++
				b.cookie = r.b.cookie
			}
		}
		if cookies != 1 {
			t.Errorf("new tokens: got %d, want 1", cookies)
		}
		time.Sleep(5 * time.Minute) // the response is slow: nobody has seen the new token yet
		if old.user() != "alice" {
			t.Error("the old token died before the new one was seen")
		}
		if b.user() != "alice" {
			t.Error("the new token does not work")
		}
		time.Sleep(time.Minute - time.Microsecond)
		if old.user() != "alice" {
			t.Error("the old token died within the grace")
		}
		time.Sleep(time.Microsecond)
		if old.user() != "" {
			t.Error("the old token outlived the grace")
		}
		if b.user() != "alice" {
			t.Error("the new token does not work any more")
		}
	})
}

// TestLostResponse: SEC-32, ATK-3. One response that never arrives signs no user out, however long the pause is: the old token
// goes on, and is followed by another one. The first of the two that is shown wins.
func TestLostResponse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _ := rotating(t, nil)
		b := newBrowser(t, m)
		b.do(func(s Session) { s.Login("alice", Remember()) })
		time.Sleep(rotateEvery)
		lost := b.old()
		if e := lost.do(func(s Session) {}); e.Name == "" {
			t.Fatal("no exchange")
		}
		time.Sleep(10 * rotateEvery)
		last := b.old()
		b.do(func(s Session) {
			if s.User() != "alice" {
				t.Fatal("signed out by a lost response")
			}
		})
		if b.cookie == last.cookie || b.user() != "alice" {
			t.Error("the last token was not delivered")
		}
		time.Sleep(61 * time.Second)
		if last.user() != "" || lost.user() != "" {
			t.Error("the old token, or the one that was shown second, outlived the grace")
		}
	})
}

// TestNoGraceAfterLogin: SEC-32, SEC-7. The grace of a periodic rotation ends with a login, a rotation on demand, and a
// revocation.
func TestNoGraceAfterLogin(t *testing.T) {
	for name, f := range map[string]func(m *Manager, r *request){
		"login":          func(_ *Manager, r *request) { r.s.Login("alice") },
		"reauthenticate": func(_ *Manager, r *request) { r.s.Reauthenticate() },
		"rotate":         func(_ *Manager, r *request) { r.s.Rotate() },
		"revoke others":  func(m *Manager, r *request) { _, _ = m.RevokeOthers(r.ctx, r.s) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, _ := rotating(t, nil)
				b := newBrowser(t, m)
				b.do(func(s Session) { s.Login("alice") })
				time.Sleep(rotateEvery)
				first := b.old()
				b.do(func(s Session) {})
				second := b.old()
				if first.user() != "alice" || second.user() != "alice" {
					t.Fatal("no grace at all")
				}
				r := b.start()
				f(m, r)
				if _, err := r.end(); err != nil {
					t.Fatal(err)
				}
				if first.user() != "" || second.user() != "" {
					t.Error("an old token still opens the session")
				}
				if b.user() != "alice" {
					t.Error("the new token does not")
				}
			})
		})
	}
}

// TestRotationAndRevocation: CVE-12. A revocation ends the session under its current and its previous token.
func TestRotationAndRevocation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _ := rotating(t, nil)
		b := newBrowser(t, m)
		b.do(func(s Session) { s.Login("alice") })
		time.Sleep(rotateEvery)
		first := b.old()
		b.do(func(s Session) {})
		if err := m.Revoke(t.Context(), "alice", b.id()); err != nil {
			t.Fatal(err)
		}
		if first.user() != "" || b.user() != "" {
			t.Error("a token survived the revocation")
		}
	})
}

// TestRotationKeepsValues: a request that holds the old token in the grace may still save, and loses nothing.
func TestRotationKeepsValues(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, db := rotating(t, nil)
		b := newBrowser(t, m)
		b.do(func(s Session) { s.Login("alice") })
		time.Sleep(rotateEvery)
		slow := b.old().start()
		b.do(func(s Session) { shape.Set(s, "round") })
		color.Set(slow.s, "red")
		if e, err := slow.end(); err != nil || e.Name != "" {
			t.Errorf("a save with the old token: %+v, %v", e, err)
		}
		saves := db.saves.Load()
		b.do(func(s Session) {
			if color.Get(s) != "red" || shape.Get(s) != "round" {
				t.Errorf("got %q, %q", color.Get(s), shape.Get(s))
			}
		})
		b.do(func(s Session) {})
		if n := db.saves.Load() - saves; n != 1 {
			t.Errorf("saves to note that the token has arrived: got %d, want 1", n)
		}
	})
}

// TestLateChangesAfterRotation: what a request changes after its own rotation is saved, and does not count as the arrival
// of the new token.
func TestLateChangesAfterRotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _ := rotating(t, nil)
		b := newBrowser(t, m)
		b.do(func(s Session) { s.Login("alice") })
		time.Sleep(rotateEvery)
		old := b.old()
		r := b.start()
		if err := r.s.Save(r.ctx); err != nil {
			t.Fatal(err)
		}
		color.Set(r.s, "red")
		if _, err := r.end(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		old.do(func(s Session) {
			if s.User() != "alice" || color.Get(s) != "red" {
				t.Errorf("got %q, %q", s.User(), color.Get(s))
			}
		})
	})
}

// TestRotationOutage: a periodic rotation that fails costs the client nothing.
func TestRotationOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, when := range []string{"before", "after"} {
			m, db := rotating(t, nil)
			b := newBrowser(t, m)
			b.do(func(s Session) { s.Login("alice") })
			time.Sleep(rotateEvery)
			hook := db.onBefore
			if when == "after" {
				hook = db.onAfter
			}
			hook("Save", func() error { return errNetwork })
			e := b.do(func(s Session) {})
			hook("Save", nil)
			if b.user() != "alice" {
				t.Errorf("%s: signed out; the response had %+v", when, e.Name)
			}
		}
	})
}

// TestReplacedIsReported: BAD-7, ATK-6. A token that a rotation has replaced is an event that says so, and opens nothing; a
// guess at the ID is one that no more can be made of than of an unknown token.
func TestReplacedIsReported(t *testing.T) {
	var kinds []EventKind
	m := newManager(t, new(memory.Store), Config{Observe: func(_ context.Context, e Event) { kinds = append(kinds, e.Kind) }})
	b := newBrowser(t, m)
	b.do(func(s Session) { s.Login("alice") })
	old := b.old()
	b.do(func(s Session) { s.Rotate() })
	kinds = nil
	if u := old.user(); u != "" || len(kinds) != 1 || kinds[0] != TokenReplaced {
		t.Errorf("user %q, events %v, want none and [token replaced]", u, kinds)
	}
	guess := newToken(b.id())
	old.cookie, kinds = "__Host-session="+guess.text(), nil
	if u := old.user(); u != "" || len(kinds) != 1 || kinds[0] != UnknownToken {
		t.Errorf("user %q, events %v, want none and [unknown token]", u, kinds)
	}
}
