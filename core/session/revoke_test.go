package session

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/store"
)

// signedIn returns n browsers of user, signed in one after the other.
func signedIn(t *testing.T, m *Manager, user string, n int) []*browser {
	t.Helper()
	var all []*browser
	for range n {
		b := newBrowser(t, m)
		b.do(func(s Session) { s.Login(user) })
		all = append(all, b)
	}
	return all
}

// alive returns which of the browsers are signed in.
func alive(browsers []*browser) []int {
	var in []int
	for i, b := range browsers {
		if b.old().user() != "" {
			in = append(in, i)
		}
	}
	return in
}

// TestRevoke: SEC-16, CVE-8. A user ends one of their sessions; nobody else can, or learns that it is there.
func TestRevoke(t *testing.T) {
	var events []Event
	m := newManager(t, new(memory.Store), Config{Observe: func(_ context.Context, e Event) {
		if e.Kind == Revoked {
			events = append(events, e)
		}
	}})
	alice := signedIn(t, m, "alice", 2)
	id := alice[0].id()
	foreign := m.Revoke(t.Context(), "eve", id)
	missing := m.Revoke(t.Context(), "eve", store.NewID(time.Now()))
	if !errors.Is(foreign, ErrNotFound) || !errors.Is(missing, ErrNotFound) || foreign.Error() != missing.Error() {
		t.Errorf("somebody else's: %v; missing: %v; want the same ErrNotFound", foreign, missing)
	}
	for _, user := range []string{"", "Alice", "alice "} {
		if err := m.Revoke(t.Context(), user, id); err == nil {
			t.Errorf("Revoke as %q succeeded", user)
		}
	}
	if err := m.Revoke(t.Context(), "alice", ID{}); !errors.Is(err, ErrNotFound) {
		t.Errorf("zero ID: got %v", err)
	}
	if got := alive(alice); !slices.Equal(got, []int{0, 1}) || len(events) != 0 {
		t.Fatalf("alive: got %v, events %v", got, events)
	}
	if err := m.Revoke(t.Context(), "alice", id); err != nil {
		t.Fatal(err)
	}
	if got := alive(alice); !slices.Equal(got, []int{1}) {
		t.Errorf("alive: got %v, want [1]", got)
	}
	if len(events) != 1 || events[0].ID != id || events[0].User != "alice" || events[0].Reason != ReasonRevoke {
		t.Errorf("events: got %v", events)
	}
	if err := m.RevokeID(t.Context(), alice[1].id()); err != nil || len(alive(alice)) != 0 {
		t.Errorf("RevokeID: %v", err)
	}
}

// TestRevokeOwn: the session that a request revokes itself is signed out with that request.
func TestRevokeOwn(t *testing.T) {
	m := newManager(t, new(memory.Store), Config{})
	b := signedIn(t, m, "alice", 1)[0]
	r := b.start()
	if err := m.Revoke(r.ctx, "alice", r.s.ID()); err != nil {
		t.Fatal(err)
	}
	if r.s.User() != "" {
		t.Error("still signed in within the request")
	}
	if _, err := r.end(); err != nil || b.cookie != "" {
		t.Errorf("commit: %v, cookie kept: %t", err, b.cookie != "")
	}
}

// TestRevokeOthers: SEC-12, CVE-13. Exactly the caller's session stays, under a new token.
func TestRevokeOthers(t *testing.T) {
	m := newManager(t, new(memory.Store), Config{})
	alice, bob := signedIn(t, m, "alice", 5), signedIn(t, m, "bob", 1)
	stolen := alice[2].old()
	r := alice[2].start()
	n, err := m.RevokeOthers(r.ctx, r.s)
	if n != 4 || err != nil {
		t.Errorf("got %d, %v, want 4", n, err)
	}
	if _, err := r.end(); err != nil {
		t.Fatal(err)
	}
	if got := alive(alice); !slices.Equal(got, []int{2}) {
		t.Errorf("alive: got %v, want [2]", got)
	}
	if stolen.user() != "" {
		t.Error("the caller's old token still opens the session")
	}
	if len(alive(bob)) != 1 {
		t.Error("somebody else was signed out")
	}
	anonymous := newBrowser(t, m).start()
	if _, err := m.RevokeOthers(anonymous.ctx, anonymous.s); !errors.Is(err, ErrUnauthenticated) {
		t.Errorf("anonymous: got %v", err)
	}
}

