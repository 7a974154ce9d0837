package session

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qsessions/qsessions/core/memory"
)

var (
	idCookie = Cookie{Name: "__Host-id"}
	wide     = Cookie{Domain: "example.com"}
	sid      = Cookie{Name: "sid"}
	wideSid  = Cookie{Name: "sid", Domain: "example.com"}
)

// renames are changes of the cookie's name, by a name of one's own or by another Domain.
func renames() map[string][2]Cookie {
	return map[string][2]Cookie{
		"another name":             {{}, idCookie},
		"domain set":               {{}, wide},
		"domain dropped":           {wide, {}},
		"path set":                 {{}, {Path: "/app"}},
		"another name, other case": {{Name: "sid"}, {Name: "SID"}},
	}
}

// TestRenamedCookie: RPT-16. A token that comes under an old name goes on, is followed by one under the name of today by one
// save, and is taken back by the response that hands that one out.
func TestRenamedCookie(t *testing.T) {
	for name, c := range renames() {
		synctest.Test(t, func(t *testing.T) {
			db := new(counting)
			before := newManager(t, db, Config{Cookie: c[0]})
			after := newManager(t, db, Config{Cookie: c[1], OldCookies: []Cookie{{Name: "other"}, c[0]}})
			b := &cookies{t: t}
			b.do(before, logsIn("alice"))
			old := b.held[0].value
			time.Sleep(30 * time.Second)
			if h := b.do(after, nothing); len(h["Set-Cookie"]) != 0 {
				t.Errorf("%s: handed out within Grace of the last one: %v", name, b)
			}
			time.Sleep(30 * time.Second)
			saves := db.saves.Load()
			if h := b.do(after, nothing); len(h["Set-Cookie"]) != 2 || h.Get("Cache-Control") != "no-store" {
				t.Errorf("%s: the response has %v", name, h)
			}
			if len(b.held) != 1 || b.held[0].name != after.cfg.Cookie.Name || b.held[0].value == old {
				t.Fatalf("%s: the browser has %v", name, b)
			}
			for i := range 5 {
				if h := b.do(after, func(s Session) {
					if s.User() != "alice" {
						t.Errorf("%s: signed out by request %d", name, i+1)
					}
				}); len(h["Set-Cookie"]) != 0 {
					t.Errorf("%s: request %d: a cookie again", name, i+1)
				}
			}
			if n := db.saves.Load() - saves; n != 2 {
				t.Errorf("%s: %d saves, want the exchange and the note of its arrival", name, n)
			}
			time.Sleep(time.Minute)
			b.held[0].name, b.held[0].value = before.cfg.Cookie.Name, old
			if u := b.user(after); u != "" {
				t.Errorf("%s: the old token outlives the grace", name)
			}
		})
	}
}

// TestRenamedLost: RPT-16. A lost response signs no user out: the token of the old name goes on, and gets another successor.
func TestRenamedLost(t *testing.T) {
	for name, c := range renames() {
		for _, p := range []Policy{{}, {RotateEvery: rotateEvery}} {
			synctest.Test(t, func(t *testing.T) {
				db := new(memory.Store)
				before := newManager(t, db, Config{Cookie: c[0], Policy: p})
				after := newManager(t, db, Config{Cookie: c[1], OldCookies: []Cookie{c[0]}, Policy: p})
				b := &cookies{t: t}
				b.do(before, func(s Session) { s.Login("alice", Remember()) })
				time.Sleep(time.Minute)
				lost := b.old()
				if lost.do(after, nothing); lost.held[0].name != after.cfg.Cookie.Name {
					t.Fatalf("%s: not handed out: %v", name, lost)
				}
				time.Sleep(24 * time.Hour)
				b.quiet(after, name, "alice")
				if len(b.held) != 1 || b.held[0].name != after.cfg.Cookie.Name {
					t.Errorf("%s: the browser has %v", name, b)
				}
				time.Sleep(2 * time.Minute)
				if u := lost.user(after); u != "" {
					t.Errorf("%s: the token whose response was lost outlives the one that was shown", name)
				}
			})
		}
	}
}

