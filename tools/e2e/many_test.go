package e2e

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/qsessions/qsessions/core/session"
)

// TestMany: a list of one's own that is long has pages, and what takes longer than a request goes on in the next: by itself,
// or by a button where there are no scripts. SEC-14.
func TestMany(t *testing.T) {
	t.Parallel()
	for name, d := range map[string]device{"many": desktop, "many-no-script": desktop.with(func(d *device) { d.noScript = true })} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := speak(t, "en")
			site := newStage(t, func(session.Client) session.Facts { return session.Facts{} })
			p := newTab(t, site.URL, d)
			p.signIn("olga", accountPath)
			const n = 60
			for range n {
				site.add("olga", session.Client{IP: netip.MustParseAddr("192.0.2.1")}, nil)
			}
			p.open(accountPath)
			first := p.texts("li.card")
			p.check(name + "-account")
			p.click(link(w.say("next-page")))
			second := p.texts("li.card")
			if len(first) != 50 || len(second) != n+1-50 {
				t.Errorf("the pages have %d and %d sessions", len(first), len(second))
			}
			p.click(link(w.say("previous-page")))

			site.store.delay.Store(int64(3 * time.Second / n)) // a request ends after 2 seconds
			p.open(adminPath + "?ip=192.0.2.0/24")
			p.click(button(w.say("revoke-filter")))
			p.click(button(w.count("revoke.confirm-admin", n)))
			if d.noScript {
				if got := p.texts("h1"); !slices.Equal(got, []string{w.say("progress.title")}) {
					t.Errorf("got page %q", got)
				}
				p.check(name + "-progress")
				for range n {
					if len(p.texts("progress")) == 0 {
						break
					}
					p.click(button(w.say("progress.continue")))
				}
			}
			p.do(chromedp.WaitVisible(chromedp.CSS(".notice")))
			p.wantNotice(w.count("notice.revoked", n))
			p.verify()
			p.open(adminPath)
			if rows := p.texts("tbody tr"); len(rows) != 1 || !strings.Contains(rows[0], "olga") {
				t.Errorf("%d are left", len(rows))
			}
		})
	}
}
