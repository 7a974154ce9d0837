package pages

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/session"
)

func files(pairs ...string) fstest.MapFS {
	fs := fstest.MapFS{}
	for i := 0; i+1 < len(pairs); i += 2 {
		fs[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1])}
	}
	return fs
}

// TestConfigWrong wants an error that names the field for each wrong one, of both pages where both have it. SEC-36: an
// admin page that nobody guards is one of them.
func TestConfigWrong(t *testing.T) {
	m, err := session.New(new(memory.Store), session.Config{})
	if err != nil {
		t.Fatal(err)
	}
	anybody := func(*http.Request, session.Session) bool { return true }
	for name, c := range map[string]Config{
		"Path: root":               {Path: "/"},
		"Path: two slashes alone":  {Path: "//"},
		"Path: relative":           {Path: "account"},
		"Path: dots":               {Path: "/a/../b"},
		"Path: two slashes":        {Path: "/a//b"},
		"Path: at the end":         {Path: "/a//"},
		"Path: wildcard":           {Path: "/{id}"},
		"Path: of a host":          {Path: "example.com/a"},
		"Path: with a method":      {Path: "GET /a"},
		"Path: with a query":       {Path: "/a?b"},
		"Path: hostile":            {Path: `/"><script>`},
		"RequireFresh":             {RequireFresh: -1},
		"FreshToRevoke":            {FreshToRevoke: 2 * time.Hour, RequireFresh: time.Hour},
		"Languages: none":          {Languages: []*Language{}},
		"Languages: nil":           {Languages: []*Language{English(), nil}},
		"Languages: zero":          {Languages: []*Language{{}}},
		"Languages: twice":         {Languages: []*Language{German(), English(), German()}},
		"Templates: none":          {Templates: files()},
		"Templates: elsewhere":     {Templates: files("templates/account.html", "x")},
		"Templates: name":          {Templates: files("acount.html", "x")},
		"Templates: syntax":        {Templates: files("error.html", "{{if}}")},
		"Templates: no such":       {Templates: files("error.html", `{{template "nope"}}`)},
		"Templates: field":         {Templates: files("error.html", "{{.Nope}}")},
		"Templates: argument":      {Templates: files("error.html", "{{.T 1}}")},
		"Templates: context":       {Templates: files("error.html", `<a href='{{if .User}}"{{else}}'{{end}}>`)},
		"Templates: of one branch": {Templates: files("layout.html", `{{define "top"}}{{if .User}}{{.Nope}}{{end}}{{end}}{{define "bottom"}}{{end}}{{define "time"}}{{end}}{{define "icon"}}{{end}}`)},
	} {
		field, _, _ := strings.Cut(name, ":")
		a, err := NewAccount(m, AccountConfig{Config: c})
		if err == nil || !strings.Contains(err.Error(), "Config."+field) {
			t.Errorf("account, %s: got %v, %v", name, a, err)
		}
		b, err := NewAdmin(m, AdminConfig{Config: c, Authorize: anybody})
		if err == nil || !strings.Contains(err.Error(), "Config."+field) {
			t.Errorf("admin, %s: got %v, %v", name, b, err)
		}
	}
	for field, c := range map[string]AccountConfig{
		"Links[0]":      {Config: Config{Links: []Link{{URL: "/"}}}},
		"Links[1]":      {Config: Config{Links: []Link{{"Home", "/"}, {"Bad", "javascript:alert(1)"}}}},
		"SignedOut":     {SignedOut: "javascript:alert(1)"},
		"SignedOut ":    {SignedOut: "bye"},
		"SignedOut  ":   {SignedOut: "//example.com/"},
		"SignedOut   ":  {SignedOut: "https://example.com;script-src *"},
		"SignedOut    ": {SignedOut: "https://example.com%20*/"},
		"Templates":     {Config: Config{Templates: files("account.html", "{{range .Data.Sessions}}{{if not .Current}}{{.Nope}}{{end}}{{end}}")}},
		"Templates ":    {Config: Config{Templates: files("account.html", "{{if .Data.More}}{{.Nope}}{{end}}")}},
		"Templates  ":   {Config: Config{Templates: files("session.html", "{{if .Data.Live}}{{.Nope}}{{end}}")}},
		"Templates   ":  {Config: Config{Templates: files("account.html", "{{if .SignIn}}{{.Nope}}{{end}}")}},
		"Templates    ": {Config: Config{Templates: files("account.html", "{{if not .SignIn}}{{.Nope}}{{end}}")}},
	} {
		a, err := NewAccount(m, c)
		if err == nil || !strings.Contains(err.Error(), "Config."+strings.TrimSpace(field)) {
			t.Errorf("%s: got %v, %v", field, a, err)
		}
	}
	for field, c := range map[string]AdminConfig{
		"Authorize":     {},
		"PageSize":      {Authorize: anybody, PageSize: -1},
		"PageSize ":     {Authorize: anybody, PageSize: maxPage + 1},
		"Templates":     {Authorize: anybody, Config: Config{Templates: files("session.html", "{{if .Data.Corrupt}}{{.Nope}}{{end}}")}},
		"Templates ":    {Authorize: anybody, Config: Config{Templates: files("confirm.html", "{{if not .Data.Sessions}}{{.Nope}}{{end}}")}},
		"Templates  ":   {Authorize: anybody, Config: Config{Templates: files("progress.html", "{{.Nope}}")}},
		"Templates   ":  {Authorize: anybody, Config: Config{Templates: files("charts.html", "{{range .Data.Hours.Hours}}{{.Nope}}{{end}}")}},
		"Templates    ": {Authorize: anybody, Config: Config{Templates: files("admin.html", "{{if .Data.Continue}}{{.Nope}}{{end}}")}},
	} {
		a, err := NewAdmin(m, c)
		if err == nil || !strings.Contains(err.Error(), "Config."+strings.TrimSpace(field)) {
			t.Errorf("%s: got %v, %v", field, a, err)
		}
	}
	if _, err := NewAccount(nil, AccountConfig{}); err == nil {
		t.Error("an account page of no manager")
	}
	if _, err := NewAdmin(nil, AdminConfig{Authorize: anybody}); err == nil {
		t.Error("an admin page of no manager")
	}
}

