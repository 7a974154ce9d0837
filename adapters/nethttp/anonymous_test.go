package nethttp_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"github.com/qsessions/qsessions/adapters/nethttp"
	"github.com/qsessions/qsessions/core/session"
)

// TestAnonymous: SEC-17, CVE-50, BAD-70. Visitors who set nothing cost no store call, no row and no cookie, and neither do
// ten thousand malformed cookies.
func TestAnonymous(t *testing.T) {
	t.Parallel()
	const requests = 10_000
	malformed := func(i int) string {
		b := make([]byte, rand.N(130))
		for j := range b {
			b[j] = byte(rand.N(256))
		}
		value := strings.NewReplacer(";", ":", "=", "-").Replace(string(b))
		if i%2 == 0 {
			value = "__Host-session=" + value
		}
		return value
	}
	for name, cookie := range map[string]func(i int) string{
		"SEC-17 no cookie":        nil,
		"SEC-17 malformed cookie": malformed,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, session.Config{}, nethttp.Config{})
			s.mux.HandleFunc("/untouched", func(http.ResponseWriter, *http.Request) {})
			s.mux.Handle("/private", s.Require(http.NotFoundHandler()))
			s.on("/nothing", func(_ http.ResponseWriter, _ *http.Request, s session.Session) {
				note.Delete(s)
				s.Clear()
				s.Rotate()
				flash.Pop(s)
			})
			h := s.handler()
			paths := []string{"/untouched", "/get", "/logout", "/private", "/nothing", "/nowhere"}
			for i := range requests {
				header := http.Header{}
				if cookie != nil {
					header["Cookie"] = []string{cookie(i)}
				}
				w := get(h, paths[i%len(paths)], header)
				if w.Header()["Set-Cookie"] != nil || w.Code >= 500 {
					t.Fatalf("%s with %q: got %d, %v", paths[i%len(paths)], header, w.Code, w.Header())
				}
			}
			if calls, rows := s.db.calls(), s.rows(); calls != 0 || rows != 0 {
				t.Errorf("after %d requests: %d store calls and %d rows, want 0 and 0", requests, calls, rows)
			}
		})
	}
}

// TestUnknownTokens: CVE-50. Tokens that nobody was given create nothing, whatever the request does but set.
func TestUnknownTokens(t *testing.T) {
	t.Parallel()
	s, other := newSite(t, session.Config{}, nethttp.Config{}), newSite(t, session.Config{}, nethttp.Config{})
	h := s.handler()
	for i := range 100 {
		_, cookie, _ := strings.Cut(get(other.handler(), fmt.Sprintf("/set?note=%d", i), nil).Header().Get("Set-Cookie"), "=")
		cookie, _, _ = strings.Cut(cookie, ";")
		for _, path := range []string{"/get", "/logout"} {
			w := get(h, path, http.Header{"Cookie": {"__Host-session=" + cookie}})
			if w.Code != 200 || w.Header()["Set-Cookie"] != nil {
				t.Fatalf("%s: got %d, %v", path, w.Code, w.Header())
			}
		}
	}
	if got := s.rows(); got != 0 || s.db.loads.Load() != s.db.calls() {
		t.Errorf("%d rows and %d writes, want none", got, s.db.calls()-s.db.loads.Load())
	}
}
