package pages

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/qsessions/qsessions/core/session"
)

const (
	accountAPI = "/account/sessions/api/"
	adminAPI   = "/admin/sessions/api/"
)

// json posts a body in JSON; "": none.
func (b *browser) json(method, path, body string) answer {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header = b.header.Clone()
	if body != "" && r.Header.Get("Content-Type") == "" {
		r.Header.Set("Content-Type", "application/json")
	}
	response, err := b.client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer response.Body.Close()
	all, err := io.ReadAll(response.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, string(all)}
}

// into decodes a body, strictly.
func (a answer) into(t *testing.T, v any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(a.body))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		t.Fatalf("%d %s: %v", a.status, a.body, err)
	}
}

// is checks that a is a problem of the given name.
func (a answer) is(t *testing.T, status int, name string) {
	t.Helper()
	var p problemJSON
	if a.header.Get("Content-Type") != "application/problem+json" {
		t.Fatalf("got %d %s %s, want the problem %s", a.status, a.header.Get("Content-Type"), a.body, name)
	}
	a.into(t, &p)
	if a.status != status || p.Status != status || p.Type != problemTypes+name || p.Title == "" || p.Detail == "" || a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("got %d %s, want %d %s", a.status, a.body, status, name)
	}
}

func TestNegotiation(t *testing.T) {
	f := start(t, options{})
	b := f.browser(t, "app")
	b.signIn("alice")
	const firefox = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
	const chrome = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7"
	for _, c := range []struct {
		accept string
		json   bool
	}{
		{"", false}, {"*/*", false}, {firefox, false}, {chrome, false}, {"image/png", false},
		{"application/json", true}, {"Application/JSON;charset=utf-8", true}, {"application/problem+json", true}, {"application/*", true},
		{"application/json, text/plain, */*", true}, // axios
		{"application/json, text/javascript, */*; q=0.01", true},
		{"application/json;q=0.5, text/html;q=0.4", true}, {"application/json;q=0.4, text/html;q=0.5", false},
		{"application/json, text/html", false}, {"text/html, application/json", false},
		{"application/json;q=0", false}, {"application/json;q=0, */*", false}, {"text/html;q=0, */*", true},
		{"application/json;q=2", false}, {"application/json; version=1; q=0.1, text/*;q=0.2", false},
		{",;,;q=", false},
	} {
		b.header = http.Header{"Accept": {c.accept}}
		a := b.get(accountPath)
		if got := a.header.Get("Content-Type") == "application/json"; got != c.json || a.status != http.StatusOK {
			t.Errorf("Accept %q: %d %s, want JSON: %v", c.accept, a.status, a.header.Get("Content-Type"), c.json)
		}
		if !strings.Contains(strings.Join(a.header.Values("Vary"), ", "), "Accept") {
			t.Errorf("Accept %q: Vary is %q", c.accept, a.header.Values("Vary"))
		}
		if a := b.get(accountAPI); a.header.Get("Content-Type") != "application/json" {
			t.Errorf("below api/, Accept %q: %s", c.accept, a.header.Get("Content-Type"))
		}
	}
	// What sends JSON, and accepts anything, gets JSON.
	b.signIn("olga")
	b.header = http.Header{"Accept": {"*/*"}}
	if a := b.json(http.MethodPost, adminPath+"revoke", `{"filter":{"user":"nobody"}}`); a.header.Get("Content-Type") != "application/json" {
		t.Errorf("a body in JSON: %d %s", a.status, a.header.Get("Content-Type"))
	}
	b.header = http.Header{"Accept": {"text/html"}}
	if a := b.json(http.MethodPost, adminPath+"revoke", `{"filter":{"user":"nobody"}}`); a.status != http.StatusBadRequest || a.header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("a body in JSON that asks for HTML: %d %s", a.status, a.header.Get("Content-Type"))
	}
}

