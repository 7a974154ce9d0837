package session

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

// TestStricterPolicy: RPT-27. Of the limits that a session was stored with and those of today the stricter ones count from
// the next request on, for each kind of session, and everything that tells of its end agrees.
func TestStricterPolicy(t *testing.T) {
	const hour = time.Hour
	long := Config{Policy: Policy{Idle: 12 * hour, Lifetime: 720 * hour, AnonymousIdle: 12 * hour, AnonymousLifetime: 720 * hour}}
	role := func(idle, lifetime time.Duration) Config {
		c := long
		c.LoginLimits = func(l Login) (time.Duration, time.Duration) {
			if l.User != "alice" || l.Level != 2 || l.AuthenticatedAt.IsZero() {
				return 0, 0
			}
			return idle, lifetime
		}
		return c
	}
	policy := func(p Policy) Config { return Config{Policy: p} }
	for name, c := range map[string]struct {
		before, after  Config
		begin          func(s Session)
		idle, lifetime time.Duration // that count afterwards
	}{
		"idle":     {long, policy(Policy{Idle: hour, Lifetime: 720 * hour}), signIn, hour, 720 * hour},
		"lifetime": {long, policy(Policy{Idle: 12 * hour, Lifetime: 24 * hour}), signIn, 12 * hour, 24 * hour},
		"both":     {long, policy(NISTAAL3()), signIn, 15 * time.Minute, 12 * hour},
		"remembered": {long, policy(Policy{RememberIdle: 2 * hour, RememberLifetime: 48 * hour}),
			func(s Session) { s.Login("alice", Remember()) }, 2 * hour, 48 * hour},
		"anonymous": {long, policy(Policy{Idle: 12 * hour, Lifetime: 720 * hour, AnonymousIdle: hour, AnonymousLifetime: 5 * hour}),
			func(s Session) { color.Set(s, "red") }, hour, 5 * hour},
		"role":         {role(10*hour, 100*hour), role(hour, 50*hour), func(s Session) { s.Login("alice", Level(2)) }, hour, 50 * hour},
		"a wrong role": {role(10*hour, 100*hour), role(-1, 1), func(s Session) { s.Login("alice", Level(2)) }, 10 * hour, 100 * hour},
		"own limits":   {long, long, func(s Session) { s.Login("alice", Limits(20*hour, 700*hour)) }, 20 * hour, 700 * hour},
		"own limits beyond all": {long, policy(preset(hour, 24*hour)), func(s Session) { s.Login("alice", Limits(48*hour, 700*hour)) },
			24 * hour, 24 * hour},
		"more generous": {policy(NISTAAL3()), long, signIn, 15 * time.Minute, 12 * hour},
	} {
		for _, st := range stacks(t) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				before, after := newManager(t, st.store, c.before), newManager(t, st.store, c.after)
				all := []*browser{newBrowser(t, before), newBrowser(t, before), newBrowser(t, before)}
				for _, b := range all {
					b.do(c.begin)
					b.m = after
				}
				there := func(b *browser) (there bool) {
					b.do(func(s Session) { there = s.User() != "" || color.Has(s) })
					return there
				}
				// The first one is used all the time, the second one has one idle time, the third one none.
				idle := all[1].cookie
				time.Sleep(c.idle - time.Minute)
				var info Info
				all[1].do(func(s Session) { info = s.Info() })
				if want := began.Add(c.lifetime); !info.Deadline.Equal(want) || !info.ExpiresAt.Equal(earlier(want, time.Now().Add(c.idle))) {
					t.Errorf("%s on %s: the deadline is %v after the beginning, want %v; it expires in %v", name, st.name, info.Deadline.Sub(began), c.lifetime, time.Until(info.ExpiresAt))
				}
				seen, err := after.Inspect(t.Context(), info.ID)
				if err != nil || !seen.ExpiresAt.Equal(info.ExpiresAt) || !seen.Deadline.Equal(info.Deadline) {
					t.Errorf("%s on %s: Inspect: %+v, %v, want %+v", name, st.name, seen, err, info)
				}
				for i, err := range after.Find(t.Context(), Query{IDs: []ID{info.ID}}) {
					if err != nil || !i.ExpiresAt.Equal(info.ExpiresAt) {
						t.Errorf("%s on %s: in a list it expires in %v, %v, want %v", name, st.name, time.Until(i.ExpiresAt), err, time.Until(info.ExpiresAt))
					}
				}
				if !there(all[0]) {
					t.Errorf("%s on %s: signed out a minute before the idle timeout", name, st.name)
				}
				time.Sleep(2 * time.Minute)
				if there(all[2]) {
					t.Errorf("%s on %s: alive after %v without use", name, st.name, c.idle)
				}
				for time.Since(began)+c.idle/2 < c.lifetime {
					if !there(all[0]) {
						t.Fatalf("%s on %s: signed out after %v, in use", name, st.name, time.Since(began))
					}
					time.Sleep(c.idle / 2)
				}
				time.Sleep(c.lifetime - time.Since(began))
				if there(all[0]) {
					t.Errorf("%s on %s: alive after %v", name, st.name, c.lifetime)
				}
				if idle != all[1].cookie && name != "remembered" && !strings.HasPrefix(name, "own") {
					t.Errorf("%s on %s: a new token", name, st.name)
				}
			})
		}
	}
}

