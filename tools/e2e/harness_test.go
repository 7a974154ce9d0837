package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestBadPages: each fault that the checks are for is found, and a good page has none.
func TestBadPages(t *testing.T) {
	t.Parallel()
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	const good = `<!doctype html><html lang="en"><head><title>Good</title><link rel="icon" href="data:,">` +
		`<meta name="viewport" content="width=device-width"></head><body><main><h1>Good</h1>%s</main></body></html>`
	const csp = "default-src 'self' data:"
	for _, test := range []struct {
		name, csp, body string
		want            string // the beginning of the one problem; empty: none
	}{
		{"good", csp, "<p>Nothing is wrong with this.</p>", ""},
		{"policy", csp, "<p>An inline script.</p><script>x = 1</script>", "browser: security error"},
		{"origin", "", `<p>A picture from elsewhere.</p><img alt="" src="` + other.URL + `/x.png">`, "request: " + other.URL},
		{"nowhere", "", `<p>A picture from nowhere.</p><img alt="" src="http://example.com/x.png">`, "request: http://example.com"},
		{"missing", csp, `<p>A picture that is missing.</p><img alt="" src="/missing.png">`, "request: "},
		{"exception", "", "<p>A fault.</p><script>no.such.thing</script>", "exception: "},
		{"console", "", "<p>A message.</p><script>console.error('x')</script>", "console: error"},
		{"alert", "", "<p>Injected.</p><script>alert('injected')</script>", "dialog: injected"},
		{"html", csp, "<p>A <div>block</div></p>", "line 1: close-order"},
		{"duplicate", csp, `<p id="x">One.</p><p id="x">Two.</p>`, "line 1: no-dup-id"},
		{"contrast", csp, `<p><font color="#999">Hard to read.</font></p>`, "axe: color-contrast"},
		{"night", csp, `<link rel="stylesheet" href="/night.css"><p>Hard to read by night.</p>`, "axe: color-contrast"},
		{"heading", csp, `<h4>Out of order</h4>`, "axe: heading-order"},
		{"name", csp, `<p><a href="/x"></a></p>`, "axe: link-name"},
		{"wide", csp, `<p>` + strings.Repeat("wide", 500) + `</p>`, "width: "},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/night.css" {
					w.Header().Set("Content-Type", "text/css")
					fmt.Fprint(w, "@media (prefers-color-scheme: dark) { p { color: #999 } }")
					return
				}
				if r.URL.Path != "/" {
					http.NotFound(w, r)
					return
				}
				w.Header().Set("Content-Type", "text/html; charset=utf-8")
				if test.csp != "" {
					w.Header().Set("Content-Security-Policy", test.csp)
				}
				fmt.Fprintf(w, good, test.body)
			}))
			defer site.Close()
			p := newTab(t, site.URL, desktop)
			p.bad = true
			p.visit(chromedp.Navigate(p.origin + "/"))
			found := append(p.happened(), p.invalid()...)
			found = append(found, p.violations(everything)...)
			p.look(false, true)
			found = append(found, p.violations(colors)...)
			t.Log(strings.Join(found, "\n"))
			if test.want == "" && len(found) > 0 ||
				test.want != "" && !slices.ContainsFunc(found, func(s string) bool { return strings.HasPrefix(s, test.want) }) {
				t.Errorf("got %q, want %q", found, test.want)
			}
		})
	}
}

// TestProfiles: a device is what the site sees of it, and shares nothing with another.
func TestProfiles(t *testing.T) {
	t.Parallel()
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "seen", Value: "1"})
		w.Header().Set("Accept-CH", "Sec-CH-UA-Model")
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, `<!doctype html><html lang="en"><head><title>Echo</title><link rel="icon" href="data:,">`+
			`<meta name="viewport" content="width=device-width"></head><body><main><h1>Echo</h1><p>%s</p><p>%s</p><p>%s</p><p>%s</p>`+
			`<p id="script">off</p></main><script>script.innerText = "on"</script></body></html>`,
			r.Header.Get("User-Agent"), r.Header.Get("Accept-Language"), r.Header.Get("Sec-CH-UA-Platform"), r.Header.Get("Cookie"))
	}))
	defer site.Close()
	german := desktop.with(func(d *device) { d.dark, d.noScript, d.languages, d.zone = true, true, "de,en", "Europe/Berlin" })
	for _, test := range []struct {
		device device
		want   []string // texts
		look   string
	}{
		{android, []string{android.userAgent, "en", `"Android"`, "", "on"}, "390 light 00"},
		{iPhone, []string{iPhone.userAgent, "en", "", "", "on"}, "390 light 00"},
		{german, []string{desktop.userAgent, "de,en;q=0.9", "", "", "off"}, "1280 dark 01"},
	} {
		p := newTab(t, site.URL, test.device)
		p.open("/")
		if got := p.texts("p"); !slices.Equal(got, test.want) {
			t.Errorf("got %q, want %q", got, test.want)
		}
		const look = `innerWidth + (matchMedia("(prefers-color-scheme: dark)").matches ? " dark " : " light ") +
			new Date(0).toLocaleTimeString("en-GB", {hour: "2-digit"})`
		if got := eval[string](p, look); got != test.look {
			t.Errorf("%s: got look %q, want %q", test.device.userAgent, got, test.look)
		}
		p.open("/")
		if got := p.texts("p")[3]; got != "seen=1" {
			t.Errorf("got cookies %q", got)
		}
		p.check("echo")
	}
}
