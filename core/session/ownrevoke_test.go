package session

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qsessions/qsessions/core/memory"
)

// TestRevokeOwnPending: CVE-2. A revocation in the request itself also ends what that request has not committed yet.
func TestRevokeOwnPending(t *testing.T) {
	revokeUser := func(m *Manager, r *request) error {
		_, err := m.RevokeUser(r.ctx, "alice")
		return err
	}
	revoke := func(m *Manager, r *request) error { return m.Revoke(r.ctx, "alice", r.s.ID()) }
	for name, c := range map[string]struct {
		before, pending func(s Session)
		revoke          func(m *Manager, r *request) error
	}{
		"login, RevokeUser":                   {nil, func(s Session) { s.Login("alice") }, revokeUser},
		"visitor's login, RevokeUser":         {func(s Session) { color.Set(s, "red") }, func(s Session) { s.Login("alice") }, revokeUser},
		"reauthentication, RevokeUser":        {func(s Session) { s.Login("alice") }, func(s Session) { s.Reauthenticate() }, revokeUser},
		"reauthentication, Revoke":            {func(s Session) { s.Login("alice") }, func(s Session) { s.Reauthenticate() }, revoke},
		"login again, Revoke":                 {func(s Session) { s.Login("alice") }, func(s Session) { s.Login("alice") }, revoke},
		"login and value, RevokeUser":         {nil, func(s Session) { s.Login("alice"); shape.Set(s, "round") }, revokeUser},
		"rotation and value, Revoke":          {func(s Session) { s.Login("alice") }, func(s Session) { s.Rotate(); shape.Set(s, "round") }, revoke},
		"login in the future, RevokeUser":     {nil, func(s Session) { s.Login("alice", AuthenticatedAt(time.Now().Add(time.Second))) }, revokeUser},
		"saved login, RevokeUser":             {nil, func(s Session) { s.Login("alice"); _ = s.Save(context.Background()) }, revokeUser},
		"saved login, then again, RevokeUser": {nil, func(s Session) { s.Login("alice"); _ = s.Save(context.Background()); s.Reauthenticate() }, revokeUser},
	} {
		t.Run(name, func(t *testing.T) {
			m := newManager(t, new(memory.Store), Config{})
			b := newBrowser(t, m)
			if c.before != nil {
				b.do(c.before)
			}
			r := b.start()
			c.pending(r.s)
			if err := c.revoke(m, r); err != nil {
				t.Fatal(err)
			}
			if u := r.s.User(); u != "" {
				t.Errorf("still %q within the request", u)
			}
			if _, err := r.end(); err != nil {
				t.Errorf("commit: %v", err)
			}
			if list, err := Collect(m.Find(t.Context(), Query{Kind: Users})); err != nil || len(list) != 0 || b.user() != "" {
				t.Errorf("alive: %v, %v", list, err)
			}
		})
	}
}

// TestFloorIsOfOneUser: a request that revoked one user's sessions may not sign in another whose sessions were revoked
// elsewhere.
func TestFloorIsOfOneUser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, new(memory.Store), Config{})
		r := newBrowser(t, m).start()
		for _, c := range []struct {
			ctx  context.Context
			user string
		}{{t.Context(), "alice"}, {r.ctx, "bob"}} {
			time.Sleep(time.Second)
			if _, err := m.RevokeUser(c.ctx, c.user); err != nil {
				t.Fatal(err)
			}
		}
		r.s.Login("alice")
		if _, err := r.end(); !errors.Is(err, ErrRevoked) {
			t.Errorf("got %v, want ErrRevoked", err)
		}
	})
}

// TestRevokeOthersOfAnotherManager: a session of one manager says nothing about the users of another.
func TestRevokeOthersOfAnotherManager(t *testing.T) {
	m, other := newManager(t, new(memory.Store), Config{}), newManager(t, new(memory.Store), Config{})
	b, theirs := signedIn(t, m, "alice", 1)[0], signedIn(t, other, "alice", 1)
	r := b.start()
	if n, err := other.RevokeOthers(r.ctx, r.s); n != 0 || !errors.Is(err, ErrNoSession) {
		t.Errorf("got %d, %v, want ErrNoSession", n, err)
	}
	if e, err := r.end(); e.Name != "" || err != nil {
		t.Errorf("the session of the first manager got %+v, %v", e, err)
	}
	if len(alive(theirs)) != 1 {
		t.Error("somebody was signed out")
	}
}

