package pages

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/qsessions/qsessions/core/store"
)

var golden = map[string]string{
	"Content-Security-Policy":      "default-src 'none'; img-src 'self'; script-src 'self'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
	"X-Content-Type-Options":       "nosniff",
	"Referrer-Policy":              "same-origin",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Cross-Origin-Opener-Policy":   "same-origin",
	"Cache-Control":                "no-store",
}

// TestHeaders: SEC-25. Every answer has the same headers, whatever it is: a page, an error, a redirect, JSON.
func TestHeaders(t *testing.T) {
	db := &wired{}
	f := start(t, options{store: db})
	olga, nobody := f.browser(t, "olga"), f.browser(t, "nobody")
	olga.signIn("olga")
	id := f.insert(t, 5, func(_ int, r *store.Record) { r.User = "olga" })
	check := func(b *browser, status int, method, path string, form url.Values) answer {
		t.Helper()
		a := b.do(method, path, form)
		if a.status != status {
			t.Errorf("%s %s: %d, want %d: %s", method, path, a.status, status, a.text())
		}
		for name, want := range golden {
			if got := a.header.Values(name); len(got) != 1 || got[0] != want {
				t.Errorf("%s %s: %s is %q, want %q", method, path, name, got, want)
			}
		}
		if vary := strings.Join(a.header.Values("Vary"), ", "); a.header.Get("Location") == "" &&
			(!strings.Contains(vary, "Accept, Accept-Language") || status == http.StatusOK && !strings.Contains(vary, "Cookie")) {
			t.Errorf("%s %s: Vary is %q", method, path, vary)
		}
		if strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
			if a.header.Get("Content-Type") != "text/html; charset=utf-8" || a.header.Get("Content-Language") != "en" {
				t.Errorf("%s %s: %v", method, path, a.header)
			}
			for _, inline := range []string{"<style", " style=", " onclick", " onload", "javascript:", "http:", "https:", "<script>"} {
				if strings.Contains(a.body, inline) {
					t.Errorf("%s %s has %q", method, path, inline)
				}
			}
		}
		return a
	}
	for _, accept := range []string{"text/html", "application/json"} {
		olga.header.Set("Accept", accept)
		nobody.header.Set("Accept", accept)
		for _, path := range []string{accountPath, accountPath + id[0].String(), adminPath, adminPath + id[0].String()} {
			check(olga, http.StatusOK, "GET", path, nil)
			check(nobody, http.StatusUnauthorized, "GET", path, nil)
			if a := check(olga, http.StatusMethodNotAllowed, "DELETE", path, nil); a.header.Get("Allow") != "GET, HEAD" {
				t.Errorf("%s: Allow is %q", path, a.header.Get("Allow"))
			}
		}
		for _, path := range []string{
			accountPath + id[0].String() + "/revoke", accountPath + "revoke-others", accountPath + "sign-out",
			adminPath + id[0].String() + "/revoke", adminPath + "revoke",
		} {
			for _, method := range []string{"GET", "HEAD", "PUT", "OPTIONS"} { // SEC-25: nothing is revoked by following a link
				if a := check(olga, http.StatusMethodNotAllowed, method, path, nil); a.header.Get("Allow") != "POST" {
					t.Errorf("%s: Allow is %q", path, a.header.Get("Allow"))
				}
			}
		}
		for _, path := range []string{accountPath + "x", accountPath + "a/b/c", adminPath + "assets/", adminPath + "assets/style.css"} {
			check(olga, http.StatusNotFound, "GET", path, nil)
		}
		check(nobody, http.StatusNotFound, "GET", accountPath+"a/b/c", nil)
	}
	if len(f.ids(t, "olga")) != 6 {
		t.Fatal("a session has ended")
	}
	olga.header.Set("Accept", "text/html")
	check(olga, http.StatusOK, "GET", adminPath+"charts", nil)
	check(olga, http.StatusBadRequest, "GET", adminPath+"?limit=x", nil)
	check(olga, http.StatusOK, "POST", adminPath+"revoke", url.Values{"id": {id[0].String()}})
	check(olga, http.StatusRequestEntityTooLarge, "POST", adminPath+"revoke", url.Values{"text": {strings.Repeat("x", maxBody)}})
	check(olga, http.StatusSeeOther, "POST", adminPath+id[0].String()+"/revoke", nil)
	check(olga, http.StatusSeeOther, "POST", accountPath+id[1].String()+"/revoke", nil)
	olga.header.Set("Origin", "https://evil.example")
	check(olga, http.StatusForbidden, "POST", accountPath+"sign-out", nil)
	olga.header.Del("Origin")
	db.set(always(errOut), nil)
	check(olga, http.StatusServiceUnavailable, "GET", accountPath, nil)
	db.set(nil, nil)
	check(olga, http.StatusSeeOther, "POST", accountPath+"sign-out", nil)
}

