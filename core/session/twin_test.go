package session

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qsessions/qsessions/core/memory"
)

// A press is one of two sign-ins of a browser that came at once.
type press struct {
	name   string
	second func(b *browser) *request // of the browser as it was before the first one
}

// presses are the two orders that a double press comes in: the second request reads the session before the first one commits,
// or after it.
var presses = []press{
	{"in flight", func(b *browser) *request { return b.start() }},
	{"loaded after", nil},
}

// TestDoublePress: RPT-21. Anyone who presses "sign in" twice is signed in, whichever answer arrives, and has the cart; the second
// session is the twin of the first, and neither joined the other.
func TestDoublePress(t *testing.T) {
	for _, stack := range stacks(t) {
		for _, p := range presses {
			for _, base := range []string{"", "alice"} {
				var events []Event
				m := newManager(t, stack.store, Config{Observe: func(_ context.Context, e Event) { events = append(events, e) }})
				what := stack.name + ", " + p.name + ", base " + base
				b := newBrowser(t, m)
				b.do(func(s Session) {
					color.Set(s, "red")
					if base != "" {
						s.Login(base, Level(2), Remember())
					}
				})
				again := b.old()
				var second *request
				if p.second != nil {
					second = p.second(again)
				}
				b.do(func(s Session) { s.Login("alice") })
				if second == nil {
					second = again.start()
				}
				visits.Set(second.s, 1)
				second.s.Login("alice")
				if e, err := second.end(); err != nil || e.Name == "" {
					t.Fatalf("%s: the second press: %+v, %v", what, e, err)
				}
				var ids []ID
				for _, x := range []*browser{b, again} {
					x.do(func(s Session) {
						if i := s.Info(); s.User() != "alice" || color.Get(s) != "red" || i.Level != 1 || i.Remembered {
							t.Errorf("%s: user %q, color %q, %+v", what, s.User(), color.Get(s), i)
						}
						ids = append(ids, s.ID())
					})
				}
				if ids[0] == ids[1] {
					t.Errorf("%s: the second login joined the session of the first", what)
				}
				last := events[len(events)-1]
				if last.Kind != LoggedIn || last.ID != ids[1] || last.Twin != ids[0] {
					t.Errorf("%s: the last event is %+v, want a login with its twin", what, last)
				}
			}
		}
	}
}

// TestPlantedPress: RPT-21, CVE-30. Who planted a token, and signs in beside the victim, gets none of the victim's values, nor
// their session; and the other way round.
func TestPlantedPress(t *testing.T) {
	for _, stack := range stacks(t) {
		for _, p := range presses {
			m := newManager(t, stack.store, Config{})
			mallory := newBrowser(t, m)
			mallory.do(func(s Session) { color.Set(s, "planted") })
			victim := mallory.old()
			var second *request
			if p.second != nil {
				second = p.second(mallory)
			}
			victim.do(func(s Session) { s.Login("alice"); color.Set(s, "alice's") })
			if second == nil {
				second = mallory.start()
			}
			second.s.Login("mallory")
			if _, err := second.end(); err != nil {
				t.Fatalf("%s, %s: %v", stack.name, p.name, err)
			}
			mallory.do(func(s Session) {
				if s.User() != "mallory" || color.Get(s) == "alice's" {
					t.Errorf("%s, %s: user %q with %q", stack.name, p.name, s.User(), color.Get(s))
				}
			})
			victim.do(func(s Session) {
				if s.User() != "alice" || color.Get(s) != "alice's" {
					t.Errorf("%s, %s: the victim is %q with %q", stack.name, p.name, s.User(), color.Get(s))
				}
			})
		}
	}
}

// TestSecondFactorPress: RPT-21. Who knows the password alone, and planted the token, gets neither the session that was opened
// with a second factor, nor its values, nor its level.
func TestSecondFactorPress(t *testing.T) {
	for _, p := range presses {
		m := newManager(t, new(memory.Store), Config{})
		thief := newBrowser(t, m)
		thief.do(func(s Session) { color.Set(s, "planted") })
		victim := thief.old()
		var second *request
		if p.second != nil {
			second = p.second(thief)
		}
		victim.do(func(s Session) { s.Login("alice", Level(2)) })
		id := victim.id()
		if second == nil {
			second = thief.start()
		}
		second.s.Login("alice") // level 1
		if _, err := second.end(); err != nil {
			t.Fatalf("%s: %v", p.name, err)
		}
		thief.do(func(s Session) {
			if s.ID() == id || s.Info().Level != 1 || p.second == nil && color.Has(s) {
				t.Errorf("%s: same session %t, level %d, values %t", p.name, s.ID() == id, s.Info().Level, color.Has(s))
			}
		})
	}
}

