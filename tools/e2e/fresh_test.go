package e2e

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/qsessions/qsessions/core/session"
)

// TestSignInFirst: ATK-5. Anyone who has been signed in for longer than 15 minutes is led to the sign-in before other sessions can
// be ended, and back to where they were: from the page itself, and from a form that has become too old while it was shown.
func TestSignInFirst(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		device   device
		language string
	}{
		"first":           {desktop, "en"},
		"first-no-script": {iPhone.with(func(d *device) { d.noScript, d.dark = true, true }), "en"},
		"first-german":    {android.with(func(d *device) { d.languages = "de,en" }), "de"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := speak(t, test.language)
			site := newStage(t, func(session.Client) session.Facts { return session.Facts{} })
			p := newTab(t, site.URL, test.device)
			again := link(w.say("sign-in-again"))
			unfold := func(text string) {
				t.Helper()
				p.do(chromedp.Click(chromedp.Search(`//summary[starts-with(normalize-space(), "` + text + `")]`)))
			}
			wantBack := func(path string) {
				t.Helper()
				p.click(button("Sign in as olga"))
				if got := eval[string](p, "location.pathname + location.search"); got != path {
					t.Errorf("the sign-in leads back to %s, want %s", got, path)
				}
			}
			p.signIn("olga", accountPath)
			for range 60 { // two pages
				site.add("olga", session.Client{IP: netip.MustParseAddr("192.0.2.1")}, nil)
			}
			site.age("olga", 20*time.Minute)

			p.open(accountPath + "?page=2")
			unfold(w.count("revoke-others", 60))
			if got := p.texts("details[open] p"); !slices.Equal(got, []string{w.say("revoke.sign-in")}) {
				t.Errorf("got %q", got)
			}
			p.check(name + "-account")
			p.do(chromedp.Click(chromedp.Search("//li//summary")))
			p.click("//li" + again)
			wantBack(accountPath + "?page=2")

			unfold(w.count("revoke-others", 60))
			site.age("olga", 20*time.Minute) // while the page is shown
			if status := p.click(button(w.say("revoke-others.confirm"))); status != 403 {
				t.Errorf("got status %d", status)
			}
			p.check(name + "-stale")
			p.click(link(w.say("sign-in")))
			wantBack(accountPath + "?page=2")

			site.age("olga", 20*time.Minute)
			p.open(adminPath + "?user=olga")
			p.check(name + "-admin")
			p.click(again)
			wantBack(adminPath + "?user=olga")

			p.open(accountPath)
			unfold(w.count("revoke-others", 60))
			p.click(button(w.say("revoke-others.confirm")))
			p.wantNotice(w.count("notice.others", 60))
			site.age("olga", 20*time.Minute)
			unfold(w.say("sign-out"))
			p.click(button(w.say("sign-out.confirm")))
			if got := p.texts("h1"); !slices.Equal(got, []string{w.say("signed-out.title")}) {
				t.Errorf("signing out says %q", got)
			}
		})
	}
}
