package sessiontest_test

import (
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/sessiontest"
	"github.com/qsessions/qsessions/core/store"
)

// TestClient: RPT-48. A client has an address and a User-Agent, which lists show, and a cookie jar: it stays signed in from
// one request to the next, by cookie or header, and is signed out by a Logout or a revocation.
func TestClient(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]session.Config{"cookie": {}, "header": {Header: "Session"}} {
		m := sessiontest.New(t, c)
		b := sessiontest.NewClient(t, m)
		b.IP, b.UserAgent = netip.MustParseAddr("2001:db8::7"), "Phone/1.0"
		user := func() (user string) { b.Do(func(s session.Session) { user = s.User() }); return user }
		if got := user(); got != "" {
			t.Errorf("%s: a new client is %q", name, got)
		}
		b.Do(func(s session.Session) { s.Login("alice"); cart.Set(s, []string{"tea"}) })
		b.Do(func(s session.Session) { s.Rotate() })
		all, err := session.Collect(m.Sessions(t.Context(), "alice"))
		if err != nil || len(all) != 1 || all[0].IP != b.IP || all[0].UserAgent != b.UserAgent {
			t.Errorf("%s: listed as %+v, %v", name, all, err)
		}
		if got := user(); got != "alice" {
			t.Errorf("%s: user %q, want alice", name, got)
		}
		b.Do(func(s session.Session) { s.Logout() })
		if got := user(); got != "" {
			t.Errorf("%s: after a Logout the user is %q", name, got)
		}
		b.Do(func(s session.Session) { s.Login("bob") })
		if _, err := m.RevokeUser(t.Context(), "bob"); err != nil {
			t.Fatal(err)
		}
		if got := user(); got != "" {
			t.Errorf("%s: after a revocation the user is %q", name, got)
		}
	}
}

// TestClientHeaders: RPT-48. Through middleware a client sends its cookies and User-Agent, and keeps the cookies of the
// response, those of others too, until they are taken back.
func TestClientHeaders(t *testing.T) {
	t.Parallel()
	m := sessiontest.New(t, session.Config{})
	b := sessiontest.NewClient(t, m)
	b.Do(func(s session.Session) { s.Login("alice") })
	sent := func() http.Header { h := http.Header{}; b.Send(h); return h }
	first := sent()
	if first.Get("User-Agent") != "sessiontest" || b.RemoteAddr() != "192.0.2.1:1234" {
		t.Errorf("got %q from %s", first.Get("User-Agent"), b.RemoteAddr())
	}
	b.Receive(http.Header{"Set-Cookie": {"theme=dark; Path=/", "theme=light", "other=1"}})
	if got, want := sent().Get("Cookie"), first.Get("Cookie")+"; theme=light; other=1"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	b.Receive(http.Header{"Set-Cookie": {"other=; Path=/; Max-Age=0; Secure", "unknown=; Max-Age=0"}})
	if got, want := sent().Get("Cookie"), first.Get("Cookie")+"; theme=light"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, end := range []string{"max-age=0", "Max-Age=-1", "Expires=Thu, 01 Jan 1970 00:00:00 GMT", "expires=Thu, 01-Jan-1970 00:00:00 GMT;path=/",
		"Expires=Fri, 31 Dec 9999 23:59:59 GMT; Max-Age=0"} {
		b.Receive(http.Header{"Set-Cookie": {"brief=1; Path=/; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "no cookie"}})
		if got := sent().Get("Cookie"); !strings.HasSuffix(got, "; theme=light; brief=1") {
			t.Errorf("before %q it sends %q", end, got)
		}
		b.Receive(http.Header{"Set-Cookie": {"brief=; " + end}})
		if got := sent().Get("Cookie"); strings.Contains(got, "brief") {
			t.Errorf("after %q it sends %q", end, got)
		}
	}
	b.Do(func(s session.Session) { s.Logout() })
	if got := sent().Get("Cookie"); got != "theme=light" {
		t.Errorf("after a Logout it sends %q", got)
	}
}

// TestOutage: RPT-48. While the store is down a handler sees ErrUnavailable, at the load and at the commit, and nothing is
// lost or stored.
func TestOutage(t *testing.T) {
	t.Parallel()
	db := new(sessiontest.Store)
	m, err := session.New(db, session.Config{PerUser: session.Limit{Max: 3}})
	if err != nil {
		t.Fatal(err)
	}
	b := sessiontest.NewClient(t, m)
	b.Do(func(s session.Session) { s.Login("alice"); cart.Set(s, []string{"tea"}) })

	ctx := b.Context()
	s := b.Session(ctx)
	db.SetDown(true)
	cart.Set(s, []string{"cup"})
	if err := b.Commit(ctx); !errors.Is(err, session.ErrUnavailable) {
		t.Errorf("commit: got %v, want ErrUnavailable", err)
	}
	if err := b.Try(func(session.Session) { t.Error("the handler got a session") }); !errors.Is(err, session.ErrUnavailable) {
		t.Errorf("load: got %v, want ErrUnavailable", err)
	}
	for name, err := range map[string]error{
		"Revoke":     m.RevokeID(t.Context(), s.ID()),
		"RevokeUser": second(m.RevokeUser(t.Context(), "alice")),
		"Sessions":   second(session.Collect(m.Sessions(t.Context(), "alice"))),
		"Sweep":      second(m.Sweep(t.Context())),
		"Create":     db.Create(t.Context(), &store.Record{}),
		"Touch":      db.Touch(t.Context(), &store.Record{}, store.Touch{}),
		"Cutoff":     second(db.Cutoff(t.Context(), "alice")),
		"Key":        second(db.Key(t.Context(), "k")),
	} {
		if !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("%s: got %v, want ErrUnavailable", name, err)
		}
	}
	db.SetDown(false)
	b.Do(func(s session.Session) {
		if s.User() != "alice" || !slices.Equal(cart.Get(s), []string{"tea"}) {
			t.Errorf("after the outage: user %q, cart %q", s.User(), cart.Get(s))
		}
	})
	if _, err := m.Sweep(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := db.Cutoff(t.Context(), "alice"); err != nil {
		t.Error(err)
	}
	if k, err := db.Key(t.Context(), "k"); err != nil || len(k) == 0 {
		t.Errorf("Key: %v", err)
	}
	if n, err := m.RevokeUser(t.Context(), "alice"); n != 1 || err != nil {
		t.Errorf("RevokeUser: %d, %v", n, err)
	}
}

func second[T any](_ T, err error) error { return err }

// TestSession: RPT-48. A handler that takes its session as an argument gets one without middleware; what it changes is there
// to be looked at, and its problems show.
func TestSession(t *testing.T) {
	t.Parallel()
	m := sessiontest.New(t, session.Config{})
	s := sessiontest.Session(t, m, func(s session.Session) { s.Login("alice", session.Level(2)) })
	if s.User() != "alice" || s.Info().Level != 2 {
		t.Errorf("user %q, level %d", s.User(), s.Info().Level)
	}
	session.Key[string]("v").Set(s, "\xff")
	if s.Err() == nil {
		t.Error("the problem does not show")
	}
	if s := sessiontest.Session(t, m, nil); s.User() != "" {
		t.Errorf("a visitor is %q", s.User())
	}
	f := &fatal{T: t}
	func() {
		defer func() { _ = recover() }()
		sessiontest.NewClient(f, sessiontest.New(t, session.Config{})).Session(sessiontest.NewClient(t, m).Context())
	}()
	if !f.failed {
		t.Error("Session of the context of another manager did not fail")
	}
}
