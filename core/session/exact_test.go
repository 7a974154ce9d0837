package session

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qsessions/qsessions/core/cacheddb"
	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/store"
)

// nodes are two processes over one database: the first one serves the open request, and may do so from copies that the second
// one does not know of.
func nodes(t *testing.T, c Config) map[string][2]*Manager {
	t.Helper()
	all := map[string][2]*Manager{}
	db := new(memory.Store)
	all["db"] = [2]*Manager{newManager(t, db, c), newManager(t, db, c)}
	db = new(memory.Store)
	cached := func(cache store.Cache) *Manager {
		both, err := cacheddb.New(cache, db, cacheddb.Config{})
		if err != nil {
			t.Fatal(err)
		}
		return newManager(t, both, c)
	}
	all["cached_db, stale copies"] = [2]*Manager{cached(new(memory.Cache)), cached(new(memory.Cache))}
	db = new(memory.Store)
	cache := new(memory.Cache)
	all["cached_db"] = [2]*Manager{cached(cache), cached(cache)}
	return all
}

// endings are what ends, at the second node, the session that a request of the first one has open.
var endings = map[string]struct {
	end           func(m *Manager, b *browser)
	save, require error
}{
	"Revoke": {func(m *Manager, b *browser) { must(b.t, m.Revoke(b.t.Context(), "alice", b.id())) }, ErrRevoked, ErrUnauthenticated},
	"RevokeUser": {func(m *Manager, b *browser) {
		_, err := m.RevokeUser(b.t.Context(), "alice")
		must(b.t, err)
	}, ErrRevoked, ErrUnauthenticated},
	"logout":         {func(_ *Manager, b *browser) { b.do(func(s Session) { s.Logout() }) }, ErrRevoked, ErrUnauthenticated},
	"expiry":         {func(*Manager, *browser) { time.Sleep(time.Hour) }, ErrRevoked, ErrUnauthenticated},
	"rotation":       {func(_ *Manager, b *browser) { b.do(func(s Session) { s.Rotate() }) }, ErrReplaced, ErrReplaced},
	"login":          {func(_ *Manager, b *browser) { b.do(logsIn("alice")) }, ErrReplaced, ErrReplaced},
	"another user":   {func(_ *Manager, b *browser) { b.do(logsIn("bob")) }, ErrRevoked, ErrUnauthenticated},
	"Reauthenticate": {func(_ *Manager, b *browser) { b.do(func(s Session) { s.Reauthenticate() }) }, ErrReplaced, ErrReplaced},
	"nothing":        {func(*Manager, *browser) {}, nil, nil},
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestOpenRequestLearns: RPT-29, ATK-7. A request that stays open learns of the end of its session by the next strict Require,
// and by a Save without a change, on every stack.
func TestOpenRequestLearns(t *testing.T) {
	for ending, e := range endings {
		for _, ask := range []string{"Save", "MaxAge", "Level", "both"} {
			synctest.Test(t, func(t *testing.T) {
				for stack, m := range nodes(t, Config{}) {
					a := newBrowser(t, m[0])
					a.do(logsIn("alice"))
					a.user()
					b := a.old()
					b.m = m[1]
					open := a.start()
					asks := map[string]func() error{
						"Save":   func() error { return open.s.Save(open.ctx) },
						"MaxAge": func() error { _, err := m[0].Require(open.ctx, Requirement{MaxAge: 24 * time.Hour}); return err },
						"Level":  func() error { _, err := m[0].Require(open.ctx, Requirement{Level: 1}); return err },
						"both": func() error {
							_, err := m[0].Require(open.ctx, Requirement{Level: 1, MaxAge: 24 * time.Hour})
							return err
						},
					}
					if err := asks[ask](); err != nil {
						t.Errorf("%s, %s: %s before the end: %v", stack, ending, ask, err)
					}
					time.Sleep(time.Second)
					e.end(m[1], b)
					want := e.require
					if ask == "Save" {
						want = e.save
					}
					for range 2 {
						err := asks[ask]()
						if !errors.Is(err, want) || want == nil && err != nil {
							t.Errorf("%s, %s: %s: got %v, want %v", stack, ending, ask, err, want)
						}
						if ask == "Save" {
							break // the session is a new one
						}
					}
					if u := open.s.User(); (u == "") != (want != nil) {
						t.Errorf("%s, %s: after %s the request is of user %q", stack, ending, ask, u)
					}
					if _, err := open.end(); err != nil {
						t.Errorf("%s, %s: %s: commit: %v", stack, ending, ask, err)
					}
				}
			})
		}
	}
}

// TestReplacedWhileOpen: RPT-29, ATK-7. A request whose token another one has replaced sets no cookie afterwards, whatever it
// sets: the browser has a better one.
func TestReplacedWhileOpen(t *testing.T) {
	for _, ask := range []string{"Save", "Require", "Save of a value"} {
		m := newManager(t, new(memory.Store), Config{})
		b := signedIn(t, m, "alice", 1)[0]
		b.user()
		open := b.old().start()
		b.do(func(s Session) { s.Rotate() })
		switch ask {
		case "Save":
			if err := open.s.Save(open.ctx); !errors.Is(err, ErrReplaced) {
				t.Errorf("Save: %v", err)
			}
		case "Require":
			if _, err := m.Require(open.ctx, Requirement{Level: 1}); !errors.Is(err, ErrReplaced) {
				t.Errorf("Require: %v", err)
			}
		case "Save of a value":
			color.Set(open.s, "blue")
			if err := open.s.Save(open.ctx); !errors.Is(err, ErrReplaced) {
				t.Errorf("Save of a value: %v", err)
			}
		}
		color.Set(open.s, "red")
		if e, err := open.end(); !errors.Is(err, ErrReplaced) || e.Name != "" {
			t.Errorf("%s: a value afterwards: %v, %v, want ErrReplaced and no cookie", ask, err, e)
		}
		if u := b.user(); u != "alice" {
			t.Errorf("%s: user %q", ask, u)
		}
	}
}

// TestExchangeWhileOpen: RPT-29. A request stays good under a token that is replaced periodically meanwhile, for however long.
func TestExchangeWhileOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for stack, m := range nodes(t, Config{Policy: Policy{RotateEvery: rotateEvery}}) {
			b := newBrowser(t, m[0])
			b.do(logsIn("alice"))
			open := b.old().start()
			b.m = m[1]
			for i := range 12 {
				time.Sleep(rotateEvery / 2)
				b.do(nothing)
				b.do(nothing)
				if _, err := m[0].Require(open.ctx, Requirement{MaxAge: 24 * time.Hour}); err != nil {
					t.Fatalf("%s: %d: Require: %v", stack, i, err)
				}
				if err := open.s.Save(open.ctx); err != nil || open.s.User() != "alice" {
					t.Fatalf("%s: %d: Save: %v, user %q", stack, i, err, open.s.User())
				}
				visits.Update(open.s, func(n int) int { return n + 1 })
				if err := open.s.Save(open.ctx); err != nil {
					t.Fatalf("%s: %d: Save of a value: %v", stack, i, err)
				}
			}
			if e, err := open.end(); e.Name != "" || err != nil {
				t.Errorf("%s: the old token is answered by %v, %v", stack, e, err)
			}
			b.do(func(s Session) {
				if s.User() != "alice" || visits.Get(s) != 12 {
					t.Errorf("%s: user %q, %d visits", stack, s.User(), visits.Get(s))
				}
			})
		}
	})
}

