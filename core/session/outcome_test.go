package session

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qsessions/qsessions/core/memory"
)

func increment(n int) int { return n + 1 }

// unanswered lets the next two calls of a method fail without a definite answer. If done the first one has happened.
func unanswered(db *counting, method string, done bool) {
	var calls atomic.Int64
	db.onBefore(method, func() error {
		if n := calls.Add(1); n == 2 || n == 1 && !done {
			return errNetwork
		}
		return nil
	})
	db.onAfter(method, func() error {
		if calls.Load() == 1 {
			return errNetwork
		}
		return nil
	})
}

// inDoubt starts a request in which f is saved with an unknown outcome.
func inDoubt(t *testing.T, b *browser, db *counting, method string, done bool, f func(s Session)) *request {
	t.Helper()
	r := b.start()
	f(r.s)
	unanswered(db, method, done)
	if err := r.s.Save(r.ctx); !errors.Is(err, ErrUnavailable) {
		t.Fatalf("Save: got %v, want ErrUnavailable", err)
	}
	return r
}

// TestOutcomeAcrossCommits: CVE-11. A write whose outcome stays unknown is settled by the next commit, whether it
// happened or not: nothing is done twice or lost, and the own success is not taken for somebody else's.
func TestOutcomeAcrossCommits(t *testing.T) {
	for name, c := range map[string]struct {
		method string
		change func(s Session)
	}{
		"create":         {"Create", func(s Session) { s.Login("alice"); visits.Update(s, increment) }},
		"values":         {"Save", func(s Session) { visits.Update(s, increment) }},
		"login":          {"Save", func(s Session) { s.Login("alice"); visits.Update(s, increment) }},
		"login alone":    {"Save", func(s Session) { s.Login("alice") }},
		"reauthenticate": {"Save", func(s Session) { s.Reauthenticate(); visits.Update(s, increment) }},
		"rotate":         {"Save", func(s Session) { s.Rotate(); visits.Update(s, increment) }},
		"expire":         {"Save", func(s Session) { s.Expire(time.Minute, time.Hour); visits.Update(s, increment) }},
	} {
		for _, done := range []bool{false, true} {
			for _, more := range []bool{false, true} {
				t.Run(name, func(t *testing.T) {
					db := new(counting)
					m := newManager(t, db, Config{})
					b := newBrowser(t, m)
					user, want := "alice", 1
					if name != "create" {
						if want = 2; name == "values" || name == "rotate" || name == "expire" {
							user = ""
						}
						b.do(func(s Session) {
							visits.Set(s, 1)
							if name == "reauthenticate" {
								s.Login("alice")
							}
						})
					}
					if name == "login alone" {
						want = 1
					}
					r := inDoubt(t, b, db, c.method, done, c.change)
					if more {
						visits.Update(r.s, increment)
						color.Set(r.s, "red")
						want++
					}
					if n := visits.Get(r.s); n != want {
						t.Errorf("done %t, more %t: in the request: got %d visits, want %d", done, more, n, want)
					}
					if _, err := r.end(); err != nil {
						t.Fatalf("done %t, more %t: commit: %v", done, more, err)
					}
					b.do(func(s Session) {
						if s.User() != user || visits.Get(s) != want || color.Has(s) != more {
							t.Errorf("done %t, more %t: user %q, %d visits, color %q; want %q, %d", done, more, s.User(), visits.Get(s), color.Get(s), user, want)
						}
					})
					if list, err := Collect(m.Find(t.Context(), Query{})); err != nil || len(list) != 1 {
						t.Errorf("done %t, more %t: %d sessions, %v, want one", done, more, len(list), err)
					}
				})
			}
		}
	}
}

// TestOutcomeOfRotation: SEC-32. A periodic rotation of unknown outcome is settled by what the request saves later, and
// costs the client nothing.
func TestOutcomeOfRotation(t *testing.T) {
	for _, done := range []bool{false, true} {
		for _, begun := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				m, db := rotating(t, nil)
				b := newBrowser(t, m)
				b.do(func(s Session) { s.Login("alice") })
				time.Sleep(rotateEvery)
				r := b.start()
				unanswered(db, "Save", done)
				if begun {
					if _, err := m.Commit(r.ctx); err != nil {
						t.Fatal(err)
					}
				} else if err := r.s.Save(r.ctx); !errors.Is(err, ErrUnavailable) {
					t.Fatal(err)
				}
				color.Set(r.s, "red")
				old := b.old()
				if _, err := r.end(); err != nil {
					t.Fatal(err)
				}
				if begun {
					b.cookie = old.cookie // the response cannot carry it any more
				}
				b.do(func(s Session) {
					if s.User() != "alice" || color.Get(s) != "red" {
						t.Errorf("done %t, response begun %t: user %q, color %q", done, begun, s.User(), color.Get(s))
					}
				})
			})
		}
	}
}

