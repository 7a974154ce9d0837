package e2e

import (
	"fmt"
	"math"
	"net/netip"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/qsessions/qsessions/core/session"
)

// people are sessions as they are on a site: long names, both kinds of addresses, devices in many words.
func (s *stage) people(n int) {
	s.t.Helper()
	addresses := []string{"198.51.100.140", "203.0.113.255", "2001:db8:85a3:1234:5678:8a2e:370:7334", "192.0.2.1"}
	users := []string{"alexandra.featherstonehaugh@subsidiary.example.com", "bob", "0197ae3e-7a00-7000-8000-000000000001", "李小龍"}
	for i := range n {
		s.add(users[i%len(users)], session.Client{IP: netip.MustParseAddr(addresses[i%len(addresses)]), UserAgent: fmt.Sprint("client ", i)}, nil)
	}
}

func wordyFacts(session.Client) session.Facts {
	return session.Facts{
		Device:   session.Device{Kind: session.KindMobile, Family: "Samsung SM-S918B Galaxy S23 Ultra", OS: session.Product{Name: "Android", Major: "14"}, Browser: session.Product{Name: "Samsung Internet", Major: "25"}},
		Location: session.Location{City: "Santa Cruz de Tenerife", Country: "United Kingdom of Great Britain"},
	}
}

// width makes the screen so wide.
func (p *tab) width(n int64) {
	p.t.Helper()
	p.wide = n
	p.height(0)
}

// split are the texts of addresses that are broken within a number or a group, as they are on the screen.
const split = `[...document.querySelectorAll(".ip")].filter(e => {
	const walker = document.createTreeWalker(e, NodeFilter.SHOW_TEXT), range = document.createRange();
	let bad = false, last = null, before = "";
	for (let node; (node = walker.nextNode());) {
		for (let i = 0; i < node.data.length; i++) {
			range.setStart(node, i); range.setEnd(node, i + 1);
			const top = range.getBoundingClientRect().top;
			if (last !== null && Math.abs(top - last) > 4 && !":-".includes(before)) bad = true;
			last = top; before = node.data[i];
		}
	}
	return bad;
}).map(e => e.innerText)`

