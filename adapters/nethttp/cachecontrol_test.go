package nethttp_test

import (
	"net/http"
	"testing"

	"github.com/qsessions/qsessions/adapters/nethttp"
	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/sessiontest"
)

// TestCacheControl: ATK-12, RPT-19. A response to a signed-in user is private, and by an option not stored at all, unless the
// handler says something else; a visitor's is not touched.
func TestCacheControl(t *testing.T) {
	t.Parallel()
	for noStore, private := range map[bool]string{false: "private, no-cache", true: "no-store"} {
		s := newSite(t, session.Config{NoStore: noStore}, nethttp.Config{})
		s.mux.HandleFunc("/unseen", func(http.ResponseWriter, *http.Request) {})
		s.mux.Handle("/private", s.Require(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
		s.on("/own", func(w http.ResponseWriter, _ *http.Request, _ session.Session) {
			w.Header().Set("Cache-Control", "max-age=60")
		})
		s.on("/500", func(w http.ResponseWriter, _ *http.Request, _ session.Session) { w.WriteHeader(500) })
		_, visitor := sessiontest.Header(t, s.sessions, func(s session.Session) { note.Set(s, "x") })
		_, alice := sessiontest.Header(t, s.sessions, func(s session.Session) { s.Login("alice") })
		for path, want := range map[string][3]string{ // nobody, a visitor, alice
			"/unseen": {"", "", ""}, "/get": {"", "", private}, "/private": {"no-store", "no-store", private}, "/own": {"max-age=60", "max-age=60", "max-age=60"},
			"/500": {"", "", private}, "/set?note=y": {"no-store", "", private},
		} {
			for i, cookie := range []string{"", visitor, alice} {
				if got := get(s.handler(), path, http.Header{"Cookie": {cookie}}).Header().Get("Cache-Control"); got != want[i] {
					t.Errorf("ATK-12 %s, no-store %t, client %d: got %q, want %q", path, noStore, i, got, want[i])
				}
			}
		}
		if got := get(s.handler(), "/logout", http.Header{"Cookie": {alice}}).Header().Get("Cache-Control"); got != "no-store" {
			t.Errorf("ATK-12 logout: got %q", got)
		}
	}
}
