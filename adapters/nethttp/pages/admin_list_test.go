package pages

import (
	"fmt"
	"html"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/store"
)

// TestAuthorize: SEC-36. Only operators see and change anything, and who is one is asked at every request.
func TestAuthorize(t *testing.T) {
	var operators atomic.Bool
	operators.Store(true)
	f := start(t, options{admin: AdminConfig{Authorize: func(_ *http.Request, s session.Session) bool {
		return operators.Load() && s.User() == "olga"
	}}})
	nobody, alice, olga := f.browser(t, "nobody"), f.browser(t, "alice"), f.browser(t, "olga")
	alice.signIn("alice")
	olga.signIn("olga")
	id := alice.id().String()
	everyone := url.Values{"all": {"1"}, "confirm": {"1"}, "everyone": {"1"}}
	ask := func(b *browser, want int) {
		t.Helper()
		for _, path := range []string{"", id, "charts", "?user=alice", "?limit=x", "?text=a"} {
			a := b.get(adminPath + path)
			if a.status != want && (want != http.StatusOK || path != "?limit=x") {
				t.Errorf("GET %s: %d, want %d", path, a.status, want)
			}
			if want != http.StatusOK {
				a.without(t, "data-session", id)
			}
		}
		if want == http.StatusOK {
			return
		}
		for _, path := range []string{id + "/revoke", "revoke", "00000000-0000-7000-8000-000000000001/revoke"} {
			if a := b.post(adminPath+path, everyone); a.status != want {
				t.Errorf("POST %s: %d, want %d", path, a.status, want)
			}
		}
	}
	ask(nobody, http.StatusUnauthorized)
	ask(alice, http.StatusForbidden)
	ask(olga, http.StatusOK)
	operators.Store(false)
	ask(olga, http.StatusForbidden)
	if alice.user() != "alice" || olga.user() != "olga" {
		t.Error("somebody is signed out")
	}
}

