package e2e

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/chromedp/cdproto/page"

	"github.com/qsessions/qsessions/adapters/nethttp"
	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/session"
)

// TestBack: RPT-19. With Config.NoStore the button Back after a sign-out asks the server, which says that no user is signed in. A
// browser keeps a page as it was in memory beside its HTTP cache, and Chromium does so with pages that are not to be stored too:
// it drops them when a cookie that scripts cannot read is given another value, but not when it is deleted. So the sign-out has
// to give the cookie an empty value, in a line of its own, before the line that deletes it.
func TestBack(t *testing.T) {
	t.Parallel()
	for _, script := range []bool{true, false} {
		for _, redirect := range []bool{true, false} { // the sign-out leads elsewhere, or answers itself
			t.Run(fmt.Sprintf("script %t, redirect %t", script, redirect), func(t *testing.T) {
				t.Parallel()
				testBack(t, desktop.with(func(d *device) { d.noScript = !script }), redirect)
			})
		}
	}
}

func testBack(t *testing.T, d device, redirect bool) {
	sessions, err := session.New(new(memory.Store), session.Config{NoStore: true})
	if err != nil {
		t.Fatal(err)
	}
	site := nethttp.New(sessions, nethttp.Config{})
	mux := http.NewServeMux()
	mux.Handle("/sign-in", site.With(func(w http.ResponseWriter, r *http.Request, s session.Session) {
		s.Login("alice")
		http.Redirect(w, r, "/balance", http.StatusSeeOther)
	}))
	var asked atomic.Int32
	mux.Handle("/balance", site.With(func(w http.ResponseWriter, _ *http.Request, s session.Session) {
		asked.Add(1)
		if s.User() == "" {
			document(w, "nobody")
			return
		}
		document(w, `<p>12,345</p><form method="post" action="/sign-out"><button>Sign out</button></form>`)
	}))
	mux.Handle("/sign-out", site.With(func(w http.ResponseWriter, r *http.Request, s session.Session) {
		s.Logout()
		if redirect {
			http.Redirect(w, r, "/bye", http.StatusSeeOther)
			return
		}
		document(w, "bye")
	}))
	mux.HandleFunc("/bye", func(w http.ResponseWriter, _ *http.Request) { document(w, "bye") })
	s := startSites(t, map[string]http.Handler{appHost: site.Handler(mux)})
	p := newTab(t, s.at(appHost, ""), d)
	p.see(s.at(appHost, "/sign-in"))
	if got := p.texts("p"); len(got) != 1 || got[0] != "12,345" {
		t.Fatalf("signed in: %q", got)
	}
	if got := p.follow(button("Sign out")); got != "bye" {
		t.Fatalf("signed out: %q", got)
	}
	before := asked.Load()
	if shown := p.back(); shown != page.NavigationTypeNavigation || asked.Load() == before {
		t.Fatalf("Back shows the page by %s, and asks the server %d times", shown, asked.Load()-before)
	}
	if got := p.says(); got != "nobody" {
		t.Errorf("Back shows %q", got)
	}
}
