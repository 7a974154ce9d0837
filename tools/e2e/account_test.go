package e2e

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestTwoDevices: whoever is signed in on two devices sees both, and ends the other.
func TestTwoDevices(t *testing.T) {
	t.Parallel()
	site := startDemo(t)
	one, two := newTab(t, site, desktop), newTab(t, site, iPhone)
	for _, p := range []*tab{one, two} {
		p.open("/")
		p.visit(chromedp.Click(chromedp.Search(button("Sign in as alice"))))
	}
	one.visit(chromedp.Click(chromedp.Search(link("Your sessions"))))
	got := strings.Join(one.texts("td"), "\n")
	for _, want := range []string{"Firefox on Windows", "Safari on iOS"} {
		if !strings.Contains(got, want) {
			t.Errorf("the list has no %s:\n%s", want, got)
		}
	}
}