// TestRenamedInParallel: RPT-16. Of twenty parallel requests one gets the new token, and whichever response comes last, the
// user stays signed in.
func TestRenamedInParallel(t *testing.T) {
	for name, c := range renames() {
		for late := range 5 {
			synctest.Test(t, func(t *testing.T) {
				db := new(memory.Store)
				before := newManager(t, db, Config{Cookie: c[0]})
				after := newManager(t, db, Config{Cookie: c[1], OldCookies: []Cookie{c[0]}})
				b := &cookies{t: t}
				b.do(before, logsIn("alice"))
				time.Sleep(time.Minute)
				var all []*exchange
				for range 5 {
					all = append(all, b.start(after))
				}
				handed := 0
				for i := range all {
					h := all[(i+late)%5].end()
					handed += min(len(h["Set-Cookie"]), 1)
					b.take(h)
				}
				if handed != 1 || len(b.held) != 1 || b.held[0].name != after.cfg.Cookie.Name {
					t.Errorf("%s: %d responses hand out a token; the browser has %v", name, handed, b)
				}
				time.Sleep(5 * time.Minute)
				b.quiet(after, name, "alice")
			})
		}
	}
}

// TestRenamedWithRealm: RPT-16. With one Config.Realm the token itself is handed out under the name of today, until a response
// arrives, each time after a save that shows that it is not replaced.
func TestRenamedWithRealm(t *testing.T) {
	for name, c := range renames() {
		synctest.Test(t, func(t *testing.T) {
			db := new(counting)
			before := newManager(t, db, Config{Cookie: c[0], Realm: "shop"})
			after := newManager(t, db, Config{Cookie: c[1], OldCookies: []Cookie{c[0]}, Realm: "shop"})
			b := &cookies{t: t}
			b.do(before, func(s Session) { s.Login("alice", Remember()) })
			token := b.held[0].value
			writes := db.writes()
			for range 3 {
				lost := b.old()
				lost.do(after, nothing)
			}
			b.quiet(after, name, "alice")
			if len(b.held) != 1 || b.held[0].name != after.cfg.Cookie.Name || b.held[0].value != token || b.held[0].ends != time.Now().Add(30*24*time.Hour) {
				t.Errorf("%s: the browser has %v until %v", name, b, b.held[0].ends)
			}
			if n := db.writes() - writes; n != 4 {
				t.Errorf("%s: %d writes, want one for each hand-out", name, n)
			}
		})
	}
}

// TestRenamedLoginAndLogout: RPT-16. A login under the old name hands out the new one, a logout takes back both.
func TestRenamedLoginAndLogout(t *testing.T) {
	for name, c := range renames() {
		for _, realm := range []string{"", "shop"} {
			synctest.Test(t, func(t *testing.T) {
				db := new(memory.Store)
				before := newManager(t, db, Config{Cookie: c[0], Realm: realm})
				after := newManager(t, db, Config{Cookie: c[1], OldCookies: []Cookie{c[0]}, Realm: realm})
				b := &cookies{t: t}
				b.do(before, func(s Session) { color.Set(s, "red") })
				b.do(after, func(s Session) { s.Login("alice") })
				if len(b.held) != 1 || b.held[0].name != after.cfg.Cookie.Name {
					t.Errorf("%s: after the login the browser has %v", name, b)
				}
				b.do(after, func(s Session) {
					if s.User() != "alice" || color.Get(s) != "red" {
						t.Errorf("%s: user %q, color %q", name, s.User(), color.Get(s))
					}
				})
				o := &cookies{t: t}
				o.do(before, logsIn("alice"))
				o.do(after, func(s Session) { s.Logout() })
				if len(o.held) != 0 {
					t.Errorf("%s: the logout leaves %v", name, o)
				}
			})
		}
	}
}

// TestOldNameGivesWay: RPT-16. A token of an old name counts where that of today opens nothing, and only there.
func TestOldNameGivesWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := new(memory.Store)
		before := newManager(t, db, Config{})
		after := newManager(t, db, Config{Cookie: idCookie, OldCookies: []Cookie{{}}})
		bob, alice := &cookies{t: t}, &cookies{t: t}
		alice.do(after, logsIn("alice"))
		time.Sleep(time.Second)
		bob.do(before, logsIn("bob")) // later
		b := &cookies{t: t, held: append(bob.old().held, alice.held...)}
		b.quiet(after, "both live", "alice")
		if len(b.held) != 1 || b.held[0] != alice.held[0] {
			t.Errorf("the browser has %v", b)
		}
		b = &cookies{t: t, held: append(bob.old().held, held{name: "__Host-id", path: "/", value: freshToken()})}
		time.Sleep(time.Minute)
		b.quiet(after, "that of today is dead", "bob")
		if len(b.held) != 1 || b.held[0].name != "__Host-id" {
			t.Errorf("the browser has %v", b)
		}
	})
}

