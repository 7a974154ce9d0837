package session

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/store"
)

const day = 24 * time.Hour

// left returns for how long the only cookie of the browser lives; 0: as long as the browser.
func (c *cookies) left() time.Duration {
	c.t.Helper()
	c.line()
	if len(c.held) != 1 {
		c.t.Fatalf("the browser has %v, want one cookie", c)
	}
	if c.held[0].ends.IsZero() {
		return 0
	}
	return time.Until(c.held[0].ends)
}

// TestCookieEnds: RPT-17. Whether the cookie outlives the browser belongs to the session: the policy, Remember or Expire says
// it, and then cookie and record end together.
func TestCookieEnds(t *testing.T) {
	for _, test := range []struct {
		name   string
		policy Policy
		steps  []func(Session)
		want   time.Duration
	}{
		{"anonymous", Policy{}, []func(Session){func(s Session) { color.Set(s, "red") }}, 0},
		{"anonymous, AnonymousPersist", Policy{AnonymousPersist: true}, []func(Session){func(s Session) { color.Set(s, "red") }}, 15 * time.Minute},
		{"the same, a month", Policy{AnonymousPersist: true, AnonymousIdle: 30 * day, AnonymousLifetime: 60 * day},
			[]func(Session){func(s Session) { color.Set(s, "red") }}, 30 * day},
		{"login", Policy{AnonymousPersist: true}, []func(Session){logsIn("alice")}, 0},
		{"login of a guest", Policy{AnonymousPersist: true}, []func(Session){func(s Session) { color.Set(s, "red") }, logsIn("alice")}, 0},
		{"Remember", Policy{}, []func(Session){func(s Session) { s.Login("alice", Remember()) }}, 30 * day},
		{"Remember, idle", Policy{RememberIdle: 7 * day}, []func(Session){func(s Session) { s.Login("alice", Remember()) }}, 7 * day},
		{"Remember, Limits", Policy{}, []func(Session){func(s Session) { s.Login("alice", Remember(), Limits(2*day, 9*day)) }}, 2 * day},
		{"Limits", Policy{}, []func(Session){func(s Session) { s.Login("alice", Limits(2*day, 9*day)) }}, 0},
		{"Expire of a guest", Policy{}, []func(Session){func(s Session) { color.Set(s, "red"); s.Expire(30*day, 30*day) }}, 30 * day},
		{"Expire later", Policy{}, []func(Session){func(s Session) { color.Set(s, "red") }, func(s Session) { s.Expire(3*day, 30*day) }}, 3 * day},
		{"Expire of a login", Policy{}, []func(Session){logsIn("alice"), func(s Session) { s.Expire(3*day, 30*day) }}, 3 * day},
		{"Expire sooner", Policy{}, []func(Session){logsIn("alice"), func(s Session) { s.Expire(time.Minute, time.Hour) }}, 0},
		{"Expire sooner of a persistent one", Policy{}, []func(Session){func(s Session) { s.Login("alice", Remember()) },
			func(s Session) { s.Expire(time.Hour, 2*time.Hour) }}, time.Hour},
		{"Remember, and not any more", Policy{}, []func(Session){func(s Session) { s.Login("alice", Remember()) }, logsIn("alice")}, 0},
		{"Remember, Reauthenticate", Policy{}, []func(Session){func(s Session) { s.Login("alice", Remember()) },
			func(s Session) { s.Reauthenticate() }}, 30 * day},
		{"Remember, Rotate", Policy{}, []func(Session){func(s Session) { s.Login("alice", Remember()) }, func(s Session) { s.Rotate() }}, 30*day - time.Minute},
		{"700 days", Policy{RememberIdle: 700 * day, RememberLifetime: 700 * day}, []func(Session){func(s Session) { s.Login("alice", Remember()) }}, 400 * day},
		{"Expire 700 days", Policy{RememberIdle: 700 * day, RememberLifetime: 700 * day},
			[]func(Session){func(s Session) { color.Set(s, "red"); s.Expire(700*day, 700*day) }}, 400 * day},
		{"logout, then a guest", Policy{}, []func(Session){func(s Session) { s.Login("alice", Remember()) },
			func(s Session) { s.Logout(); color.Set(s, "red") }}, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			m := newManager(t, new(memory.Store), Config{Policy: test.policy})
			b := &cookies{t: t}
			for i, f := range test.steps {
				if i > 0 {
					time.Sleep(time.Minute)
				}
				b.do(m, f)
			}
			if got := b.left(); got != test.want {
				t.Errorf("%s: the cookie lives for %v, want %v", test.name, got, test.want)
			}
			var i Info
			b.old().do(m, func(s Session) { i = s.Info() })
			if ends := time.Until(i.ExpiresAt); test.want > 0 && ends != max(test.want, min(ends, 700*day)) {
				t.Errorf("%s: the session lives for %v, want %v", test.name, ends, test.want)
			}
			b.restart()
			var id ID
			b.do(m, func(s Session) { id = s.ID() })
			if id.IsZero() == (test.want > 0) {
				t.Errorf("%s: when the browser has been closed there is session %v", test.name, id)
			}
		})
	}
}

