package e2e

import (
	"net/http"
	"testing"

	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/session"
)

// TestReturnFromAnotherSite: RPT-15. A request that another site causes comes without the cookie: a POST with SameSite=Lax, also a
// link with Strict. What its handler sets must not replace the cookie of whoever is signed in: afterwards they still are. A
// sign-in that comes so, as by the form_post of OpenID Connect, does send its cookie.
func TestReturnFromAnotherSite(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		cookie session.Cookie
		sel    string // what the visitor clicks
		says   string
		then   string // what the application says at the next visit
	}{
		"post, Lax":            {session.Cookie{}, button("Pay"), "flash by", "user=alice cookies=1"},
		"post, Strict":         {session.Cookie{SameSite: session.SameSiteStrict}, button("Pay"), "flash by", "user=alice cookies=1"},
		"link, Strict":         {session.Cookie{SameSite: session.SameSiteStrict}, link("Back to the shop"), "flash by", "user=alice cookies=1"},
		"link, Lax":            {session.Cookie{}, link("Back to the shop"), "flash by alice", "user=alice cookies=1"},
		"sign-in, Lax":         {session.Cookie{}, button("Sign in"), "signed in", "user=bob cookies=1"},
		"sign-in, Strict":      {session.Cookie{SameSite: session.SameSiteStrict}, button("Sign in"), "signed in", "user=bob cookies=1"},
		"sign-in, Partitioned": {session.Cookie{Partitioned: true}, button("Sign in"), "signed in", "user=bob cookies=1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var s *sites
			alien := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				document(w, `<form method="post" action="`+s.at(appHost, "/flash")+`"><button>Pay</button></form>`+
					`<form method="post" action="`+s.at(appHost, "/sign-in?user=bob")+`"><button>Sign in</button></form>`+
					`<a href="`+s.at(appHost, "/flash")+`">Back to the shop</a>`)
			})
			s = startSites(t, map[string]http.Handler{appHost: shop(t, new(memory.Store), test.cookie), alienHost: alien})
			p := s.visitor()
			p.see(s.at(appHost, "/sign-in?user=alice"))
			if got := p.see(s.at(appHost, "/")); got != "user=alice cookies=1" {
				t.Fatalf("before: %q", got)
			}
			p.see(s.at(alienHost, "/"))
			if got := p.follow(test.sel); got != test.says {
				t.Errorf("the way back leads to %q, want %q", got, test.says)
			}
			if got := p.see(s.at(appHost, "/")); got != test.then {
				t.Errorf("afterwards: %q, want %q", got, test.then)
			}
		})
	}
}
