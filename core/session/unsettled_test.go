package session

import (
	"bytes"
	"errors"
	"log/slog"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

// TestLogoutUnsettled: CVE-2. Logout also removes a session whose creation may or may not have happened.
func TestLogoutUnsettled(t *testing.T) {
	for _, method := range []string{"Create", "Save"} {
		for _, done := range []bool{false, true} {
			db := new(counting)
			m := newManager(t, db, Config{})
			b := newBrowser(t, m)
			if method == "Save" {
				b.do(func(s Session) { color.Set(s, "red") })
			}
			r := inDoubt(t, b, db, method, done, func(s Session) { s.Login("alice") })
			r.s.Logout()
			if _, err := r.end(); err != nil {
				t.Errorf("%s done %t: commit: %v", method, done, err)
			}
			if list, err := Collect(m.Find(t.Context(), Query{})); err != nil || len(list) != 0 || b.user() != "" {
				t.Errorf("%s done %t: left: %+v, %v", method, done, list, err)
			}
		}
	}
}

// TestRevokeUnsettled: CVE-2. A revocation by the request itself also ends its own login of unknown outcome, even one
// that counts as later; the request's values go on without it, but for those of a stored session that was revoked.
func TestRevokeUnsettled(t *testing.T) {
	for _, method := range []string{"Create", "Save"} {
		for _, done := range []bool{false, true} {
			db := new(counting)
			m := newManager(t, db, Config{})
			b := newBrowser(t, m)
			if method == "Save" {
				b.do(func(s Session) { color.Set(s, "red") })
			}
			r := inDoubt(t, b, db, method, done, func(s Session) { s.Login("alice", AuthenticatedAt(time.Now().Add(time.Second))) })
			shape.Set(r.s, "round")
			if done { // the cut-off is not after the login
				if err := m.Revoke(r.ctx, "alice", r.s.ID()); err != nil {
					t.Fatal(err)
				}
			} else if _, err := m.RevokeUser(r.ctx, "alice"); err != nil {
				t.Fatal(err)
			}
			if _, err := r.end(); err != nil {
				t.Errorf("%s done %t: commit: %v", method, done, err)
			}
			gone := method == "Save" && done
			b.do(func(s Session) {
				if shape.Has(s) == gone {
					t.Errorf("%s done %t: value there: %t", method, done, shape.Has(s))
				}
			})
			if list, err := Collect(m.Find(t.Context(), Query{Kind: Users})); err != nil || len(list) != 0 || b.user() != "" {
				t.Errorf("%s done %t: left: %+v, %v", method, done, list, err)
			}
		}
	}
}

// TestSlowUnsettledSave: SEC-8. A save that is tried again long after does not take back what other requests were
// promised meanwhile, is made once, and revives nothing.
func TestSlowUnsettledSave(t *testing.T) {
	for _, done := range []bool{false, true} {
		for _, c := range []struct {
			tens int // of minutes
			used bool
		}{{2, true}, {4, true}, {4, false}} {
			used := c.used
			synctest.Test(t, func(t *testing.T) {
				db := new(counting)
				m := newManager(t, db, Config{})
				b := signedIn(t, m, "alice", 1)[0]
				r := inDoubt(t, b.old(), db, "Save", done, func(s Session) { visits.Update(s, increment) })
				for range c.tens {
					time.Sleep(10 * time.Minute)
					if used {
						b.user()
					}
				}
				if _, err := r.end(); used == errors.Is(err, ErrRevoked) || used && err != nil {
					t.Errorf("done %t, used %t: commit: %v", done, used, err)
				}
				time.Sleep(29 * time.Minute)
				b.do(func(s Session) {
					if used != (s.User() == "alice") || used != (visits.Get(s) == 1) {
						t.Errorf("done %t, used %t: user %q, %d visits", done, used, s.User(), visits.Get(s))
					}
				})
			})
		}
	}
}

// TestRevokePendingOverUnsettled: a login that is revoked before it was tried does not make anything happen twice that was.
func TestRevokePendingOverUnsettled(t *testing.T) {
	for _, done := range []bool{false, true} {
		db := new(counting)
		m := newManager(t, db, Config{})
		b := newBrowser(t, m)
		b.do(func(s Session) { visits.Set(s, 1) })
		r := inDoubt(t, b, db, "Save", done, func(s Session) { visits.Update(s, increment) })
		r.s.Login("alice")
		if _, err := m.RevokeUser(r.ctx, "alice"); err != nil {
			t.Fatal(err)
		}
		if _, err := r.end(); err != nil {
			t.Errorf("done %t: commit: %v", done, err)
		}
		b.do(func(s Session) {
			if s.User() != "" || visits.Get(s) != 2 {
				t.Errorf("done %t: user %q, %d visits, want nobody's 2", done, s.User(), visits.Get(s))
			}
		})
	}
}

// TestLateUnsettledRotation: BAD-71. A rotation that did not happen before the response began is not made up for
// afterwards: nobody would get the new token. The values are saved.
func TestLateUnsettledRotation(t *testing.T) {
	db := new(counting)
	m := newManager(t, db, Config{})
	b := signedIn(t, m, "alice", 1)[0]
	r := b.start()
	r.s.Rotate()
	color.Set(r.s, "red")
	db.onBefore("Save", func() error { return errNetwork })
	if e, err := m.Commit(r.ctx); !errors.Is(err, ErrUnavailable) || e.Name != "" {
		t.Fatalf("got %+v, %v, want ErrUnavailable", e, err)
	}
	db.onBefore("Save", nil)
	if e, err := m.Commit(r.ctx); !errors.Is(err, ErrTooLate) || e.Name != "" {
		t.Errorf("late: got %+v, %v, want ErrTooLate", e, err)
	}
	b.do(func(s Session) {
		if s.User() != "alice" || color.Get(s) != "red" {
			t.Errorf("user %q, color %q", s.User(), color.Get(s))
		}
	})
}

// TestLatePendingLogout: a logout that only a cache has not heard of is not reported as lost.
func TestLatePendingLogout(t *testing.T) {
	var log bytes.Buffer
	db := new(counting)
	m := newManager(t, db, Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	r := signedIn(t, m, "alice", 1)[0].start()
	if _, err := m.Commit(r.ctx); err != nil {
		t.Fatal(err)
	}
	db.onAfter("Delete", once(&PendingError{EffectiveBy: time.Now(), Err: errNetwork}))
	r.s.Logout()
	if _, err := r.end(); err != nil || log.Len() > 0 {
		t.Errorf("got %v, log %q", err, log.String())
	}
}

// TestResponseWaitsForSave: BAD-71. A token that is being stored by another goroutine goes out with the response.
func TestResponseWaitsForSave(t *testing.T) {
	db := new(counting)
	m := newManager(t, db, Config{})
	b := signedIn(t, m, "alice", 1)[0]
	r := b.start()
	effect := make(chan Effect, 1)
	db.onBefore("Save", func() error {
		go func() { effect <- m.Close(r.ctx) }()
		for range 1000 { // time to be wrong
			runtime.Gosched()
		}
		return nil
	})
	r.s.Rotate()
	if err := r.s.Save(r.ctx); err != nil {
		t.Error(err)
	}
	if e := <-effect; e.Name == "" {
		t.Error("the new token was not sent: the client is locked out")
	}
}
