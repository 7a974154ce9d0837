package useragent

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"unicode"
	"unicode/utf8"
	"unsafe"

	"github.com/qsessions/qsessions/core/session"
)

const (
	phone   = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/118.0.0.0 Mobile Safari/537.36"
	windows = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/118.0.0.0 Safari/537.36"
	mac     = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/118.0.0.0 Safari/537.36"
	ubuntu  = "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
)

func newParser(tb testing.TB) *Parser {
	tb.Helper()
	p, err := New(Config{})
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// TestParts: the text and the parts of the phone that every Chrome on Android claims to be.
func TestParts(t *testing.T) {
	t.Parallel()
	d := newParser(t).Parse(phone, session.Hints{})
	if got, want := d.String(), "K / Android 10 / Chrome Mobile 118.0.0.0"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	got := [...]string{d.Family, d.Brand, d.Model, d.OS.String(), d.Browser.String()}
	if want := [...]string{"K", "Generic_Android", "K", "Android 10", "Chrome Mobile 118.0.0.0"}; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	want := session.Device{
		Kind: session.KindMobile, Family: "K", Brand: "Generic_Android", Model: "K", OS: session.Product{Name: "Android", Major: "10"},
		Browser: session.Product{Name: "Chrome Mobile", Major: "118", Minor: "0", Patch: "0", PatchMinor: "0"},
	}
	if d != want {
		t.Errorf("got %+v, want %+v", d, want)
	}
}

// TestDevices: what people read of common User-Agents, and which sort of machine each is.
func TestDevices(t *testing.T) {
	t.Parallel()
	p := newParser(t)
	for _, test := range []struct {
		ua    string
		kind  session.DeviceKind
		text  string
		short string
	}{
		{"", "", "", ""},
		{"   ", "", "", ""},
		{"nonsense", "", "", ""},
		{
			"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
			session.KindMobile, "iPhone / iOS 17.5.1 / Mobile Safari 17.5", "Safari on iOS",
		},
		{
			"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/126.0.6478.153 Mobile/15E148 Safari/604.1",
			session.KindMobile, "iPhone / iOS 17.5 / Chrome Mobile iOS 126.0.6478.153", "Chrome on iOS",
		},
		{
			"Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.6 Mobile/15E148 Safari/604.1",
			session.KindTablet, "iPad / iOS 16.6 / Mobile Safari 16.6", "Safari on iOS",
		},
		{windows, session.KindDesktop, "Windows 10 / Chrome 118.0.0.0", "Chrome on Windows"},
		{windows + " Edg/118.0.2088.46", session.KindDesktop, "Windows 10 / Edge 118.0.2088.46", "Edge on Windows"},
		{"Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1; Tablet PC 2.0)", session.KindDesktop, "Windows 7 / IE 8.0", "IE on Windows"},
		{mac, session.KindDesktop, "Mac / Mac OS X / Chrome 118.0.0.0", "Chrome on Mac OS X"},
		{ubuntu, session.KindDesktop, "Ubuntu / Firefox 128.0", "Firefox on Ubuntu"},
		{
			"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/118.0.0.0 Safari/537.36",
			session.KindDesktop, "Chrome OS 14541.0.0 / Chrome 118.0.0.0", "Chrome on Chrome OS",
		},
		{
			"Mozilla/5.0 (Linux; Android 13; SM-X710) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/118.0.0.0 Safari/537.36",
			session.KindTablet, "SM-X710 / Android 13 / Chrome 118.0.0.0", "Chrome on Android",
		},
		{
			"Mozilla/5.0 (SMART-TV; Linux; Tizen 6.0) AppleWebKit/537.36 (KHTML, like Gecko) 76.0.3809.146/6.0 TV Safari/537.36",
			session.KindTV, "Samsung SMART-TV / Tizen 6.0 / Safari", "Safari on Tizen",
		},
		{
			"Mozilla/5.0 (Linux; Android 8.0.0; Pixel Build/TVA1) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/118.0.0.0 Mobile Safari/537.36",
			session.KindMobile, "Pixel / Android 8.0.0 / Chrome Mobile 118.0.0.0", "Chrome on Android",
		},
		{
			"Mozilla/5.0 (Linux; Android 13; CUBOT X18 Plus) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/118.0.0.0 Mobile Safari/537.36",
			session.KindMobile, "X18 Plus / Android 13 / Chrome Mobile 118.0.0.0", "Chrome on Android",
		},
		{"curl/8.5.0", "", "curl 8.5.0", "curl"},
		{"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", session.KindBot, "Spider / Googlebot 2.1", "Googlebot"},
		{
			"Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/118.0.0.0 Mobile Safari/537.36 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
			session.KindBot, "Spider / Android 6.0.1 / Googlebot 2.1", "Googlebot on Android",
		},
		{"Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; ClaudeBot/1.0; +claudebot@anthropic.com)", session.KindBot, "Spider / ClaudeBot 1.0", "ClaudeBot"},
		{"facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)", session.KindBot, "Spider / FacebookBot 1.1", "FacebookBot"},
		{
			"Mozilla/5.0 (Linux; Android 5.0) AppleWebKit/537.36 (KHTML, like Gecko) Mobile Safari/537.36 (compatible; Bytespider; spider-feedback@bytedance.com)",
			session.KindBot, "Generic Smartphone / Android 5.0 / Bytespider", "Bytespider on Android",
		},
		{"Thing/1.0 (+https://example.com/thing)", session.KindBot, "", ""},
	} {
		d := p.Parse(test.ua, session.Hints{})
		if d.Kind != test.kind || d.String() != test.text || d.Short() != test.short {
			t.Errorf("%s\ngot  %q %q %q\nwant %q %q %q", test.ua, d.Kind, d, d.Short(), test.kind, test.text, test.short)
		}
	}
}

// TestApple: RPT-38. A Mac and an iPad that say the same are not told apart, and no version is shown that browsers have frozen.
func TestApple(t *testing.T) {
	t.Parallel()
	p := newParser(t)
	const (
		desktop = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
		safari  = desktop + "Version/18.5 Safari/605.1.15"
	)
	for _, test := range []struct {
		ua    string
		h     session.Hints
		kind  session.DeviceKind
		text  string
		short string
	}{
		{safari, session.Hints{}, "", "Mac or iPad / macOS or iPadOS / Safari 18.5", "Safari on macOS or iPadOS"},
		{desktop, session.Hints{}, "", "Mac or iPad / macOS or iPadOS / Apple Mail 605.1.15", "Apple Mail on macOS or iPadOS"},
		{strings.Replace(safari, "10_15_7", "10_15", 1), session.Hints{}, "", "Mac or iPad / macOS or iPadOS / Safari 18.5", "Safari on macOS or iPadOS"}, // iPadOS 13
		{desktop + "Version/17.5 Safari/605.1.15 Ddg/17.5", session.Hints{}, "", "Mac or iPad / macOS or iPadOS / DuckDuckGo 17.5", "DuckDuckGo on macOS or iPadOS"},
		{safari, session.Hints{Platform: `"macOS"`, PlatformVersion: `"15.5.0"`, Mobile: "?0"}, session.KindDesktop, "Mac / macOS 15.5 / Safari 18.5", "Safari on macOS"},
		{desktop + "Mobile/15E148", session.Hints{}, session.KindTablet, "iPad / iOS / Apple Mail 605.1.15", "Apple Mail on iOS"},
		{desktop + "CriOS/126.0.6478.153 Version/17.5 Safari/605.1.15", session.Hints{}, session.KindTablet, "iPad / iOS / Chrome Mobile iOS 126.0.6478.153", "Chrome on iOS"},
		{desktop + "FxiOS/143.0 Safari/605.1.15", session.Hints{}, session.KindTablet, "iPad / iOS / Firefox iOS 143.0", "Firefox on iOS"},
		{strings.Replace(safari, "10_15_7", "10_13_6", 1), session.Hints{}, session.KindDesktop, "Mac / Mac OS X 10.13.6 / Safari 18.5", "Safari on Mac OS X"},
		{mac, session.Hints{}, session.KindDesktop, "Mac / Mac OS X / Chrome 118.0.0.0", "Chrome on Mac OS X"},
		{mac + " Edg/118.0.2088.46", session.Hints{}, session.KindDesktop, "Mac / Mac OS X / Edge 118.0.2088.46", "Edge on Mac OS X"},
		{"Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:143.0) Gecko/20100101 Firefox/143.0", session.Hints{}, session.KindDesktop, "Mac / Mac OS X / Firefox 143.0", "Firefox on Mac OS X"},
		{desktop + "Version/17.4 Safari/605.1.15 (Applebot/0.1; +http://www.apple.com/go/applebot)", session.Hints{}, session.KindBot, "Mac / Mac OS X 10.15.7 / Applebot 0.1", "Applebot on Mac OS X"},
	} {
		d := p.Parse(test.ua, test.h)
		if d.Kind != test.kind || d.String() != test.text || d.Short() != test.short {
			t.Errorf("%s\ngot  %q %q %q\nwant %q %q %q", test.ua, d.Kind, d, d.Short(), test.kind, test.text, test.short)
		}
	}
}

// TestFourth: RPT-38. The fourth part of a browser's version is read from its own token.
func TestFourth(t *testing.T) {
	t.Parallel()
	chrome := session.Product{Name: "Chrome", Major: "118", Minor: "0", Patch: "0"}
	edge := session.Product{Name: "Edge Mobile", Major: "118", Minor: "0", Patch: "0"}
	for _, row := range []struct {
		ua   string
		p    session.Product
		want string
	}{
		{windows, chrome, "0"}, {"Chrome/118.0.0.123 Safari", chrome, "123"}, {"Chrome/118.0.0.123", chrome, "123"}, {"Chrome/118.0.0.1.2", chrome, "1"},
		{"Chrome/118.0.0 Safari", chrome, ""}, {"Chrome/118.0.0. Safari", chrome, ""}, {"Chrome/118.0.0.b1", chrome, ""}, {"Chrome/118.0.0.1b", chrome, ""}, {"x118.0.0.1", chrome, ""},
		{"Chrome/118.0.0.1234567890", chrome, ""}, {"Chrome/118.0.0.1 EdgA/118.0.0.2", chrome, "1"}, {"Chrome/118.0.0.1 EdgA/118.0.0.2", edge, "2"},
		{"Firefox/143.0.1", session.Product{Name: "Firefox", Major: "143", Minor: "0"}, ""}, {"/...1", session.Product{Name: "x"}, ""},
	} {
		if got := fourth(row.ua, row.p); got != row.want {
			t.Errorf("%s, %s: got %q, want %q", row.ua, row.p, got, row.want)
		}
	}
}

// TestEnrich: the device is the fact; a canceled look finds nothing.
func TestEnrich(t *testing.T) {
	t.Parallel()
	p := newParser(t)
	f, err := p.Enrich(t.Context(), session.Client{UserAgent: phone, Hints: session.Hints{Platform: `"Android"`, Model: `"Pixel 7"`}})
	if err != nil || f.Device.Family != "Pixel 7" || f.Device.Brand != "Google" || f.Location != (session.Location{}) || f.Extra != nil {
		t.Errorf("got %+v, %v", f, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if f, err := p.Enrich(ctx, session.Client{UserAgent: phone}); !errors.Is(err, context.Canceled) || f.Device != (session.Device{}) {
		t.Errorf("canceled: got %+v, %v", f, err)
	}
}

// TestOneParser: the built-in expressions are compiled once a process.
func TestOneParser(t *testing.T) {
	t.Parallel()
	if a, b := newParser(t), newParser(t); a.library() != b.library() {
		t.Error("two parsers compile the expressions twice")
	}
}

const own = `
user_agent_parsers:
  - regex: '(Shop)/(\d+)\.(\d+)'
os_parsers:
  - regex: '(Toaster) OS (\d+)'
device_parsers:
  - regex: 'Toaster'
    device_replacement: 'Toaster'
    brand_replacement: 'Acme'
    model_replacement: 'T'
`

// TestOwnRegexes: expressions of one's own are used instead of the built-in ones, or refused.
func TestOwnRegexes(t *testing.T) {
	t.Parallel()
	p, err := New(Config{Regexes: []byte(own)})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := p.Parse("Shop/3.1 (Toaster OS 7)", session.Hints{}).String(), "Toaster / Toaster 7 / Shop 3.1"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if d := p.Parse(phone, session.Hints{}); d.Browser.Name != "" || d.OS.Name != "" || d.Family != "" {
		t.Errorf("the built-in expressions are used too: %v", d)
	}
	for name, regexes := range map[string]string{
		"empty": "", "no YAML": "\x00", "not a map": "- a", "no such": strings.Replace(own, "os_parsers", "others", 1), "bad expression": strings.Replace(own, "(Shop)", "(Shop", 1),
		"bad flag": strings.Replace(own, "(Toaster) OS (\\d+)'", "x'\n    regex_flag: '!'", 1), "null": strings.Replace(own, "- regex: 'Toaster'", "- ~\n  - regex: 'Toaster'", 1),
		"look-ahead, which Go refuses": strings.Replace(own, "(Shop)", "(?=Shop)", 1),
	} {
		if p, err := New(Config{Regexes: []byte(regexes)}); err == nil || p != nil || !strings.Contains(err.Error(), "Config.Regexes") {
			t.Errorf("%s: got %v, %v; want an error about Config.Regexes", name, p, err)
		}
	}
}

// TestOwnMemory: what the library keeps in its cache is memory of its own, as a framework may use the request's again;
// and callers change their own copies of what is in it.
func TestOwnMemory(t *testing.T) {
	t.Parallel()
	for _, s := range []string{phone, phone + "\x00", strings.Repeat("x", 8<<10)} {
		if c := clean(s); unsafe.StringData(c) == unsafe.StringData(s) {
			t.Errorf("%.20q is kept as it is", s)
		}
	}
	p := newParser(t)
	d := p.Parse(ubuntu, session.Hints{})
	d.OS.Name = "changed"
	if got := p.Parse(ubuntu, session.Hints{}).OS.Name; got != "Ubuntu" {
		t.Errorf("got %q after the caller changed its own copy", got)
	}
}

// TestConcurrent: goroutines that look at the same and at different clients see the same as one alone.
func TestConcurrent(t *testing.T) {
	t.Parallel()
	p := newParser(t)
	agents := []string{phone, windows, mac, ubuntu}
	var want []string
	for _, ua := range agents {
		want = append(want, p.Parse("again "+ua, session.Hints{}).String())
	}
	start := make(chan struct{})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			<-start
			for i := range 40 {
				if got := p.Parse(agents[i%4], session.Hints{}).String(); got != want[i%4] {
					t.Errorf("got %q, want %q", got, want[i%4])
				}
			}
		})
	}
	close(start)
	wg.Wait()
}

