package session

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// TestEffectApply: SEC-34, CVE-52. A response with a token is not to be stored by caches, one that depends on the session
// says so, and what the application set itself stays.
func TestEffectApply(t *testing.T) {
	t.Parallel()
	cookie := Effect{Name: "Set-Cookie", Value: "s=new", Vary: "Cookie"}
	for _, test := range []struct {
		name      string
		e         Effect
		has, want http.Header
	}{
		{"nothing", Effect{}, http.Header{"Vary": {"Accept"}}, http.Header{"Vary": {"Accept"}}},
		{"looked at", Effect{Vary: "Cookie"}, http.Header{}, http.Header{"Vary": {"Cookie"}}},
		{"token", cookie, http.Header{}, http.Header{"Set-Cookie": {"s=new"}, "Vary": {"Cookie"}, "Cache-Control": {"no-store"}}},
		{
			"other cookies and fields", cookie,
			http.Header{"Set-Cookie": {"a=b"}, "Vary": {"Accept, Origin"}, "Cache-Control": {"public, max-age=60"}},
			http.Header{"Set-Cookie": {"a=b", "s=new"}, "Vary": {"Accept, Origin, Cookie"}, "Cache-Control": {"no-store"}},
		},
		{
			"said already", cookie,
			http.Header{"Vary": {"Accept", "origin , cookie"}, "Cache-Control": {"private, No-Store, max-age=0"}},
			http.Header{"Set-Cookie": {"s=new"}, "Vary": {"Accept", "origin , cookie"}, "Cache-Control": {"private, No-Store, max-age=0"}},
		},
		{"varies by all", Effect{Vary: "Cookie"}, http.Header{"Vary": {"*"}}, http.Header{"Vary": {"*"}}},
		{
			"a star in Cache-Control", cookie, http.Header{"Cache-Control": {"*"}},
			http.Header{"Set-Cookie": {"s=new"}, "Vary": {"Cookie"}, "Cache-Control": {"no-store"}},
		},
		{"a name that contains it", Effect{Vary: "Cookie"}, http.Header{"Vary": {"X-Cookie"}}, http.Header{"Vary": {"X-Cookie, Cookie"}}},
		{
			"header transport", Effect{Name: "X-Session", Value: "new", Vary: "X-Session"}, http.Header{"X-Session": {"old"}},
			http.Header{"X-Session": {"new"}, "Vary": {"X-Session"}, "Cache-Control": {"no-store"}},
		},
		{
			"end, header transport", Effect{Name: "X-Session", Vary: "X-Session"}, http.Header{},
			http.Header{"X-Session": {""}, "Vary": {"X-Session"}, "Cache-Control": {"no-store"}},
		},
	} {
		got := test.has.Clone()
		test.e.Apply(got)
		if len(got) != len(test.want) {
			t.Errorf("%s: got %v, want %v", test.name, got, test.want)
		}
		for k, v := range test.want {
			if !slices.Equal(got[k], v) {
				t.Errorf("%s: %s: got %q, want %q", test.name, k, got[k], v)
			}
		}
	}
}

// TestEffectText: SEC-23, CVE-35. However an effect is printed, the token stays out of it.
func TestEffectText(t *testing.T) {
	t.Parallel()
	v := visitor{t: t, m: manager(t, new(spy), Config{})}
	e := v.do(func(s Session) { s.Login("alice") })
	b, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	texts := []string{string(b)}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		texts = append(texts, fmt.Sprintf(verb, e), fmt.Sprintf(verb, &e))
	}
	for _, text := range texts {
		for _, f := range forms(v.token) {
			if strings.Contains(text, f) {
				t.Errorf("the token is shown: %s", text)
			}
		}
	}
}

// TestNothingForNothing: SEC-17, CVE-50. Visitors who only read, log out, or set nothing that stays, cost no store call,
// no row and no cookie, and neither does a request that never asks for its session.
func TestNothingForNothing(t *testing.T) {
	t.Parallel()
	st := new(spy)
	m := manager(t, st, Config{})
	n := Key[int]("n")
	reads := map[string]func(Session){
		"nothing": func(Session) {},
		"read": func(s Session) {
			n.Get(s)
			n.Has(s)
			n.Pop(s)
			n.Delete(s)
			for range s.Keys() {
				t.Error("a name")
			}
			_, _, _ = s.Info(), s.ID(), s.User()
		},
		"logout":         func(s Session) { s.Logout() },
		"clear":          func(s Session) { s.Clear() },
		"rotate":         func(s Session) { s.Rotate() },
		"set and delete": func(s Session) { n.Set(s, 1); n.Delete(s) },
		"set and clear":  func(s Session) { n.Set(s, 1); s.Clear() },
		"set and logout": func(s Session) { n.Set(s, 1); s.Logout() },
		"login, logout":  func(s Session) { s.Login("alice"); s.Logout() },
	}
	for range 10_000 / len(reads) {
		for what, f := range reads {
			v := visitor{t: t, m: m}
			if e := v.do(f); e != (Effect{Vary: "Cookie"}) {
				t.Fatalf("%s: effect %+v, want Vary alone", what, e)
			}
		}
		ctx, _ := m.Start(t.Context(), Client{}, "a=b")
		if e, err := m.Commit(ctx); e != (Effect{}) || err != nil {
			t.Fatalf("not asked for: effect %+v, %v; want none", e, err)
		}
		m.Close(ctx)
	}
	if st.count() != 0 {
		t.Errorf("%d store calls, want none", st.count())
	}
}