// TestTemplates replaces each template by one of its own, alone.
func TestTemplates(t *testing.T) {
	for name, page := range map[string]string{
		"account.html": accountPath, "admin.html": adminPath, "charts.html": adminPath + "charts", "error.html": adminPath + "nope",
		"session.html": adminPath + "{id}",
	} {
		config := Config{Templates: files(name, `{{template "top" .}}replaced {{.Show "<b>"}}{{template "bottom" .}}`)}
		f := start(t, options{account: AccountConfig{Config: config}, admin: AdminConfig{Config: config}})
		b := f.browser(t, "one")
		b.signIn("olga")
		for _, path := range []string{accountPath, adminPath, adminPath + "charts", adminPath + "nope", adminPath + "{id}"} {
			a := b.get(strings.ReplaceAll(path, "{id}", b.id().String()))
			if has := strings.Contains(a.body, "replaced &lt;b&gt;"); has != (path == page) || !strings.Contains(a.body, `<link rel="stylesheet"`) {
				t.Errorf("%s with another %s: %s", path, name, a.text())
			}
		}
	}
	f := start(t, options{account: AccountConfig{Config: Config{Templates: files("layout.html", `
		{{define "top"}}<html lang="{{.Language}}">new top{{end}}{{define "bottom"}}</html>{{end}}`)}}})
	b := f.browser(t, "one")
	b.signIn("olga")
	b.get(accountPath).want(t, http.StatusOK, "new top", `<time datetime="`)
}

