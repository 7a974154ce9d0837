package nethttp_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/qsessions/qsessions/adapters/nethttp"
	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/sessiontest"
)

// TestTwoJars: RPT-14. When Partitioned is turned on, a browser sends its old cookie of the name first. The user is signed in
// by the new one, the old one is taken back, and a logout takes back both.
func TestTwoJars(t *testing.T) {
	t.Parallel()
	const plain, partitioned = "; Path=/; HttpOnly; Secure; SameSite=None", "; Path=/; HttpOnly; Secure; SameSite=None; Partitioned"
	ended := func(attributes string) string {
		return "__Host-session=" + strings.Replace(attributes, "; HttpOnly", "; Max-Age=0; HttpOnly", 1)
	}
	for _, on := range []bool{true, false} {
		today, other := partitioned, plain
		if !on {
			today, other = plain, partitioned
		}
		config := session.Config{Cookie: session.Cookie{SameSite: session.SameSiteNone, Partitioned: on}}
		s := newSite(t, config, nethttp.Config{})
		_, dead := sessiontest.Header(t, newSite(t, config, nethttp.Config{}).sessions, func(s session.Session) { s.Login("eve") })
		_, visitor := sessiontest.Header(t, s.sessions, func(s session.Session) { note.Set(s, "old") })
		_, live := sessiontest.Header(t, s.sessions, func(s session.Session) { s.Login("alice") })
		for name, lines := range map[string]string{
			"RPT-14 dead before": dead + "; " + live, "RPT-14 dead behind": live + "; " + dead, "RPT-14 visitor before": visitor + "; " + live,
		} {
			w := get(s.handler(), "/get", http.Header{"Cookie": {lines}})
			if want := []string{ended(other), live + today}; w.Body.String() != "user=alice note=" || !slices.Equal(w.Header()["Set-Cookie"], want) {
				t.Errorf("%s, partitioned %t: got %q, %q; want %q", name, on, w.Body, w.Header()["Set-Cookie"], want)
			}
		}
		if w := get(s.handler(), "/get", http.Header{"Cookie": {live}}); w.Header()["Set-Cookie"] != nil {
			t.Errorf("RPT-14 one cookie, partitioned %t: got %q", on, w.Header()["Set-Cookie"])
		}
		w := get(s.handler(), "/logout", http.Header{"Cookie": {dead + "; " + live}})
		got := slices.Sorted(slices.Values(w.Header()["Set-Cookie"]))
		if want := []string{ended(plain), ended(partitioned)}; !slices.Equal(got, want) {
			t.Errorf("RPT-14 logout, partitioned %t: got %q, want %q", on, got, want)
		}
	}
}
