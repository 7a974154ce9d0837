package session

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qsessions/qsessions/core/memory"
)

// TestDeadTokenIsNotHandedOut: RPT-14, RPT-16, RPT-22. A slow response that gathers the browser's cookies hands out no token that
// a login has replaced meanwhile: it would take the place of the new one.
func TestDeadTokenIsNotHandedOut(t *testing.T) {
	for name, c := range map[string]struct {
		cfg  Config
		line func(token string) string
	}{
		"an old name of the same realm": {Config{Realm: "site", OldCookies: []Cookie{sid}}, func(token string) string { return "sid=" + token }},
		"two jars":                      {Config{}, func(token string) string { return "__Host-session=" + freshToken() + "; __Host-session=" + token }},
	} {
		for _, login := range []bool{false, true} {
			m := newManager(t, new(memory.Store), c.cfg)
			b := newBrowser(t, m)
			b.do(func(s Session) { color.Set(s, "red") })
			_, token, _ := strings.Cut(b.cookie, "=")
			b.cookie = c.line(token)
			slow := b.old().start()
			if login {
				b.do(func(s Session) { s.Login("alice") })
			}
			if e, err := slow.end(); err != nil || (e.Name == "") != login {
				t.Errorf("%s, login %t: the slow response: %q, %v", name, login, e.Name, err)
			}
		}
	}
}

// TestNothingTakenBackAlone: RPT-14. Where the token cannot be handed out, no cookie is taken back: it may be the good one.
func TestNothingTakenBackAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, db := rotating(t, nil)
		b := newBrowser(t, m)
		b.do(func(s Session) { s.Login("alice") })
		time.Sleep(rotateEvery)
		b.do(nothing) // gets the next token
		_, token, _ := strings.Cut(b.cookie, "=")
		b.cookie = "__Host-session=" + freshToken() + "; __Host-session=" + token
		db.onBefore("Save", func() error { return errNetwork })
		if e := b.do(nothing); e.Name != "" || e.TakeBack != "" {
			t.Errorf("during an outage: %q, taken back %q", e.Name, e.TakeBack)
		}
		db.onBefore("Save", nil)
		if e := b.do(nothing); b.user() != "alice" {
			t.Errorf("after it the user is out: %q, taken back %q", e.Name, e.TakeBack)
		}
	})
}

// TestReplacedHandsOutNothing: RPT-22, ATK-3. A request that got a new token by Save hands it out no more when it learns that a
// login has replaced it.
func TestReplacedHandsOutNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _ := rotating(t, nil)
		b := newBrowser(t, m)
		b.do(func(s Session) { s.Login("alice") })
		time.Sleep(rotateEvery)
		r := b.old().start()
		if err := r.s.Save(r.ctx); err != nil {
			t.Fatal(err)
		}
		b.do(func(s Session) { s.Login("alice") })
		color.Set(r.s, "red")
		if e, err := r.end(); !errors.Is(err, ErrReplaced) || e.Name != "" {
			t.Errorf("got %+v, %v, want ErrReplaced and no header", e, err)
		}
	})
}

// TestDeadTokenAfterSave: RPT-22, ATK-3. Neither does it if it does nothing more, or fails: the database is asked before a token
// is handed out that a Save got a while ago. One that nothing has happened to is.
func TestDeadTokenAfterSave(t *testing.T) {
	for name, end := range map[string]func(r *request) Effect{
		"commit": func(r *request) Effect { e, _ := r.end(); return e },
		"5xx":    func(r *request) Effect { return r.b.m.Close(r.ctx) },
	} {
		for _, login := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				m, _ := rotating(t, nil)
				b := newBrowser(t, m)
				b.do(func(s Session) { s.Login("alice") })
				time.Sleep(rotateEvery)
				r := b.old().start()
				if err := r.s.Save(r.ctx); err != nil {
					t.Fatal(err)
				}
				time.Sleep(10 * time.Second)
				if login {
					b.do(func(s Session) { s.Login("alice") })
				}
				if e := end(r); (e.Name == "") != login {
					t.Errorf("%s, login %t: got %q", name, login, e.Name)
				}
			})
		}
	}
}

