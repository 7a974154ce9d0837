package session

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qsessions/qsessions/core/memory"
)

// TestAnonymousLimits: ATK-15. Sessions that anyone may begin end sooner: after 15 minutes without use, or Idle if that is
// less, and a login leaves these limits behind.
func TestAnonymousLimits(t *testing.T) {
	for name, test := range map[string]struct {
		p                        Policy
		idle, lifetime           time.Duration
		loginIdle, loginLifetime time.Duration
	}{
		"default":    {Policy{}, 15 * time.Minute, 12 * time.Hour, 30 * time.Minute, 12 * time.Hour},
		"short":      {Policy{Idle: 5 * time.Minute, Lifetime: time.Hour}, 5 * time.Minute, time.Hour, 5 * time.Minute, time.Hour},
		"shortest":   {Policy{Lifetime: time.Minute}, time.Minute, time.Minute, time.Minute, time.Minute},
		"own":        {Policy{AnonymousIdle: time.Minute, AnonymousLifetime: time.Hour}, time.Minute, time.Hour, 30 * time.Minute, 12 * time.Hour},
		"carts":      {Policy{AnonymousIdle: 14 * day, AnonymousLifetime: 60 * day}, 14 * day, 60 * day, 30 * time.Minute, 12 * time.Hour},
		"short life": {Policy{AnonymousLifetime: 2 * time.Minute}, 2 * time.Minute, 2 * time.Minute, 30 * time.Minute, 12 * time.Hour},
	} {
		for _, user := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				m := newManager(t, new(memory.Store), Config{Policy: test.p})
				b := &cookies{t: t}
				b.do(m, func(s Session) { color.Set(s, "red") })
				idle, lifetime := test.idle, test.lifetime
				if user {
					b.do(m, logsIn("alice"))
					idle, lifetime = test.loginIdle, test.loginLifetime
				}
				if i, l := b.ends(m); i != idle || l != lifetime {
					t.Errorf("%s, signed in %t: idle %v, lifetime %v, want %v, %v", name, user, i, l, idle, lifetime)
				}
				has := func() (ok bool) {
					b.old().do(m, func(s Session) { ok = color.Has(s) })
					return ok
				}
				time.Sleep(idle - time.Microsecond)
				if x := b.start(m); !color.Has(x.s) {
					t.Errorf("%s, signed in %t: ended before its time", name, user)
				}
				if time.Sleep(time.Microsecond); has() {
					t.Errorf("%s, signed in %t: outlives %v", name, user, idle)
				}
			})
		}
	}
}

// TestAnonymousLogoutStartsAnew: ATK-15. What a request sets after its logout has the limits of an anonymous session.
func TestAnonymousLogoutStartsAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, new(memory.Store), Config{})
		b := &cookies{t: t}
		b.do(m, func(s Session) { s.Login("alice", Remember()) })
		b.do(m, func(s Session) { s.Logout(); color.Set(s, "red") })
		if i, l := b.ends(m); i != 15*time.Minute || l != 12*time.Hour {
			t.Errorf("idle %v, lifetime %v", i, l)
		}
	})
}

// TestAnonymousBounds: ATK-15, BAD-60. New refuses limits that contradict one another, and takes the defaults for zero.
func TestAnonymousBounds(t *testing.T) {
	t.Parallel()
	for want, p := range map[string]Policy{
		"AnonymousIdle":       {AnonymousIdle: -1},
		"AnonymousLifetime":   {AnonymousLifetime: -1},
		"AnonymousLifetime i": {AnonymousLifetime: maxDuration + 1},
		"AnonymousIdle must":  {AnonymousIdle: time.Second - 1},
		"AnonymousIdle, 1h":   {AnonymousIdle: time.Hour, AnonymousLifetime: time.Minute},
		"AnonymousIdle, 24h":  {AnonymousIdle: 24 * time.Hour},
	} {
		if m, err := New(new(spy), Config{Policy: p}); m != nil || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", want, err)
		}
	}
}