// TestCookieEndWalk: RPT-17. However a session is used and prolonged, its cookie never ends more than a tenth of what is left
// before the session does, and never later than 400 days from now; and a cookie whose end has not moved is not sent.
func TestCookieEndWalk(t *testing.T) {
	for seed := range uint64(40) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 2))
			m := newManager(t, new(memory.Store), Config{Policy: Policy{RememberIdle: 20 * day, RememberLifetime: 900 * day, AnonymousPersist: seed%2 == 0,
				RotateEvery: []time.Duration{0, 10 * day}[seed/2%2]}})
			b := &cookies{t: t}
			b.do(m, func(s Session) { s.Login("alice", Remember()) })
			for i := range 60 {
				what := fmt.Sprintf("seed %d, request %d", seed, i+1)
				time.Sleep(time.Duration(r.Int64N(int64(2 * day))))
				ends, token := b.left(), b.held[0].value
				var info Info
				h := b.do(m, func(s Session) {
					if s.User() != "alice" {
						t.Fatalf("%s: signed out", what)
					}
					switch r.IntN(12) {
					case 0:
						s.Expire(time.Duration(3+r.IntN(500))*day, 600*day)
					case 1:
						s.Reauthenticate()
					}
				})
				b.old().do(m, func(s Session) { info = s.Info() })
				left, session := b.left(), min(time.Until(info.ExpiresAt), 400*day)
				if d := (session - left).Abs(); d > session/10+time.Second {
					t.Errorf("%s: the cookie lives for %v, the session for %v", what, left, session)
				}
				if moved := (left - ends).Abs(); len(h["Set-Cookie"]) > 0 && b.held[0].value == token && moved <= left/10 {
					t.Errorf("%s: sent again although the end has moved by %v of %v", what, moved, left)
				}
			}
		})
	}
}

// TestCookieSentAgain: RPT-17. The cookie is sent again when the session's end has moved by more than a tenth of what is left,
// and not before, at the cost of one save instead of a touch.
func TestCookieSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := new(counting)
		m := newManager(t, db, Config{Policy: Policy{RememberIdle: 10 * day}})
		b := &cookies{t: t}
		b.do(m, func(s Session) { s.Login("alice", Remember()) })
		for i := range 3 {
			time.Sleep(day)
			before := [...]int64{db.loads.Load(), db.saves.Load(), db.touches.Load()}
			if h := b.do(m, nothing); len(h["Set-Cookie"]) != 0 {
				t.Errorf("%d: sent again when the end has moved by a tenth: %v", i, h)
			}
			if got := [...]int64{db.loads.Load() - before[0], db.saves.Load() - before[1], db.touches.Load() - before[2]}; got != [...]int64{1, 0, 1} {
				t.Errorf("%d: loads, saves, touches: %v, want a load and a touch", i, got)
			}
			time.Sleep(time.Second)
			before = [...]int64{db.loads.Load(), db.saves.Load(), db.touches.Load()}
			token := b.held[0].value
			if h := b.do(m, nothing); len(h["Set-Cookie"]) != 1 || b.held[0].value != token || b.left() != 10*day || h.Get("Cache-Control") != "no-store" {
				t.Errorf("%d: not sent again: %v; %v", i, h, b)
			}
			if got := [...]int64{db.loads.Load() - before[0], db.saves.Load() - before[1], db.touches.Load() - before[2]}; got != [...]int64{1, 1, 0} {
				t.Errorf("%d: loads, saves, touches: %v, want a load and a save", i, got)
			}
		}
	})
}

// TestCookieOfYears: RPT-17. Case 21: on day 300 of 700 the cookie of 400 days is renewed.
func TestCookieOfYears(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, new(memory.Store), Config{Policy: Policy{RememberIdle: 700 * day, RememberLifetime: 700 * day}})
		b := &cookies{t: t}
		b.do(m, func(s Session) { s.Login("alice", Remember()) })
		time.Sleep(300 * day)
		b.do(m, nothing)
		if got := b.left(); got != 400*day {
			t.Errorf("on day 300 of 700, and used, the cookie lives for %v more", got)
		}
		time.Sleep(399 * day)
		if u := b.user(m); u != "alice" {
			t.Errorf("day 699: user %q", u)
		}
		time.Sleep(day)
		if u := b.user(m); u != "" || len(b.line()) != 0 {
			t.Errorf("day 700: user %q, %v", u, b)
		}
	})
}