// TestAPIAddresses: SEC-25. A wrong method is 405 with Allow, whoever asks, and an address that does not exist 404.
func TestAPIAddresses(t *testing.T) {
	f := start(t, options{})
	b := f.browser(t, "app")
	b.signIn("olga")
	id := f.ids(t, "olga")[0].String()
	for path, allow := range map[string]string{
		accountAPI: "GET, HEAD", accountAPI + id: "GET, HEAD", accountAPI + id + "/revoke": "POST",
		accountAPI + "revoke-others": "POST", accountAPI + "sign-out": "POST",
		adminAPI: "GET, HEAD", adminAPI + id: "GET, HEAD", adminAPI + id + "/revoke": "POST", adminAPI + "revoke": "POST",
	} {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"} {
			if slices.Contains(strings.Split(allow, ", "), method) {
				continue
			}
			a := b.json(method, path, "")
			if a.status != http.StatusMethodNotAllowed || a.header.Get("Allow") != allow {
				t.Errorf("%s %s: %d, Allow %q", method, path, a.status, a.header.Get("Allow"))
			}
			if method != http.MethodHead {
				a.is(t, http.StatusMethodNotAllowed, "method")
			}
		}
	}
	if len(f.ids(t, "olga")) != 1 {
		t.Error("the session has ended")
	}
	for _, path := range []string{
		accountAPI + "no", accountAPI + "assets/", accountAPI + id + "/", accountAPI + id + "/x", accountAPI + "api/", accountAPI + "charts", adminAPI + "charts",
		adminAPI + strings.ToUpper(id)[:10], adminAPI + "%00", adminAPI + strings.Repeat("a", 4000),
	} {
		b.get(path).is(t, http.StatusNotFound, "not-found")
	}
	for _, path := range []string{accountAPI, adminAPI} {
		if a := b.get(strings.TrimSuffix(path, "/")); a.status/100 != 3 || a.header.Get("Location") != path {
			t.Errorf("%s without the slash: %d, Location %q", path, a.status, a.header.Get("Location"))
		}
		if a := b.json(http.MethodHead, path, ""); a.status != http.StatusOK || a.body != "" || a.header.Get("Content-Type") != "application/json" {
			t.Errorf("HEAD %s: %d %s %q", path, a.status, a.header.Get("Content-Type"), a.body)
		}
	}
}

// TestAPICursor: BAD-51. Pages have every session once, latest first, though sessions end and begin meanwhile; a cursor
// outlives its session.
func TestAPICursor(t *testing.T) {
	f := start(t, options{})
	ids := f.insert(t, 25, nil)
	alice, olga := f.browser(t, "app"), f.browser(t, "script")
	olga.signIn("olga")
	alice.signIn("bob")
	for _, c := range []struct {
		b    *browser
		path string
	}{{alice, accountAPI + "?limit=10"}, {olga, adminAPI + "?user=bob&state=active&limit=10"}} {
		var got []string
		after := ""
		for n := range 4 {
			var l listJSON
			c.b.get(c.path+after).into(t, &l)
			for _, s := range l.Sessions {
				got = append(got, s.ID)
			}
			if n == 0 { // the cursor's session ends, and another one begins
				id, err := session.ParseID(l.Next)
				if err != nil {
					t.Fatal(err)
				}
				if err := f.sessions.RevokeID(t.Context(), id); err != nil {
					t.Fatal(err)
				}
				f.browser(t, "new").signIn("bob")
			}
			if l.Next == "" {
				break
			}
			after = "&after=" + l.Next
		}
		var want []string
		for _, id := range ids {
			want = append(want, id.String())
		}
		if got := got[len(got)-len(want):]; !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", c.path, got, want)
		}
		ids = slices.DeleteFunc(ids, func(id session.ID) bool { return !f.has(t, id) })
	}
}