// TestRevokeOthersAgainstLoginInFlight: SEC-12, CVE-13. A login with the old password that is under way does not survive.
func TestRevokeOthersAgainstLoginInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, new(memory.Store), Config{})
		b := signedIn(t, m, "alice", 1)[0]
		thief := newBrowser(t, m).start() // the password is checked
		time.Sleep(time.Second)
		r := b.start()
		if _, err := m.RevokeOthers(r.ctx, r.s); err != nil {
			t.Fatal(err)
		}
		if _, err := r.end(); err != nil {
			t.Fatal(err)
		}
		thief.s.Login("alice")
		if e, err := thief.end(); !errors.Is(err, ErrRevoked) || e.Name != "" {
			t.Errorf("login in flight: %+v, %v, want ErrRevoked", e, err)
		}
		list, err := Collect(m.Sessions(t.Context(), "alice"))
		if err != nil || len(list) != 1 || b.user() != "alice" {
			t.Errorf("sessions: %d, %v", len(list), err)
		}
	})
}

// TestRevokeUserAgainstLogin: SEC-11. The cut-off beats a login at every point of it (invariant I6): before its write, after its
// write, and after its look.
func TestRevokeUserAgainstLogin(t *testing.T) {
	for _, c := range []struct{ name, method, when string }{
		{"before the create", "Create", "before"}, {"after the create", "Create", "after"},
		{"before the save", "Save", "before"}, {"after the save", "Save", "after"},
		{"before the look", "Cutoff", "before"}, {"after the look", "Cutoff", "after"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				db := new(counting)
				m := newManager(t, db, Config{})
				b := newBrowser(t, m)
				if c.method == "Save" {
					b.do(func(s Session) { color.Set(s, "red") })
				}
				r := b.start()
				time.Sleep(time.Second)
				hook := db.onBefore
				if c.when == "after" {
					hook = db.onAfter
				}
				hook(c.method, func() error {
					if _, err := m.RevokeUser(context.Background(), "alice"); err != nil {
						t.Error(err)
					}
					return nil
				})
				r.s.Login("alice")
				e, err := r.end()
				hook(c.method, nil)
				if c.method == "Cutoff" && c.when == "after" {
					if err != nil { // the login came first, and its record was removed
						t.Errorf("got %v", err)
					}
				} else if !errors.Is(err, ErrRevoked) || e.Name != "" {
					t.Errorf("got %+v, %v, want ErrRevoked", e, err)
				}
				if b.user() != "" {
					t.Error("the login survived")
				}
				list, err := Collect(m.Sessions(t.Context(), "alice"))
				if err != nil || len(list) != 0 {
					t.Errorf("sessions: %v, %v", list, err)
				}
			})
		})
	}
}

// TestRevokeUserThenLogin: a password reset revokes everything and signs in, in one request, from any kind of session.
func TestRevokeUserThenLogin(t *testing.T) {
	for _, before := range []string{"nobody", "a visitor", "the user", "the user in this request"} {
		t.Run(before, func(t *testing.T) {
			m := newManager(t, new(memory.Store), Config{})
			others := signedIn(t, m, "alice", 2)
			b := newBrowser(t, m)
			switch before {
			case "a visitor":
				b.do(func(s Session) { color.Set(s, "red") })
			case "the user":
				b.do(func(s Session) { s.Login("alice") })
			}
			r := b.start()
			if before == "the user in this request" {
				r.s.Login("alice")
			}
			if n, err := m.RevokeUser(r.ctx, "alice"); err != nil || n < 2 {
				t.Fatalf("got %d, %v", n, err)
			}
			r.s.Login("alice")
			if _, err := r.end(); err != nil {
				t.Fatalf("login after RevokeUser: %v", err)
			}
			if b.user() != "alice" || len(alive(others)) != 0 {
				t.Errorf("user %q, others alive %v", b.user(), alive(others))
			}
		})
	}
}

