package fibersession_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	fibersession "github.com/qsessions/qsessions/adapters/fiber"
	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/sessiontest"
)

// TestTwoJars: RPT-14. When Partitioned is turned on, a browser sends its old cookie of the name first. The user is signed in
// by the new one, the old one is taken back before the new one is handed out anew, and a logout takes back both.
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
		s := newSite(t, config, fibersession.Config{})
		_, dead := sessiontest.Header(t, newSite(t, config, fibersession.Config{}).sessions, func(s session.Session) { s.Login("eve") })
		_, live := sessiontest.Header(t, s.sessions, func(s session.Session) { s.Login("alice") })
		for name, lines := range map[string]string{"RPT-14 dead before": dead + "; " + live, "RPT-14 dead behind": live + "; " + dead} {
			a := s.get("/get", http.Header{"Cookie": {lines}})
			if want := []string{ended(other), live + today}; a.body != "user=alice note=" || !slices.Equal(a.Header["Set-Cookie"], want) {
				t.Errorf("%s, partitioned %t: got %q, %q; want %q", name, on, a.body, a.Header["Set-Cookie"], want)
			}
		}
		got := slices.Sorted(slices.Values(s.get("/logout", http.Header{"Cookie": {dead + "; " + live}}).Header["Set-Cookie"]))
		if want := []string{ended(plain), ended(partitioned)}; !slices.Equal(got, want) {
			t.Errorf("RPT-14 logout, partitioned %t: got %q, want %q", on, got, want)
		}
	}
}
