package e2e

import (
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// TestKeyboard: everything can be done with the keyboard alone, in the order in which it is read, and what has the focus
// shows it.
func TestKeyboard(t *testing.T) {
	t.Parallel()
	site := startDemo(t, "--seed", "20")
	p, other := newTab(t, site, desktop), newTab(t, site, iPhone)
	other.signIn("carol", accountPath)

	p.open("/")
	p.reach("Sign in as carol")
	p.press(kb.Enter)
	p.reach("Your sessions")
	p.press(kb.Enter)
	if got := p.texts("h1"); !slices.Equal(got, []string{"Where you’re signed in"}) {
		t.Fatalf("got %q at %s", got, p.address())
	}
	p.walk()

	p.open(accountPath)
	if got := p.tabKey(); got.Text != "Skip to content" || !got.Visible {
		t.Errorf("the first stop is %+v", got)
	}
	p.screenshot("keyboard-skip")
	p.do(chromedp.KeyEvent(kb.Enter))
	if got := p.tabKey(); !strings.HasPrefix(got.Text, "Firefox on Windows") {
		t.Errorf("after the skip link: %+v", got)
	}
	p.reach("Sign out\n: Safari on iOS")
	p.do(chromedp.KeyEvent(kb.Enter))
	p.reach("Yes, sign out")
	p.screenshot("keyboard-ask")
	p.press(kb.Enter)
	p.wantNotice("Signed out Safari on iOS.")
	other.wantOut()

	p = newTab(t, site, desktop)
	p.signIn("olga", adminPath)
	p.walk()
	p.open(adminPath)
	p.reach("Select") // the first session
	p.do(chromedp.KeyEvent(" "))
	p.screenshot("keyboard-select")
	p.reach("Sign out the selected sessions…")
	p.press(kb.Enter)
	p.walk()
	p.open(adminPath + "charts")
	p.walk()
}

// A stop is what has the focus.
type stop struct {
	Index   int    // among all that can have it, in the order of the page; -1: nothing has it
	Text    string // its own, or its label's
	Visible bool   // on the screen, covered by nothing, with an outline
}

// tabKey presses the tabulator key.
func (p *tab) tabKey() stop {
	p.t.Helper()
	p.do(chromedp.KeyEvent(kb.Tab))
	return eval[stop](p, `(() => {
		const e = document.activeElement, box = e.getBoundingClientRect(), style = getComputedStyle(e);
		const there = document.elementFromPoint((box.left + box.right) / 2, (box.top + box.bottom) / 2);
		return {
			Index: `+focusable+`.indexOf(e),
			Text: (e.labels?.length && e.type !== "checkbox" ? e.labels[0].innerText : e.innerText || e.ariaLabel || "").trim(),
			Visible: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 && there !== null &&
				(e.contains(there) || there.contains(e)),
		};
	})()`)
}

// focusable are the elements that a person must be able to reach.
const focusable = `[...document.querySelectorAll("a[href], button, summary, input:not([type=hidden]), select, textarea")]
	.filter(e => !e.disabled && e.checkVisibility())`

// walk goes through the page with the tabulator key, to its end.
func (p *tab) walk() {
	p.t.Helper()
	p.open(strings.TrimPrefix(p.address(), p.origin))
	n := eval[int](p, focusable+".length")
	for i := range n {
		if got := p.tabKey(); got.Index != i || !got.Visible {
			p.t.Errorf("%s: stop %d of %d is %+v", p.address(), i, n, got)
		}
	}
}

// reach presses the tabulator key until something whose text begins so has the focus.
func (p *tab) reach(text string) {
	p.t.Helper()
	for range 200 {
		if got := p.tabKey(); strings.HasPrefix(got.Text, text) {
			if !got.Visible {
				p.t.Errorf("%s: the focus on %q is not visible", p.address(), text)
			}
			return
		}
	}
	p.t.Fatalf("%s: the keyboard does not reach %q", p.address(), text)
}

// press presses a key that loads a page.
func (p *tab) press(key string) {
	p.t.Helper()
	p.load(chromedp.KeyEvent(key))
}
