package pages

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/store"
)

// crowd are the users of a site whose IDs are numbers.
var crowd = map[string]Person{
	"1": {Name: "Jane Doe", Detail: "jane@example.com", URL: "/people/1"}, "2": {Name: "Jane Roe", Detail: "roe@example.org"},
	"30": {Name: "<b>Eve</b>", Detail: "eve@example.net", URL: "javascript:alert(1)"}, "olga": {Name: "Olga Operator"},
}

func named(calls *int) func(context.Context, []string) (map[string]Person, error) {
	return func(_ context.Context, ids []string) (map[string]Person, error) {
		*calls++
		found := map[string]Person{}
		for _, id := range ids {
			if p, ok := crowd[id]; ok {
				found[id] = p
			}
		}
		return found, nil
	}
}

func findCrowd(_ context.Context, text string) (ids []string, err error) {
	for id, p := range crowd {
		if strings.Contains(strings.ToLower(p.Name+" "+p.Detail), strings.ToLower(text)) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids, nil
}

// TestNames: RPT-46. The pages, and the API, show users by the names that the application knows, which are asked for once a
// page, and bounded.
func TestNames(t *testing.T) {
	calls := 0
	config := Config{Names: named(&calls)}
	f := start(t, options{account: AccountConfig{Config: config}, admin: AdminConfig{Config: config}})
	jane, eve, olga := f.browser(t, "one"), f.browser(t, "two"), f.browser(t, "three")
	jane.signIn("1")
	eve.signIn("30")
	olga.signIn("olga")
	a := jane.get(accountPath)
	a.want(t, http.StatusOK, "<bdi>Jane Doe</bdi>")
	a.without(t, "<bdi>1</bdi>")
	for _, path := range []string{
		adminPath, adminPath + "charts", adminPath + jane.id().String(), adminPath + "?find=1", adminPath + "api/", adminPath + "api/" + jane.id().String(),
		adminPath + "?ip=nonsense",
	} {
		calls = 0
		a := olga.get(path)
		if calls != 1 {
			t.Errorf("%s: Names was called %d times", path, calls)
		}
		a.without(t, "<b>Eve</b>", "javascript:")
	}
	olga.get(adminPath).want(t, http.StatusOK, `<a class="lines" href="/people/1"><bdi>Jane Doe</bdi> <span class="detail"><bdi>jane@example.com</bdi></span></a>`,
		"&lt;b&gt;Eve&lt;/b&gt;", "Olga Operator")
	olga.get(adminPath+jane.id().String()).want(t, http.StatusOK, "Jane Doe", "jane@example.com", `<bdi>1</bdi>`)
	olga.get(adminPath+"api/?user=1").want(t, http.StatusOK, `"person":{"name":"Jane Doe","detail":"jane@example.com","url":"/people/1"}`)
	olga.post(adminPath+"revoke", url.Values{"id": {jane.id().String()}}).want(t, http.StatusOK, "Jane Doe")
}

// TestNamesFail: RPT-46. Where names cannot be had, IDs are shown and the log says why; no page breaks. An ID that is a
// number says nothing to its user, and is not shown to them where the application has no names.
func TestNamesFail(t *testing.T) { synctest.Test(t, testNamesFail) }

func testNamesFail(t *testing.T) {
	for name, names := range map[string]func(context.Context, []string) (map[string]Person, error){
		"error": func(context.Context, []string) (map[string]Person, error) { return nil, errors.New("out of order") },
		"panic": func(context.Context, []string) (map[string]Person, error) { panic("out of order") },
		"late": func(context.Context, []string) (map[string]Person, error) {
			time.Sleep(time.Hour) // deaf to its context
			return nil, errors.New("too late")
		},
	} {
		var log lockedBuffer
		config := Config{Names: names, Logger: textLog(&log)}
		f := start(t, options{account: AccountConfig{Config: config}, admin: AdminConfig{Config: config}, bubble: true})
		b := f.browser(t, "one")
		b.signIn("olga")
		begun := time.Now()
		b.get(accountPath).want(t, http.StatusOK, "<bdi>olga</bdi>")
		b.get(adminPath).want(t, http.StatusOK, "<bdi>olga</bdi>")
		if took := time.Since(begun); took > 5*time.Second {
			t.Errorf("%s: two pages took %v", name, took)
		}
		time.Sleep(2 * time.Hour) // until all have ended
		if !strings.Contains(log.String(), "hook=Names") {
			t.Errorf("%s: the log is %s", name, log.String())
		}
	}
	f := start(t, options{bubble: true})
	for user, shown := range map[string]bool{"1": false, "0197ae3e-7a00-7000-8000-000000000001": false, "bea": true, "a1": true, "1a": true} {
		b := f.browser(t, "one")
		b.signIn(user)
		if got := strings.Contains(b.get(accountPath).body, "Signed in as"); got != shown {
			t.Errorf("signed in as %s: said %v", user, got)
		}
	}
}

// TestFindUsers: RPT-46. Operators find sessions by the name and the e-mail address of users, and see whom they found.
func TestFindUsers(t *testing.T) {
	calls := 0
	var log lockedBuffer
	config := Config{Names: named(&calls), Logger: textLog(&log)}
	broken := false
	f := start(t, options{admin: AdminConfig{Config: config, FindUsers: func(ctx context.Context, text string) ([]string, error) {
		if broken {
			panic("out of order")
		}
		if text == "all" {
			var many []string
			for i := range 1000 {
				many = append(many, fmt.Sprint(i+1))
			}
			return append(many, "", "\xff", strings.Repeat("x", 256)), nil
		}
		return findCrowd(ctx, text)
	}}})
	ids := map[string]session.ID{}
	for _, user := range []string{"1", "2", "30", "jane"} {
		b := f.browser(t, "of "+user)
		b.signIn(user)
		ids[user] = b.id()
	}
	olga := f.browser(t, "olga")
	olga.signIn("olga")
	for find, want := range map[string]string{
		"Jane": "jane 2 1", "jane@EXAMPLE.com": "1", " doe ": "1", "example": "30 2 1", "30": "30", "1": "1", "nobody": "", "all": "2 1",
	} {
		a := olga.get(adminPath + "?" + url.Values{"find": {find}}.Encode())
		a.want(t, http.StatusOK)
		var got []session.ID
		var wanted []session.ID
		got = a.rows(t)
		for user := range strings.FieldsSeq(want) {
			wanted = append(wanted, ids[user])
		}
		slices.SortFunc(wanted, func(x, y session.ID) int { return strings.Compare(y.String(), x.String()) })
		if find == "Jane" { // the text itself may be an ID, whose case counts
			wanted = slices.DeleteFunc(wanted, func(id session.ID) bool { return id == ids["jane"] })
		}
		if !slices.Equal(got, wanted) {
			t.Errorf("%q: got %v, want %v", find, got, wanted)
		}
	}
	a := olga.get(adminPath + "?find=all")
	a.want(t, http.StatusOK, "Users found:", "Jane Doe", "and more.", `name="find" value="all"`)
	if n := strings.Count(a.body, "<bdi>"); n > 100 {
		t.Errorf("%d names", n)
	}
	olga.get(adminPath+"api/?find=all").want(t, http.StatusOK, `"users":[{"user":"1","person":{"name":"Jane Doe"`, `"users_more":true`)
	olga.get(adminPath+"api/?find=doe").want(t, http.StatusOK, ids["1"].String())
	olga.get(adminPath+"api/?user=doe").without(t, ids["1"].String()) // which is exact
	broken = true
	olga.get(adminPath+"?find=1").want(t, http.StatusOK, ids["1"].String(), "Users cannot be searched at the moment.")
	if !strings.Contains(log.String(), "hook=FindUsers") {
		t.Errorf("the log is %s", log.String())
	}
	olga.post(adminPath+"revoke", url.Values{"find": {"1"}, "all": {"1"}, "confirm": {"1"}}).want(t, http.StatusServiceUnavailable)
	if !f.has(t, ids["1"]) {
		t.Error("a session has ended although it is not known whose were meant")
	}
}

// TestFindRevoke: RPT-46. All that a search for users finds ends in one request; the question names the users, and no others
// than those end.
func TestFindRevoke(t *testing.T) {
	f := start(t, options{admin: AdminConfig{FindUsers: findCrowd}})
	sign := func(user string) *browser {
		b := f.browser(t, "of "+user)
		b.signIn(user)
		return b
	}
	olga := sign("olga")
	one, two, eve := sign("1"), sign("2"), sign("30")
	for now := time.Now().UnixMilli(); time.Now().UnixMilli() == now; { // the IDs of one millisecond are in no order
		runtime.Gosched()
	}
	question := olga.post(adminPath+"revoke", url.Values{"find": {"doe"}, "all": {"1"}})
	question.want(t, http.StatusOK, "1 session will be signed out.", "Users found:")
	form := question.forms()[0]
	form.Set("find", "e") // as if FindUsers now found more by it
	done := olga.post(adminPath+"revoke", form)
	if done.status != http.StatusSeeOther || one.user() != "" || two.user() != "2" || eve.user() != "30" {
		t.Errorf("%d; users are now %q, %q, %q", done.status, one.user(), two.user(), eve.user())
	}
	for user := range f.cutoffs(t, "doe", "jane") {
		t.Errorf("there is a cut-off for %q, who is no user", user)
	}
	one = sign("1")
	got := olga.json(http.MethodPost, adminPath+"api/revoke", `{"filter": {"find": "jane"}}`)
	got.want(t, http.StatusOK, `{"ended":2}`)
	if one.user() != "" || two.user() != "" || eve.user() != "30" || olga.user() != "olga" {
		t.Errorf("users are now %q, %q, %q, %q", one.user(), two.user(), eve.user(), olga.user())
	}
}

// cutoffs are those of users.
func (f *fixture) cutoffs(t *testing.T, users ...string) map[string]time.Time {
	found := map[string]time.Time{}
	for _, user := range users {
		at, err := f.store.(store.Indexed).Cutoff(t.Context(), user)
		if err != nil {
			t.Fatal(err)
		}
		if !at.IsZero() {
			found[user] = at
		}
	}
	return found
}

// TestRevokeMore: RPT-46. One request, in JSON or of a form, ends all of a search that it can within its bounds, and says
// whether more remain.
func TestRevokeMore(t *testing.T) { synctest.Test(t, testRevokeMore) }

func testRevokeMore(t *testing.T) {
	db := &wired{}
	f := start(t, options{store: db, bubble: true})
	olga := f.browser(t, "olga")
	olga.signIn("olga")
	const all = 700
	f.insert(t, all, func(_ int, r *store.Record) { r.IP = netip.MustParseAddr("192.0.2.9") })
	olga.json(http.MethodPost, adminPath+"api/revoke", `{"filter": {"ip": "192.0.2.0-192.0.2.9"}, "dry_run": true}`).want(t, http.StatusOK, `"count":700`)
	db.set(func(call string) error {
		if call == "Delete" {
			time.Sleep(10 * time.Millisecond)
		}
		return nil
	}, nil)
	first := olga.json(http.MethodPost, adminPath+"api/revoke", `{"filter": {"ip": "192.0.2.0-192.0.2.9"}}`)
	first.want(t, http.StatusOK, `"more":true,"next":"`)
	olga.post(adminPath+"revoke", url.Values{"ip": {"192.0.2.*"}, "all": {"1"}, "confirm": {"1"}}).want(t, http.StatusOK,
		"or more sessions have been signed out. The others are still there.")
	db.set(nil, nil)
	left := len(f.ids(t, "bob"))
	if left == 0 || left == all {
		t.Fatalf("%d are left", left)
	}
	olga.json(http.MethodPost, adminPath+"api/revoke", `{"filter": {"ip": "192.0.2.0/24"}}`).want(t, http.StatusOK, fmt.Sprintf(`{"ended":%d}`, left))
	if left := len(f.ids(t, "bob")); left != 0 {
		t.Errorf("%d are left", left)
	}
}

// TestLooks: RPT-46. The pages wear the site's header, footer, style sheet, icon and theme; its templates have the request and
// the site's own data. A fault in them costs that part alone.
func TestLooks(t *testing.T) {
	var log lockedBuffer
	config := Config{
		Templates: files(
			"header.html", `<p>{{upper .Site.Brand}} for {{.Request.URL.Path}} and {{.Show .User}}</p><img src="https://cdn.example.com/logo.png" alt="">`,
			"footer.html", `{{.Site.Fault}}`,
			"head.html", `<meta name="theme-color" content="#c0392b">`,
		),
		Funcs: map[string]any{"upper": strings.ToUpper},
		Site: func(r *http.Request) any {
			if r.URL.Query().Has("panic") {
				panic("no data")
			}
			return struct{ Brand string }{"<acme>"}
		},
		StyleSheet: "https://assets.example.com/brand.css", Icon: "/favicon.png",
		Theme:   func(r *http.Request) string { return r.URL.Query().Get("theme") },
		Sources: map[string][]string{"img-src": {"https://cdn.example.com", "data:"}, "connect-src": {"'self'"}},
		Logger:  textLog(&log),
	}
	f := start(t, options{account: AccountConfig{Config: config}})
	b := f.browser(t, "one")
	b.signIn("alice")
	a := b.get(accountPath + "?theme=dark")
	a.want(t, http.StatusOK, "<p>&lt;ACME&gt; for /account/sessions/ and alice</p>", `<meta name="theme-color" content="#c0392b">`,
		`<link rel="stylesheet" href="https://assets.example.com/brand.css">`, `<link rel="icon" href="/favicon.png">`, `data-theme="dark"`,
		`<meta name="color-scheme" content="dark">`, "These devices are signed in")
	if strings.Index(a.body, "assets/style-") > strings.Index(a.body, "brand.css") {
		t.Error("the site's style sheet comes first")
	}
	want := "default-src 'none'; connect-src 'self'; img-src 'self' https://cdn.example.com data:; script-src 'self'; " +
		"style-src 'self' https://assets.example.com; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
	if got := a.header.Get("Content-Security-Policy"); got != want {
		t.Errorf("the policy is %q, want %q", got, want)
	}
	if !strings.Contains(log.String(), "footer.html") {
		t.Errorf("the log is %s", log.String())
	}
	b.get(accountPath+"?panic=1&theme=x%22").want(t, http.StatusOK, "These devices are signed in", `content="light dark"`)
	if !strings.Contains(log.String(), "hook=Site") {
		t.Errorf("the log is %s", log.String())
	}
	b.get(accountPath+"nothing").want(t, http.StatusNotFound, "ACME")
}

// TestLooksWrong: RPT-46. A source, or an address, that would smuggle something into the policy is refused at the start.
func TestLooksWrong(t *testing.T) {
	m, err := session.New(new(memory.Store), session.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for want, all := range map[string][]Config{
		"Config.Sources": {
			{Sources: map[string][]string{"default-src": {"'self'"}}}, {Sources: map[string][]string{"frame-ancestors": {"'self'"}}},
			{Sources: map[string][]string{"img-src; script-src": {"'self'"}}}, {Sources: map[string][]string{"IMG-SRC": {"'self'"}}},
		},
		"Config.StyleSheet": {{StyleSheet: "brand.css"}, {StyleSheet: "//cdn.example.com/x.css"}, {StyleSheet: "https://a b/x.css"}, {StyleSheet: "https://a;script-src *"}, {StyleSheet: "javascript:x"}},
		"Config.Icon":       {{Icon: "data:image/png;base64,x"}, {Icon: "icon.png"}},
		"Config.BasePath":   {{BasePath: "app"}, {BasePath: "//evil.example"}, {BasePath: "/a/../b"}, {BasePath: "/a?b"}, {BasePath: "https://x"}},
		"Config.Funcs":      {{Funcs: map[string]any{"no name": strings.ToUpper}}, {Funcs: map[string]any{"x": 1}}},
		"Config.Templates":  {{Templates: files("header.html", "{{.Nope}}")}, {Templates: files("headers.html", "x")}, {Templates: files("footer.html", "{{")}},
		"DescribeTime":      {{DescribeTime: -1}},
	} {
		for _, c := range all {
			if _, err := NewAccount(m, AccountConfig{Config: c}); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%+v: got %v", c, err)
			}
		}
	}
	for _, source := range []string{
		"", "*", "https:", "http:", "'unsafe-inline'", "'unsafe-eval'", "'none'", "self", "https://a.example; script-src *", "https://a.example script-src",
		"https://a.example,b", "https://a.example\nx", "https://*.example.com", "https://user@a.example", "https://a.example?x", "//a.example", "a.example",
		"javascript:x", "data:;script-src *", "blob:", "'sha256-x'; script-src *", "'sha256-'", "'nonce-x'", "https://ä.example", "wss://a.example",
	} {
		for _, directive := range []string{"img-src", "script-src"} {
			if source == "data:" {
				continue
			}
			if _, err := NewAccount(m, AccountConfig{Config: Config{Sources: map[string][]string{directive: {source}}}}); err == nil {
				t.Errorf("%s %q is accepted", directive, source)
			}
		}
	}
	for directive, source := range map[string]string{
		"img-src": "https://cdn.example.com:8443/logos/", "script-src": "'sha256-abcABC123+/='", "font-src": "data:", "connect-src": "wss://a.example", "style-src": "'self'",
	} {
		if _, err := NewAccount(m, AccountConfig{Config: Config{Sources: map[string][]string{directive: {source}}}}); err != nil {
			t.Errorf("%s %q: %v", directive, source, err)
		}
	}
	if _, err := NewAccount(m, AccountConfig{Config: Config{Sources: map[string][]string{"script-src": {"data:"}}}}); err == nil {
		t.Error("scripts from data: are accepted")
	}
}

var anyLink = regexp.MustCompile(`(?:href|src|action)="([^"]*)"`)

// TestPrefix: RPT-46. Behind a proxy that strips a prefix, and where a router mounts the handler without changing the address,
// every link, form and redirect leads back to the pages.
func TestPrefix(t *testing.T) {
	signIn := func(back string) string { return "/app/log-in?" + url.Values{"back": {back}}.Encode() }
	config := Config{BasePath: "/app/", SignIn: signIn}
	f := start(t, options{account: AccountConfig{Config: config}, admin: AdminConfig{Config: config}})
	to := must(url.Parse(f.url))
	proxy := httptest.NewServer(http.StripPrefix("/app", &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.Out.Host = r.In.Host
	}}))
	t.Cleanup(proxy.Close)
	f.url = proxy.URL
	b, other := f.browser(t, "one"), f.browser(t, "two")
	for _, b := range []*browser{b, other} {
		b.post("/app/sign-in", url.Values{"user": {"olga"}})
	}
	ids := f.ids(t, "olga")
	id := ids[0].String()
	const account, admin = "/app" + accountPath, "/app" + adminPath
	get := func(path string) answer {
		r := must(http.NewRequestWithContext(t.Context(), http.MethodGet, f.url+path, nil))
		response := must(b.client.Do(r))
		defer response.Body.Close()
		return answer{status: response.StatusCode, header: response.Header, body: string(must(io.ReadAll(response.Body)))}
	}
	for _, path := range []string{
		account, account + id, account + "?page=1", account + "nothing", account + "a/b/c", account + "a%2Fb", admin, admin + id + "?from=user%3Dolga", admin + "charts",
		admin + "?ip=nonsense", admin + "?user=olga&state=all", account + "signed-out", admin + "?limit=1",
	} {
		a := get(path)
		for _, m := range anyLink.FindAllStringSubmatch(a.body, -1) {
			base := must(url.Parse(path))
			u := must(base.Parse(m[1]))
			if !strings.HasPrefix(u.Path, "/app/") || strings.HasPrefix(m[1], "/a") && !strings.HasPrefix(m[1], "/app/log-in") {
				t.Errorf("%s: %q leads out", path, m[1])
			}
			if strings.Contains(u.Path, "/assets/") {
				if got := get(u.Path); got.status != http.StatusOK {
					t.Errorf("%s: %s answers %d", path, u.Path, got.status)
				}
			}
		}
	}
	for path, want := range map[string]string{
		admin + "api":          admin + "api/",
		account + "signed-out": account,
	} {
		if a := b.get(path); a.header.Get("Location") != want {
			t.Errorf("%s: %d to %q, want %q", path, a.status, a.header.Get("Location"), want)
		}
	}
	b.get("/app/account//sessions/"+id).without(t, "Location")
	b.get(account+"%2e%2e/x").want(t, http.StatusNotFound)
	if a := b.post(account+other.id().String()+"/revoke", nil); a.header.Get("Location") != account {
		t.Errorf("%d to %q", a.status, a.header.Get("Location"))
	}
	if a := b.post(account+"sign-out", nil); a.header.Get("Location") != account+"signed-out" {
		t.Errorf("%d to %q", a.status, a.header.Get("Location"))
	}
	b.get(account+"?page=2").want(t, http.StatusUnauthorized, "/app/log-in?back=%2Fapp%2Faccount%2Fsessions%2F%3Fpage%3D2")
}