// TestRevocationOutlivesClient: BAD-72. A client that goes away does not stop a revocation.
func TestRevocationOutlivesClient(t *testing.T) {
	for name, revoke := range map[string]func(ctx context.Context, m *Manager, s Session) error{
		"Revoke":   func(ctx context.Context, m *Manager, s Session) error { return m.Revoke(ctx, "alice", s.ID()) },
		"RevokeID": func(ctx context.Context, m *Manager, s Session) error { return m.RevokeID(ctx, s.ID()) },
		"RevokeUser": func(ctx context.Context, m *Manager, _ Session) error {
			_, err := m.RevokeUser(ctx, "alice")
			return err
		},
		"RevokeOthers": func(ctx context.Context, m *Manager, s Session) error { _, err := m.RevokeOthers(ctx, s); return err },
	} {
		m := newManager(t, new(memory.Store), Config{})
		all := signedIn(t, m, "alice", 2)
		r := all[0].start()
		ctx, cancel := context.WithCancel(r.ctx)
		cancel()
		if err := revoke(ctx, m, r.s); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := r.end(); err != nil {
			t.Errorf("%s: commit: %v", name, err)
		}
		want := 1
		if name == "RevokeUser" {
			want = 0
		}
		if got := alive(all); len(got) != want {
			t.Errorf("%s: alive: got %v, want %d", name, got, want)
		}
	}
}

// TestFindMarksCurrent: the request's own session is marked, even if nobody has asked for it before.
func TestFindMarksCurrent(t *testing.T) {
	m := newManager(t, new(memory.Store), Config{})
	all := signedIn(t, m, "alice", 3)
	id := all[1].id()
	ctx, _ := m.Start(t.Context(), all[1].client, all[1].cookie)
	defer m.Close(ctx)
	list, err := Collect(m.Sessions(ctx, "alice"))
	if err != nil || len(list) != 3 {
		t.Fatalf("got %d, %v, want 3", len(list), err)
	}
	for _, i := range list {
		if i.Current != (i.ID == id) {
			t.Errorf("%v: current %t; the request's own is %v", i.ID, i.Current, id)
		}
	}
}

// TestRevokeOthersEndsLoginInPlace: ATK-10, SEC-11. A login that was in flight when RevokeOthers was called, and that took over
// the very session of that request, does not survive it either, and neither does who has rotated its token since.
func TestRevokeOthersEndsLoginInPlace(t *testing.T) {
	for name, c := range map[string]struct {
		between func(Session)
		aborted bool
		ended   bool
	}{
		"login":               {func(s Session) { s.Login("alice") }, false, true},
		"login, 5xx":          {func(s Session) { s.Login("alice") }, true, true},
		"re-authentication":   {func(s Session) { s.Reauthenticate() }, false, true},
		"rotation":            {func(s Session) { s.Rotate() }, false, true},
		"a login before that": {nil, false, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			m := newManager(t, new(memory.Store), Config{})
			b := newBrowser(t, m)
			b.do(func(s Session) { s.Login("alice") })
			time.Sleep(time.Millisecond)
			thief := b.old()
			in := thief.start()
			time.Sleep(time.Millisecond)
			r := b.start()
			if c.between != nil {
				c.between(in.s)
				if _, err := in.end(); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := m.RevokeOthers(r.ctx, r.s); err != nil {
				t.Fatal(err)
			}
			if c.aborted {
				m.Close(r.ctx)
			} else if _, err := r.end(); c.ended != errors.Is(err, ErrRevoked) || c.between == nil && err != nil {
				t.Errorf("%s: commit: %v", name, err)
			}
			if got := thief.user() == ""; c.between != nil && got != c.ended {
				t.Errorf("%s: ended: %t, want %t", name, got, c.ended)
			}
		})
	}
}