// TestSaveIsUse: RPT-29. Case 11: a handler that saves now and then, without a change, keeps its session alive, by a touch in
// each Policy.TouchEvery and a load in between.
func TestSaveIsUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := new(counting)
		m := newManager(t, db, Config{})
		b := newBrowser(t, m)
		b.do(logsIn("alice"))
		open := b.start()
		loads, touches, saves := db.loads.Load(), db.touches.Load(), db.saves.Load()
		for range 6 * 120 {
			time.Sleep(10 * time.Second)
			if err := open.s.Save(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if l, n, s := db.loads.Load()-loads, db.touches.Load()-touches, db.saves.Load()-saves; l != 600 || n != 120 || s != 0 {
			t.Errorf("in two hours %d loads, %d touches, %d saves, want 600, 120 and none", l, n, s)
		}
		if u := b.old().user(); u != "alice" {
			t.Errorf("user %q after two hours of work over one open request", u)
		}
		if i := open.s.Info(); time.Since(i.LastSeen) > time.Minute {
			t.Errorf("last seen %v ago", time.Since(i.LastSeen))
		}
	})
}

// TestCallsOfExactRequests: RPT-29. What it costs to ask again: a load for each strict Require after the first answer, and for
// each Save without a change; a touch where one is due.
func TestCallsOfExactRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := new(counting)
		m := newManager(t, db, Config{})
		b := newBrowser(t, m)
		b.do(logsIn("alice"))
		strict := func(r *request) { _, err := m.Require(r.ctx, Requirement{Level: 1, MaxAge: day}); must(t, err) }
		save := func(r *request) { must(t, r.s.Save(r.ctx)) }
		for _, c := range []struct {
			name           string
			wait           time.Duration
			f              []func(*request)
			loads, touches int64
		}{
			{"read", time.Second, nil, 1, 0},
			{"read and touch", time.Minute, nil, 1, 1},
			{"strict", time.Second, []func(*request){strict}, 2, 0},
			{"strict twice", time.Second, []func(*request){strict, strict}, 3, 0},
			{"strict and touch", time.Minute, []func(*request){strict}, 2, 1},
			{"Save", time.Second, []func(*request){save}, 2, 0},
			{"Save and touch", time.Minute, []func(*request){save}, 1, 1},
			{"both", time.Second, []func(*request){save, strict}, 3, 0},
		} {
			time.Sleep(c.wait)
			total, loads, touches := db.total(), db.loads.Load(), db.touches.Load()
			r := b.start()
			for _, f := range c.f {
				f(r)
			}
			_, err := r.end()
			must(t, err)
			if l, n := db.loads.Load()-loads, db.touches.Load()-touches; l != c.loads || n != c.touches || db.total()-total != l+n {
				t.Errorf("%s: %d loads, %d touches, %d calls, want %d and %d", c.name, l, n, db.total()-total, c.loads, c.touches)
			}
		}
		loads := db.loads.Load()
		ctx, _ := m.Start(t.Context(), b.client, b.cookie)
		if _, err := m.Require(ctx, Requirement{Level: 1}); err != nil || db.loads.Load()-loads != 1 {
			t.Errorf("a strict Require that asks first: %v, %d loads, want one", err, db.loads.Load()-loads)
		}
		m.Close(ctx)
	})
}