// TestAPIStrict: BAD-51. Bounds are kept, and what is not known, given twice, or cannot be read is refused: nothing is
// shown or ended by mistake.
func TestAPIStrict(t *testing.T) {
	f := start(t, options{})
	f.insert(t, 3, nil)
	b := f.browser(t, "script")
	b.signIn("olga")
	for _, query := range []string{
		"limit=0", "limit=201", "limit=-1", "limit=x", "limit=1e2", "limit=99999999999999999999", "after=x", "after=%27+OR+1=1",
		"usr=bob", "User=bob", "user=bob&user=alice", "page=2", "user=%zz", "user=a;user=b", "state=dead", "kind=all", "own=maybe", "ip=%25",
		"ip=192.0.2.0/33", "user=" + strings.Repeat("a", 256), "user=%ff", "text=" + strings.Repeat("a", 201), "done=revoked",
	} {
		b.get(adminAPI+"?"+query).is(t, http.StatusBadRequest, "bad-request")
	}
	for _, path := range []string{accountAPI + "?user=bob", accountAPI + "?limit=201", accountAPI + f.ids(t, "olga")[0].String() + "?all=1"} {
		b.get(path).is(t, http.StatusBadRequest, "bad-request")
	}
	id := f.ids(t, "bob")[0].String()
	for _, c := range []struct{ body, problem string }{
		{``, "bad-request"}, {`null`, "none-selected"}, {`[]`, "bad-request"}, {`{`, "bad-request"}, {`"x"`, "bad-request"},
		{`{}`, "none-selected"}, {`{"ids":[]}`, "none-selected"}, {`{"ids":["` + id + `"],"filter":{"user":"bob"}}`, "none-selected"},
		{`{"ids":["` + id + `"]} {}`, "bad-request"}, {`{"ids":["` + id + `"]}x`, "bad-request"},
		{`{"ids":["x"]}`, "bad-request"}, {`{"ids":"` + id + `"}`, "bad-request"}, {`{"ids":["` + id + `"],"dry_run":true}`, "bad-request"},
		{`{"ids":["` + strings.Repeat(id+`","`, 200) + id + `"]}`, "bad-request"},
		{`{"filter":{}}`, "everyone"}, {`{"filter":{"user":""}}`, "everyone"}, {`{"filter":{},"everyone":"yes"}`, "bad-request"},
		{`{"filter":{"usr":"bob"},"everyone":true}`, "bad-request"}, {`{"filter":{"own":"1"}}`, "bad-request"},
		{`{"filter":{"user":"bob"},"dryrun":true}`, "bad-request"}, {`{"filter":{"user":"bob"},"after":"x"}`, "bad-request"},
		{`{"filter":{"user":"*"}}`, ""}, {`{"filter":{"user":"%"}}`, ""}, {`{"filter":{"user":"' OR ''='"}}`, ""}, // literally
	} {
		a := b.json(http.MethodPost, adminAPI+"revoke", c.body)
		if c.body == "" {
			b.header.Set("Content-Type", "application/json")
			a = b.json(http.MethodPost, adminAPI+"revoke", "")
			b.header.Del("Content-Type")
		}
		if c.problem == "" {
			if a.status != http.StatusOK || a.body != `{"ended":0}`+"\n" {
				t.Errorf("%s: %d %s", c.body, a.status, a.body)
			}
			continue
		}
		a.is(t, http.StatusBadRequest, c.problem)
	}
	b.json(http.MethodPost, adminAPI+"revoke?dry_run=1", `{"filter":{"user":"bob"}}`).is(t, http.StatusBadRequest, "bad-request")
	b.json(http.MethodPost, adminAPI+"revoke", `{"ids":["`+strings.Repeat("x", maxBody)+`"]}`).is(t, http.StatusRequestEntityTooLarge, "too-large")
	for _, media := range []string{"text/plain", "application/x-www-form-urlencoded", "application/json-patch+json", "x", ";"} {
		b.header.Set("Content-Type", media)
		b.json(http.MethodPost, adminAPI+"revoke", `{"filter":{"user":"bob"}}`).is(t, http.StatusUnsupportedMediaType, "media-type")
	}
	b.header.Set("Content-Type", "Application/JSON; charset=UTF-8")
	if got := len(f.ids(t, "bob")); got != 3 {
		t.Errorf("%d sessions are left", got)
	}
	if a := b.json(http.MethodPost, adminAPI+"revoke", `{"ids":["`+id+`","`+id+`"]}`); a.body != `{"ended":1}`+"\n" {
		t.Errorf("an id twice: %d %s", a.status, a.body)
	}
}

// TestAPIFields: CVE-37, CVE-35, SEC-23. A session in JSON has these members and no others, no value of it unless that is
// allowed, and never its token or the digest of one.
func TestAPIFields(t *testing.T) {
	f := start(t, options{admin: AdminConfig{
		ShowValues: func(_ *http.Request, _ session.Session, of session.Info) bool { return of.User == "carol" },
	}})
	alice, carol, olga := f.browser(t, "<script>\u202e"), f.browser(t, "app"), f.browser(t, "script")
	alice.signIn("alice", "card", "4111-1111")
	carol.signIn("carol", "card", "4222-2222")
	olga.signIn("olga")
	r, err := f.store.Load(t.Context(), f.ids(t, "alice")[0])
	if err != nil {
		t.Fatal(err)
	}
	address, _ := url.Parse(f.url)
	token := alice.client.Jar.Cookies(address)[0].Value
	id := r.ID.String()
	const list = "created_at authenticated_at current expires_at id last_seen live user user_agent"
	for _, c := range []struct {
		b             *browser
		path, members string
	}{
		{alice, accountAPI, list}, {olga, adminAPI + "?user=alice", list},
		{alice, accountAPI + id, list + " deadline level remembered"}, {olga, adminAPI + id, list + " deadline level remembered"},
		{olga, adminAPI + f.ids(t, "carol")[0].String(), list + " deadline level remembered values"},
	} {
		a := c.b.get(c.path)
		var got map[string]json.RawMessage
		a.into(t, &got)
		if got["sessions"] != nil {
			var all []map[string]json.RawMessage
			if err := json.Unmarshal(got["sessions"], &all); err != nil {
				t.Fatal(err)
			}
			got = all[0]
		}
		want := strings.Fields(c.members)
		for name := range got {
			if !slices.Contains(want, name) {
				t.Errorf("%s: %s is shown", c.path, name)
			}
		}
		if len(got) != len(want) {
			t.Errorf("%s: got %v, want %v", c.path, got, want)
		}
		if strings.Contains(a.body, "4222") != strings.Contains(c.members, "values") || strings.Contains(a.body, "4111") {
			t.Errorf("%s: values: %s", c.path, a.body)
		}
		for _, secret := range []string{token, token[22:], fmt.Sprintf("%x", r.Secret), string(r.Secret), "<script>"} {
			if strings.Contains(a.body, secret) {
				t.Errorf("%s has %q: %s", c.path, secret, a.body)
			}
		}
	}
}
