package session

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qsessions/qsessions/core/memory"
)

// ends returns the idle timeout and the lifetime of the session from now.
func (c *cookies) ends(m *Manager) (idle, lifetime time.Duration) {
	c.t.Helper()
	var i Info
	c.do(m, func(s Session) { i = s.Info() })
	return time.Until(i.ExpiresAt), time.Until(i.Deadline)
}

// TestLimitsAreKept: RPT-40. Timeouts that a session has of its own, by an option of the login or by Expire, are kept by a
// re-authentication, which starts them anew, and end with a login.
func TestLimitsAreKept(t *testing.T) {
	for name, f := range map[string]func(Session){
		"Limits":                  func(s Session) { s.Login("alice", Limits(15*time.Minute, time.Hour)) },
		"Expire after the login":  func(s Session) { s.Login("alice"); s.Expire(15*time.Minute, time.Hour) },
		"Expire before the login": func(s Session) { s.Expire(15*time.Minute, time.Hour); s.Login("alice") },
		"Reauthenticate too":      func(s Session) { s.Login("alice", Limits(15*time.Minute, time.Hour)); s.Reauthenticate() },
		"both": func(s Session) {
			s.Expire(15*time.Minute, time.Hour)
			s.Login("alice", Limits(time.Minute, 20*time.Hour))
		},
	} {
		for step, again := range map[string][]LoginOption{"password": nil, "second factor": {Level(2)}, "Remember": {Remember()}} {
			synctest.Test(t, func(t *testing.T) {
				m := newManager(t, new(memory.Store), Config{})
				b := &cookies{t: t}
				b.do(m, f)
				want := func(when string, idle, lifetime time.Duration) {
					t.Helper()
					if i, l := b.ends(m); i != idle || l != lifetime {
						t.Errorf("%s, %s: %s: idle %v, lifetime %v, want %v, %v", name, step, when, i, l, idle, lifetime)
					}
				}
				want("at once", 15*time.Minute, time.Hour)
				for range 4 {
					time.Sleep(14 * time.Minute)
					b.do(m, nothing)
				}
				want("after 56 minutes", 4*time.Minute, 4*time.Minute)
				b.do(m, func(s Session) { s.Reauthenticate(again...) })
				want("re-authenticated", 15*time.Minute, time.Hour)
				b.do(m, func(s Session) { s.Reauthenticate(Limits(2*time.Minute, 3*time.Minute)) })
				want("with limits of its own", 2*time.Minute, 3*time.Minute)
				time.Sleep(time.Second)
				b.do(m, func(s Session) { s.Reauthenticate() })
				want("and again", 2*time.Minute, 3*time.Minute)
				b.do(m, logsIn("alice"))
				want("after a login", 30*time.Minute, 12*time.Hour)
			})
		}
	}
}

// TestLimitsBounds: RPT-40, BAD-60. Limits keep to the bounds of Expire; one that does not fails the login, and nothing is
// stored.
func TestLimitsBounds(t *testing.T) {
	t.Parallel()
	p := Policy{Lifetime: time.Hour, RememberLifetime: 2 * time.Hour, AnonymousIdle: time.Minute, AnonymousLifetime: 3 * time.Hour}
	for _, d := range [][2]time.Duration{
		{0, 0}, {0, time.Hour}, {-1, time.Hour}, {time.Hour, 0}, {time.Hour, time.Minute}, {time.Second - 1, time.Hour},
		{time.Minute, 3*time.Hour + 1}, {1<<63 - 1, 1<<63 - 1}, {-1 << 63, -1 << 63},
	} {
		st := new(spy)
		v := visitor{t: t, m: manager(t, st, Config{Policy: p})}
		if _, err := v.try(func(s Session) { s.Login("alice", Limits(d[0], d[1])) }); err == nil || st.count() != 0 {
			t.Errorf("%v: got %v after %d store calls, want an error and none", d, err, st.count())
		}
	}
	for _, d := range [][2]time.Duration{{time.Second, time.Second}, {3 * time.Hour, 3 * time.Hour}} {
		v := visitor{t: t, m: manager(t, new(spy), Config{Policy: p})}
		if _, err := v.try(func(s Session) { s.Login("alice", Limits(d[0], d[1])) }); err != nil {
			t.Errorf("%v: %v", d, err)
		}
	}
}