// TestMountedWrong: RPT-46. A handler that is mounted at another path says so: in the answer, and once in the log. One that a
// router mounts without changing the address needs nothing.
func TestMountedWrong(t *testing.T) {
	var log lockedBuffer
	m := must(session.New(new(memory.Store), session.Config{Cookie: session.Cookie{Insecure: true}}))
	a := must(NewAccount(m, AccountConfig{Config: Config{Logger: textLog(&log)}}))
	stripped := http.StripPrefix("/account/sessions", a)
	for range 2 {
		got := direct(t, stripped, http.MethodGet, accountPath)
		got.want(t, http.StatusNotFound, "this handler serves addresses below /account/sessions/", "Config.Path")
		got.without(t, `href="/`, `href=".`, "assets/")
	}
	direct(t, a, http.MethodGet, "/elsewhere/secret-in-a-path").want(t, http.StatusNotFound, "Config.Path")
	if n := strings.Count(log.String(), "mounted at another path"); n != 1 || !strings.Contains(log.String(), "want=/account/sessions/") || strings.Contains(log.String(), "secret") {
		t.Errorf("%d times in the log: %s", n, log.String())
	}
	// As chi's Mount does: the handler gets the request as it is, for these three patterns.
	if got := direct(t, a, http.MethodGet, "/account/sessions"); got.status != http.StatusTemporaryRedirect || got.header.Get("Location") != "sessions/" {
		t.Errorf("got %d to %q", got.status, got.header.Get("Location"))
	}
}