// TestAssets: SEC-25. Assets have their types, may be kept for ever, and cost and say nothing of sessions.
func TestAssets(t *testing.T) {
	db := &wired{}
	f := start(t, options{store: db})
	b := f.browser(t, "olga")
	b.signIn("olga")
	for _, mount := range []string{accountPath, adminPath} {
		page := b.get(mount)
		for _, name := range []string{"style-", "times-"} {
			_, rest, _ := strings.Cut(page.body, mount+"assets/"+name)
			suffix, _, _ := strings.Cut(rest, `"`)
			path := mount + "assets/" + name + suffix
			db.taken()
			a := b.get(path)
			kind := map[string]string{"style-": "text/css; charset=utf-8", "times-": "text/javascript; charset=utf-8"}[name]
			if a.status != http.StatusOK || a.header.Get("Content-Type") != kind || len(a.body) == 0 {
				t.Errorf("%s: %d %v", path, a.status, a.header)
			}
			if calls := db.taken(); len(calls) != 0 || a.header.Get("Set-Cookie") != "" || strings.Contains(a.header.Get("Vary"), "Cookie") {
				t.Errorf("%s: %v %v", path, calls, a.header)
			}
			for field, want := range golden {
				if field == "Cache-Control" {
					want = "public, max-age=31536000, immutable"
				}
				if got := a.header.Values(field); len(got) != 1 || got[0] != want {
					t.Errorf("%s: %s is %q", path, field, got)
				}
			}
			if post := b.post(path, nil); post.status != http.StatusMethodNotAllowed || post.header.Get("Cache-Control") != "no-store" {
				t.Errorf("POST %s: %d %v", path, post.status, post.header)
			}
		}
	}
	if strings.Contains(string(must(assetFiles.ReadFile("assets/style.css"))), "url(") {
		t.Error("the style sheet loads something")
	}
}