// TestTouchedTwin: RPT-21. Once anything was saved since a login, its values are the session's own: a dead token and the right
// password do not bring them.
func TestTouchedTwin(t *testing.T) {
	for name, c := range map[string]struct {
		between func(t *testing.T, b *browser)
		cart    bool
	}{
		"nothing":       {func(*testing.T, *browser) {}, true},
		"a page view":   {func(_ *testing.T, b *browser) { b.user() }, true},
		"a value":       {func(_ *testing.T, b *browser) { b.do(func(s Session) { visits.Set(s, 1) }) }, false},
		"a minute":      {func(*testing.T, *browser) { time.Sleep(time.Minute) }, false},
		"a step-up":     {func(_ *testing.T, b *browser) { b.do(func(s Session) { s.Reauthenticate(Level(2)) }) }, false},
		"another login": {func(_ *testing.T, b *browser) { b.do(func(s Session) { s.Login("alice") }) }, false},
		"the end":       {func(_ *testing.T, b *browser) { b.do(func(s Session) { s.Logout() }) }, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			m := newManager(t, new(memory.Store), Config{})
			b := newBrowser(t, m)
			b.do(func(s Session) { color.Set(s, "red") })
			again := b.old()
			b.do(func(s Session) { s.Login("alice") })
			c.between(t, b)
			again.do(func(s Session) { s.Login("alice") })
			again.do(func(s Session) {
				if s.User() != "alice" || color.Has(s) != c.cart {
					t.Errorf("%s: user %q, values %t, want %t", name, s.User(), color.Has(s), c.cart)
				}
			})
		})
	}
}

// TestStepUpTwice: RPT-21, RPT-22. A step-up that is pressed twice ends signed in, whichever answer arrives, and the second
// session has its own proof alone.
func TestStepUpTwice(t *testing.T) {
	m := newManager(t, new(memory.Store), Config{})
	b := newBrowser(t, m)
	b.do(func(s Session) { s.Login("alice", Level(3), Remember()); color.Set(s, "red") })
	again := b.old()
	second := again.start()
	b.do(func(s Session) { s.Reauthenticate(Level(2)) })
	second.s.Reauthenticate(Level(2))
	if _, err := second.end(); err != nil {
		t.Fatal(err)
	}
	b.do(func(s Session) {
		if i := s.Info(); i.Level != 3 || !i.Remembered || s.User() != "alice" {
			t.Errorf("the first: %+v", i)
		}
	})
	again.do(func(s Session) {
		if i := s.Info(); i.Level != 2 || i.Remembered || s.User() != "alice" || color.Get(s) != "red" {
			t.Errorf("the second: %+v with %q", i, color.Get(s))
		}
	})
}

// TestTwinAndRevocation: SEC-11, RPT-21. Neither of two logins survives a RevokeUser that came after its request began.
func TestTwinAndRevocation(t *testing.T) {
	for _, when := range []string{"before", "between", "after"} {
		m := newManager(t, new(memory.Store), Config{})
		b := newBrowser(t, m)
		b.do(func(s Session) { color.Set(s, "red") })
		again := b.old()
		first, second := b.start(), again.start()
		revoke := func(now string) {
			if now == when {
				if _, err := m.RevokeUser(t.Context(), "alice"); err != nil {
					t.Fatal(err)
				}
			}
		}
		revoke("before")
		first.s.Login("alice")
		_, err := first.end()
		if (when == "before") != errors.Is(err, ErrRevoked) {
			t.Errorf("%s: the first login: %v", when, err)
		}
		revoke("between")
		second.s.Login("alice")
		_, err = second.end()
		if (when != "after") != errors.Is(err, ErrRevoked) {
			t.Errorf("%s: the second login: %v", when, err)
		}
		revoke("after")
		if b.user() != "" || again.user() != "" {
			t.Errorf("%s: a login survives", when)
		}
	}
}

// TestTwinOfUnknownOutcome: RPT-21. A second login whose answer is lost makes one session, not two.
func TestTwinOfUnknownOutcome(t *testing.T) {
	for _, done := range []bool{false, true} {
		db := new(counting)
		m := newManager(t, db, Config{})
		b := newBrowser(t, m)
		b.do(func(s Session) { color.Set(s, "red") })
		again := b.old()
		second := again.start()
		b.do(func(s Session) { s.Login("alice") })
		second.s.Login("alice")
		if done {
			db.onAfter("Create", once(errNetwork))
		} else {
			db.onBefore("Create", once(errNetwork))
		}
		if _, err := second.end(); err != nil {
			t.Errorf("done %t: %v", done, err)
		}
		all, err := Collect(m.Sessions(t.Context(), "alice"))
		if err != nil || len(all) != 2 || again.user() != "alice" {
			t.Errorf("done %t: %d sessions, user %q, %v; want two", done, len(all), again.user(), err)
		}
	}
}

// TestOustedLogin: RPT-24. Where the cap ends the session of a login that later ones have overtaken, the login has happened: no
// error, no cookie, and the event of the cap.
func TestOustedLogin(t *testing.T) {
	for _, refuse := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			var events []Event
			m := newManager(t, new(memory.Store), Config{PerUser: Limit{Max: 1, Refuse: refuse}, Observe: func(_ context.Context, e Event) { events = append(events, e) }})
			first, second := newBrowser(t, m), newBrowser(t, m)
			slow := first.start()
			slow.s.Login("alice")
			time.Sleep(time.Second)
			second.do(func(s Session) { s.Login("alice") })
			events = nil
			e, err := slow.end()
			if refuse {
				if !errors.Is(err, ErrTooMany) {
					t.Errorf("refuse: %v", err)
				}
			} else if err != nil || e.Name != "" || len(events) == 0 || events[len(events)-1].Reason != ReasonLimit {
				t.Errorf("got %+v, %v, events %v; want the end by the cap alone", e, err, events)
			}
			if second.user() != "alice" {
				t.Errorf("refuse %t: the later login is out", refuse)
			}
		})
	}
}