// filtered is a store with sessions of all sorts. They are named by their User-Agents.
func filtered(t *testing.T) (*browser, map[session.ID]string) {
	f := start(t, options{})
	b := f.browser(t, "operator")
	b.signIn("olga")
	names := map[session.ID]string{b.id(): "operator"}
	past := time.Now().Add(-time.Minute).UTC().Truncate(time.Microsecond)
	for _, s := range []struct {
		user, ip, agent string
		expired         bool
	}{
		{"alice", "192.0.2.1", "a1 Firefox", false},
		{"alice", "192.0.2.200", "a2 100% firefox", true},
		{"Alice", "2001:db8::1", "A3", false},
		{"%", "198.51.100.1", "p_", false},
		{"a_ice", "198.51.100.2", "u", false},
		{"*", "198.51.100.3", "star*", false},
		{"' OR '1'='1", "198.51.100.4", "sql'--", false},
		{`a\`, "198.51.100.5", `back\slash`, false},
		{"", "192.0.2.1", "n1", false},
		{"", "", "n2 firefox", true},
		{"olga", "192.0.2.9", "o2", false},
		{"olga", "192.0.2.9", "o3", true},
	} {
		id := f.insert(t, 1, func(_ int, r *store.Record) {
			r.User, r.UserAgent = s.user, s.agent
			r.IP, _ = netip.ParseAddr(s.ip)
			if s.expired {
				r.ExpiresAt = past
			}
		})[0]
		name, _, _ := strings.Cut(s.agent, " ")
		names[id] = name
	}
	return b, names
}

// TestFilter: BAD-51. Each filter, and some together, find just what they say; what means something to SQL, or to a
// shell, means itself.
func TestFilter(t *testing.T) {
	b, names := filtered(t)
	for query, want := range map[string]string{
		"state=all":                    "operator a1 a2 A3 p_ u star* sql'-- back\\slash n1 n2 o2 o3",
		"":                             "operator a1 A3 p_ u star* sql'-- back\\slash n1 o2",
		"state=active":                 "operator a1 A3 p_ u star* sql'-- back\\slash n1 o2",
		"state=expired":                "a2 n2 o3",
		"kind=users&state=expired":     "a2 o3",
		"kind=anonymous&state=all":     "n1 n2",
		"kind=anonymous&state=expired": "n2",
		"kind=anonymous&user=alice":    "",
		"own=1&state=all":              "operator o2 o3",
		"own=0&user=olga&state=all":    "operator o2 o3",
		"own=true&state=active":        "operator o2",
		"own=1&user=olga&state=all":    "operator o2 o3",
		"own=1&user=alice":             "",
		"user=alice&state=all":         "a1 a2",
		"user=Alice":                   "A3",
		"user=%25":                     "p_",
		"user=_":                       "",
		"user=a_ice":                   "u",
		"user=a%25":                    "",
		"user=*":                       "star*",
		"user=%27+OR+%271%27%3D%271":   "sql'--",
		"user=a%5C":                    "back\\slash",
		"user=alice%20":                "",
		"user=anonymous":               "",
		"ip=192.0.2.1":                 "a1 n1",
		"ip=%20192.0.2.1%20":           "a1 n1",
		"ip=::ffff:192.0.2.1":          "a1 n1",
		"ip=192.0.2.1/32":              "a1 n1",
		"ip=192.0.2.77/24&state=all":   "a1 a2 n1 o2 o3",
		"ip=192.0.2.0/24&user=alice&state=active": "a1",
		"ip=2001:db8::/32":                        "A3",
		"ip=2001:db8::1%25eth0":                   "A3",
		"ip=::/0":                                 "A3",
		"ip=0.0.0.0/0&kind=users&state=expired":   "a2 o3",
		"text=firefox&state=all":                  "a1 a2 n2",
		"text=FIREFOX&user=alice&state=active":    "a1",
		"text=%25&state=all":                      "a2",
		"text=_":                                  "p_",
		"text=*":                                  "star*",
		"text=%27--":                              "sql'--",
		"text=%5C":                                "back\\slash",
		"text=.":                                  "",
		"text=%20&state=all":                      "operator a1 a2 A3 p_ u star* sql'-- back\\slash n1 n2 o2 o3",
	} {
		a := b.get(adminPath + "?" + query)
		a.want(t, http.StatusOK)
		var got []string
		for _, id := range a.rows(t) {
			got = append(got, names[id])
		}
		wanted := strings.Fields(want)
		slices.Sort(got)
		slices.Sort(wanted)
		if !slices.Equal(got, wanted) {
			t.Errorf("%s: got %q, want %q", query, got, wanted)
		}
		if len(got) == 0 {
			if !strings.Contains(a.text(), "No active sessions") && !strings.Contains(a.text(), "No such sessions.") {
				t.Errorf("%s: the page says %s", query, a.text())
			}
			a.without(t, `action="`+adminPath+`revoke"`)
		}
	}
}

// TestFilterKept wants the form of a filter, and its revocation, to mean the filter again.
func TestFilterKept(t *testing.T) {
	b, _ := filtered(t)
	for _, f := range []Filter{
		{State: "all"}, {Kind: "users"}, {Own: true}, {User: "' OR '1'='1"}, {User: `a\`}, {IP: "192.0.2.0/24"}, {Text: "100% firefox", State: "all"},
		{State: "expired", Kind: "users", User: "alice", IP: "192.0.2.200", Text: "100%"},
	} {
		a := b.get(adminPath + "?" + f.values().Encode())
		forms := a.forms()
		if len(forms) != 3 {
			t.Fatalf("%d forms", len(forms))
		}
		for _, form := range []url.Values{forms[0], forms[2]} {
			got, err := parseFilter(form)
			want, _ := parseFilter(f.values())
			if err != nil || got != want {
				t.Errorf("got %+v, %v, want %+v", got, err, want)
			}
		}
	}
}

var (
	formElement = regexp.MustCompile(`(?s)<form.*?</form>`)
	input       = regexp.MustCompile(`<input ([^>]*)>|<select name="([^"]*)">|<option value="([^"]*)" selected>`)
	attribute   = regexp.MustCompile(`([a-z]+)="([^"]*)"`)
)

// forms returns what the forms of a page send as they are.
func (a answer) forms() (forms []url.Values) {
	for _, form := range formElement.FindAllString(a.body, -1) {
		values, choice := url.Values{}, ""
		for _, m := range input.FindAllStringSubmatch(form, -1) {
			attributes := map[string]string{}
			for _, pair := range attribute.FindAllStringSubmatch(m[1], -1) {
				attributes[pair[1]] = html.UnescapeString(pair[2])
			}
			switch {
			case m[2] != "":
				choice = m[2]
			case m[3] != "":
				values.Set(choice, m[3])
			case attributes["type"] == "checkbox" && !strings.Contains(m[1], " checked"):
			case attributes["value"] != "":
				values.Add(attributes["name"], attributes["value"])
			}
		}
		forms = append(forms, values)
	}
	return forms
}

