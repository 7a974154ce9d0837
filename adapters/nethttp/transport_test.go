package nethttp_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/qsessions/qsessions/adapters/nethttp"
	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/sessiontest"
)

// TestOneTransport: SEC-27, CVE-31, BAD-9. A token counts in its own place alone, and no other place makes it a cookie.
func TestOneTransport(t *testing.T) {
	t.Parallel()
	for transport, sc := range map[string]session.Config{"cookie": {}, "header": {Header: "Session-Token"}} {
		s := newSite(t, sc, nethttp.Config{})
		h := s.handler()
		name, value := sessiontest.Header(t, s.sessions, func(s session.Session) { s.Login("alice") })
		if w := get(h, "/get", http.Header{name: {value}}); w.Body.String() != "user=alice note=" {
			t.Errorf("%s: the right place: got %q", transport, w.Body)
		}
		loads := s.db.loads.Load()
		token := value[strings.IndexByte(value, '=')+1:]
		form := httptest.NewRequest("POST", "/get", strings.NewReader("session="+token+"&__Host-session="+token+"&Session-Token="+token))
		form.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		requests := map[string]*http.Request{
			"form":  form,
			"query": httptest.NewRequest("GET", "/get?session="+token+"&__Host-session="+token+"&Session-Token="+token, nil),
			"path":  httptest.NewRequest("GET", "/get;session="+token, nil),
		}
		for place, line := range map[string][2]string{
			"authorization": {"Authorization", "Bearer " + token}, "X-Session": {"X-Session", token}, "Set-Cookie": {"Set-Cookie", value},
			"other cookie": {"Cookie", "session=" + token}, "lower case": {"Cookie", "__host-session=" + token},
			"the other one": {map[string]string{"cookie": "Session-Token", "header": "Cookie"}[transport], map[string]string{"cookie": token, "header": "__Host-session=" + token}[transport]},
		} {
			r := httptest.NewRequest("GET", "/get", nil)
			r.Header.Set(line[0], line[1])
			requests[place] = r
		}
		requests["path"].URL.Path = "/get"
		for place, r := range requests {
			w := call(h, r)
			if w.Body.String() != "user= note=" || w.Header().Get("Set-Cookie") != "" || w.Header()["Session-Token"] != nil {
				t.Errorf("%s: a token in %s: got %q, %v", transport, place, w.Body, w.Header())
			}
		}
		if got := s.db.loads.Load(); got != loads {
			t.Errorf("%s: %d loads for tokens in wrong places", transport, got-loads)
		}
	}
}

// TestFixation: CVE-30. A well-formed token that nobody was given is never adopted, by cookie or by header.
func TestFixation(t *testing.T) {
	t.Parallel()
	for transport, sc := range map[string]session.Config{"cookie": {}, "header": {Header: "Session-Token"}} {
		s, other := newSite(t, sc, nethttp.Config{}), newSite(t, sc, nethttp.Config{})
		name, planted := sessiontest.Header(t, other.sessions, func(s session.Session) { note.Set(s, "planted") })
		w := get(s.handler(), "/login?user=alice", http.Header{name: {planted}})
		out := w.Header().Get("Set-Cookie") + w.Header().Get("Session-Token")
		if out == "" || strings.Contains(out, planted[len(planted)-64:][:22]) || strings.Contains(out, planted[len(planted)-40:]) {
			t.Errorf("%s: the login answers with %q, for the planted %q", transport, out, planted)
		}
		if w := get(s.handler(), "/get", http.Header{name: {planted}}); w.Body.String() != "user= note=" {
			t.Errorf("%s: the planted token opens %q", transport, w.Body)
		}
		// A token of a visitor, known to somebody else, is dead after the login.
		_, planted = sessiontest.Header(t, s.sessions, func(s session.Session) { note.Set(s, "mine") })
		get(s.handler(), "/login?user=alice", http.Header{name: {planted}})
		if w := get(s.handler(), "/get", http.Header{name: {planted}}); w.Body.String() != "user= note=" {
			t.Errorf("%s: the visitor's token opens %q after the login", transport, w.Body)
		}
	}
}

// TestHeaderTransport: a client that is no browser gets its token in a header, and loses it with an empty one.
func TestHeaderTransport(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.Config{Header: "session-token"}, nethttp.Config{})
	h := s.handler()
	w := get(h, "/login?user=alice", nil)
	token := w.Header().Get("Session-Token")
	if len(token) != 64 || w.Header()["Set-Cookie"] != nil || !slices.Equal(w.Header()["Vary"], []string{"Session-Token"}) || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("login: got %v", w.Header())
	}
	for _, value := range []string{token, "Bearer " + token, "bearer " + token} {
		if w := get(h, "/get", http.Header{"Session-Token": {value}}); w.Body.String() != "user=alice note=" || w.Header()["Session-Token"] != nil {
			t.Errorf("%.10s: got %q, %v", value, w.Body, w.Header())
		}
	}
	w = get(h, "/logout", http.Header{"Session-Token": {token}})
	if got := w.Header()["Session-Token"]; !slices.Equal(got, []string{""}) {
		t.Errorf("logout: got %q, want one empty line", got)
	}
}