// TestSaveThenChange: ATK-3. The token that a Save got is the one that the response hands out, whatever is saved after it.
func TestSaveThenChange(t *testing.T) {
	for name, change := range map[string]func(s Session){
		"expire": func(s Session) { s.Expire(time.Hour, time.Hour) },
		"value":  func(s Session) { visits.Update(s, increment) },
		"none":   nothing,
	} {
		synctest.Test(t, func(t *testing.T) {
			m, _ := rotating(t, nil)
			b := newBrowser(t, m)
			b.do(func(s Session) { s.Login("alice", Remember()) })
			for i := range 5 {
				time.Sleep(rotateEvery)
				before := b.cookie
				r := b.start()
				if r.s.User() != "alice" {
					t.Fatalf("%s: signed out in period %d", name, i)
				}
				if err := r.s.Save(r.ctx); err != nil {
					t.Fatal(err)
				}
				change(r.s)
				e, err := r.end()
				if err != nil || b.cookie == before {
					t.Fatalf("%s: period %d: %v, a new token: %t", name, i, err, b.cookie != before)
				}
				if end := "Max-Age=3600;"; strings.Contains(e.Value, end) != (name == "expire") {
					t.Errorf("%s: period %d: %s", name, i, strings.TrimPrefix(e.Value, b.cookie))
				}
				b.do(nothing)
			}
		})
	}
}

// TestOldSiblingIsNotHandedOut: ATK-3, CVE-11. A token whose save had an unknown outcome is not handed out when its sibling was
// shown meanwhile: it would be over after the grace.
func TestOldSiblingIsNotHandedOut(t *testing.T) {
	for _, known := range []bool{false, true} { // the answer to the save arrives
		oldSibling(t, known)
	}
}

func oldSibling(t *testing.T, known bool) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		m, db := rotating(t, nil)
		b := newBrowser(t, m)
		b.do(func(s Session) { s.Login("alice", Remember()) })
		time.Sleep(rotateEvery)
		long := b.old().start()
		if !known {
			db.onAfter("Save", func() error { return errNetwork })
		}
		if err := long.s.Save(long.ctx); known != (err == nil) {
			t.Fatal(err)
		}
		db.onAfter("Save", nil)
		time.Sleep(rotateEvery)
		b.do(nothing) // gets the sibling
		b.do(nothing) // shows it
		if known {
			if _, err := m.Require(long.ctx, Requirement{Level: 1}); err != nil {
				t.Error(err)
			}
		}
		if e, err := long.end(); err != nil || e.Name != "" {
			t.Errorf("the long request: %q, %v", e.Name, err)
		}
		time.Sleep(2 * time.Minute)
		if b.user() != "alice" {
			t.Error("signed out")
		}
	})
}

// TestOldNameBesideReplaced: RPT-16, ATK-16. Where the token of today was replaced a moment ago, a cookie of an old name, which
// another site of the domain may have planted, does not count.
func TestOldNameBesideReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := new(memory.Store)
		before := newManager(t, db, Config{Cookie: sid})
		m := newManager(t, db, Config{OldCookies: []Cookie{sid}})
		mallory := newBrowser(t, before)
		mallory.do(func(s Session) { s.Login("mallory") })
		time.Sleep(2 * time.Minute)
		b := newBrowser(t, m)
		b.do(func(s Session) { color.Set(s, "red") })
		late := b.old()
		late.cookie += "; " + mallory.cookie
		b.do(func(s Session) { s.Login("alice") })
		r := late.start()
		if u := r.s.User(); u != "" {
			t.Errorf("the request runs in the session of %q", u)
		}
		if e, err := r.end(); err != nil || e.Name != "" || e.TakeBack != "" {
			t.Errorf("got %+v, %v", e, err)
		}
	})
}

// TestLeadingDot: RPT-16. A Domain with a leading dot is the one without, as browsers have it.
func TestLeadingDot(t *testing.T) {
	if _, err := New(new(memory.Store), Config{Cookie: wideSid, OldCookies: []Cookie{{Name: "sid", Domain: ".example.com"}}}); err == nil {
		t.Error("the cookie of today is an old one, too")
	}
	if _, err := New(new(memory.Store), Config{Cookie: Cookie{Domain: "."}}); err == nil {
		t.Error("a Domain of one dot is accepted")
	}
}