// TestCrossOrigin: SEC-25, CVE-2025-24358, CVE-2025-47909. Every route that changes something refuses posts of other
// origins: of the same site, of none ("null"), of a trusted host by another scheme; with and without Sec-Fetch-Site.
func TestCrossOrigin(t *testing.T) {
	trusting := http.NewCrossOriginProtection()
	if err := trusting.AddTrustedOrigin("https://trusted.example"); err != nil {
		t.Fatal(err)
	}
	f := start(t, options{
		account: AccountConfig{Config: Config{CrossOrigin: trusting}}, admin: AdminConfig{Config: Config{CrossOrigin: trusting}},
	})
	b, victim := f.browser(t, "olga"), f.browser(t, "victim")
	b.signIn("olga")
	victim.signIn("olga")
	id := victim.id().String()
	routes := []string{
		accountPath + id + "/revoke", accountPath + "revoke-others", accountPath + "sign-out", adminPath + id + "/revoke", adminPath + "revoke",
		accountPath + "api/" + id + "/revoke", accountPath + "api/revoke-others", accountPath + "api/sign-out",
		adminPath + "api/" + id + "/revoke", adminPath + "api/revoke",
	}
	form := url.Values{"all": {"1"}, "confirm": {"1"}, "everyone": {"1"}}
	for _, from := range []http.Header{
		{"Sec-Fetch-Site": {"cross-site"}},
		{"Sec-Fetch-Site": {"same-site"}},
		{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://evil.example"}},
		{"Sec-Fetch-Site": {"cross-site"}, "Origin": {strings.Replace(f.url, "http:", "https:", 1)}}, // the same host by another scheme
		{"Sec-Fetch-Site": {"cross-site"}, "Origin": {f.url}},
		{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"http://trusted.example"}},
		{"Sec-Fetch-Site": {"same-site"}, "Origin": {"https://sub.trusted.example"}},
		{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://trusted.example.evil.example"}},
		{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"null"}},
		{"Sec-Fetch-Site": {"nonsense"}},
		{"Origin": {"https://evil.example"}},
		{"Origin": {"http://trusted.example"}},
		{"Origin": {"null"}},
		{"Origin": {f.url + ".evil.example"}},
		{"Origin": {""}, "Sec-Fetch-Site": {"cross-site"}},
	} {
		for _, route := range routes {
			for _, accept := range []string{"text/html", "application/json"} {
				b.header = from.Clone()
				b.header.Set("Accept", accept)
				a := b.post(route, form)
				if a.status != http.StatusForbidden || len(a.header.Values("Set-Cookie")) != 0 {
					t.Errorf("%v: POST %s: %d", from, route, a.status)
				}
			}
		}
	}
	if b.user() != "olga" || victim.user() != "olga" {
		t.Fatal("somebody is signed out")
	}
	for _, from := range []http.Header{
		{"Sec-Fetch-Site": {"same-origin"}}, {"Sec-Fetch-Site": {"none"}}, {"Origin": {f.url}}, {"Origin": {"https://trusted.example"}},
		{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://trusted.example"}}, {},
	} {
		b.header = from.Clone()
		if a := b.post(accountPath+"revoke-others", nil); a.status != http.StatusSeeOther {
			t.Errorf("%v: %d", from, a.status)
		}
	}
	b.header = http.Header{"Sec-Fetch-Site": {"cross-site"}}
	b.get(accountPath).want(t, http.StatusOK) // a link from elsewhere is a link
}

// TestHeaderTransport has the token in a header instead of a cookie.
func TestHeaderTransport(t *testing.T) {
	o := options{account: AccountConfig{}}
	o.sessions.Header = "X-Session"
	f := start(t, o)
	b, other := f.browser(t, "one"), f.browser(t, "two")
	for _, b := range []*browser{b, other} {
		a := b.post("/sign-in", url.Values{"user": {"alice"}})
		b.header.Set("X-Session", a.header.Get("X-Session"))
	}
	list := b.get(accountPath)
	list.want(t, http.StatusOK)
	rows := list.rows(t)
	a := b.post(accountPath+rows[1].String()+"/revoke", nil)
	a.want(t, http.StatusSeeOther)
	if other.user() != "" || b.user() != "alice" {
		t.Fatalf("%q, %q", other.user(), b.user())
	}
	a = b.post(accountPath+"revoke-others", nil)
	b.header.Set("X-Session", a.header.Get("X-Session"))
	if b.user() != "alice" {
		t.Fatal("the new token is not in the header")
	}
	a = b.post(accountPath+"sign-out", nil)
	if got, ok := a.header["X-Session"]; !ok || !slices.Equal(got, []string{""}) || b.user() != "" {
		t.Errorf("signed out: %v", a.header)
	}
}

// TestAPIFetch: another site's page cannot even read from the API; a script, a person who types the address, and an
// origin that is trusted can.
func TestAPIFetch(t *testing.T) {
	trust := http.NewCrossOriginProtection()
	if err := trust.AddTrustedOrigin("https://trusted.example"); err != nil {
		t.Fatal(err)
	}
	f := start(t, options{account: AccountConfig{Config: Config{CrossOrigin: trust}}})
	b := f.browser(t, "one")
	b.signIn("alice")
	for _, test := range []struct {
		site, origin string
		status       int
	}{
		{"", "", http.StatusOK}, {"none", "", http.StatusOK}, {"same-origin", "", http.StatusOK}, {"cross-site", "", http.StatusForbidden}, {"same-site", "", http.StatusForbidden},
		{"cross-site", "https://evil.example", http.StatusForbidden}, {"cross-site", "https://trusted.example", http.StatusOK},
	} {
		b.header.Set("Sec-Fetch-Site", test.site)
		b.header.Set("Origin", test.origin)
		for _, path := range []string{accountAPI, accountAPI + b.id().String()} {
			if got := b.get(path); got.status != test.status {
				t.Errorf("%s with %q, %q: got %d", path, test.site, test.origin, got.status)
			}
		}
		b.get(accountPath).want(t, http.StatusOK)
	}
}
