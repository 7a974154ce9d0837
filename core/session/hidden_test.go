package session

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// hidden lets the next save be without an answer. Others runs before it can be repeated; if done the save has happened.
func hidden(db *counting, done bool, others func()) {
	first := true
	hook := func() error {
		if !first {
			return nil
		}
		first = false
		others()
		return errNetwork
	}
	if done {
		db.onAfter("Save", hook)
	} else {
		db.onBefore("Save", hook)
	}
}

// overtaken starts a request whose save of f is without an answer, while others save n times.
func overtaken(b *browser, db *counting, done bool, n int, f func(s Session)) (*request, error) {
	r := b.start()
	f(r.s)
	hidden(db, done, func() {
		for range n {
			b.old().do(func(s Session) { others.Update(s, increment) })
		}
	})
	return r, r.s.Save(r.ctx)
}

var others = Key[int]("others")

// TestOutcomeHidden: a write whose answer was lost is done once or not at all, also when others have saved since; what they
// saved is kept, and so is what the request changes afterwards.
func TestOutcomeHidden(t *testing.T) {
	for _, done := range []bool{false, true} {
		for n := 1; n <= saves+1; n++ {
			for _, more := range []bool{false, true} {
				t.Run(fmt.Sprintf("done %t, %d others, more %t", done, n, more), func(t *testing.T) {
					db := new(counting)
					b := newBrowser(t, newManager(t, db, Config{}))
					b.do(func(s Session) { s.Login("alice"); visits.Set(s, 1) })
					r, err := overtaken(b, db, done, n, func(s Session) { visits.Update(s, increment) })
					known := !done && n <= saves || done && n < saves
					if known != (err == nil) || !known && !errors.Is(err, ErrUnavailable) {
						t.Fatalf("Save: %v; known: %t", err, known)
					}
					want := 2
					if !known && !done {
						want = 1
					}
					if more {
						visits.Update(r.s, increment)
						if known {
							want++
						}
					}
					if _, err := r.end(); known != (err == nil) {
						t.Errorf("commit: %v", err)
					}
					b.do(func(s Session) {
						if visits.Get(s) != want || others.Get(s) != n || s.User() != "alice" {
							t.Errorf("%d visits, %d others, user %q; want %d, %d", visits.Get(s), others.Get(s), s.User(), want, n)
						}
					})
				})
			}
		}
	}
}

// TestOutcomeHiddenByOutage: the same, where the session cannot be read for a while.
func TestOutcomeHiddenByOutage(t *testing.T) {
	for _, done := range []bool{false, true} {
		db := new(counting)
		b := newBrowser(t, newManager(t, db, Config{}))
		b.do(func(s Session) { s.Login("alice") })
		r := b.start()
		visits.Update(r.s, increment)
		hidden(db, done, func() {
			b.old().do(func(s Session) { others.Update(s, increment) })
			db.onBefore("Load", once(errNetwork))
		})
		if err := r.s.Save(r.ctx); !errors.Is(err, ErrUnavailable) {
			t.Errorf("done %t: Save: %v, want ErrUnavailable", done, err)
		}
		others.Update(r.s, increment)
		if _, err := r.end(); err != nil {
			t.Errorf("done %t: commit: %v", done, err)
		}
		b.do(func(s Session) {
			if visits.Get(s) != 1 || others.Get(s) != 2 {
				t.Errorf("done %t: %d visits, %d others; want 1, 2", done, visits.Get(s), others.Get(s))
			}
		})
	}
}

// TestOutcomeOfRotationHidden: SEC-32. The same with a periodic rotation on the way: the client is not signed out, with the
// token that it has or the one that it gets.
func TestOutcomeOfRotationHidden(t *testing.T) {
	for _, done := range []bool{false, true} {
		for n := 1; n < saves; n++ {
			synctest.Test(t, func(t *testing.T) {
				m, db := rotating(t, nil)
				b := newBrowser(t, m)
				b.do(func(s Session) { s.Login("alice") })
				time.Sleep(rotateEvery)
				r, err := overtaken(b, db, done, n, func(s Session) { visits.Update(s, increment) })
				if err != nil {
					t.Fatal(err)
				}
				old := b.old()
				if _, err := r.end(); err != nil {
					t.Fatal(err)
				}
				for name, b := range map[string]*browser{"old": old, "new": b} {
					b.do(func(s Session) {
						if s.User() != "alice" || visits.Get(s) != 1 || others.Get(s) != n {
							t.Errorf("done %t, %d others, %s token: user %q, %d visits, %d others", done, n, name, s.User(), visits.Get(s), others.Get(s))
						}
					})
				}
			})
		}
	}
}

