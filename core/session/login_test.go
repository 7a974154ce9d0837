package session

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/store"
)

// TestLoginEndsExpire: SEC-9. A login has the policy's timeouts, whatever Expire had asked for before.
func TestLoginEndsExpire(t *testing.T) {
	m := newManager(t, new(memory.Store), Config{})
	for _, separate := range []bool{false, true} {
		b := newBrowser(t, m)
		b.do(func(s Session) {
			color.Set(s, "red")
			s.Expire(time.Hour, 20*24*time.Hour)
			if separate {
				if err := s.Save(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			s.Login("alice")
		})
		idle, life := time.Hour, 20*24*time.Hour
		if separate {
			idle, life = 30*time.Minute, 12*time.Hour
		}
		b.do(func(s Session) {
			i := s.Info()
			if got := [...]time.Duration{i.ExpiresAt.Sub(i.LastSeen), i.Deadline.Sub(i.AuthenticatedAt)}; got != [...]time.Duration{idle, life} {
				t.Errorf("saved in between %t: idle and lifetime %v, want %v, %v", separate, got, idle, life)
			}
		})
	}
}

// TestLoginKeepsNoString: CVE-21, CVE-22. The user's name may be memory that the framework uses again for the next request.
func TestLoginKeepsNoString(t *testing.T) {
	lent := []byte("alice")
	var kept Session
	newBrowser(t, newManager(t, new(memory.Store), Config{})).do(func(s Session) {
		s.Login(unsafe.String(&lent[0], len(lent)))
		kept = s
	})
	copy(lent, "mallo")
	if got := kept.User(); got != "alice" || kept.Info().User != "alice" {
		t.Errorf("the session became that of %q", got)
	}
}

// TestReauthenticateAfterLogin: in one request it keeps what the login said.
func TestReauthenticateAfterLogin(t *testing.T) {
	b := newBrowser(t, newManager(t, new(memory.Store), Config{}))
	b.do(func(s Session) {
		s.Login("alice", Remember(), Level(3))
		s.Reauthenticate()
	})
	b.do(func(s Session) {
		if i := s.Info(); !i.Remembered || i.Level != 3 || i.User != "alice" {
			t.Errorf("got %+v", i)
		}
	})
}

// TestLoginSealsAnew: CVE-39. Whatever prolongs a session seals its values with the first key, so that the old key can be
// dropped after the longest lifetime.
func TestLoginSealsAnew(t *testing.T) {
	for name, prolong := range map[string]func(s Session){
		"reauthenticate": func(s Session) { s.Reauthenticate() },
		"expire":         func(s Session) { s.Expire(30*24*time.Hour, 30*24*time.Hour) },
	} {
		synctest.Test(t, func(t *testing.T) {
			old, fresh := newKey(), newKey()
			db := new(memory.Store)
			b := newBrowser(t, newManager(t, db, Config{Keys: [][]byte{old}}))
			b.do(func(s Session) { s.Login("alice", Remember()); visits.Set(s, 7) })
			b.m = newManager(t, db, Config{Keys: [][]byte{fresh, old}})
			for range 4 {
				time.Sleep(10 * 24 * time.Hour)
				b.do(prolong)
			}
			b.m = newManager(t, db, Config{Keys: [][]byte{fresh}})
			b.do(func(s Session) {
				if s.User() != "alice" || visits.Get(s) != 7 {
					t.Errorf("%s: user %q, %d visits, want alice and 7", name, s.User(), visits.Get(s))
				}
				visits.Set(s, 8)
			})
		})
	}
}

// TestRequireNegativeAge: nothing is fresh enough for a negative age; it is no way to say "any".
func TestRequireNegativeAge(t *testing.T) {
	m := newManager(t, new(memory.Store), Config{})
	r := signedIn(t, m, "alice", 1)[0].start()
	r.s.Reauthenticate()
	if _, err := m.Require(r.ctx, Requirement{MaxAge: -time.Hour}); !errors.Is(err, ErrStale) {
		t.Errorf("got %v, want ErrStale", err)
	}
}

// TestRequireWithChanges: CVE-20. Over a stale copy, a strict route with changes of its own says that the session has
// ended, and drops none of them without a word.
func TestRequireWithChanges(t *testing.T) {
	db := &copying{copies: map[ID]*store.Record{}}
	m := newManager(t, db, Config{})
	b := signedIn(t, m, "alice", 1)[0]
	id := b.id()
	r := b.start()
	color.Set(r.s, "red")
	if _, err := m.Require(r.ctx, Requirement{Level: 1}); err != nil || color.Get(r.s) != "red" {
		t.Errorf("while the session is there: %v, color %q", err, color.Get(r.s))
	}
	if err := db.Store.Delete(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Require(r.ctx, Requirement{Level: 1}); !errors.Is(err, ErrRevoked) || color.Get(r.s) != "red" {
		t.Errorf("when it is gone: got %v, want ErrRevoked; color %q", err, color.Get(r.s))
	}
	if _, err := r.end(); !errors.Is(err, ErrRevoked) {
		t.Errorf("commit: got %v, want ErrRevoked", err)
	}
}
