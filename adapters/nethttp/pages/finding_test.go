package pages

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/qsessions/qsessions/core/cacheddb"
	"github.com/qsessions/qsessions/core/clientip"
	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/store"
)

// TestAddressFilter: PAG-3. Addresses, prefixes, ranges and wildcards at the end are understood, and mean the same again when
// they are read back.
func TestAddressFilter(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.1": "192.0.2.1", " 192.0.2.1 ": "192.0.2.1", "192.0.2.77/24": "192.0.2.0/24", "192.0.2.*": "192.0.2.0/24", "192.0.*.*": "192.0.0.0/16", "192.0.*": "192.0.0.0/16",
		"192.*": "192.0.0.0/8", "192.0.2.10-192.0.2.20": "192.0.2.10-192.0.2.20", "192.0.2.10 - 192.0.2.20": "192.0.2.10-192.0.2.20",
		"192.0.2.10–20": "192.0.2.10-192.0.2.20", "192.0.2.0-192.0.2.255": "192.0.2.0/24", "192.0.2.0-255": "192.0.2.0/24", "192.0.2.7-192.0.2.7": "192.0.2.7/32",
		"0.0.0.0-255.255.255.255": "0.0.0.0/0", "2001:db8::1": "2001:db8::1", "2001:DB8:*": "2001:db8::/32", "2001:db8:0:0:*": "2001:db8::/64",
		"2001:db8::1-2001:db8::ff": "2001:db8::1-2001:db8::ff", "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff": "::/0", "::ffff:192.0.2.1": "192.0.2.1", "fe80::1%eth0": "fe80::1",
	} {
		f, err := parseFilter(url.Values{"ip": {text}})
		if err != nil || f.IP != want {
			t.Errorf("%q: got %q, %v, want %q", text, f.IP, err, want)
			continue
		}
		if again, err := parseFilter(f.values()); err != nil || again.addresses.has(netip.MustParseAddr("192.0.2.15")) != f.addresses.has(netip.MustParseAddr("192.0.2.15")) {
			t.Errorf("%q is %q, which is %+v, %v", text, f.IP, again, err)
		}
	}
	for _, text := range []string{
		"203.0.113", "203.0.113.", "203", "300.1.1.*", "*", "*.*.*.*", "203.*.113.*", "a-b", "192.0.2.20-192.0.2.10", "192.0.2.1-2001:db8::1", "192.0.2.1-", "-192.0.2.1",
		"192.0.2.1-300", "192.0.2.1-2-3", "192.0.2.1/33", "192.0.2.*/24", "2001:db8::*", "2001:db8", "localhost", "\xff", strings.Repeat("1", 1000), "192.0.2.1, 192.0.2.2",
	} {
		if f, err := parseFilter(url.Values{"ip": {text}}); err == nil {
			t.Errorf("%q is %q", text, f.IP)
		}
	}
}

// TestWrongFilter: PAG-3. A filter that makes no sense costs neither the form nor the other filters: what is wrong is said at
// its field, with what could be meant.
func TestWrongFilter(t *testing.T) {
	f := start(t, options{})
	b := f.browser(t, "olga")
	b.signIn("olga")
	for query, want := range map[string]string{
		"ip=203.0.113": "“203.0.113” is not a complete IP address. Try 203.0.113.0/24.", "ip=2001:db8": "“2001:db8” is not a complete IP address. Try 2001:db8::/32.",
		"ip=a-b": "“a-b” is not an IP address. Try 192.0.2.0/24.", "ip=%3Cb%3E": "“&lt;b&gt;” is not an IP address.", "text=" + strings.Repeat("x", 201): "longer than 200 characters",
		"ip=" + strings.Repeat("1", 300): "is not an IP address.",
	} {
		a := b.get(adminPath + "?state=all&kind=users&user=alice&own=1&" + query)
		a.want(t, http.StatusBadRequest, want, `role="search"`, `aria-invalid="true" aria-describedby="wrong"`, `id="wrong"`, `value="alice"`, `<option value="all" selected>`,
			`<option value="users" selected>`, `value="1" checked`)
		a.without(t, "Not understood", "<b>”", "No active sessions")
		if n := strings.Count(a.body, `id="wrong"`); n != 1 {
			t.Errorf("%s: %d messages", query, n)
		}
	}
	b.header.Set("Accept-Language", "de")
	b.get(adminPath+"?ip=203.0.113").want(t, http.StatusBadRequest, "„203.0.113“ ist keine vollständige IP-Adresse. Versuchen Sie 203.0.113.0/24.", `value="203.0.113"`)
	b.header.Del("Accept-Language")
	b.get(adminPath+"api/?ip=203.0.113").is(t, http.StatusBadRequest, "bad-request")
	b.post(adminPath+"revoke", url.Values{"ip": {"203.0.113"}, "all": {"1"}}).want(t, http.StatusBadRequest, "203.0.113.0/24", "Nothing was changed.")
}

