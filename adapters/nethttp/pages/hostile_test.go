package pages

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/qsessions/qsessions/core/clientip"
	"github.com/qsessions/qsessions/core/session"
)

// hostile are texts that mean something to browsers, terminals, spreadsheets, logs or readers.
var hostile = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' onmouseover='alert(1)`, `</title></bdi></dd><script>x</script>`,
	"\x1b[31mred\x1b]0;title\x07", "\u202egpj.exe\u2066x\u200f", "=cmd()|' /C calc'!A0", "line\nSet-Cookie: a=b\r\nX: y", "nul\x00byte",
	"sep\u2028\u2029", "bad\xff\xfe\xc3(", "{{.Home}} {n} {user} %s", "javascript:alert(1)", "<!-- --> ]]> &lt;b&gt; &#60;",
	strings.Repeat("\u0301", 40), "\ufdd0\ufffe\U0001ffff", "\x7f\u0085\u009b31m",
}

var formValue = regexp.MustCompile(`value="[^"]*"`)

// harmless fails the test if a page has markup of a hostile text, or a character that does not show itself.
func harmless(t *testing.T, what string, a answer) {
	t.Helper()
	for _, markup := range []string{"<script>", "<img", " onerror=alert(1)>", "' onmouseover='", "</title></bdi>", "<!-- -->", `href="javascript:`, `src=x`} {
		if at := strings.Index(a.body, markup); at >= 0 && !(markup == "src=x" || markup == " onerror=alert(1)>") {
			t.Errorf("%s: the page has %q: …%s…", what, markup, a.body[max(at-80, 0):min(at+80, len(a.body))])
		}
	}
	if n := strings.Count(a.body, "<script"); n != 1 || strings.Count(a.body, "<title>") != 1+strings.Count(a.body, "<g><title>") {
		t.Errorf("%s: %d scripts", what, n)
	}
	if !utf8.ValidString(a.body) {
		t.Errorf("%s: the page is not UTF-8", what)
	}
	outside := formValue.ReplaceAllString(a.body, "") // a form must send back what it was given
	for _, r := range outside {
		if r < ' ' && r != '\n' && r != '\t' || r >= 0x7f && r < 0xa0 || strings.ContainsRune("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u2028\u2029\ufdd0\ufffe\U0001ffff", r) {
			t.Errorf("%s: the page has %U", what, r)
		}
	}
	for name, values := range a.header {
		for _, v := range values {
			if strings.ContainsAny(v, "\r\n\x00\x1b") || strings.EqualFold(name, "X") {
				t.Errorf("%s: header %s: %q", what, name, v)
			}
		}
	}
}

// TestHostile: BAD-23. What a client, a user, an enricher, a stored value or an address of the application says is shown as
// text on every page.
func TestHostile(t *testing.T) {
	for n, text := range hostile {
		user := strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", "0"), "?")
		facts := session.EnricherFunc(func(context.Context, session.Client) (session.Facts, error) {
			return session.Facts{
				Device: session.Device{
					Kind: session.DeviceKind(text), Family: text, Brand: text, Model: text,
					OS: session.Product{Name: text, Major: text}, Browser: session.Product{Name: text, Major: text},
				},
				Location: session.Location{City: text, Country: text, CountryCode: text, TimeZone: text},
				Extra:    map[string]string{text: text},
			}, nil
		})
		o := options{admin: AdminConfig{
			ShowValues: func(*http.Request, session.Session, session.Info) bool { return true },
			UserURL:    func(string) string { return text },
		}, clientIP: must(clientip.New(clientip.Config{Trusted: clientip.Private()}))}
		for _, withFacts := range []bool{false, true} {
			if withFacts {
				o.sessions.Enrichers = []session.Enricher{facts}
			}
			f := start(t, o)
			olga, b := f.browser(t, "olga"), f.browser(t, "")
			olga.signIn("olga")
			b.header.Set("X-Forwarded-For", strings.Map(func(r rune) rune {
				if r < ' ' || r > '~' {
					return -1
				}
				return r
			}, text))
			f.client = func() session.Client { return session.Client{UserAgent: text} }
			if n%2 == 0 {
				f.client = nil
				if !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
					b.agent = text
				}
			}
			value := strings.Trim(strings.Map(func(r rune) rune {
				if r < ' ' || r >= 0x7f && r < 0xa0 {
					return -1
				}
				return r
			}, strings.ToValidUTF8(text, "")), "_")
			b.signIn(user, "v"+value, strings.ToValidUTF8(text, "\ufffd")) // JSON takes no other
			f.client = nil
			id := b.id().String()
			for _, path := range []string{
				adminPath, adminPath + "?user=" + url.QueryEscape(user), adminPath + "?text=" + url.QueryEscape(strings.ToValidUTF8(text, "")),
				adminPath + id, adminPath + "charts", adminPath + "?ip=" + url.QueryEscape("fe80::1%"+text), adminPath + url.PathEscape(text),
				adminPath + "?done=" + url.QueryEscape(text) + "&n=1", adminPath + "?state=" + url.QueryEscape(text),
			} {
				harmless(t, fmt.Sprintf("%q %s", text, path), olga.get(path))
			}
			for _, path := range []string{accountPath, accountPath + id, accountPath + "?page=" + url.QueryEscape(text)} {
				harmless(t, fmt.Sprintf("%q %s", text, path), b.get(path))
			}
			for _, form := range []url.Values{
				{"id": {id}}, {"user": {user}, "all": {"1"}}, {"text": {strings.ToValidUTF8(text, "")}, "all": {"1"}}, {"id": {text}},
				{"ip": {"fe80::1%" + text}, "all": {"1"}},
			} {
				harmless(t, fmt.Sprintf("%q %v", text, form), olga.post(adminPath+"revoke", form))
			}
			if page := olga.get(adminPath + "?user=" + url.QueryEscape(user)); page.forms()[0].Get("user") != strings.ReplaceAll(user, "\r", "\n") &&
				page.forms()[0].Get("user") != user {
				t.Errorf("%q: the form has user %q", text, page.forms()[0].Get("user"))
			}
		}
	}
}

