package session

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/qsessions/qsessions/core/memory"
)

// TestLogoutDespiteBadChange: SEC-10. A change that fails, before or after it, does not keep a session alive that the
// user ended; and nothing else is stored.
func TestLogoutDespiteBadChange(t *testing.T) {
	bad := func(s Session) { Key[chan int]("flash").Set(s, nil) }
	for name, f := range map[string]func(s Session){
		"after":  func(s Session) { s.Logout(); color.Set(s, "red"); bad(s) },
		"before": func(s Session) { bad(s); s.Logout(); color.Set(s, "red") },
	} {
		m := newManager(t, new(memory.Store), Config{})
		all := signedIn(t, m, "alice", 1)
		stolen := all[0].old()
		r := all[0].start()
		f(r.s)
		if e, err := r.end(); err == nil || !strings.Contains(e.Value, "Max-Age=0") {
			t.Errorf("%s: got %+v, %v, want the error and an empty cookie", name, e, err)
		}
		if list, err := Collect(m.Find(t.Context(), Query{})); err != nil || len(list) != 0 || stolen.user() != "" {
			t.Errorf("%s: left: %+v, %v", name, list, err)
		}
	}
}

// TestLogoutPending: a logout that a cache could not be told of is final: Save says so, and the commit goes on.
func TestLogoutPending(t *testing.T) {
	var told []Event
	db := new(counting)
	m := newManager(t, db, Config{Observe: func(_ context.Context, e Event) {
		if e.Kind == LoggedOut {
			told = append(told, e)
		}
	}})
	for _, save := range []bool{false, true} {
		b := signedIn(t, m, "alice", 1)[0]
		stolen := b.old()
		told = nil
		db.onAfter("Delete", once(&PendingError{EffectiveBy: time.Now().Add(time.Minute), Err: errNetwork}))
		r := b.start()
		r.s.Logout()
		shape.Set(r.s, "bye")
		var pending *PendingError
		if save {
			if err := r.s.Save(r.ctx); !errors.As(err, &pending) {
				t.Errorf("Save: got %v, want a PendingError", err)
			}
		}
		e, err := r.end()
		if err != nil || e.Name != "Set-Cookie" {
			t.Errorf("saved before %t: got %+v, %v", save, e, err)
		}
		b.do(func(s Session) {
			if s.User() != "" || shape.Get(s) != "bye" {
				t.Errorf("saved before %t: user %q, shape %q", save, s.User(), shape.Get(s))
			}
		})
		if stolen.user() != "" || len(told) != 1 || !errors.As(told[0].Err, &pending) {
			t.Errorf("saved before %t: events %+v, want one with the PendingError", save, told)
		}
		db.onAfter("Delete", once(&PendingError{Err: errNetwork}))
		if e := b.do(func(s Session) { s.Logout() }); !strings.Contains(e.Value, "Max-Age=0") {
			t.Errorf("saved before %t: the cookie was not taken back: %+v", save, e)
		}
	}
}
