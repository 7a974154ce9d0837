package session

import (
	"errors"
	"testing"

	"github.com/qsessions/qsessions/core/memory"
)

// TestRevokeOthersOfSharedToken: SEC-12, ATK-10, RPT-22. A thief who has the very token of the caller, and replaces it while the
// caller's request runs, does not survive RevokeOthers: where the session is not the caller's any more, it ends too.
func TestRevokeOthersOfSharedToken(t *testing.T) {
	for name, c := range map[string]struct {
		reauthenticate, before bool // the thief is first
	}{
		"reauthenticated":                     {true, false},
		"reauthenticated, the thief is first": {true, true},
		"alone":                               {false, false},
		"alone, the thief is first":           {false, true},
	} {
		m := newManager(t, new(memory.Store), Config{})
		b := newBrowser(t, m)
		b.do(func(s Session) { s.Login("alice"); color.Set(s, "red") })
		thief := b.old()
		r := b.start()
		if c.before {
			thief.do(func(s Session) { s.Rotate() })
		}
		if c.reauthenticate {
			r.s.Reauthenticate()
		}
		if _, err := m.RevokeOthers(r.ctx, r.s); err != nil {
			t.Fatal(err)
		}
		if !c.before {
			thief.do(func(s Session) { s.Rotate() })
		}
		_, err := r.end()
		if u := thief.user(); u != "" {
			t.Errorf("%s: the thief is still %q; the commit: %v", name, u, err)
		}
		switch {
		case !c.reauthenticate && !errors.Is(err, ErrRevoked):
			t.Errorf("%s: got %v, want ErrRevoked", name, err)
		case c.reauthenticate && err != nil:
			t.Errorf("%s: got %v", name, err)
		case c.reauthenticate:
			b.do(func(s Session) {
				if s.User() != "alice" || color.Get(s) != "red" {
					t.Errorf("%s: the caller: user %q, color %q", name, s.User(), color.Get(s))
				}
			})
		}
	}
}

// TestRevokeOthersDespiteBadChange: SEC-12, ATK-10. A change that cannot be stored does not keep the old token alive.
func TestRevokeOthersDespiteBadChange(t *testing.T) {
	m := newManager(t, new(memory.Store), Config{})
	b := newBrowser(t, m)
	b.do(func(s Session) { s.Login("alice") })
	thief := b.old()
	r := b.start()
	if _, err := m.RevokeOthers(r.ctx, r.s); err != nil {
		t.Fatal(err)
	}
	color.Set(r.s, "red")
	Key[func()]("x").Set(r.s, nil)
	if e, err := r.end(); err == nil || e.Name == "" {
		t.Errorf("commit: %q, %v; want the error, and the new token", e.Name, err)
	}
	if u := thief.user(); u != "" {
		t.Errorf("the old token is still %q's", u)
	}
	b.do(func(s Session) {
		if s.User() != "alice" || color.Has(s) {
			t.Errorf("the caller: user %q, color %q", s.User(), color.Get(s))
		}
	})
}

// TestRevokeOthersInDoubt: SEC-12, ATK-10, CVE-11. A request that fails after a save of unknown outcome still replaces the
// token, and hands out the one that is stored.
func TestRevokeOthersInDoubt(t *testing.T) {
	for name, c := range map[string]struct {
		method string
		change func(m *Manager, s Session)
		after  bool // RevokeOthers comes after the save
	}{
		"a value":          {"Save", func(_ *Manager, s Session) { color.Set(s, "blue") }, true},
		"reauthentication": {"Save", func(_ *Manager, s Session) { s.Reauthenticate(Level(2)) }, true},
		"a rotation":       {"Save", func(_ *Manager, s Session) { s.Rotate() }, true},
		"RevokeOthers":     {"Save", func(m *Manager, s Session) { _, _ = m.RevokeOthers(s.self().ctx, s) }, false},
	} {
		for _, done := range []bool{false, true} {
			for _, bad := range []bool{false, true} {
				db := new(counting)
				m := newManager(t, db, Config{})
				b := newBrowser(t, m)
				b.do(func(s Session) { s.Login("alice"); color.Set(s, "red") })
				thief := b.old()
				r := inDoubt(t, b, db, c.method, done, func(s Session) { c.change(m, s) })
				if c.after {
					if _, err := m.RevokeOthers(r.ctx, r.s); err != nil {
						t.Fatal(err)
					}
				}
				var e Effect
				if bad {
					Key[func()]("x").Set(r.s, nil)
					e, _ = r.end()
				} else if e = m.Close(r.ctx); e.Name != "" {
					b.cookie = cookieOf(e)
				}
				want := "red"
				if name == "a value" && done {
					want = "blue"
				}
				b.do(func(s Session) {
					if s.User() != "alice" || color.Get(s) != want {
						t.Errorf("%s, done %t, bad value %t: user %q, color %q, want %q", name, done, bad, s.User(), color.Get(s), want)
					}
				})
				if u := thief.user(); u != "" || e.Name == "" {
					t.Errorf("%s, done %t, bad value %t: the old token is still %q's; handed out: %q", name, done, bad, u, e.Name)
				}
			}
		}
	}
}

// TestLogoutReplaced: RPT-22, ATK-10. A Logout with a token that another request has replaced ends nothing, and says so: the
// session goes on under the newest token.
func TestLogoutReplaced(t *testing.T) {
	m := newManager(t, new(memory.Store), Config{})
	b := newBrowser(t, m)
	b.do(func(s Session) { s.Login("alice") })
	r := b.old().start()
	late := b.old()
	b.do(func(s Session) { s.Reauthenticate() })
	if _, err := m.Require(r.ctx, Requirement{Level: 1}); !errors.Is(err, ErrReplaced) {
		t.Fatal(err)
	}
	for what, r := range map[string]*request{"learned meanwhile": r, "came later": late.start()} {
		r.s.Logout()
		if e, err := r.end(); !errors.Is(err, ErrReplaced) || e.Name != "" {
			t.Errorf("%s: got %+v, %v, want ErrReplaced", what, e, err)
		}
	}
	if b.user() != "alice" {
		t.Error("signed out")
	}
}

// TestRevokedInheritance: SEC-30, RPT-21. Values that a login has taken over from another session of its user go with that
// login, where it is taken back.
func TestRevokedInheritance(t *testing.T) {
	for _, next := range []string{"", "bob"} {
		m := newManager(t, new(memory.Store), Config{})
		b := newBrowser(t, m)
		b.do(func(s Session) { color.Set(s, "red") })
		old := b.old()
		b.do(func(s Session) { s.Login("alice"); shape.Set(s, "hers") })
		r := old.start()
		r.s.Login("alice")
		if shape.Get(r.s) != "hers" {
			t.Fatal("the second press has not the values of the first")
		}
		if _, err := m.RevokeUser(r.ctx, "alice"); err != nil {
			t.Fatal(err)
		}
		if next != "" {
			r.s.Login(next)
		}
		if u, v := r.s.User(), shape.Get(r.s); u != next || v != "" {
			t.Errorf("next %q: user %q has %q", next, u, v)
		}
		if _, err := r.end(); err != nil {
			t.Errorf("next %q: %v", next, err)
		}
		old.do(func(s Session) {
			if s.User() != next || shape.Has(s) || color.Has(s) {
				t.Errorf("next %q: user %q has %q", next, s.User(), shape.Get(s))
			}
		})
	}
}