// TestMountedWithoutSlash: RPT-46. A handler that is mounted without the slash at the end redirects to where the router has
// nothing: the second time it says so in the log, once, unless the address with the slash has reached it.
func TestMountedWithoutSlash(t *testing.T) {
	for _, reached := range []bool{false, true} {
		var log lockedBuffer
		m := must(session.New(new(memory.Store), session.Config{Cookie: session.Cookie{Insecure: true}}))
		a := must(NewAccount(m, AccountConfig{Config: Config{Logger: textLog(&log)}}))
		mux := http.NewServeMux()
		mux.Handle("/account/sessions", a)
		if reached {
			mux.Handle("/account/sessions/", a)
		}
		want := 0
		for i := range 4 {
			if got := direct(t, mux, http.MethodGet, "/account/sessions"); got.status != http.StatusTemporaryRedirect {
				t.Errorf("got %d", got.status)
			}
			if reached && i == 0 {
				direct(t, mux, http.MethodGet, accountPath+"assets/none")
			}
			if !reached && i == 1 {
				want = 1
			}
			if n := strings.Count(log.String(), "without the slash"); n != want {
				t.Errorf("reached %v, request %d: %d times in the log, want %d: %s", reached, i, n, want, log.String())
			}
		}
	}
}

// TestNoUnknownPlace: RPT-46. A place that is not known is left out: there is nothing to say of it.
func TestNoUnknownPlace(t *testing.T) {
	f := start(t, options{})
	b := f.browser(t, "one")
	b.signIn("olga")
	for _, path := range []string{accountPath, accountPath + b.id().String(), adminPath, adminPath + b.id().String()} {
		a := b.get(path)
		a.want(t, http.StatusOK)
		a.without(t, "Unknown place", "unknown place", "<dt>Location</dt>")
	}
}

