package useragent

import (
	"strconv"
	"strings"
	"testing"

	"github.com/ua-parser/uap-go/uaparser"

	"github.com/qsessions/qsessions/core/session"
)

// found is what expressions say of a User-Agent, with "" for what the library calls Other.
type found struct {
	browser uaparser.UserAgent
	system  uaparser.Os
	device  uaparser.Device
}

func foundBy(l *uaparser.Parser, ua string) found {
	f := found{*l.ParseUserAgent(ua), *l.ParseOs(ua), *l.ParseDevice(ua)}
	f.browser.Family, f.system.Family, f.device.Family = known(f.browser.Family), known(f.system.Family), known(f.device.Family)
	return f
}

// tries returns how many expressions are tried for a User-Agent.
func (m *matcher) tries(ua string) int {
	has := m.atoms.in(ua)
	_, a := first(m.browsers, ua, has)
	_, b := first(m.systems, ua, has)
	_, c := first(m.devices, ua, has)
	return a + b + c
}

// almost returns texts that look like what the expressions look for, again and again.
func almost() []string {
	texts := []string{phone, windows, mac, ubuntu, phone + strings.Repeat(" x", 160)}
	for _, s := range []string{
		"(", "; ", ";", "Android 1; ", "Mozilla/5.0 (Linux; ", "1.", "Chrome.", "bot", "Bot/", "x-bot ", "spider crawl ", "Build/", ") ", " ", "iPhone OS ", "SM-", "\u017fpider ", "\u212aindle ",
		"Version/1.", "Darwin/", "CFNetwork/", "Opera Mini/", "AppleWebKit/605.1.15 ", "Googlebot-", "a", "/", "é",
	} {
		texts = append(texts, cut(strings.Repeat(s, maxUserAgent/len(s)+1)))
	}
	return append(texts, hostile()...)
}

// TestHostile: ATK-20, BAD-24. Of some 1,200 expressions only those are tried that can match, for hostile User-Agents too, and
// they find what the library finds, which tries nearly all of them.
func TestHostile(t *testing.T) {
	t.Parallel()
	library, err := uaparser.New()
	if err != nil {
		t.Fatal(err)
	}
	m := newMatcher(library)
	all := len(library.UA) + len(library.OS) + len(library.Device)
	for _, ua := range almost() {
		var got found
		got.browser, got.system, got.device = m.find(ua)
		if want := foundBy(library, ua); got != want {
			t.Errorf("%q\ngot  %+v\nwant %+v", ua, got, want)
		}
		if n := m.tries(ua); n > 80 || n > all/10 {
			t.Errorf("%q: %d expressions of %d were tried", ua, n, all)
		}
	}
	for _, ua := range []string{phone, windows, mac, ubuntu} {
		if n := m.tries(ua); n > 30 {
			t.Errorf("%q: %d expressions were tried", ua, n)
		}
	}
	// Nor may one expression that lists hundreds of names be tried at every character.
	for _, p := range m.browsers {
		if p.branches == nil && strings.Contains(p.re.String(), "CSimpleSpider|") {
			t.Errorf("%.60s... is not split", p.re)
		}
	}
}

// TestRemembered: ATK-20. A result is found once, also that there is none, and a flood of others costs bounded memory.
func TestRemembered(t *testing.T) {
	t.Parallel()
	var m memo[session.Device]
	calls := 0
	none := func(string) session.Device { calls++; return session.Device{} }
	for range 3 {
		if d := m.of("nonsense", none); d != (session.Device{}) || calls != 1 {
			t.Fatalf("got %v by %d calls, want one", d, calls)
		}
	}
	for i := range 10 * memoSize {
		m.of(strconv.Itoa(i), none)
		if m.of("nonsense", none); len(m.young)+len(m.old) > 2*memoSize {
			t.Fatalf("%d results are kept", len(m.young)+len(m.old))
		}
	}
	if calls != 1+10*memoSize {
		t.Errorf("%d calls, want one for each text: what is in use was forgotten", calls)
	}
}