// TestAddressSearch: PAG-3. A range finds, and ends, just the sessions from its addresses.
func TestAddressSearch(t *testing.T) {
	f := start(t, options{})
	b := f.browser(t, "olga")
	b.signIn("olga")
	f.insert(t, 100, func(i int, r *store.Record) { r.IP = netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}) })
	for query, want := range map[string]int{"192.0.2.10-20": 11, "192.0.2.0-192.0.2.9": 10, "192.0.2.64-192.0.2.127": 36, "192.0.2.*": 100, "192.0.2.1-192.0.2.1": 1} {
		if got := len(b.get(adminPath + "?limit=200&" + url.Values{"ip": {query}}.Encode()).rows(t)); got != want {
			t.Errorf("%s: got %d sessions, want %d", query, got, want)
		}
	}
	b.get(adminPath+"?ip=192.0.2.10-20&limit=5").want(t, http.StatusOK, `rel="next"`)
	b.post(adminPath+"revoke", url.Values{"ip": {"192.0.2.10-20"}, "all": {"1"}}).want(t, http.StatusOK, "11 sessions will be signed out.", "192.0.2.10-<wbr>192.0.2.20")
	if n := b.post(adminPath+"revoke", url.Values{"ip": {"192.0.2.10-20"}, "all": {"1"}, "confirm": {"1"}}).flash(t).Ended; n != 11 || len(f.ids(t, "bob")) != 89 {
		t.Errorf("%d have ended, %d are left", n, len(f.ids(t, "bob")))
	}
}

// TestChartTitle: PAG-4. A chart that has only sessions which go on does not say that it has all sign-ins.
func TestChartTitle(t *testing.T) {
	f := start(t, options{})
	b := f.browser(t, "olga")
	b.signIn("olga")
	a := b.get(adminPath + "charts")
	a.want(t, http.StatusOK, "Active sessions by hour of sign-in, last 24 hours", "Sessions that have ended are not counted.", "One active session signed in within this time.")
	a.without(t, "Sign-ins by hour", "One sign-in<")
}

// TestActive: PAG-5. Without a choice the list, the question and the count are of sessions that are active: those that have
// expired do not end again.
func TestActive(t *testing.T) {
	f := start(t, options{})
	b := f.browser(t, "olga")
	b.signIn("olga")
	ids := f.insert(t, 10, func(i int, r *store.Record) {
		if i < 3 {
			r.ExpiresAt = time.Now().Add(-time.Hour).UTC().Truncate(time.Microsecond)
		}
	})
	if n := len(b.get(adminPath + "?user=bob").rows(t)); n != 7 {
		t.Errorf("%d rows", n)
	}
	if n := len(b.get(adminPath + "?user=bob&state=all").rows(t)); n != 10 {
		t.Errorf("%d rows of all", n)
	}
	for _, state := range []string{"", "active", "all"} {
		for _, form := range []url.Values{{"state": {state}, "kind": {"users"}, "ip": {"192.0.2.0/24"}}, {"state": {state}, "user": {"bob"}}} {
			form.Set("all", "1")
			a := b.post(adminPath+"revoke", form)
			if form.Has("user") {
				a.want(t, http.StatusOK, "7 sessions will be signed out.", "Sign out 7 sessions", "<dt>Status</dt><dd>Active</dd>")
			}
		}
	}
	b.get(adminPath+"api/?user=bob").without(t, ids[0].String())
	b.json(http.MethodPost, adminPath+"api/revoke", `{"filter":{"user":"bob","state":"all"},"dry_run":true}`).want(t, http.StatusOK, `"count":7`)
	// Of a selection too.
	a := b.post(adminPath+"revoke", url.Values{"id": {ids[0].String(), ids[9].String(), ids[8].String()}})
	a.want(t, http.StatusOK, "2 sessions will be signed out.", `<span class="badge ended">Expired</span>`)
	if n := b.post(adminPath+"revoke", a.forms()[0]).flash(t).Ended; n != 2 {
		t.Errorf("%d have ended", n)
	}
	if n := b.post(adminPath+"revoke", url.Values{"user": {"bob"}, "kind": {"users"}, "text": {"made"}, "all": {"1"}, "confirm": {"1"}}).flash(t).Ended; n != 5 {
		t.Errorf("%d have ended", n)
	}
	b.get(adminPath+"?user=ida").want(t, http.StatusOK, "No active sessions for “ida”.")
}

