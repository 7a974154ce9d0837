package e2e

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

const accountPath = "/account/sessions/"

// signIn signs in to the demo, and opens a page.
func (p *tab) signIn(user, path string) {
	p.t.Helper()
	p.open("/")
	p.click(button("Sign in as " + user))
	if got := p.texts("#user"); !slices.Equal(got, []string{user}) {
		p.t.Errorf("signed in as %q, want %q", got, user)
	}
	if status := p.open(path); status != 200 {
		p.t.Fatalf("%s for %s: got status %d\n%s", path, user, status, p.source())
	}
}

// TestAccount: people see their devices, and end what they do not know: with and without scripts, on a phone, in the dark,
// in German. SEC-13, SEC-16.
func TestAccount(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		adapter  string
		device   device
		language string
		times    string // how exact ones are written
	}{
		{"desktop", "nethttp", desktop, "en", american},
		// Its place is Nairobi, and without scripts nothing better is known.
		{"no-script", "nethttp", desktop.with(func(d *device) { d.noScript = true }), "en", `^20\d\d-\d\d-\d\d \d\d:\d\d:\d\d EAT$`},
		{"phone", "fiber", iPhone, "en", american},
		{"dark", "nethttp", desktop.with(func(d *device) { d.dark = true }), "en", american},
		{
			"german", "fiber", desktop.with(func(d *device) { d.languages, d.zone = "de,en", "Europe/Berlin" }), "de",
			`^\d\d\.\d\d\.20\d\d, \d\d:\d\d:\d\d MES?Z$`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			site := startDemo(t, "--seed", "0", "--adapter", test.adapter)
			testAccount(t, site, "account-"+test.name, test.device, speak(t, test.language), regexp.MustCompile(test.times))
		})
	}
}

const american = `^[A-Z][a-z]{2} \d+, 20\d\d, \d+:\d\d:\d\d\s[AP]M UTC$`

func testAccount(t *testing.T, site, name string, d device, w words, exact *regexp.Regexp) {
	one, two, three := newTab(t, site, d), newTab(t, site, android), newTab(t, site, desktop)
	one.signIn("alice", accountPath)
	one.wantCards()
	if others := one.texts("[action$=revoke-others]"); len(others) > 0 {
		t.Errorf("there are no others, and yet %q", others)
	}
	two.signIn("alice", accountPath)
	one.open(accountPath)
	phone := w.say("device.on", "browser", "Chrome", "os", "Android")
	one.wantCards(phone)
	one.check(name)

	// One.
	one.do(chromedp.Click(chromedp.Search(`//li[contains(., "` + phone + `")]//summary`)))
	one.screenshot(name + "-ask")
	one.click(`//li[contains(., "` + phone + `")]` + button(w.say("revoke.confirm")))
	one.wantNotice(w.say("notice.device", "device", phone))
	one.wantCards()
	two.wantOut()

	// All others.
	two.signIn("alice", accountPath)
	three.signIn("alice", accountPath)
	one.open(accountPath)
	one.wantCards(phone, w.say("device.on", "browser", "Firefox", "os", "Windows"))
	one.do(chromedp.Click(chromedp.Search(`//summary[normalize-space()="` + w.count("revoke-others", 2) + `"]`)))
	if got, want := one.texts("[action$=revoke-others] p:first-of-type"), w.count("revoke-others.ask", 2); !slices.Equal(got, []string{want}) {
		t.Errorf("got question %q, want %q", got, want)
	}
	one.click(button(w.say("revoke-others.confirm")))
	one.wantNotice(w.count("notice.others", 2))
	one.wantCards()
	two.wantOut()
	three.wantOut()

	// One session, and out.
	one.click("//li//h2/a")
	times := one.texts("time[data-whole]")
	if len(times) < 4 || slices.ContainsFunc(times, func(s string) bool { return !exact.MatchString(s) }) {
		t.Errorf("got times %q, want %v", times, exact)
	}
	one.check(name + "-session")
	one.click(link(w.say("back")))
	one.do(chromedp.Click(chromedp.Search(`//summary[normalize-space()="` + w.say("sign-out") + `"]`)))
	one.click(button(w.say("sign-out.confirm")))
	if got := one.texts("h1"); !slices.Equal(got, []string{w.say("signed-out.title")}) {
		t.Errorf("after the sign-out the page says %q", got)
	}
	one.check(name + "-out")
	if status := one.open(accountPath); status != 401 || !slices.Equal(one.texts("h1"), []string{w.say("error.signed-out.title")}) {
		t.Errorf("after the sign-out: got %d, %q", status, one.texts("h1"))
	}
	one.check(name + "-signed-out")
}

// wantCards wants the own session before all others, which are on these devices.
func (p *tab) wantCards(others ...string) {
	p.t.Helper()
	cards := p.texts("li.card")
	ok := len(cards) == 1+len(others) && len(p.texts("li.card.current")) == 1 && len(p.texts("li.card:first-child.current")) == 1
	for _, device := range others {
		ok = ok && slices.ContainsFunc(cards[1:], func(s string) bool { return strings.Contains(s, device) })
	}
	for _, card := range cards {
		ok = ok && strings.Contains(card, "127.0.0.1") && strings.Contains(card, ", ") // the place's city and country
	}
	if !ok {
		p.t.Errorf("got %q, want others on %q", cards, others)
	}
}

func (p *tab) wantNotice(want string) {
	p.t.Helper()
	if got := p.texts(".notice"); !slices.Equal(got, []string{want}) {
		p.t.Errorf("got notice %q, want %q", got, want)
	}
}

// wantOut wants that the next click on the account page finds nobody signed in.
func (p *tab) wantOut() {
	p.t.Helper()
	if status := p.click(`//nav/a[@href="./"]`); status != 401 {
		p.t.Errorf("got status %d, want 401:\n%s", status, p.source())
	}
}