// TestSaveSeesOthers: RPT-29. Save without a change, and a strict Require, read what others have saved.
func TestSaveSeesOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for stack, m := range nodes(t, Config{}) {
			a := newBrowser(t, m[0])
			a.do(logsIn("alice"))
			b := a.old()
			b.m = m[1]
			open := a.start()
			b.do(func(s Session) { color.Set(s, "red") })
			must(t, open.s.Save(t.Context()))
			if c := color.Get(open.s); c != "red" {
				t.Errorf("%s: after Save: color %q", stack, c)
			}
			b.do(func(s Session) { color.Set(s, "blue") })
			if _, err := m[0].Require(open.ctx, Requirement{Level: 1}); err != nil || color.Get(open.s) != "blue" {
				t.Errorf("%s: after Require: %v, color %q", stack, err, color.Get(open.s))
			}
			_, err := open.end()
			must(t, err)
		}
	})
}

// TestRequireInOutage: RPT-29, SEC-9. A strict route that cannot ask the database says so, also when it has asked before.
func TestRequireInOutage(t *testing.T) {
	db := new(counting)
	m := newManager(t, db, Config{})
	open := signedIn(t, m, "alice", 1)[0].start()
	db.onBefore("Load", func() error { return errNetwork })
	if _, err := m.Require(open.ctx, Requirement{MaxAge: time.Hour}); !errors.Is(err, ErrUnavailable) {
		t.Errorf("Require: %v, want ErrUnavailable", err)
	}
	if err := open.s.Save(context.Background()); !errors.Is(err, ErrUnavailable) || open.s.User() != "alice" {
		t.Errorf("Save: %v, user %q, want ErrUnavailable", err, open.s.User())
	}
	if _, err := m.Require(open.ctx, Requirement{}); err != nil {
		t.Errorf("a route that asks for a user: %v", err)
	}
	db.onBefore("Load", nil)
	if _, err := m.Require(open.ctx, Requirement{MaxAge: time.Hour}); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}
