package session

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qsessions/qsessions/core/memory"
)

// TestSlowSaveKeepsLastSeen: SEC-8. The save of a request that began long ago does not take back what later ones were
// promised.
func TestSlowSaveKeepsLastSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, new(memory.Store), Config{})
		b := signedIn(t, m, "alice", 1)[0]
		slow := b.old().start()
		time.Sleep(25 * time.Minute)
		b.user()
		color.Set(slow.s, "red")
		if _, err := slow.end(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(29 * time.Minute)
		if b.user() != "alice" {
			t.Error("signed out 29 minutes after the last use")
		}
	})
}

// TestSlowRequestOutlivesIdle: a request that takes longer than the idle timeout may save, if others kept the session
// alive.
func TestSlowRequestOutlivesIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, new(memory.Store), Config{})
		b := signedIn(t, m, "alice", 1)[0]
		slow := b.old().start()
		for range 4 {
			time.Sleep(10 * time.Minute)
			b.user()
		}
		color.Set(slow.s, "red")
		if _, err := slow.end(); err != nil {
			t.Errorf("the session is alive, but: %v", err)
		}
		b.do(func(s Session) {
			if color.Get(s) != "red" {
				t.Error("not saved")
			}
		})
	})
}

// TestSlowRequestOverRotation: SEC-32. A request whose token was replaced periodically while it ran may still save, even
// after the grace; one whose token was replaced on demand may not.
func TestSlowRequestOverRotation(t *testing.T) {
	for _, demand := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			m, _ := rotating(t, nil)
			b := signedIn(t, m, "alice", 1)[0]
			time.Sleep(rotateEvery - time.Second)
			slow := b.old().start()
			time.Sleep(2 * time.Second)
			b.do(func(s Session) { // replaces the token
				if demand {
					s.Rotate()
				}
			})
			b.do(func(Session) {}) // shows the new one
			time.Sleep(15 * time.Second)
			color.Set(slow.s, "red")
			if _, err := slow.end(); demand != errors.Is(err, ErrReplaced) || !demand && err != nil {
				t.Errorf("on demand %t: got %v", demand, err)
			}
			b.do(func(s Session) {
				if color.Has(s) == demand || s.User() != "alice" {
					t.Errorf("on demand %t: user %q, color %q", demand, s.User(), color.Get(s))
				}
			})
		})
	}
}

// TestOldTokenDoesNotRotate: SEC-32. A request with the token of before does not replace one that has arrived.
func TestOldTokenDoesNotRotate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _ := rotating(t, nil)
		b := signedIn(t, m, "alice", 1)[0]
		time.Sleep(rotateEvery)
		old := b.old()
		b.do(func(Session) {})
		time.Sleep(rotateEvery - 2*time.Second)
		b.do(func(Session) {}) // the new token has arrived
		time.Sleep(3 * time.Second)
		if e := old.do(func(Session) {}); e.Name != "" {
			t.Error("the old token was replaced")
		}
		if b.user() != "alice" {
			t.Error("the client with the current token is signed out")
		}
	})
}

// TestLateRotationSavesValues: BAD-71. Where a new token comes too late the values are saved all the same, the old token
// goes on, and the caller is told.
func TestLateRotationSavesValues(t *testing.T) {
	for name, rotate := range map[string]func(m *Manager, r *request) error{
		"rotate": func(m *Manager, r *request) error {
			r.s.Rotate()
			e, err := m.Commit(r.ctx)
			if e.Name != "" {
				t.Errorf("got %+v", e)
			}
			return err
		},
		"revoke others": func(m *Manager, r *request) error {
			n, err := m.RevokeOthers(r.ctx, r.s)
			if n != 1 {
				t.Errorf("RevokeOthers: got %d, want 1", n)
			}
			return err
		},
	} {
		m := newManager(t, new(memory.Store), Config{})
		both := signedIn(t, m, "alice", 2)
		b := both[0]
		r := b.start()
		if _, err := m.Commit(r.ctx); err != nil {
			t.Fatal(err)
		}
		color.Set(r.s, "red")
		if err := rotate(m, r); !errors.Is(err, ErrTooLate) {
			t.Errorf("%s: got %v, want ErrTooLate", name, err)
		}
		shape.Set(r.s, "round")
		if _, err := r.end(); err != nil {
			t.Errorf("%s: the commit after that: %v", name, err)
		}
		b.do(func(s Session) {
			if s.User() != "alice" || color.Get(s) != "red" || shape.Get(s) != "round" {
				t.Errorf("%s: user %q, color %q, shape %q", name, s.User(), color.Get(s), shape.Get(s))
			}
		})
		if name == "revoke others" && len(alive(both)) != 1 {
			t.Errorf("%s: alive: %v", name, alive(both))
		}
	}
}

// TestRevokeOthersTooLate: a session that can get no new token any more is not said to have one.
func TestRevokeOthersTooLate(t *testing.T) {
	m := newManager(t, new(memory.Store), Config{})
	for name, end := range map[string]func(r *request){
		"Finish": func(r *request) { _, _ = m.Finish(r.ctx) },
		"Close":  func(r *request) { m.Close(r.ctx) },
	} {
		r := signedIn(t, m, "alice", 1)[0].start()
		end(r)
		if n, err := m.RevokeOthers(r.ctx, r.s); !errors.Is(err, ErrClosed) {
			t.Errorf("after %s: got %d, %v, want ErrClosed", name, n, err)
		}
	}
}