// TestTemplateFails wants a whole error page, and nothing of the page whose template fails with some data only.
func TestTemplateFails(t *testing.T) {
	var log lockedBuffer
	config := Config{
		Templates: files("account.html", `half a page{{range .Data.Sessions}}{{if eq .UserAgent "break"}}{{index $.Data.Sessions 99}}{{end}}{{end}}`),
		Logger:    textLog(&log),
	}
	f := start(t, options{account: AccountConfig{Config: config}})
	b := f.browser(t, "whole")
	b.signIn("alice")
	b.get(accountPath).want(t, http.StatusOK, "half a page")
	f.browser(t, "break").signIn("alice")
	a := b.get(accountPath)
	a.want(t, http.StatusInternalServerError, "Something went wrong", "</html>")
	a.without(t, "half a page", "out of range")
	if !strings.Contains(log.String(), "account.html") {
		t.Errorf("the log is %s", log.String())
	}
}

// TestPath mounts a page elsewhere: all its links lead there.
func TestPath(t *testing.T) {
	for _, path := range []string{"/a/b-c_d.e~1", "/a/b-c_d.e~1/"} {
		f := start(t, options{account: AccountConfig{Config: Config{Path: path}}})
		b, other := f.browser(t, "one"), f.browser(t, "two")
		b.signIn("alice")
		other.signIn("alice")
		a := b.get("/a/b-c_d.e~1/")
		a.want(t, http.StatusOK, `href="/a/b-c_d.e~1/assets/style-`, `action="/a/b-c_d.e~1/revoke-others"`)
		a.without(t, accountPath, "//a/", "e~1//")
		a = b.post("/a/b-c_d.e~1/"+other.id().String()+"/revoke", nil)
		if to := a.header.Get("Location"); a.status != http.StatusSeeOther || to != "/a/b-c_d.e~1/" {
			t.Errorf("%d to %s", a.status, to)
		}
	}
}

// TestLinks wants the ways to the application on every page, also for who is signed out, and as text.
func TestLinks(t *testing.T) {
	f := start(t, options{account: AccountConfig{Config: Config{Links: []Link{{"Shop & <more>", "/shop?a=1&b=2"}}}}})
	b := f.browser(t, "one")
	const want = `<a href="/shop?a=1&amp;b=2">Shop &amp; &lt;more&gt;</a>`
	for _, user := range []string{"", "alice"} {
		if user != "" {
			b.signIn(user)
		}
		if got := b.get(accountPath); !strings.Contains(got.body, want) {
			t.Errorf("as %q: got %d %s", user, got.status, got.body)
		}
	}
}

// TestSignedOutElsewhere wants browsers to follow a sign-out to another origin: Chromium asks form-action about that too.
func TestSignedOutElsewhere(t *testing.T) {
	f := start(t, options{account: AccountConfig{SignedOut: "https://www.example.com:8443/bye"}})
	b := f.browser(t, "one")
	b.signIn("olga")
	if got := b.get(accountPath).header.Get("Content-Security-Policy"); !strings.Contains(got, "form-action 'self' https://www.example.com:8443;") {
		t.Errorf("account: %s", got)
	}
	if got := b.get(adminPath).header.Get("Content-Security-Policy"); !strings.Contains(got, "form-action 'self';") {
		t.Errorf("admin: %s", got)
	}
}

// TestTimeZone takes the reader's zone from the configuration, or else from an enricher, or else UTC.
func TestTimeZone(t *testing.T) {
	enricher := session.EnricherFunc(func(_ context.Context, c session.Client) (session.Facts, error) {
		return session.Facts{Location: session.Location{City: "x", TimeZone: c.UserAgent}}, nil
	})
	for zone, want := range map[string]string{
		"Asia/Tehran": "&#43;0330", "": "UTC", "Local": "UTC", "No/Where": "UTC", "../../etc/passwd": "UTC", "/etc/localtime": "UTC",
	} {
		for _, fixed := range []bool{false, true} {
			c := AccountConfig{}
			want := want
			if fixed {
				c.TimeZone = func(*http.Request) *time.Location { return time.FixedZone("ZZZ", 3600) }
				want = "ZZZ"
			}
			f := start(t, options{sessions: session.Config{Enrichers: []session.Enricher{enricher}}, account: c})
			b := f.browser(t, zone)
			b.signIn("alice")
			for _, path := range []string{"", b.id().String()} {
				b.get(accountPath+path).want(t, http.StatusOK, " "+want+`"`)
			}
		}
	}
}