// TestOutcomeHiddenByLogin: the answer is lost, and then the session is another one: somebody has signed in
// with it, or has revoked all others. The request keeps what it had saved, and gets nothing of that.
func TestOutcomeHiddenByLogin(t *testing.T) {
	for _, what := range []string{"login", "revoke others"} {
		for _, lost := range []bool{false, true} {
			db := new(counting)
			m := newManager(t, db, Config{})
			b := newBrowser(t, m)
			b.do(func(s Session) {
				visits.Set(s, 1)
				if what != "login" {
					s.Login("alice")
				}
			})
			late, owner := b.old(), b.old()
			change := func() {
				q := owner.start()
				if what == "login" {
					q.s.Login("alice")
				} else if _, err := m.RevokeOthers(q.ctx, q.s); err != nil {
					t.Error(err)
				}
				if _, err := q.end(); err != nil {
					t.Error(err)
				}
			}
			r := late.start()
			visits.Update(r.s, increment)
			if lost {
				hidden(db, true, change)
			}
			if err := r.s.Save(r.ctx); err != nil {
				t.Errorf("%s, lost %t: the save that happened: %v", what, lost, err)
			}
			if !lost {
				change()
			}
			color.Set(r.s, "red")
			r.s.Rotate()
			if _, err := r.end(); !errors.Is(err, ErrReplaced) {
				t.Errorf("%s, lost %t: commit: %v, want ErrReplaced", what, lost, err)
			}
			if user := late.user(); user != "" {
				t.Errorf("%s, lost %t: a dead token is %q's", what, lost, user)
			}
			owner.do(func(s Session) {
				if s.User() != "alice" || visits.Get(s) != 2 || color.Has(s) {
					t.Errorf("%s, lost %t: user %q, %d visits, color %q", what, lost, s.User(), visits.Get(s), color.Get(s))
				}
			})
		}
	}
}

// TestOutcomeOfReplacement: that a login, or a rotation, did not happen can always be told: it would have ended the others.
func TestOutcomeOfReplacement(t *testing.T) {
	for name, replace := range map[string]func(s Session){"login": func(s Session) { s.Login("alice") }, "rotate": Session.Rotate} {
		db := new(counting)
		b := newBrowser(t, newManager(t, db, Config{}))
		b.do(func(s Session) { visits.Set(s, 1) })
		r, err := overtaken(b, db, false, saves+1, func(s Session) { visits.Update(s, increment); replace(s) })
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := r.end(); err != nil {
			t.Errorf("%s: commit: %v", name, err)
		}
		b.do(func(s Session) {
			if visits.Get(s) != 2 || others.Get(s) != saves+1 {
				t.Errorf("%s: %d visits, %d others", name, visits.Get(s), others.Get(s))
			}
		})
	}
}

// TestOutcomeStaysKnown: what was found out once is not forgotten when something else is wrong.
func TestOutcomeStaysKnown(t *testing.T) {
	for _, done := range []bool{false, true} {
		db := new(counting)
		b := newBrowser(t, newManager(t, db, Config{MaxData: 1000}))
		b.do(func(s Session) { s.Login("alice") })
		r := inDoubt(t, b, db, "Save", done, func(s Session) { visits.Update(s, increment) })
		color.Set(r.s, strings.Repeat("x", 600))
		b.old().do(func(s Session) { shape.Set(s, strings.Repeat("y", 600)) })
		if err := r.s.Save(r.ctx); !errors.Is(err, ErrTooLarge) {
			t.Errorf("done %t: got %v, want ErrTooLarge", done, err)
		}
		for range saves {
			b.old().do(func(s Session) { shape.Set(s, "round"); others.Update(s, increment) })
		}
		if _, err := r.end(); err != nil {
			t.Errorf("done %t: commit: %v", done, err)
		}
		b.do(func(s Session) {
			if visits.Get(s) != 1 || others.Get(s) != saves || len(color.Get(s)) != 600 {
				t.Errorf("done %t: %d visits, %d others, %d bytes", done, visits.Get(s), others.Get(s), len(color.Get(s)))
			}
		})
	}
}

// TestOutcomeHiddenEvents: what another request has reported is not reported again.
func TestOutcomeHiddenEvents(t *testing.T) {
	db := new(counting)
	changes := 0
	m := newManager(t, db, Config{Observe: func(_ context.Context, e Event) {
		if e.Kind == ClientChanged {
			changes++
		}
	}})
	b := newBrowser(t, m)
	b.do(func(s Session) { s.Login("alice") })
	other := b.old()
	other.client.UserAgent = "other/2"
	r := b.start()
	visits.Update(r.s, increment)
	hidden(db, true, func() { other.do(func(s Session) { others.Update(s, increment) }) })
	if _, err := r.end(); err != nil || changes != 1 {
		t.Errorf("%d changes of the client, %v, want one", changes, err)
	}
}