// TestHostileSignIn wants no address that runs something, whatever the application's function returns, and no way back
// that leads elsewhere.
func TestHostileSignIn(t *testing.T) {
	for _, text := range append(hostile, "JaVaScRiPt:alert(1)", "\tjavascript:alert(1)", "data:text/html,<script>alert(1)</script>", "vbscript:x") {
		f := start(t, options{account: AccountConfig{Config: Config{SignIn: func(string) string { return text }}}})
		a := f.browser(t, "x").get(accountPath)
		a.want(t, http.StatusUnauthorized)
		harmless(t, fmt.Sprintf("%q", text), a)
		if strings.Contains(strings.ToLower(a.body), `href="javascript`) || strings.Contains(a.body, `href="data`) || strings.Contains(a.body, `href="vb`) {
			t.Errorf("%q: %s", text, a.body)
		}
	}
	var back []string
	f := start(t, options{account: AccountConfig{Config: Config{SignIn: func(b string) string { back = append(back, b); return "/" }}}})
	b := f.browser(t, "x")
	for _, path := range []string{
		accountPath + "?next=//evil.example", accountPath + "%2f%2fevil.example", "//evil.example" + accountPath, accountPath + "..%2f..%2f%2fevil.example",
		accountPath + `\evil.example`, accountPath + "?a=%0d%0aSet-Cookie:x",
	} {
		b.get(path)
	}
	for _, path := range back {
		if !strings.HasPrefix(path, accountPath) || strings.ContainsAny(path, "\r\n") {
			t.Errorf("back to %q", path)
		}
	}
	if len(back) < 2 {
		t.Error("nobody asked for a sign-in")
	}
}

// TestNoSecrets: SEC-23, CVE-35. No page, no header but Set-Cookie, and no log has a token, a verifier or a digest, and no
// page or log has the values of a session, unless they may be shown.
func TestNoSecrets(t *testing.T) {
	db := &wired{}
	var log lockedBuffer
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	f := start(t, options{
		store: db, sessions: session.Config{Logger: logger},
		account: AccountConfig{Config: Config{Logger: logger}}, admin: AdminConfig{Config: Config{Logger: logger}},
	})
	olga, alice, other := f.browser(t, "olga"), f.browser(t, "alice"), f.browser(t, "other")
	olga.signIn("olga", "pin", "tell-nobody")
	alice.signIn("alice", "pin", "tell-nobody")
	other.signIn("alice", "pin", "tell-nobody")
	secrets := []string{"tell-nobody", base64.StdEncoding.EncodeToString([]byte("tell-nobody")), hex.EncodeToString([]byte("tell-nobody"))}
	note := func(browsers ...*browser) {
		for _, b := range browsers {
			token := b.cookie()
			raw := must(base64.RawURLEncoding.DecodeString(token))
			r := must(f.store.Load(t.Context(), b.id()))
			for _, secret := range [][]byte{raw[16:], r.Secret[3:35]} {
				secrets = append(secrets, string(secret), hex.EncodeToString(secret), strings.ToUpper(hex.EncodeToString(secret)),
					base64.StdEncoding.EncodeToString(secret), base64.RawURLEncoding.EncodeToString(secret), fmt.Sprint(secret))
			}
			secrets = append(secrets, token, token[22:])
		}
	}
	note(olga, alice, other)
	check := func(what string, a answer) {
		t.Helper()
		var b strings.Builder
		b.WriteString(a.body)
		for name, values := range a.header {
			if name != "Set-Cookie" {
				fmt.Fprintln(&b, name, values)
			}
		}
		for _, secret := range secrets {
			if strings.Contains(b.String(), secret) {
				t.Errorf("%s has %q", what, secret)
			}
		}
	}
	ids := []string{alice.id().String(), olga.id().String()}
	for _, accept := range []string{"text/html", "application/json"} {
		for _, b := range []*browser{olga, alice} {
			b.header.Set("Accept", accept)
			for _, path := range []string{
				accountPath, accountPath + ids[0], accountPath + ids[1], adminPath, adminPath + ids[0], adminPath + ids[1], adminPath + "charts",
				adminPath + "?text=a", adminPath + "?user=alice", accountPath + alice.cookie(),
			} {
				check(path, b.get(path))
			}
		}
		for _, fault := range []func(string) error{always(errOut), only(errOut, "Save", "Delete", "DeleteUser")} {
			db.set(fault, nil)
			for _, path := range []string{accountPath, accountPath + ids[0], adminPath} {
				check(path, alice.get(path))
			}
			for _, path := range []string{accountPath + "revoke-others", accountPath + "sign-out", accountPath + ids[0] + "/revoke"} {
				check(path, alice.post(path, nil))
			}
			db.set(nil, nil)
		}
	}
	olga.header.Set("Accept", "text/html")
	check("question", olga.post(adminPath+"revoke", url.Values{"user": {"alice"}, "all": {"1"}}))
	check("others", alice.post(accountPath+"revoke-others", nil))
	note(alice)
	check("after others", alice.get(accountPath))
	check("sign-out", alice.post(accountPath+"sign-out", nil))
	if log.String() == "" {
		t.Error("nothing was logged: the test shows nothing")
	}
	check("log", answer{body: log.String()})
}
