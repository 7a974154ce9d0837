package e2e

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/qsessions/qsessions/adapters/nethttp"
	"github.com/qsessions/qsessions/adapters/nethttp/pages"
	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/session"
)

// TestBackToPages: RPT-19. After a sign-out the button Back does not bring back the account page of the one before, neither from
// the HTTP cache nor from the back/forward cache: the browser asks the server, which says that no user is signed in.
func TestBackToPages(t *testing.T) {
	t.Parallel()
	w := speak(t, "en")
	sessions, err := session.New(new(memory.Store), session.Config{})
	if err != nil {
		t.Fatal(err)
	}
	account, err := pages.NewAccount(sessions, pages.AccountConfig{})
	if err != nil {
		t.Fatal(err)
	}
	site := nethttp.New(sessions, nethttp.Config{})
	mux := http.NewServeMux()
	mux.Handle(accountPath, account)
	mux.Handle("/sign-in", site.With(func(w http.ResponseWriter, r *http.Request, s session.Session) {
		s.Login("alice")
		http.Redirect(w, r, accountPath, http.StatusSeeOther)
	}))
	s := startSites(t, map[string]http.Handler{appHost: site.Handler(mux)})
	p := s.visitor()
	p.see(s.at(appHost, "/sign-in"))
	if got := p.texts("h1"); !slices.Equal(got, []string{w.say("account.title")}) {
		t.Fatalf("the account page says %q", got)
	}
	p.do(chromedp.Click(chromedp.Search(`//summary[normalize-space()="` + w.say("sign-out") + `"]`)))
	p.follow(button(w.say("sign-out.confirm")))
	if got := p.texts("h1"); !slices.Equal(got, []string{w.say("signed-out.title")}) {
		t.Fatalf("the sign-out leads to %q", got)
	}
	shown := p.back()
	for shown == page.NavigationTypeBackForwardCacheRestore { // the page itself asks then
		shown = p.navigation()
	}
	if got := p.texts("h1"); !slices.Equal(got, []string{w.say("error.signed-out.title")}) {
		t.Errorf("Back shows %q", got)
	}
}

// back presses Back, and returns how the page before is shown: from the back/forward cache, or in another way.
func (p *tab) back() page.NavigationType {
	p.t.Helper()
	for len(p.navigated) > 0 {
		<-p.navigated
	}
	history := call(p, page.GetNavigationHistory, cdp.Empty{})
	call(p, page.NavigateToHistoryEntry, page.NavigateToHistoryEntryParams{EntryID: history.Entries[history.CurrentIndex-1].ID})
	return p.navigation()
}

// navigation waits for the next page.
func (p *tab) navigation() page.NavigationType {
	p.t.Helper()
	select {
	case n := <-p.navigated:
		return n
	case <-time.After(patience):
		p.t.Fatalf("there is no other page\n%s", p.where())
		return ""
	}
}