// TestOutcomeAndCap: SEC-2. A login whose answer was lost counts for the cap as any other.
func TestOutcomeAndCap(t *testing.T) {
	db := new(counting)
	m := newManager(t, db, Config{PerUser: Limit{Max: 1}})
	first := signedIn(t, m, "alice", 1)
	b := newBrowser(t, m)
	b.do(func(s Session) { visits.Set(s, 1) })
	db.onAfter("Save", once(errNetwork))
	b.do(func(s Session) { s.Login("alice") })
	if len(alive(first)) != 0 || b.user() != "alice" {
		t.Errorf("the first session is alive: %t; the second is %q's", len(alive(first)) > 0, b.user())
	}
}

// TestRevokedBeforeTheAnswer: CVE-2. A session that was created, revoked, and whose creation was then asked for again,
// is not created again.
func TestRevokedBeforeTheAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := new(counting)
		m := newManager(t, db, Config{})
		db.onAfter("Create", func() error {
			db.onAfter("Create", nil)
			time.Sleep(time.Second)
			if n, err := m.RevokeUser(context.Background(), "alice"); n != 1 || err != nil {
				t.Errorf("RevokeUser: got %d, %v, want 1", n, err)
			}
			return errNetwork
		})
		b := newBrowser(t, m)
		r := b.start()
		r.s.Login("alice")
		if e, err := r.end(); !errors.Is(err, ErrRevoked) || e.Name != "" || b.user() != "" {
			t.Errorf("got %+v, %v, want ErrRevoked", e, err)
		}
	})
}

// TestCutoffOutageKeepsValues: what a visitor had is there after a login that took a second try, whether the request
// looked at it or not.
func TestCutoffOutageKeepsValues(t *testing.T) {
	for _, change := range []bool{false, true} {
		db := new(counting)
		b := newBrowser(t, newManager(t, db, Config{}))
		b.do(func(s Session) { visits.Set(s, 7); shape.Set(s, "round") })
		db.onBefore("Cutoff", func() error { return errNetwork })
		b.do(func(s Session) {
			s.Login("alice")
			if change {
				shape.Delete(s)
			}
			if err := s.Save(t.Context()); !errors.Is(err, ErrUnavailable) {
				t.Errorf("Save: got %v, want ErrUnavailable", err)
			}
			db.onBefore("Cutoff", nil)
			if change {
				color.Set(s, "red")
			}
		})
		b.do(func(s Session) {
			if s.User() != "alice" || visits.Get(s) != 7 || color.Has(s) != change || shape.Has(s) == change {
				t.Errorf("changes %t: user %q, visits %d, color %q, shape %q", change, s.User(), visits.Get(s), color.Get(s), shape.Get(s))
			}
		})
	}
}

// slowCutoff is a store that does not answer Cutoff while it is stuck.
type slowCutoff struct {
	memory.Store
	stuck atomic.Bool
}

func (s *slowCutoff) Cutoff(ctx context.Context, user string) (time.Time, error) {
	if s.stuck.Load() {
		<-ctx.Done()
		return time.Time{}, ctx.Err()
	}
	return s.Store.Cutoff(ctx, user)
}

// TestUndoOutlivesTimeout: a login that is refused after the commit's whole time leaves no session that counts.
func TestUndoOutlivesTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := new(slowCutoff)
		m := newManager(t, db, Config{PerUser: Limit{Max: 1, Refuse: true}})
		db.stuck.Store(true)
		b := newBrowser(t, m)
		r := b.start()
		r.s.Login("alice")
		if e, err := r.end(); !errors.Is(err, ErrUnavailable) || e.Name != "" {
			t.Errorf("got %+v, %v, want ErrUnavailable", e, err)
		}
		db.stuck.Store(false)
		if list, err := Collect(m.Sessions(t.Context(), "alice")); err != nil || len(list) != 0 {
			t.Errorf("left: %d sessions, %v", len(list), err)
		}
		b.do(func(s Session) { s.Login("alice") })
		if b.user() != "alice" {
			t.Error("the next login was refused")
		}
	})
}