// TestLoginLimits: RPT-40. The timeouts of a policy per role: zero stands for those of Policy, Limits win, a re-authentication
// asks again, and what does not keep to the bounds fails the login.
func TestLoginLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []Login
		m := newManager(t, new(memory.Store), Config{LoginLimits: func(l Login) (idle, lifetime time.Duration) {
			asked = append(asked, l)
			switch {
			case l.User == "admin" && l.Level >= 2:
				return 10 * time.Minute, time.Hour
			case l.User == "admin":
				return 5 * time.Minute, 20 * time.Minute
			case l.User == "kiosk" && l.Remember:
				return 0, 10 * time.Hour
			case l.User == "kiosk":
				return time.Minute, 0
			case l.User == "short":
				return 0, 20 * time.Minute
			case l.User == "broken":
				return time.Hour, time.Minute
			case l.User == "endless":
				return 0, 31 * day
			}
			return 0, 0
		}})
		for _, test := range []struct {
			name           string
			f              []func(Session)
			idle, lifetime time.Duration
		}{
			{"a user", []func(Session){logsIn("alice")}, 30 * time.Minute, 12 * time.Hour},
			{"a remembered user", []func(Session){func(s Session) { s.Login("alice", Remember()) }}, 30 * day, 30 * day},
			{"an admin", []func(Session){logsIn("admin")}, 5 * time.Minute, 20 * time.Minute},
			{"an admin, twice", []func(Session){logsIn("admin"), func(s Session) { s.Reauthenticate() }}, 5 * time.Minute, 20 * time.Minute},
			{"an admin, step-up", []func(Session){logsIn("admin"), func(s Session) { s.Reauthenticate(Level(2)) }}, 10 * time.Minute, time.Hour},
			{"an admin, step-up at once", []func(Session){func(s Session) { s.Login("admin"); s.Reauthenticate(Level(2)) }}, 10 * time.Minute, time.Hour},
			{"an admin with Limits", []func(Session){func(s Session) { s.Login("admin", Limits(time.Minute, 2*time.Minute)) }}, time.Minute, 2 * time.Minute},
			{"with Limits, step-up", []func(Session){func(s Session) { s.Login("admin", Limits(time.Minute, 2*time.Minute)) },
				func(s Session) { s.Reauthenticate(Level(2)) }}, time.Minute, 2 * time.Minute},
			{"idle alone", []func(Session){logsIn("kiosk")}, time.Minute, 12 * time.Hour},
			{"lifetime alone", []func(Session){func(s Session) { s.Login("kiosk", Remember()) }}, 10 * time.Hour, 10 * time.Hour},
			{"remembered, then again", []func(Session){func(s Session) { s.Login("kiosk", Remember()) },
				func(s Session) { s.Reauthenticate() }}, 10 * time.Hour, 10 * time.Hour},
			{"a lifetime below Idle", []func(Session){logsIn("short")}, 20 * time.Minute, 20 * time.Minute},
			{"another user", []func(Session){logsIn("admin"), logsIn("alice")}, 30 * time.Minute, 12 * time.Hour},
		} {
			b := &cookies{t: t}
			for _, f := range test.f {
				time.Sleep(time.Second)
				b.do(m, f)
			}
			if i, l := b.ends(m); i != test.idle || l != test.lifetime {
				t.Errorf("%s: idle %v, lifetime %v, want %v, %v", test.name, i, l, test.idle, test.lifetime)
			}
		}
		asked = nil
		at := now()
		(&cookies{t: t}).do(m, func(s Session) { s.Login("carol", Level(3), Remember(), AuthenticatedAt(at.Add(-time.Minute))) })
		if len(asked) != 1 || asked[0] != (Login{"carol", at.Add(-time.Minute), 3, true}) {
			t.Errorf("asked about %+v", asked)
		}
		for _, user := range []string{"broken", "endless"} {
			v := visitor{t: t, m: m}
			if _, err := v.try(logsIn(user)); err == nil || !strings.Contains(err.Error(), "Config.LoginLimits") || v.token != "" {
				t.Errorf("%s: got %v, token %q", user, err, v.token)
			}
		}
	})
}