// TestCutAndCleaned: BAD-20, BAD-21, BAD-23, BAD-24. Of whatever comes, the library sees 512 bytes of printable text, and so
// do people of what it finds.
func TestCutAndCleaned(t *testing.T) {
	t.Parallel()
	p := newParser(t)
	for name, ua := range map[string]string{
		"BAD-20 NUL":             "Mozilla/5.0 (Linux; Android 10; A\x00B) AppleWebKit/537.36 Chrome/118.0.0.0 Mobile Safari/537.36",
		"BAD-20 invalid UTF-8":   "Mozilla/5.0 (Linux; Android 10; \xff\xfe\xc3) AppleWebKit/537.36 Chrome/118.0.0.0 Mobile Safari/537.36",
		"BAD-21 emoji":           strings.Repeat("😀", 2000),
		"BAD-21 across the end":  "x" + strings.Repeat("😀", 200),
		"BAD-21 combining":       strings.Repeat("a\u0301", 4000),
		"BAD-21 all invalid":     strings.Repeat("\x80", 8<<10),
		"BAD-23 escape":          "Mozilla/5.0 (Linux; Android 10; \x1b[31mred) AppleWebKit/537.36 Chrome/118.0.0.0 Mobile Safari/537.36",
		"BAD-23 bidi":            "Mozilla/5.0 (Linux; Android 10; \u202egnp.exe\u2066) AppleWebKit/537.36 Chrome/118.0.0.0 Mobile Safari/537.36",
		"BAD-23 newline":         "a\r\nb: c",
		"BAD-24 parentheses":     strings.Repeat("(", 100_000),
		"BAD-24 nested":          strings.Repeat("(", 50_000) + strings.Repeat(")", 50_000),
		"BAD-24 almost Android":  strings.Repeat("Android 1; ", 10_000),
		"BAD-24 almost versions": "Mozilla/" + strings.Repeat("1.", 50_000),
		"BAD-24 spaces":          "Mozilla/5.0 (" + strings.Repeat(" ", 100_000) + ")",
		"BAD-24 semicolons":      strings.Repeat("; ", 50_000) + "Build/",
		"BAD-24 dots":            strings.Repeat("Chrome.", 50_000),
	} {
		c := clean(ua)
		if len(c) > maxUserAgent || !utf8.ValidString(c) {
			t.Errorf("%s: %d bytes are parsed", name, len(c))
		}
		d := p.Parse(ua, session.Hints{})
		for _, s := range []string{d.String(), d.Short(), d.Brand, d.Model} {
			if strings.ContainsFunc(s, func(r rune) bool { return r != utf8.RuneError && !unicode.IsPrint(r) }) || !utf8.ValidString(s) {
				t.Errorf("%s: people would read %q", name, s)
			}
		}
	}
	if got := clean("x" + strings.Repeat("😀", 200)); got != "x"+strings.Repeat("😀", 127) {
		t.Errorf("cut to %d bytes", len(got))
	}
	if got := clean(strings.Repeat("\x80", 600)); got != strings.Repeat("\ufffd", 170) {
		t.Errorf("cut to %d bytes, want 170 replacements", len(got))
	}
	if got := clean(strings.Repeat("x", 600)); len(got) != maxUserAgent {
		t.Errorf("cut to %d bytes, want %d", len(got), maxUserAgent)
	}
}

