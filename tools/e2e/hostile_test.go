package e2e

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"

	"github.com/qsessions/qsessions/core/session"
)

// hostile are strings that somebody may want to be more than text, as they are shown.
var hostile = []struct{ name, text, shown string }{
	{"element", `<script>alert("element")</script>`, `<script>alert("element")</script>`},
	{"attribute", `"><img src=x onerror=alert("attribute")>`, `"><img src=x onerror=alert("attribute")>`},
	{"single quotes", `' onmouseover='alert("single quotes")`, `' onmouseover='alert("single quotes")`},
	{"text", `</title></textarea></script><b>`, `</title></textarea></script><b>`},
	{"address", `javascript:alert("address")`, `javascript:alert("address")`},
	{"reference", `&lt;b&gt;&#0;`, `&lt;b&gt;&#0;`},
	{"template", `{{.}}${alert("template")}`, `{{.}}${alert("template")}`},
	{"formula", `=cmd|'/c calc'!A1`, `=cmd|'/c calc'!A1`},
	{"terminal", "\x1b[31mred\x1b[0m", "␛[31mred␛[0m"},
	{"direction", "\u202egnp.exe\u2066", "\ufffdgnp.exe\ufffd"},
	{"letters", "ﷺ̶̡ Ω 𝕏 日本 عربي עברית", "ﷺ̶̡ Ω 𝕏 日本 عربي עברית"},
	{"long", strings.Repeat("W", 200), strings.Repeat("W", 200)},
}

// TestHostile: whatever clients, users and databases say is text on every page. BAD-23.
func TestHostile(t *testing.T) {
	t.Parallel()
	var facts []session.Facts
	for _, h := range hostile {
		facts = append(facts, session.Facts{
			Device: session.Device{
				Kind: session.DeviceKind(h.text), Family: h.text, Brand: h.text, Model: h.text,
				OS: session.Product{Name: h.text, Major: h.text}, Browser: session.Product{Name: h.text, Major: h.text},
			},
			Location: session.Location{City: h.text, Region: h.text, Country: h.text, TimeZone: h.text},
			Extra:    map[string]string{h.text: h.text},
		})
	}
	site := newStage(t, func(c session.Client) session.Facts {
		if i := slices.Index(hostileAddresses(), c.IP); i >= 0 {
			return facts[i]
		}
		return session.Facts{}
	})
	ids := map[string]session.ID{}
	for i, ip := range hostileAddresses() {
		h := hostile[i].text
		ids[hostile[i].name] = site.add(h, session.Client{IP: ip, UserAgent: h}, map[string]any{
			"value": h, "nested": map[string]any{h: []string{h}},
		})
		site.add("olga", session.Client{IP: ip, UserAgent: h}, nil)
	}
	p := newTab(t, site.URL, desktop.with(func(d *device) { d.userAgent = `"><script>alert(1)</script>` }))
	call(p, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: network.Headers{
		"X-Forwarded-For": `<script>alert(1)</script>`, "Forwarded": `for="<script>alert(1)</script>"`,
	}})
	p.signIn("olga", accountPath)
	p.wantTexts("", ".card h2 bdi", ".card .detail bdi", ".card dl div:first-child dd", "summary .hidden")
	p.check("hostile-account")
	p.open(adminPath)
	p.wantTexts("", "td:nth-child(3) bdi", "td:nth-child(8) bdi", "td:nth-child(9) bdi")
	p.check("hostile-admin")
	p.open(adminPath + "charts")
	for _, name := range []string{"element", "attribute", "terminal"} { // others are among the others
		p.wantTexts(name, "section:nth-child(1) bdi", "section:nth-child(2) bdi", "section:nth-child(3) bdi")
	}
	p.check("hostile-charts")
	for _, h := range hostile {
		p.open(adminPath + ids[h.name].String())
		p.wantTexts(h.name, ".name bdi", "dl.table dt bdi", "dl.table dd bdi", "dl.values pre")
		p.open(adminPath + "?" + url.Values{"user": {h.text}, "text": {h.text}}.Encode())
		if got := eval[[]string](p, `[...document.querySelectorAll("[name=user], [name=text]")].map(e => e.value)`); got[0] != h.text || !slices.Contains(got, h.text) {
			t.Errorf("%s: got fields %q", h.name, got)
		}
		p.wantTexts(h.name, "td:nth-child(3) bdi")
		p.click(button("Sign out all of this search…"))
		p.wantTexts(h.name, "dd bdi")
	}
	p.open(adminPath + ids["element"].String())
	p.check("hostile-session")
}

// hostileAddresses are where the hostile strings are from.
func hostileAddresses() (all []netip.Addr) {
	ip := netip.MustParseAddr("192.0.2.0")
	for range hostile {
		ip = ip.Next()
		all = append(all, ip)
	}
	return all
}

// wantTexts wants that what is known of the sessions of one name, or of all, is there as text, and did nothing.
func (p *tab) wantTexts(name string, selectors ...string) {
	p.t.Helper()
	for _, sel := range selectors {
		got := eval[[]string](p, fmt.Sprintf("[...document.querySelectorAll(%q)].map(e => e.textContent)", sel))
		for _, h := range hostile {
			if name != "" && h.name != name {
				continue
			}
			if !slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, h.shown) || strings.Contains(s, jsonText(h.shown)) }) {
				p.t.Errorf("%s, %s, %s: got %q, want %q", p.address(), h.name, sel, got, h.shown)
			}
		}
	}
	if errors := p.invalid(); len(errors) > 0 {
		p.t.Errorf("%s: %q", p.address(), errors)
	}
	// What templates make of themselves are one script, links into the site, and pictures of lines.
	const foreign = `[
		...document.querySelectorAll("img, b:not(.who b), textarea, iframe, object, embed, base, [style], body script"),
		...[...document.querySelectorAll("a, form, link")].filter(e => new URL(e.href ?? e.action).origin !== location.origin),
		...[...document.querySelectorAll("*")].filter(e => [...e.attributes].some(a => a.name.startsWith("on"))),
	].map(e => e.outerHTML)`
	if got := eval[[]string](p, foreign); len(got) > 0 {
		p.t.Errorf("%s: elements that no template made: %q", p.address(), got)
	}
}

// jsonText is how stored values show a string.
func jsonText(s string) string {
	return strings.NewReplacer(`"`, `\"`, "<", `\u003c`, ">", `\u003e`, "&", `\u0026`, "␛", `\u001b`).Replace(s)
}