// TestDescribeTime: ATK-20. However long a client makes its User-Agent to read, a page waits for all of them no longer than
// Config.DescribeTime, and shows the rest by what is known; a program stops reading when nobody waits.
func TestDescribeTime(t *testing.T) { synctest.Test(t, testDescribeTime) }

func testDescribeTime(t *testing.T) {
	var read atomic.Int64
	slow := session.EnricherFunc(func(_ context.Context, c session.Client) (session.Facts, error) {
		read.Add(1)
		if strings.HasPrefix(c.UserAgent, "hostile") {
			time.Sleep(13 * time.Millisecond)
		}
		return session.Facts{Device: session.Device{Family: "device"}}, nil
	})
	f := start(t, options{bubble: true, sessions: session.Config{Enrichers: []session.Enricher{slow}, EnrichTimeout: time.Minute}})
	b := f.browser(t, "olga")
	b.signIn("olga")
	f.insert(t, 3000, func(i int, r *store.Record) { r.UserAgent = fmt.Sprintf("hostile %d %s", i, strings.Repeat("(;", 240)) })
	for path, most := range map[string]time.Duration{
		adminPath + "?limit=200": 1100 * time.Millisecond, adminPath + "api/?limit=200": 1100 * time.Millisecond, adminPath + "?text=nothing": 2800 * time.Millisecond,
		adminPath + "charts": 2800 * time.Millisecond,
	} {
		begun := time.Now()
		a := b.get(path)
		took := time.Since(begun)
		a.want(t, http.StatusOK)
		read.Store(0)
		time.Sleep(time.Minute)
		if took > most || read.Load() > 1 {
			t.Errorf("%s took %v, and then %d more were read", path, took, read.Load())
		}
		if strings.Contains(path, "?limit") && !strings.Contains(path, "api") && len(a.rows(t)) != 200 {
			t.Errorf("%s: %d rows", path, len(a.rows(t)))
		}
	}
}