// TestScopeOfOwnName: RPT-16. Case 25: a Domain is set or dropped under a name of one's own. The session goes on, ten requests
// with both cookies cost ten loads and raise no event, and the old cookie goes with the next one that is handed out.
func TestScopeOfOwnName(t *testing.T) {
	for name, c := range map[string][2]Cookie{"set": {sid, wideSid}, "dropped": {wideSid, sid}} {
		for _, newer := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				db := new(counting)
				var events []EventKind
				observe := func(_ context.Context, e Event) { events = append(events, e.Kind) }
				before := newManager(t, db, Config{Cookie: c[0], Observe: observe})
				after := newManager(t, db, Config{Cookie: c[1], OldCookies: []Cookie{c[0]}, Observe: observe})
				b := &cookies{t: t, newer: newer}
				b.do(before, logsIn("alice"))
				b.quiet(after, name, "alice")
				lost := b.old() // the browser of the old scope, whose cookie is not taken back
				b.do(after, func(s Session) { s.Rotate() })
				if len(b.held) != 1 || b.held[0].domain != c[1].Domain {
					t.Errorf("%s: after a rotation the browser has %v", name, b)
				}
				b.held = append(lost.held, b.held...)
				loads, writes := db.loads.Load(), db.writes()
				events = nil
				for range 10 {
					if u := b.old().user(after); u != "alice" {
						t.Errorf("%s: user %q with both cookies", name, u)
					}
				}
				if n := db.loads.Load() - loads; n != 10 || db.writes() != writes || len(events) != 0 {
					t.Errorf("%s: %d loads, %d writes, events %v, want 10, none and none", name, n, db.writes()-writes, events)
				}
				time.Sleep(time.Minute)
				b.quiet(after, name, "alice")
				if len(b.held) != 1 || b.held[0].domain != c[1].Domain {
					t.Errorf("%s: a minute later the browser has %v", name, b)
				}
			})
		}
	}
}

// TestOldCookiesRefused: RPT-16, SEC-22. New says which old cookie cannot be one.
func TestOldCookiesRefused(t *testing.T) {
	t.Parallel()
	many := func(n int) (all []Cookie) {
		for i := range n {
			all = append(all, Cookie{Name: fmt.Sprint("sid", i)})
		}
		return all
	}
	for want, c := range map[string]Config{
		"OldCookies has 17":         {OldCookies: many(17)},
		"Config.Header":             {Header: "X-Session", OldCookies: many(1)},
		"OldCookies[0], \"sid\"":    {Cookie: sid, OldCookies: []Cookie{sid}},
		"OldCookies[1], \"sid0\"":   {OldCookies: append(many(1), many(1)...)},
		"OldCookies[1], \"sid\"":    {OldCookies: []Cookie{wideSid, {Name: "sid", Domain: "EXAMPLE.com", SameSite: SameSiteStrict}}},
		"OldCookies[2].Name":        {OldCookies: append(many(2), Cookie{Name: "a b"})},
		"OldCookies[0]: a __Host-":  {OldCookies: []Cookie{{Name: "__Host-id", Domain: "example.com"}}},
		"OldCookies[0]: a __Secure": {OldCookies: []Cookie{{Name: "__Secure-id", Insecure: true}}},
		"OldCookies[0], \"__Host-":  {OldCookies: []Cookie{{}}},
	} {
		if m, err := New(new(spy), c); m != nil || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", want, err)
		}
	}
	for name, c := range map[string]Config{
		"16":         {OldCookies: many(16)},
		"scopes":     {Cookie: sid, OldCookies: []Cookie{wideSid, {Name: "sid", Path: "/app"}, {Name: "sid", Partitioned: true}}},
		"other case": {Cookie: sid, OldCookies: []Cookie{{Name: "SID"}}},
	} {
		if _, err := New(new(spy), c); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestRenamedIsReported: RPT-16, ATK-6. Also across a change of name a former token is told from a guess.
func TestRenamedIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var events []EventKind
		p, db := Policy{RotateEvery: rotateEvery}, new(memory.Store)
		before := newManager(t, db, Config{Policy: p})
		after := newManager(t, db, Config{Policy: p, Cookie: idCookie, OldCookies: []Cookie{{}},
			Observe: func(_ context.Context, e Event) { events = append(events, e.Kind) }})
		b := &cookies{t: t}
		b.do(before, logsIn("alice"))
		first := b.old()
		time.Sleep(rotateEvery)
		b.do(after, nothing)
		second := b.old()
		b.do(after, nothing)
		time.Sleep(rotateEvery)
		b.do(after, nothing)
		b.do(after, nothing)
		time.Sleep(2 * time.Minute)
		for want, c := range map[EventKind]*cookies{TokenReplaced: first, TokenReplayed: second} {
			events = nil
			if u := c.user(after); u != "" || len(events) != 1 || events[0] != want {
				t.Errorf("user %q, events %v, want none and [%v]", u, events, want)
			}
		}
		b.quiet(after, "in the end", "alice")
	})
}
