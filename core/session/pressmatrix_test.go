package session

import (
	"context"
	"fmt"
	"testing"
	"time"
)

// A pair is two logins with one token, and a revocation beside the second one.
type pair struct {
	base          string // who was signed in before
	after         bool   // the second request reads the session after the first one has committed
	level, second int    // of the first login, which is alice's, and of the second one
	user          string // of the second one
	revoke        string // when: "", "before" the second login, "between" its write and its end, or "after"
}

// TestPairsOfLogins: RPT-21, SEC-12, SEC-30, CVE-2. Whatever two logins with one token do to each other: none survives a
// revocation of its user, none joins the session of the other, none has a level but its own, and none gets the values of
// another user or of a session that was opened with more factors.
func TestPairsOfLogins(t *testing.T) {
	for _, base := range []string{"", "alice", "mallory"} {
		for _, after := range []bool{false, true} {
			for level := 1; level <= 2; level++ {
				for _, second := range []pair{{user: "alice", second: 1}, {user: "alice", second: 2}, {user: "mallory", second: 2}} {
					for _, revoke := range []string{"", "before", "between", "after"} {
						pair{base, after, level, second.second, second.user, revoke}.run(t)
					}
				}
			}
		}
	}
}

func (p pair) run(t *testing.T) {
	t.Helper()
	what := fmt.Sprintf("%+v", p)
	db := new(counting)
	m := newManager(t, db, Config{})
	b := newBrowser(t, m)
	b.do(func(s Session) {
		color.Set(s, "base")
		if p.base != "" {
			s.Login(p.base)
		}
	})
	other := b.old()
	var r *request
	if !p.after {
		r = other.start()
	}
	b.do(func(s Session) { s.Login("alice", Level(p.level)); shape.Set(s, "private") })
	first := b.id()
	if p.after {
		r = other.start()
	}
	visits.Update(r.s, increment)
	revoke := func() {
		if _, err := m.RevokeUser(context.Background(), p.user); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	time.Sleep(time.Microsecond) // the resolution of times
	if p.revoke == "before" {
		revoke()
	}
	r.s.Login(p.user, Level(p.second))
	if p.revoke == "between" {
		db.onAfter("Create", func() error { db.onAfter("Create", nil); revoke(); return nil })
	}
	_, err := r.end()
	if p.revoke == "after" {
		revoke()
	}
	ended := p.base == "mallory" && p.user == p.base && !p.after // by alice's login, which was faster
	other.do(func(s Session) {
		i := s.Info()
		switch in := i.User == p.user; {
		case p.revoke == "" && in == ended:
			t.Errorf("%s: not signed in: %v", what, err)
		case p.revoke != "" && in:
			t.Errorf("%s: the login survives: %v", what, err)
		case in && i.Level != p.second:
			t.Errorf("%s: level %d", what, i.Level)
		case in && i.ID == first:
			t.Errorf("%s: joined the first session", what)
		}
		if i.User == "mallory" && (shape.Has(s) || p.base == "alice" && color.Has(s)) {
			t.Errorf("%s: mallory has values of alice", what)
		}
		if i.User == "alice" && (shape.Has(s) && p.second < p.level || p.base == "mallory" && color.Has(s)) {
			t.Errorf("%s: alice has values of mallory, or of a session of a higher level", what)
		}
	})
}