func signIn(s Session) { s.Login("alice") }

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// TestSamePolicyBindsNothing: RPT-27. Limits by the level count for the authentication that gave them, also if it lies before
// another one: a session keeps them as long as the policy is the same.
func TestSamePolicyBindsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := new(counting)
		b := newBrowser(t, newManager(t, db, Config{LoginLimits: func(l Login) (time.Duration, time.Duration) {
			return time.Duration(l.Level) * time.Hour, 10 * time.Hour
		}}))
		time.Sleep(time.Hour)
		b.do(func(s Session) { s.Login("alice") })
		time.Sleep(time.Minute)
		b.do(func(s Session) { s.Reauthenticate(Level(2), AuthenticatedAt(time.Now().Add(-10*time.Minute))) })
		saves := db.saves.Load()
		time.Sleep(90 * time.Minute)
		if b.user() != "alice" {
			t.Error("the session has ended before its idle timeout")
		}
		if n := db.saves.Load() - saves; n != 0 {
			t.Errorf("%d saves", n)
		}
	})
}

// TestStricterPolicyIsStored: RPT-27. The stricter limits cost one save, with the next request that is a use of the session,
// so that lists, sweeps and instances of the policy before go by them; and the cookie ends with them.
func TestStricterPolicyIsStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := new(counting)
		before := newManager(t, db, Config{})
		after := newManager(t, db, Config{Policy: NISTAAL3()})
		b := newBrowser(t, before)
		b.do(func(s Session) { s.Login("alice", Remember()) })
		b.m = after
		r := b.start()
		Passive(r.ctx)
		if e, err := r.end(); err != nil || e.Name != "" || db.saves.Load() != 0 {
			t.Errorf("a request that is no use: %d saves, %q, %v", db.saves.Load(), e.Name, err)
		}
		if e := b.do(nothing); !strings.Contains(e.Value, "Max-Age=900;") || db.saves.Load() != 1 {
			t.Errorf("the next request: %d saves, %q", db.saves.Load(), attributes(e.Value))
		}
		time.Sleep(5 * time.Minute)
		for range 3 {
			b.do(nothing)
		}
		b.m = before
		b.do(func(s Session) {
			if i := s.Info(); time.Until(i.ExpiresAt) > 15*time.Minute || time.Until(i.Deadline) > 12*time.Hour {
				t.Errorf("by the policy before it expires in %v, deadline in %v", time.Until(i.ExpiresAt), time.Until(i.Deadline))
			}
		})
		if db.saves.Load() > 2 { // and the cookie, as it is used again
			t.Errorf("%d saves", db.saves.Load())
		}
		time.Sleep(15*time.Minute + sweepMargin + time.Second)
		if n, err := before.Sweep(t.Context()); n == 0 || err != nil {
			t.Errorf("swept %d, %v", n, err)
		}
	})
}

// TestStricterPolicyInCap: RPT-27. A session that cannot be live any more by any limit of today takes no room in the cap of
// its user, and its end in a list is past.
func TestStricterPolicyInCap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var db store.Store = new(counting)
		b := newBrowser(t, newManager(t, db, Config{Policy: Policy{Idle: 12 * time.Hour}}))
		b.do(signIn)
		id := b.id()
		after := newManager(t, db, Config{Policy: preset(time.Minute, time.Hour), PerUser: Limit{Max: 1, Refuse: true}})
		time.Sleep(2 * time.Hour)
		for i, err := range after.Find(t.Context(), Query{IDs: []ID{id}}) {
			if err != nil || i.ExpiresAt.After(time.Now()) {
				t.Errorf("got %v, %v", i.ExpiresAt, err)
			}
		}
		newBrowser(t, after).do(signIn)
	})
}

func attributes(value string) string {
	_, a, _ := strings.Cut(value, ";")
	return a
}