// TestRevokeUserCountsAndReports: CVE-8. Each session is counted and reported once, however often it is revoked.
func TestRevokeUserCountsAndReports(t *testing.T) {
	seen := map[ID]int{}
	m := newManager(t, new(memory.Store), Config{Observe: func(_ context.Context, e Event) {
		if e.Kind == Revoked {
			seen[e.ID]++
		}
	}})
	signedIn(t, m, "alice", 3)
	for i, want := range []int{3, 0} {
		if n, err := m.RevokeUser(t.Context(), "alice"); n != want || err != nil {
			t.Errorf("call %d: got %d, %v, want %d", i+1, n, err, want)
		}
	}
	for id, n := range seen {
		if n != 1 {
			t.Errorf("%v reported %d times", id, n)
		}
	}
	if len(seen) != 3 {
		t.Errorf("reported: got %d sessions, want 3", len(seen))
	}
	if _, err := m.RevokeUser(t.Context(), ""); err == nil {
		t.Error("RevokeUser of nobody succeeded")
	}
}

// TestCutoffOutage: a login whose cut-off cannot be read is refused, and leaves nothing behind.
func TestCutoffOutage(t *testing.T) {
	db := new(counting)
	m := newManager(t, db, Config{})
	db.onBefore("Cutoff", func() error { return errNetwork })
	b := newBrowser(t, m)
	r := b.start()
	r.s.Login("alice")
	if e, err := r.end(); !errors.Is(err, ErrUnavailable) || e.Name != "" {
		t.Errorf("got %+v, %v, want ErrUnavailable", e, err)
	}
	list, err := Collect(m.Sessions(t.Context(), "alice"))
	if err != nil || len(list) != 0 {
		t.Errorf("sessions: %v, %v", list, err)
	}
	db.onBefore("Cutoff", once(errNetwork)) // a passing fault is not the user's
	b.do(func(s Session) { s.Login("alice") })
	if b.user() != "alice" {
		t.Error("not signed in")
	}
}

// TestAuthenticatedAt: a login of several requests counts from when the credentials were checked.
func TestAuthenticatedAt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, new(memory.Store), Config{})
		for _, c := range []struct {
			at   time.Duration
			want bool
		}{{-2 * time.Hour, false}, {-time.Hour - time.Microsecond, false}, {-time.Hour, true}, {0, true}, {2 * time.Second, true}, {3 * time.Second, false}} {
			r := newBrowser(t, m).start()
			r.s.Login("alice", AuthenticatedAt(time.Now().Add(c.at)))
			if _, err := r.end(); (err == nil) != c.want {
				t.Errorf("%v from now: got %v, want success %t", c.at, err, c.want)
			}
		}
		checked := time.Now()
		time.Sleep(time.Minute)
		if _, err := m.RevokeUser(t.Context(), "alice"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		r := newBrowser(t, m).start() // the second factor arrives
		r.s.Login("alice", AuthenticatedAt(checked))
		if _, err := r.end(); !errors.Is(err, ErrRevoked) {
			t.Errorf("a login begun before RevokeUser: got %v, want ErrRevoked", err)
		}
		for _, l := range []int{0, -1, 256} {
			r := newBrowser(t, m).start()
			r.s.Login("alice", Level(l))
			if _, err := r.end(); err == nil {
				t.Errorf("level %d was accepted", l)
			}
		}
	})
}

// TestRequire checks what routes ask for.
// TestRequireIsAuthoritative: a copy that has not heard of the revocation grants nothing to a strict route.
// copying is a store that answers Load from copies that nobody updates.
// TestStaleCopies: CVE-20. What a copy does not grant is asked of the database; another session's record is none.
// TestFind lists and pages sessions.
// TestPlainStore: over a store that is not indexed, what needs an index says so.