// TestLayout: PAG-1, PAG-2. At every width the list can be read: nothing is pushed off the screen, a session takes few lines,
// and no address is broken within a number.
func TestLayout(t *testing.T) {
	t.Parallel()
	site := newStage(t, wordyFacts)
	site.people(12)
	for range 3 {
		site.add("olga", session.Client{IP: netip.MustParseAddr("2001:db8:85a3:1234:5678:8a2e:370:7334"), UserAgent: strings.Repeat("agent ", 80)}, nil)
	}
	p := newTab(t, site.URL, desktop)
	p.signIn("olga", adminPath)
	for width, most := range map[int64]float64{320: 480, 390: 440, 769: 160, 834: 160, 1024: 160, 1100: 160, 1280: 100} {
		p.width(width)
		for _, path := range []string{
			adminPath, accountPath, adminPath + "charts", adminPath + "?ip=2001:db8:85a3:1234:5678:8a2e:370:1-2001:db8:85a3:1234:5678:8a2e:370:ffff",
			adminPath + "?ip=203.0.113&user=alice", accountPath + "{id}",
		} {
			if strings.HasSuffix(path, "{id}") {
				path = accountPath + eval[string](p, "document.querySelector('[data-session]')?.dataset.session ?? ''")
			}
			p.open(path)
			if got := eval[[2]int](p, "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"); got[0] > got[1] {
				t.Errorf("%s at %d pixels: the page takes %d", path, width, got[0])
			}
			if got := eval[[]string](p, split); len(got) > 0 {
				t.Errorf("%s at %d pixels: broken addresses %q", path, width, got)
			}
			if path != adminPath {
				if path == adminPath+"?ip=203.0.113&user=alice" {
					p.open(accountPath)
				}
				continue
			}
			const rows = `[...document.querySelectorAll("tbody tr")].map(e => e.getBoundingClientRect().height)`
			for n, height := range eval[[]float64](p, rows) {
				if height > most {
					t.Errorf("at %d pixels row %d is %.0f high, more than %.0f", width, n, height, most)
				}
			}
			const off = `[...document.querySelectorAll("tbody td")].filter(e => e.innerText && e.getBoundingClientRect().right > innerWidth + 1).length`
			if got := eval[int](p, off); got > 0 {
				t.Errorf("at %d pixels %d cells are off the screen", width, got)
			}
			p.screenshot(fmt.Sprintf("layout-%d", width))
		}
	}
	// On paper: the width of A4, within margins.
	p.open(adminPath)
	p.width(718)
	call(p, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"})
	for n, height := range eval[[]float64](p, `[...document.querySelectorAll("tbody tr")].map(e => e.getBoundingClientRect().height)`) {
		if height > 100 {
			t.Errorf("on paper row %d is %.0f high", n, height)
		}
	}
	if got := eval[int](p, `[...document.querySelectorAll(".filter, button, summary")].filter(e => e.checkVisibility()).length`); got > 0 {
		t.Errorf("%d controls are on paper", got)
	}
	p.screenshot("layout-paper")
}

// TestAsk: PAG-9. A question opens where the pointer is: its button does not move. Cancel and Escape close it, and give the
// focus back; without scripts Cancel is a link.
func TestAsk(t *testing.T) {
	t.Parallel()
	site := newStage(t, wordyFacts)
	for _, d := range []device{desktop, iPhone, desktop.with(func(d *device) { d.noScript = true })} {
		p := newTab(t, site.URL, d)
		p.signIn("olga", accountPath)
		site.add("olga", session.Client{IP: netip.MustParseAddr("192.0.2.1"), UserAgent: "x"}, nil)
		p.open(accountPath)
		n := eval[int](p, `document.querySelectorAll("summary").length`)
		if n < 3 {
			t.Fatalf("%d questions", n)
		}
		for i := range n {
			place := fmt.Sprintf(`(() => { const r = document.querySelectorAll("summary")[%d].getBoundingClientRect(); return [r.left + scrollX, r.top + scrollY, r.width, r.height]; })()`, i)
			sel := chromedp.Search(fmt.Sprintf("(//summary)[%d]", i+1))
			before := eval[[4]float64](p, place)
			p.do(chromedp.Click(sel))
			after := eval[[4]float64](p, place)
			for k := range before {
				if math.Abs(before[k]-after[k]) > 1 {
					t.Errorf("question %d: its button moves from %v to %v", i, before, after)
					break
				}
			}
			if got := eval[[2]int](p, "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"); got[0] > got[1] {
				t.Errorf("question %d: the page takes %d pixels of %d", i, got[0], got[1])
			}
			if d.noScript {
				p.click("(//details[@open]//a[@data-cancel])[1]")
				if got := p.texts("details[open]"); len(got) > 0 {
					t.Errorf("question %d: after Cancel it is open", i)
				}
				continue
			}
			const focus = `document.activeElement === document.querySelectorAll("summary")[%d] && !document.querySelector("details[open]")`
			inside := `document.querySelectorAll("details")[%d].contains(document.activeElement) && document.activeElement.tagName === "FORM"`
			p.until(fmt.Sprintf(inside, i))
			p.do(chromedp.KeyEvent(kb.Escape))
			if !eval[bool](p, fmt.Sprintf(focus, i)) {
				t.Errorf("question %d: Escape does not close it, or loses the focus", i)
			}
			p.do(chromedp.Click(sel))
			p.do(chromedp.Click(chromedp.Search("(//details[@open]//a[@data-cancel])[1]"), chromedp.NodeVisible))
			if !eval[bool](p, fmt.Sprintf(focus, i)) {
				t.Errorf("question %d: Cancel does not close it, or loses the focus", i)
			}
		}
		p.verify()
	}
}

// until waits for something that the page's script does a moment later.
func (p *tab) until(expression string) {
	p.t.Helper()
	eval[bool](p, "new Promise(ok => { const look = () => "+expression+" ? ok(true) : setTimeout(look, 10); look(); })")
}

// TestBorders: PAG-12. The borders of what can be pressed or filled in stand out from what is around them by 3 to 1, by day and
// by night (WCAG 2.2, 1.4.11).
func TestBorders(t *testing.T) {
	t.Parallel()
	site := newStage(t, wordyFacts)
	p := newTab(t, site.URL, desktop)
	p.signIn("olga", accountPath)
	site.add("olga", session.Client{IP: netip.MustParseAddr("192.0.2.1"), UserAgent: "x"}, nil)
	const low = `(() => {
		const context = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
		const light = color => {
			context.clearRect(0, 0, 1, 1); context.fillStyle = color; context.fillRect(0, 0, 1, 1);
			const [r, g, b] = [...context.getImageData(0, 0, 1, 1).data].map(c => (c /= 255) <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4);
			return .2126 * r + .7152 * g + .0722 * b;
		};
		const ground = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor; if (c !== "rgba(0, 0, 0, 0)") return c; } return "white"; };
		const ratio = (a, b) => { const [x, y] = [light(a), light(b)].sort((x, y) => y - x); return (x + .05) / (y + .05); };
		return [...document.querySelectorAll("button, summary, .button, input:not([type=hidden], [type=checkbox]), select")].filter(e => e.checkVisibility() && getComputedStyle(e).borderTopWidth !== "0px")
			.map(e => [e, ratio(getComputedStyle(e).borderTopColor, ground(e.parentElement))]).filter(([e, r]) => r < 3).map(([e, r]) => e.outerHTML.slice(0, 80) + " " + r.toFixed(2));
	})()`
	for _, path := range []string{accountPath, adminPath, adminPath + "charts", accountPath + "nothing"} {
		p.open(path)
		for _, dark := range []bool{false, true} {
			p.look(false, dark)
			if got := eval[[]string](p, low); len(got) > 0 {
				t.Errorf("%s, dark: %v: %q", path, dark, got)
			}
		}
	}
}

// TestPhrase: PAG-13. On a page from right to left, names from left to right do not turn the words between them around.
func TestPhrase(t *testing.T) {
	t.Parallel()
	facts := func(session.Client) session.Facts {
		return session.Facts{Device: session.Device{OS: session.Product{Name: "Android"}, Browser: session.Product{Name: "Chrome"}}}
	}
	site := newStage(t, facts, hebrew(t))
	p := newTab(t, site.URL, desktop.with(func(d *device) { d.languages = "he" }))
	p.signIn("olga", accountPath)
	got := eval[[]float64](p, `[...document.querySelectorAll("h2 bdi bdi")].map(e => e.getBoundingClientRect().left)`)
	if len(got) != 2 || got[0] <= got[1] {
		t.Errorf("the browser and the system are at %v: %q", got, p.texts("h2"))
	}
	p.screenshot("rtl-phrase")
}
