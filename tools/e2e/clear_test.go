package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/qsessions/qsessions/adapters/nethttp"
	"github.com/qsessions/qsessions/adapters/nethttp/pages"
	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/session"
)

// TestClearSiteData: RPT-18. A sign-out with AccountConfig.ClearSiteData removes what scripts have stored at the origin (ASVS
// 5.0 14.3.1), and signs out no user at another host of the same registrable domain: the cookies of that are there afterwards,
// and so is what its scripts have stored. The directive "cookies" would take those away.
func TestClearSiteData(t *testing.T) {
	t.Parallel()
	w := speak(t, "en")
	sessions, err := session.New(new(memory.Store), session.Config{})
	if err != nil {
		t.Fatal(err)
	}
	account, err := pages.NewAccount(sessions, pages.AccountConfig{ClearSiteData: true})
	if err != nil {
		t.Fatal(err)
	}
	const keep, stored = `<script>localStorage.mine = "kept"; document.body.innerText = "ok"</script>`,
		`<script>document.body.append(localStorage.mine ?? "nothing")</script>`
	mux := http.NewServeMux()
	mux.Handle(accountPath, account)
	site := nethttp.New(sessions, nethttp.Config{})
	mux.Handle("/sign-in", site.With(func(w http.ResponseWriter, _ *http.Request, s session.Session) {
		s.Login("alice")
		http.SetCookie(w, &http.Cookie{Name: "__Host-theme", Value: "dark", Path: "/", Secure: true})
		document(w, keep)
	}))
	mux.Handle("/", site.With(func(w http.ResponseWriter, r *http.Request, s session.Session) {
		_, err := r.Cookie("__Host-session")
		_, theme := r.Cookie("__Host-theme")
		document(w, fmt.Sprintf("user=%s cookie=%t theme=%t stored=%s", s.User(), err == nil, theme == nil, stored))
	}))
	other := http.NewServeMux() // another application, of another team
	other.HandleFunc("/sign-in", func(w http.ResponseWriter, _ *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "__Host-other", Value: "signed-in", Path: "/", Secure: true, HttpOnly: true})
		document(w, keep)
	})
	other.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		_, err := r.Cookie("__Host-other")
		document(w, fmt.Sprintf("cookie=%t stored=%s", err == nil, stored))
	})
	s := startSites(t, map[string]http.Handler{appHost: site.Handler(mux), otherHost: other})
	p := s.visitor()
	p.see(s.at(otherHost, "/sign-in"))
	p.see(s.at(appHost, "/sign-in"))
	const signedIn = "cookie=true stored=kept"
	if got := p.see(s.at(otherHost, "/")); got != signedIn {
		t.Fatalf("the other application says %q before", got)
	}
	if got := p.see(s.at(appHost, "/")); got != "user=alice cookie=true theme=true stored=kept" {
		t.Fatalf("the application says %q before", got)
	}
	p.see(s.at(appHost, accountPath))
	p.do(chromedp.Click(chromedp.Search(`//summary[normalize-space()="` + w.say("sign-out") + `"]`)))
	if got := p.follow(button(w.say("sign-out.confirm"))); !strings.Contains(got, w.say("signed-out.title")) {
		t.Fatalf("the sign-out leads to %q", got)
	}
	if got := p.see(s.at(appHost, "/")); got != "user= cookie=false theme=true stored=nothing" {
		t.Errorf("the application says %q afterwards", got)
	}
	if got := p.see(s.at(otherHost, "/")); got != signedIn {
		t.Errorf("the other application says %q afterwards, want %q", got, signedIn)
	}
}
