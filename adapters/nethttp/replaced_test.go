package nethttp_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qsessions/qsessions/adapters/nethttp"
	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/sessiontest"
)

// TestReplaced: RPT-22. A parallel request with the token from before a step-up is told that there is a newer one, by 409 and
// not as if no user were signed in, and leaves the browser's cookie alone; a minute later it is an unknown visitor's.
func TestReplaced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, session.Config{}, nethttp.Config{})
		s.on("/confirm", func(_ http.ResponseWriter, _ *http.Request, s session.Session) { s.Reauthenticate(session.Level(2)) })
		ok := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
		s.mux.Handle("/private", s.Require(ok))
		s.mux.Handle("/fresh", s.RequireFresh(time.Hour)(ok))
		s.mux.Handle("/level", s.RequireLevel(2)(ok))
		h := s.handler()
		_, before := sessiontest.Header(t, s.sessions, func(s session.Session) { s.Login("alice") })
		if w := get(h, "/confirm", http.Header{"Cookie": {before}}); w.Code != 200 || len(w.Header()["Set-Cookie"]) != 1 {
			t.Fatalf("the step-up: got %d, %v", w.Code, w.Header())
		}
		statuses := func(private, set, confirm int) {
			t.Helper()
			for path, want := range map[string]int{"/private": private, "/fresh": private, "/level": private, "/set?note=x": set, "/confirm": confirm, "/get": 200} {
				w := get(h, path, http.Header{"Cookie": {before}})
				if w.Code != want || (want != 200 || path == "/get") && w.Header()["Set-Cookie"] != nil {
					t.Errorf("RPT-22 %s: got %d with %q, want %d", path, w.Code, w.Header()["Set-Cookie"], want)
				}
			}
		}
		statuses(409, 409, 409)
		if got := s.rows(); got != 1 {
			t.Errorf("RPT-22: %d rows, want alice's", got)
		}
		time.Sleep(time.Minute)
		statuses(401, 200, 401)
	})
}