// greedy takes whatever it can get from a User-Agent.
const greedy = `
user_agent_parsers:
  - regex: '([^(]*)/([^ ]*)'
os_parsers:
  - regex: '\((.*); (.*);'
device_parsers:
  - regex: '(?s)(Android.*)\)'
    brand_replacement: '$1'
  - regex: '(?s)(.+)'
`

// FuzzParse: BAD-24. Whatever a client claims, and whatever expressions take of it, what people read is printable and
// bounded. Each input gets a parser of its own, because one that remembers would lead the fuzzer astray.
func FuzzParse(f *testing.F) {
	f.Add(phone, `"Android"`, `"14.0.0"`, `"Pixel 7"`, "?1", `"Chromium";v="118", "Not=A?Brand";v="99"`)
	f.Add(windows, `"Windows"`, `"15.0.0"`, `""`, "?0", `"Brave";v="118"`)
	f.Add("((((\x00\xff", `"\"`, `"1.2.3.4.5"`, `"x) Googlebot/2.1 ("`, "?2", `"a";;;`)
	f.Fuzz(func(t *testing.T, ua, platform, version, model, mobile, brands string) {
		p, err := New(Config{Regexes: []byte(greedy)})
		if err != nil {
			t.Fatal(err)
		}
		d := p.Parse(ua, session.Hints{Platform: platform, PlatformVersion: version, Model: model, Mobile: mobile, Brands: brands})
		for _, s := range []string{string(d.Kind), d.Family, d.Brand, d.Model, d.OS.String(), d.Browser.String(), d.String(), d.Short()} {
			if len(s) > 4*maxUserAgent || strings.ContainsFunc(s, func(r rune) bool { return r != utf8.RuneError && !unicode.IsPrint(r) }) {
				t.Errorf("people would read %q", s)
			}
		}
		if strings.TrimSpace(ua) == "" && d != (session.Device{}) {
			t.Errorf("no User-Agent: %+v", d)
		}
	})
}