// TestAdminBadParameters: BAD-51. What makes no sense is refused, by 400.
func TestAdminBadParameters(t *testing.T) {
	f := start(t, options{})
	b := f.browser(t, "olga")
	b.signIn("olga")
	for _, query := range []string{
		"state=dead", "state=ACTIVE", "kind=admins", "own=maybe", "own=-1", "limit=0", "limit=-1", "limit=201", "limit=1000000000",
		"limit=99999999999999999999", "limit=ten", "limit=1e2", "after=x", "after=-1", "after=00000000-0000-0000-0000-000000000000",
		"after=%27%3BDROP", "user=bob;x=1", "user=%zz", "ip=300.1.1.1", "ip=192.0.2", "ip=192.0.2.0/33", "ip=/24", "ip=*", "ip=::ffff:192.0.2.0/120", "ip=localhost",
		"ip=192.0.2.1:80", "user=" + strings.Repeat("x", 256), "user=%00", "user=%ff", "text=" + strings.Repeat("x", 201), "text=%ff",
	} {
		b.get(adminPath+"?"+query).want(t, http.StatusBadRequest)
	}
	b.get(adminPath+"?user="+strings.Repeat("x", 255)+"&text="+strings.Repeat("x", 200)+"&limit=200").want(t, http.StatusOK)
}

var nextLink = regexp.MustCompile(`rel="next" href="([^"]*)"`)

// next is the address of the next page, or "".
func (a answer) next() string {
	if m := nextLink.FindStringSubmatch(a.body); m != nil {
		return html.UnescapeString(m[1])
	}
	return ""
}

// TestAdminPages wants all sessions, the latest first, none twice, while others come and go, and the filter and the size
// kept from page to page.
func TestAdminPages(t *testing.T) {
	for _, query := range []string{"", "limit=7", "limit=200", "user=bob", "kind=users&state=active&limit=23", "ip=192.0.2.0/24", "text=made+up&limit=60"} {
		f := start(t, options{})
		b := f.browser(t, "olga")
		b.signIn("olga")
		ids := f.insert(t, 230, func(_ int, r *store.Record) { r.IP = netip.MustParseAddr("192.0.2.7") })
		var got []session.ID
		page := b.get(adminPath + "?" + query)
		for n := 0; ; n++ {
			page.want(t, http.StatusOK)
			got = append(got, page.rows(t)...)
			if first := strings.Contains(page.body, ">First page</a>"); first != (n > 0) {
				t.Errorf("%s: page %d: a link to the first page: %v", query, n, first)
			}
			next := page.next()
			if next == "" {
				break
			}
			for name := range url.Values(must(url.ParseQuery(query))) {
				if name != "limit" && name != "state" && !strings.Contains(next, name+"=") {
					t.Errorf("%s: the next page is %s", query, next)
				}
			}
			f.insert(t, 1, func(_ int, r *store.Record) { // one comes
				r.ID, r.IP = store.NewID(time.Now().Add(time.Hour)), netip.MustParseAddr("192.0.2.7")
			})
			if err := f.store.Delete(t.Context(), got[len(got)-1]); err != nil { // one goes: that after which the next page begins
				t.Fatal(err)
			}
			if page = b.get(next); n > 100 {
				t.Fatal("no end")
			}
		}
		got = slices.DeleteFunc(got, func(id session.ID) bool { return id == b.id() })
		if !slices.Equal(got, ids) {
			t.Errorf("%s: %d sessions, want %d, in their order", query, len(got), len(ids))
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// TestSearchBounded: BAD-51. A search for text looks at 10,000 sessions, says so, and goes on where it was.
func TestSearchBounded(t *testing.T) { synctest.Test(t, testSearchBounded) } // where a slow machine makes no scan end early

func testSearchBounded(t *testing.T) {
	db := &wired{}
	f := start(t, options{store: db, bubble: true})
	b := f.browser(t, "olga")
	b.signIn("olga")
	const all = 20_500
	ids := f.insert(t, all, func(i int, r *store.Record) {
		if i == 3 || i == 10_700 || i == all-1 {
			r.UserAgent = "the Needle"
		}
	})
	page, found, looked := b.get(adminPath+"?text=needle"), []session.ID{}, []int{}
	for {
		page.want(t, http.StatusOK)
		found = append(found, page.rows(t)...)
		rows := 0
		for _, call := range db.taken() {
			if call == "row" {
				rows++
			}
		}
		looked = append(looked, rows)
		if page.next() == "" {
			break
		}
		page.want(t, http.StatusOK, "10,000 sessions were searched.", "Continue the search")
		page = b.get(page.next())
	}
	page.without(t, "Continue the search")
	if want := []session.ID{ids[3], ids[10_700], ids[all-1]}; !slices.Equal(found, want) {
		t.Errorf("found %v, want %v", found, want)
	}
	if fmt.Sprint(looked) != "[10000 10000 501]" {
		t.Errorf("looked at %v", looked)
	}
}