// TestNeeds: what an expression needs is derived from its form, and where in a text.
func TestNeeds(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		re    string
		text  string
		needs bool // the text may match
	}{
		{`abc`, "xabc", true}, {`abc`, "ab c", false}, {`(?i)kiosk`, "\u212aio\u017fk", true}, {`(?i)ABC`, "abc", true},
		{`abc|def`, "def", true}, {`abc|def`, "deg", false}, {`(abc|d?)`, "", true}, {`(?:abc)?def`, "def", true}, {`(?:abc)+`, "ab", false},
		{`(?:abc){2}`, "ab", false}, {`(?:abc){0,2}`, "", true}, {`[Bb]ot/\d`, "BOT/", true}, {`[Bb]ot/\d`, "bat/1", false}, {`é`, "", true},
		{`^.{0,3}abc`, "éééabc", true}, {`^.{0,3}abc`, "ééééabc", false}, {`^.{0,3}(?:xy|abc(?:d|ef))`, "1234abcd", false}, {`^.*abc`, "12345abc", true}, {`.{0,3}abc`, "12345abc", true},
		{`^a+bcd`, "aaaaabcd", true}, {`(?m)^.{0,1}abc`, "12\nabc", true},
	} {
		m := newMatcher(ownLibrary(t, row.re))
		if got := m.browsers[0].needs.met(m.atoms.in(row.text)); got != row.needs {
			t.Errorf("%s may match %q: %t, want %t", row.re, row.text, got, row.needs)
		}
	}
}

// TestSplit: an expression that is split finds what it finds as a whole: the match that begins first, and of several at the
// same place the one that the expression names first.
func TestSplit(t *testing.T) {
	t.Parallel()
	for _, re := range []string{
		`\b(Alpha|Beta|BetaMax|Gamma|Delta|Epsilon|Zeta|Eta|Theta|Iota|Kappa)(?:[ /](\d+)|)`, `(?i)(Beta ?|BetaMax|Alpha|Gamma|Delta|Epsilon|Zeta|Eta|Theta|Iota|Kappa).(\d)`,
	} {
		library := ownLibrary(t, re)
		m := newMatcher(library)
		if m.browsers[0].branches == nil {
			t.Errorf("%s is not split", re)
		}
		for _, text := range []string{"BetaMax/2 Alpha/1", "Kappa Alpha/1 Kappa/2", "xAlpha/1 Beta/2", "BETAMAX 5", "Zeta", "eta/4 zeta/5", "none"} {
			var got found
			got.browser, got.system, got.device = m.find(text)
			if want := foundBy(library, text); got != want {
				t.Errorf("%s of %q: got %v, want %v", re, text, got.browser, want.browser)
			}
		}
	}
}

// ownLibrary has one expression for browsers.
func ownLibrary(t *testing.T, re string) *uaparser.Parser {
	t.Helper()
	p, err := compile([]byte("user_agent_parsers:\n  - regex: '" + re + "'\n    family_replacement: 'F$1'\nos_parsers:\n  - regex: 'never'\ndevice_parsers:\n  - regex: 'never'\n"))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// FuzzMatcher: ATK-20. The matcher finds what the library finds, of any text.
func FuzzMatcher(f *testing.F) {
	for _, ua := range append(hostile()[:2], phone, "\u017fpider \u212aindle/1 bot") {
		f.Add(ua)
	}
	library, err := uaparser.New()
	if err != nil {
		f.Fatal(err)
	}
	m := newMatcher(library)
	f.Fuzz(func(t *testing.T, ua string) {
		ua = clean(ua)
		var got found
		got.browser, got.system, got.device = m.find(ua)
		if want := foundBy(library, ua); got != want {
			t.Errorf("%q\ngot  %+v\nwant %+v", ua, got, want)
		}
	})
}
