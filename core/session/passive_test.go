package session

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qsessions/qsessions/core/memory"
)

// poll makes a passive request and returns its user and the response's cookie.
func (b *browser) poll(f func(Session)) (user string, e Effect, err error) {
	b.t.Helper()
	r := b.start()
	Passive(r.ctx)
	f(r.s)
	user = r.s.User()
	e, err = r.end()
	return user, e, err
}

// TestPollingIsNoUse: RPT-30. Case 10: a page that polls does not keep the session of a user alive who has left, and costs no
// write.
func TestPollingIsNoUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, st := range stacks(t) {
			m := newManager(t, st.store, Config{Policy: Policy{RotateEvery: 5 * time.Minute}})
			b := newBrowser(t, m)
			b.do(logsIn("alice"))
			begun := time.Now()
			for time.Since(begun) < 30*time.Minute-time.Second {
				if u, e, err := b.poll(nothing); u != "alice" || e.Name != "" || err != nil {
					t.Fatalf("%s: after %v: user %q, %v, %v", st.name, time.Since(begun), u, e, err)
				}
				time.Sleep(10 * time.Second)
			}
			time.Sleep(time.Second)
			if u, _, _ := b.poll(nothing); u != "" {
				t.Errorf("%s: the session outlives Idle although it is only polled", st.name)
			}
		}
	})
}

// TestPassiveCosts: RPT-30. A passive request reads, and does nothing else: no touch and no exchange; Save of a
// passive request asks whether the session is there.
func TestPassiveCosts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := new(counting)
		m := newManager(t, db, Config{Policy: Policy{RotateEvery: rotateEvery}})
		b := newBrowser(t, m)
		b.do(logsIn("alice"))
		time.Sleep(rotateEvery)
		loads, writes := db.loads.Load(), db.writes()
		if u, e, err := b.poll(nothing); u != "alice" || e.Name != "" || err != nil {
			t.Errorf("user %q, %v, %v", u, e, err)
		}
		if _, _, err := b.poll(func(s Session) {
			if err := s.Save(t.Context()); err != nil {
				t.Error(err)
			}
		}); err != nil {
			t.Error(err)
		}
		if l, w := db.loads.Load()-loads, db.writes()-writes; l != 3 || w != 0 {
			t.Errorf("%d loads, %d writes, want 3 and none", l, w)
		}
		if e := b.do(nothing); e.Name == "" {
			t.Error("the next request has no exchange")
		}
	})
}

// TestPassiveChanges: RPT-30. What a passive request changes is saved, and does not prolong the session; a login is a use.
func TestPassiveChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, new(memory.Store), Config{})
		b := newBrowser(t, m)
		b.do(logsIn("alice"))
		time.Sleep(20 * time.Minute)
		if _, _, err := b.poll(func(s Session) { color.Set(s, "red") }); err != nil {
			t.Fatal(err)
		}
		if _, _, err := b.poll(func(s Session) {
			if i := s.Info(); color.Get(s) != "red" || time.Since(i.LastSeen) != 20*time.Minute || time.Until(i.ExpiresAt) != 10*time.Minute {
				t.Errorf("color %q, %+v", color.Get(s), i)
			}
		}); err != nil {
			t.Fatal(err)
		}
		if _, e, err := b.poll(func(s Session) { s.Reauthenticate() }); err != nil || e.Name == "" {
			t.Errorf("re-authentication: %v, %v", e, err)
		}
		if _, _, err := b.poll(func(s Session) {
			if i := s.Info(); time.Since(i.LastSeen) != 0 || time.Until(i.ExpiresAt) != 30*time.Minute {
				t.Errorf("after a re-authentication: %+v", i)
			}
		}); err != nil {
			t.Fatal(err)
		}
		if _, e, err := b.poll(func(s Session) { s.Logout() }); err != nil || !strings.Contains(e.Value, "Max-Age=0") || b.user() != "" {
			t.Errorf("logout: %v, %v", e, err)
		}
		v := newBrowser(t, m) // one that begins in a passive request
		if _, e, err := v.poll(func(s Session) { color.Set(s, "red") }); err != nil || e.Name == "" {
			t.Errorf("a new session: %v, %v", e, err)
		}
		v.do(func(s Session) {
			if i := s.Info(); i.LastSeen.IsZero() || color.Get(s) != "red" {
				t.Errorf("a new session: %+v", i)
			}
		})
	})
}

// TestPassiveOfAllManagers: RPT-30. It goes for the sessions of all managers of the request, called before or after From; a
// context without one is left alone.
func TestPassiveOfAllManagers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		outer, inner := new(counting), new(counting)
		a := newBrowser(t, newManager(t, outer, Config{}))
		b := newBrowser(t, newManager(t, inner, Config{Cookie: idCookie}))
		a.do(logsIn("alice"))
		b.do(logsIn("bob"))
		for _, first := range []bool{true, false} {
			time.Sleep(5 * time.Minute)
			ctx, _ := a.m.Start(t.Context(), a.client, a.cookie)
			ctx, _ = b.m.Start(context.WithValue(ctx, Login{}, 1), b.client, b.cookie)
			if first {
				Passive(context.WithValue(ctx, Login{}, 2))
			}
			for m, want := range map[*Manager]string{a.m: "alice", b.m: "bob"} {
				if s, err := m.From(ctx); err != nil || s.User() != want {
					t.Errorf("got %v, %v", s, err)
				}
			}
			Passive(ctx)
			for _, m := range []*Manager{a.m, b.m} {
				if _, err := m.Finish(ctx); err != nil {
					t.Error(err)
				}
				m.Close(ctx)
			}
		}
		if outer.touches.Load() != 0 || inner.touches.Load() != 0 {
			t.Errorf("touches: %d, %d, want none", outer.touches.Load(), inner.touches.Load())
		}
		Passive(t.Context())
	})
}

// TestPassiveRevoked: RPT-30, RPT-29. Save in a passive stream learns of a revocation.
func TestPassiveRevoked(t *testing.T) {
	m := newManager(t, new(memory.Store), Config{})
	b := signedIn(t, m, "alice", 1)[0]
	r := b.start()
	Passive(r.ctx)
	if err := m.Revoke(t.Context(), "alice", r.s.ID()); err != nil {
		t.Fatal(err)
	}
	if err := r.s.Save(t.Context()); !errors.Is(err, ErrRevoked) || r.s.User() != "" {
		t.Errorf("got %v, user %q", err, r.s.User())
	}
}