// TestAudit: PAG-6. The log says who ended which sessions of whom, and whose the address is.
func TestAudit(t *testing.T) {
	var log lockedBuffer
	config := Config{Logger: textLog(&log)}
	resolver := must(clientip.New(clientip.Config{}))
	f := start(t, options{account: AccountConfig{Config: config}, admin: AdminConfig{Config: config}, clientIP: resolver})
	olga, alice := f.browser(t, "one"), f.browser(t, "two")
	olga.signIn("olga")
	id := func(user string) string {
		b := f.browser(t, "three")
		b.signIn(user)
		return b.id().String()
	}
	for _, do := range []func() []string{
		func() []string {
			victim := id("alice")
			olga.post(adminPath+victim+"/revoke", nil)
			return []string{"by=olga", "user=alice", "session=" + victim}
		},
		func() []string {
			victim := id("alice")
			olga.post(adminPath+"revoke", url.Values{"id": {victim}, "confirm": {"1"}})
			return []string{"by=olga", "user=alice", "session=" + victim}
		},
		func() []string {
			id("bob")
			olga.json(http.MethodPost, adminPath+"api/revoke", `{"filter":{"user":"bob"}}`)
			return []string{"by=olga", "user=bob", "ended=1"}
		},
		func() []string {
			a, b := id("bob"), id("alice")
			olga.post(adminPath+"revoke", url.Values{"id": {a, b}, "confirm": {"1"}})
			return []string{"by=olga", a, b, "ended=2"}
		},
		func() []string {
			alice.signIn("alice")
			victim := id("alice")
			alice.post(accountPath+victim+"/revoke", nil)
			return []string{"by=alice", "by_session=" + alice.id().String(), "user=alice", " session=" + victim}
		},
		func() []string {
			id("alice")
			alice.post(accountPath+"revoke-others", nil)
			return []string{"by=alice", "user=alice", "ended=1"}
		},
	} {
		before := len(log.String())
		want := append(do(), "by_ip=127.0.0.1", "sessions were ended")
		for _, text := range want {
			if !strings.Contains(log.String()[before:], text) || strings.Contains(log.String()[before:], " ip=") || strings.Count(log.String()[before:], "sessions were ended") != 1 {
				t.Errorf("the log lacks %q: %s", text, log.String())
			}
		}
	}
}

