package session

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestSlowHandlerSavesOnce: RPT-16, BAD-74. A request that runs for long costs one save, also where its cookie is to end at
// another time: what is due is judged by one clock.
func TestSlowHandlerSavesOnce(t *testing.T) {
	for name, c := range map[string]struct {
		begin, use func(s Session)
	}{
		"anonymous, a value":   {func(s Session) { color.Set(s, "red") }, func(s Session) { color.Set(s, "blue") }},
		"anonymous, only read": {func(s Session) { color.Set(s, "red") }, nothing},
		"anonymous, Save":      {func(s Session) { color.Set(s, "red") }, func(s Session) { _ = s.Save(s.self().ctx) }},
		"limits of its own":    {func(s Session) { s.Login("alice", Remember(), Limits(10*time.Minute, time.Hour)) }, nothing},
	} {
		synctest.Test(t, func(t *testing.T) {
			db := new(counting)
			b := newBrowser(t, newManager(t, db, Config{Policy: Policy{AnonymousPersist: true}}))
			b.do(c.begin)
			r := b.start()
			time.Sleep(2 * time.Minute)
			saves := 0
			db.onBefore("Save", func() error {
				if saves++; saves > 20 {
					return errNetwork
				}
				return nil
			})
			c.use(r.s)
			if e, err := r.end(); err != nil || e.Name == "" || saves != 1 {
				t.Errorf("%s: %d saves, %q, %v; want one, and the cookie", name, saves, e.Name, err)
			}
		})
	}
}

// TestPendingShownByFailure: ATK-3, ATK-10. A token that is shown for the first time is noted, however the request ends: who
// makes requests fail on purpose must not keep the previous one alive.
func TestPendingShownByFailure(t *testing.T) {
	for name, fail := range map[string]func(m *Manager, db *counting, r *request){
		"5xx": func(m *Manager, _ *counting, r *request) { m.Close(r.ctx) },
		"5xx with a change": func(m *Manager, _ *counting, r *request) {
			color.Set(r.s, "red")
			m.Close(r.ctx)
		},
		"bad value": func(_ *Manager, _ *counting, r *request) {
			Key[func()]("x").Set(r.s, nil)
			if _, err := r.end(); err == nil {
				r.b.t.Error("the commit has not failed")
			}
		},
		"5xx, bad value": func(m *Manager, _ *counting, r *request) {
			Key[func()]("x").Set(r.s, nil)
			m.Close(r.ctx)
		},
		"too large for the store": func(_ *Manager, db *counting, r *request) {
			color.Set(r.s, "red")
			db.onBefore("Save", once(ErrTooLarge))
			if _, err := r.end(); !errors.Is(err, ErrTooLarge) {
				r.b.t.Error(err)
			}
		},
		"passive": func(_ *Manager, _ *counting, r *request) {
			Passive(r.ctx)
			_, _ = r.end()
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			h := newHolders(t, Policy{})
			victim := h.login()
			thief := victim.old()
			time.Sleep(rotateEvery)
			h.use(thief, false)
			fail(h.m, h.db, thief.start())
			time.Sleep(61 * time.Second)
			if h.use(victim, true) {
				t.Errorf("%s: the previous token goes on", name)
			}
			if thief.user() != "alice" {
				t.Errorf("%s: the one that was shown does not", name)
			}
		})
	}
}

// TestOutageWaitsOnce: BAD-72. Where the store does not answer the commit, the end of the request does not ask it again.
func TestOutageWaitsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHolders(t, Policy{})
		b := h.login()
		time.Sleep(rotateEvery)
		h.use(b, false)
		r := b.start()
		color.Set(r.s, "red")
		h.db.onBefore("Save", func() error { return errNetwork })
		if _, err := h.m.Commit(r.ctx); !errors.Is(err, ErrUnavailable) {
			t.Fatal(err)
		}
		saves := h.db.saves.Load()
		if h.m.Close(r.ctx); h.db.saves.Load() != saves {
			t.Errorf("%d saves more", h.db.saves.Load()-saves)
		}
	})
}

// TestPlantedOldName: ATK-16, RPT-16. A cookie of an old name that cannot be taken back, as another host of the domain has
// planted it, costs no save with each request.
func TestPlantedOldName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := new(counting)
		m := newManager(t, db, Config{OldCookies: []Cookie{{Name: "sid"}}})
		b := newBrowser(t, m)
		b.do(func(s Session) { s.Login("alice") })
		time.Sleep(30 * time.Second)
		saves := db.saves.Load()
		for range 10 {
			o := b.old()
			o.cookie += "; sid=" + freshToken()
			if e := o.do(nothing); e.Name != "" {
				t.Error("the cookie is set again")
			}
		}
		if n := db.saves.Load() - saves; n != 0 {
			t.Errorf("%d saves, want none", n)
		}
		time.Sleep(time.Minute)
		b.cookie += "; sid=" + freshToken()
		if e := b.do(nothing); !strings.Contains(e.TakeBack, "sid=;") || db.saves.Load() != saves+1 {
			t.Errorf("with the next use that is written: %q is taken back, %d saves", e.TakeBack, db.saves.Load()-saves)
		}
	})
}