// TestCookieNotSentAgain: RPT-17. Not by a request that is no use of the session, nor after the response has begun, nor to an
// old token; the next request that may does it.
func TestCookieNotSentAgain(t *testing.T) {
	for name, f := range map[string]func(*cookies, *Manager) *exchange{
		"passive": func(b *cookies, m *Manager) *exchange {
			x := b.start(m)
			Passive(x.ctx)
			return x
		},
		"response begun": func(b *cookies, m *Manager) *exchange {
			x := b.start(m)
			Passive(x.ctx) // so that the first commit sends nothing
			if e, err := m.Commit(x.ctx); err != nil || e.Name != "" {
				b.t.Fatal(e, err)
			}
			x.s.self().passive = false
			return x
		},
		"response begun, prolonged": func(b *cookies, m *Manager) *exchange {
			x := b.start(m)
			Passive(x.ctx)
			if e, err := m.Commit(x.ctx); err != nil || e.Name != "" {
				b.t.Fatal(e, err)
			}
			x.s.Expire(28*day, 28*day)
			return x
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			m := newManager(t, new(memory.Store), Config{Policy: Policy{RememberIdle: 10 * day}})
			b := &cookies{t: t}
			b.do(m, func(s Session) { s.Login("alice", Remember()) })
			time.Sleep(2 * day)
			if h := f(b, m).end(); len(h["Set-Cookie"]) != 0 {
				t.Errorf("%s: sent: %v", name, h)
			}
			if h := b.do(m, nothing); len(h["Set-Cookie"]) != 1 || b.left() < 10*day {
				t.Errorf("%s: not sent by the next request: %v, %v", name, h, b)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, new(memory.Store), Config{Policy: Policy{RememberIdle: 20 * time.Minute, RotateEvery: rotateEvery}})
		b := &cookies{t: t}
		b.do(m, func(s Session) { s.Login("alice", Remember()) })
		time.Sleep(rotateEvery)
		old := b.old()
		b.do(m, nothing)
		b.do(m, nothing)
		h := old.do(m, func(s Session) {
			if s.User() != "alice" {
				t.Error("no grace")
			}
			s.Expire(20*day, 20*day)
		})
		if len(h["Set-Cookie"]) != 0 {
			t.Errorf("an old token is sent again: %v", h)
		}
		if b.do(m, nothing); b.left() != 20*day {
			t.Errorf("the cookie lives for %v, want 20 days", b.left())
		}
	})
}

// TestHeaderHasNoEnd: RPT-17. A token in a header has no end to be renewed: no save, no token in any response but the login's.
func TestHeaderHasNoEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := new(counting)
		m := newManager(t, db, Config{Header: "X-Session", Policy: Policy{RememberIdle: 10 * day}})
		v := visitor{t: t, m: m}
		if e := v.do(func(s Session) { s.Login("alice", Remember()) }); e.Value != v.token || len(v.token) != tokenLen {
			t.Errorf("login: %q", e.Value)
		}
		for range 5 {
			time.Sleep(3 * day)
			if e := v.do(func(s Session) {}); e.Name != "" || e.TakeBack != "" {
				t.Errorf("a response has %v", e)
			}
		}
		if e := v.do(func(s Session) { s.Expire(30*day, 30*day) }); e.Name != "" || db.saves.Load() != 1 {
			t.Errorf("Expire: %v, %d saves", e, db.saves.Load())
		}
	})
}

// TestCookieEndOfSlowRequest: RPT-17. A request that lasts longer than a tenth of the session, and one at a node whose clock is
// behind, saves once.
func TestCookieEndOfSlowRequest(t *testing.T) {
	for _, slow := range []time.Duration{0, time.Second, 3 * time.Minute, 8 * time.Minute} {
		for _, behind := range []time.Duration{0, 3 * time.Minute} {
			synctest.Test(t, func(t *testing.T) {
				db := new(counting)
				saves := 0
				db.onBefore("Save", func() error {
					if saves++; saves > 5 {
						return store.ErrNotFound
					}
					return nil
				})
				m := newManager(t, db, Config{Policy: Policy{AnonymousPersist: true}})
				b := &cookies{t: t}
				time.Sleep(time.Hour)
				b.do(m, func(s Session) { color.Set(s, "red") })
				time.Sleep(4 * time.Minute)
				x := b.start(m)
				x.s.self().started = x.s.self().started.Add(-behind)
				time.Sleep(slow)
				e, err := m.Finish(x.ctx)
				if err != nil || saves > 1 || behind == 0 && (saves != 1 || !strings.Contains(e.Value, "Max-Age=900;")) {
					t.Errorf("%v, %v behind: %v, %d saves, want one; %q", slow, behind, err, saves, e.Value)
				}
				m.Close(x.ctx)
			})
		}
	}
}
