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

// opened returns who is signed in by a token at m, by a plain read and by an exact one, which must agree.
func opened(t *testing.T, m *Manager, line string) string {
	t.Helper()
	ctx, _ := m.Start(t.Context(), Client{}, line)
	defer m.Close(ctx)
	s, err := m.From(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []Requirement{{}, {Level: 1}, {MaxAge: time.Hour}} {
		switch _, err := m.Require(ctx, r); {
		case err == nil && s.User() == "", err != nil && (s.User() != "" || !errors.Is(err, ErrUnauthenticated)):
			t.Errorf("user %q, Require(%+v): %v", s.User(), r, err)
		}
	}
	return s.User()
}

// TestRealms: ATK-13. Two managers over one table: a token of one opens nothing at the other, whatever it is asked by, unless
// both have the same Realm.
func TestRealms(t *testing.T) {
	t.Parallel()
	configs := map[string]Config{
		"default":      {},
		"admin":        {Cookie: Cookie{Name: "__Host-admin"}},
		"header":       {Header: "X-Session"},
		"other header": {Header: "X-Admin"},
		"shop":         {Realm: "shop"},
		"shop app":     {Realm: "shop", Header: "X-Session"},
		"shop id":      {Realm: "shop", Cookie: idCookie},
		"by name":      {Realm: "__Host-session", Header: "X-App"}, // a realm that is the name of another manager's cookie
		"other case":   {Realm: "Shop"},
	}
	together := map[string]string{"default": "1", "by name": "1", "shop": "2", "shop app": "2", "shop id": "2"}
	for _, st := range stacks(t) {
		for from, c := range configs {
			v := visitor{t: t, m: manager(t, st.store, c)}
			v.do(func(s Session) { s.Login("alice") })
			for to, c := range configs {
				m := manager(t, st.store, c)
				line := v.token
				if c.Header == "" {
					line = m.cfg.Cookie.Name + "=" + v.token
				}
				want := ""
				if from == to || together[from] != "" && together[from] == together[to] {
					want = "alice"
				}
				if u := opened(t, m, line); u != want {
					t.Errorf("%s: a token of %q at %q: user %q, want %q", st.name, from, to, u, want)
				}
			}
		}
	}
}

// TestRealmOfOldName: ATK-13, RPT-16. A token counts in the realm of the name that it came under: one of an old name does not
// open anything under that of today, nor the other way round, nor under a third one that is read, too.
func TestRealmOfOldName(t *testing.T) {
	t.Parallel()
	db := new(memory.Store)
	m := manager(t, db, Config{Cookie: idCookie, OldCookies: []Cookie{{}, {Name: "third"}}})
	old := visitor{t: t, m: manager(t, db, Config{})}
	now := visitor{t: t, m: m}
	old.do(func(s Session) { s.Login("alice") })
	now.do(func(s Session) { s.Login("bob") })
	for line, want := range map[string]string{
		"__Host-session=" + old.token: "alice", "__Host-id=" + now.token: "bob",
		"__Host-id=" + old.token: "", "__Host-session=" + now.token: "", "third=" + old.token: "", "third=" + now.token: "",
		"__Host-id=" + old.token + "; __Host-session=" + old.token: "alice", // not the first of the same alone
		"__Host-session=" + old.token + "; __Host-id=" + old.token: "alice",
	} {
		if u := opened(t, m, line); u != want {
			t.Errorf("%s…: user %q, want %q", line[:20], u, want)
		}
	}
}

// TestRealmReported: ATK-13, ATK-6. A token in another realm is no former token of the session: nothing can be made of it, and
// with EndOnReplay neither.
func TestRealmReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var events []EventKind
		db := new(memory.Store)
		p := Policy{RotateEvery: rotateEvery, EndOnReplay: true}
		m := manager(t, db, Config{Policy: p})
		admin := manager(t, db, Config{Policy: p, Cookie: Cookie{Name: "__Host-admin"},
			Observe: func(_ context.Context, e Event) { events = append(events, e.Kind) }})
		v := visitor{t: t, m: m}
		v.do(func(s Session) { s.Login("alice") })
		first := v.token
		time.Sleep(rotateEvery)
		v.do(func(Session) {})
		v.do(func(Session) {})
		time.Sleep(10 * time.Minute)
		for _, token := range []string{first, v.token} {
			events = nil
			if u := opened(t, admin, "__Host-admin="+token); u != "" || len(events) != 1 || events[0] != UnknownToken {
				t.Errorf("user %q, events %v, want none and [unknown token]", u, events)
			}
		}
		if u := v.user(); u != "alice" {
			t.Errorf("user %q: a token in another realm has ended the session", u)
		}
	})
}

// TestRealmLength: ATK-13. A realm has 128 bytes at the most, and each byte counts.
func TestRealmLength(t *testing.T) {
	t.Parallel()
	if _, err := New(new(spy), Config{Realm: strings.Repeat("r", 129)}); err == nil || !strings.Contains(err.Error(), "Config.Realm") {
		t.Errorf("129 bytes: got %v", err)
	}
	db := new(memory.Store)
	long := strings.Repeat("r", 127)
	v := visitor{t: t, m: manager(t, db, Config{Realm: long + "a"})}
	v.do(func(s Session) { s.Login("alice") })
	for realm, want := range map[string]string{long + "a": "alice", long + "b": "", long: ""} {
		if u := opened(t, manager(t, db, Config{Realm: realm}), "__Host-session="+v.token); u != want {
			t.Errorf("realm of %d bytes: user %q, want %q", len(realm), u, want)
		}
	}
}