// TestNotice: PAG-7. What was done is said once, by name, and no link makes the page say it.
func TestNotice(t *testing.T) {
	facts := session.EnricherFunc(func(_ context.Context, c session.Client) (session.Facts, error) {
		return session.Facts{Device: session.Device{Browser: session.Product{Name: c.UserAgent}, OS: session.Product{Name: "iOS"}}}, nil
	})
	calls := 0
	f := start(t, options{sessions: session.Config{Enrichers: []session.Enricher{facts}}, admin: AdminConfig{Config: Config{Names: named(&calls)}}})
	b, other, eve := f.browser(t, "Chrome"), f.browser(t, "Safari <i>"), f.browser(t, "Firefox")
	b.signIn("olga")
	for path, want := range map[string]string{accountPath: "Signed out Safari &lt;i&gt; on iOS.", adminPath: "Signed out Safari &lt;i&gt; on iOS of Olga Operator."} {
		other.signIn("olga")
		a := b.post(path+other.id().String()+"/revoke", nil)
		to := a.header.Get("Location")
		if a.status != http.StatusSeeOther || to != path {
			t.Fatalf("%d to %s", a.status, to)
		}
		b.get(to).want(t, http.StatusOK, `role="status">`+want+"<")
		b.get(to).without(t, `class="notice"`, "Signed out Safari") // a reload
	}
	for _, query := range []string{"done=revoked&n=9999", "done=others&n=1", "done=revoked&n=1&until=9999999999", "notice=x"} {
		b.get(accountPath+"?"+query).without(t, `class="notice"`)
		b.get(adminPath+"?"+query).without(t, `class="notice"`)
	}
	// Nor does a cookie of somebody else's session, as a subdomain could set it.
	other.signIn("olga")
	eve.signIn("eve")
	c := (&http.Response{Header: b.post(accountPath+"revoke-others", nil).header}).Cookies()
	for _, c := range c {
		if c.Name != flashCookie {
			continue
		}
		if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.MaxAge > 60 {
			t.Errorf("the cookie is %+v", c)
		}
		eve.client.Jar.SetCookies(must(url.Parse(f.url)), []*http.Cookie{{Name: flashCookie, Value: c.Value, Path: "/"}})
	}
	eve.get(accountPath).without(t, `class="notice"`)
	for _, value := range []string{"", "x", "bnVsbA", strings.Repeat("A", 4000), "eyJrIjoieCJ9"} {
		eve.client.Jar.SetCookies(must(url.Parse(f.url)), []*http.Cookie{{Name: flashCookie, Value: value, Path: "/"}})
		eve.get(accountPath).without(t, `class="notice"`)
	}
	r := must(http.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
	r.AddCookie(&http.Cookie{Name: "__Host-session", Value: "x"})
	if !secured(r) {
		t.Error("a site behind a proxy with https gets a cookie that is not Secure")
	}
}

// TestSignedOutReason: PAG-8. A visitor who never signed in, one whose session has expired, and one whose session was revoked
// read different texts, and none claims more than is known.
func TestSignedOutReason(t *testing.T) {
	f := start(t, options{})
	visitor, expired, revoked, guest := f.browser(t, "one"), f.browser(t, "two"), f.browser(t, "three"), f.browser(t, "four")
	expired.signIn("alice")
	revoked.signIn("bob")
	guest.post("/sign-in", url.Values{"cart": {"1"}}).want(t, http.StatusOK)
	f.change(t, expired.id(), func(r *store.Record) { r.ExpiresAt = time.Now().Add(-time.Minute).UTC().Truncate(time.Microsecond) })
	if err := f.sessions.RevokeID(t.Context(), revoked.id()); err != nil {
		t.Fatal(err)
	}
	const never, timeOut, elsewhere = "Sign in to see this page.", "Your session has expired, so you were signed out.", "the session has ended. You may have signed it out from another device"
	all := []string{never, timeOut, elsewhere}
	for b, want := range map[*browser]string{visitor: never, guest: never, expired: timeOut, revoked: elsewhere} {
		a := b.get(accountPath)
		a.want(t, http.StatusUnauthorized, "Please sign in", want)
		a.without(t, append(slices.DeleteFunc(slices.Clone(all), func(s string) bool { return s == want }), "somebody")...)
	}
	// Where the cookie is still there, an operator's page, which asks the database, says the same.
	revoked.signIn("olga")
	if _, err := f.sessions.RevokeUser(t.Context(), "olga"); err != nil {
		t.Fatal(err)
	}
	revoked.get(adminPath).want(t, http.StatusUnauthorized, elsewhere)
}

// TestBackToList: PAG-10. The way back from a session, and from ending it, leads to the list as it was, and nowhere else.
func TestBackToList(t *testing.T) {
	f := start(t, options{})
	b := f.browser(t, "olga")
	b.signIn("olga")
	f.insert(t, 120, func(i int, r *store.Record) { r.User = []string{"bob", "olga"}[i%2] })
	list := b.get(adminPath + "?state=all&user=bob&limit=20")
	list = b.get(list.next())
	from := list.next()
	_ = from
	ids := list.rows(t)
	query := ""
	for _, m := range anyLink.FindAllStringSubmatch(list.body, -1) {
		if strings.HasPrefix(m[1], adminPath+ids[0].String()+"?from=") {
			query = must(url.Parse(strings.ReplaceAll(m[1], "&amp;", "&"))).Query().Get("from")
		}
	}
	q := must(url.ParseQuery(query))
	want := map[string]string{"state": "all", "user": "bob", "limit": "20"}
	for name, value := range want {
		if q.Get(name) != value || q.Get("after") == "" {
			t.Fatalf("the link has %q", query)
		}
	}
	detail := b.get(adminPath + ids[0].String() + "?" + url.Values{"from": {query}}.Encode())
	back := adminPath + "?" + query
	detail.want(t, http.StatusOK, `href="`+strings.ReplaceAll(back, "&", "&amp;")+`">Back to the list`)
	forms := detail.forms()
	if a := b.post(adminPath+ids[0].String()+"/revoke", forms[len(forms)-1]); a.header.Get("Location") != back {
		t.Errorf("after the end: %s, want %s", a.header.Get("Location"), back)
	}
	form := list.forms()[1]
	form.Add("id", ids[1].String())
	question := b.post(adminPath+"revoke", form)
	question.want(t, http.StatusOK, `href="`+strings.ReplaceAll(back, "&", "&amp;")+`">Cancel`)
	if a := b.post(adminPath+"revoke", question.forms()[0]); a.header.Get("Location") != back {
		t.Errorf("after the selection: %s, want %s", a.header.Get("Location"), back)
	}
	// On the account page.
	list = b.get(accountPath + "?page=2")
	id := list.rows(t)[0].String()
	list.want(t, http.StatusOK, `href="`+accountPath+id+`?from=page%3d2"`)
	detail = b.get(accountPath + id + "?from=page%3D2")
	detail.want(t, http.StatusOK, `href="`+accountPath+`?page=2">Back to the list`)
	forms = detail.forms()
	if a := b.post(accountPath+id+"/revoke", forms[len(forms)-1]); a.header.Get("Location") != accountPath+"?page=2" {
		t.Errorf("after the end: %s", a.header.Get("Location"))
	}
	for _, hostile := range []string{"https://evil.example/", "//evil.example", "page=x", "page=2&next=//evil.example", "%zz", strings.Repeat("page=2&", 1000), "javascript:alert(1)"} {
		a := b.post(accountPath+store.NewID(time.Now()).String()+"/revoke", url.Values{"from": {hostile}})
		a.without(t, "evil", "javascript")
		a = b.get(accountPath + b.id().String() + "?" + url.Values{"from": {hostile}}.Encode())
		a.without(t, "evil.example", "javascript")
		other := f.browser(t, "two")
		other.signIn("olga")
		if to := b.post(accountPath+other.id().String()+"/revoke", url.Values{"from": {hostile}}).header.Get("Location"); to != accountPath && to != accountPath+"?page=2" {
			t.Errorf("%.40q leads to %s", hostile, to)
		}
	}
}

// A counter counts what a cached store asks of its cache and of its database.
type counter struct{ calls map[string]int }

type countingCache struct {
	store.Cache
	*counter
}

func (c countingCache) Get(ctx context.Context, id store.ID) ([]byte, store.Ticket, error) {
	c.calls["cache"]++
	return c.Cache.Get(ctx, id)
}

func (c countingCache) Put(ctx context.Context, id store.ID, t store.Ticket, b []byte, d time.Duration) error {
	c.calls["cache"]++
	return c.Cache.Put(ctx, id, t, b, d)
}

func (c countingCache) Delete(ctx context.Context, ids ...store.ID) error {
	c.calls["cache"]++
	return c.Cache.Delete(ctx, ids...)
}

type countingDB struct {
	*memory.Store
	*counter
}

func (d countingDB) Load(ctx context.Context, id store.ID) (*store.Record, error) {
	d.calls["database"]++
	return d.Store.Load(ctx, id)
}

func (d countingDB) Delete(ctx context.Context, ids ...store.ID) error {
	d.calls["database"]++
	return d.Store.Delete(ctx, ids...)
}

// TestForeignWork: ATK-17, SEC-16. To look at, and to end, a foreign session asks the cache and the database as often as for
// an ID that no session has.
func TestForeignWork(t *testing.T) {
	count := &counter{map[string]int{}}
	both := must(cacheddb.New(countingCache{new(memory.Cache), count}, countingDB{new(memory.Store), count}, cacheddb.Config{Keys: [][]byte{make([]byte, 32)}}))
	f := start(t, options{store: both})
	eve, alice := f.browser(t, "one"), f.browser(t, "two")
	eve.signIn("eve")
	alice.signIn("alice")
	for _, method := range []string{http.MethodPost, http.MethodGet} {
		work := func(id session.ID) string {
			clear(count.calls)
			path := accountPath + id.String()
			if method == http.MethodPost {
				path += "/revoke"
			}
			eve.do(method, path, nil).want(t, http.StatusNotFound)
			return fmt.Sprint(maps.Clone(count.calls))
		}
		foreign, unknown := work(alice.id()), work(store.NewID(time.Now()))
		if again := work(alice.id()); foreign != unknown || again != unknown {
			t.Errorf("%s: for a foreign session %s and %s, for none %s", method, foreign, again, unknown)
		}
	}
	if alice.user() != "alice" {
		t.Error("a foreign session has ended")
	}
}
