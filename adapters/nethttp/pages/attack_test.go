package pages

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qsessions/qsessions/core/session"
)

// TestPersonURL: RPT-46. The address of the application's page about a user is for operators: the account's API does not
// tell it. A path is one to browsers too.
func TestPersonURL(t *testing.T) {
	address := "/people/1"
	names := func(_ context.Context, ids []string) (map[string]Person, error) {
		found := map[string]Person{}
		for _, id := range ids {
			found[id] = Person{Name: "Jane", URL: address}
		}
		return found, nil
	}
	f := start(t, options{account: AccountConfig{Config: Config{Names: names}}, admin: AdminConfig{Config: Config{Names: names}}})
	jane, olga := f.browser(t, "one"), f.browser(t, "two")
	jane.signIn("1")
	olga.signIn("olga")
	for _, path := range []string{accountPath + "api/", accountPath + "api/" + jane.id().String()} {
		a := jane.get(path)
		a.want(t, http.StatusOK, `"person":{"name":"Jane"}`)
		a.without(t, "/people/1")
	}
	for _, bad := range []string{"//evil.example/", "///evil.example/", `/\evil.example/`, `/a\..\\evil.example/`, "https:evil.example", "data:text/html,x", "\tjavascript:alert(1)"} {
		address = bad
		for _, path := range []string{adminPath, adminPath + "api/", adminPath + jane.id().String()} {
			olga.get(path).without(t, "evil", "javascript", "data:", "ZgotmplZ")
		}
	}
	for _, bad := range []string{"//evil.example/", "///evil.example/", `/\evil.example/`} {
		for _, c := range []AccountConfig{
			{SignedOut: bad}, {Config: Config{StyleSheet: bad}}, {Config: Config{Icon: bad}}, {Config: Config{Links: []Link{{Text: "a", URL: bad}}}},
		} {
			if _, err := NewAccount(f.sessions, c); err == nil {
				t.Errorf("%q is taken for a path", bad)
			}
		}
	}
}

// TestWildcards: RPT-46. A wildcard stands for whole numbers of an address: one that may mean parts of a number ends no sessions.
func TestWildcards(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.*": "192.0.2.0/24", "192.0.*": "192.0.0.0/16", "192.0.*.*": "192.0.0.0/16", "10.*": "10.0.0.0/8", "2001:db8:*": "2001:db8::/32",
		"2001:db8:*:*:*:*:*:*": "2001:db8::/32",
		"19*":                  "", "192.0.2*": "", "10.1*": "", "192.0.2.1*": "", "2001:db*": "", "192.0.2.**": "", "192.0..*": "", "192.0.2.*.": "",
		"192.0.*.*.*": "", "192.0.2.*.*": "", "*": "", "*.*": "", "*.*.*.*": "", ".*": "", ":*": "", "1:*:*:*:*:*:*:*:*": "", "192.*.2.*": "", "192.0.2.*:*": "",
	} {
		if _, shown, _, ok := parseAddresses(text); ok != (want != "") || ok && shown != want {
			t.Errorf("%q: got %q, %t, want %q", text, shown, ok, want)
		}
	}
}

// FuzzAddresses: RPT-46. What a filter for addresses shows means the same when it is read again, and an address is let through
// only if it is within the prefix that the store is asked for.
func FuzzAddresses(f *testing.F) {
	for _, s := range []string{
		"192.0.2.1", "192.0.2.0/24", "192.0.2.10-20", "192.0.2.*", "2001:db8:*", "::1-::5", "::ffff:1.2.3.4-9", "fe80::1%eth0", "0.0.0.0-255.255.255.255",
		"1.2:*", "::ffff:0:0/96", "192.0.2.255–192.0.3.0", "-", "*", "1-", "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	} {
		f.Add(s, []byte{192, 0, 2, 15})
	}
	f.Fuzz(func(t *testing.T, text string, address []byte) {
		r, shown, _, ok := parseAddresses(text)
		if !ok {
			return
		}
		again, same, _, ok := parseAddresses(shown)
		if !ok || again != r || same != shown {
			t.Fatalf("%q: %q is read as %v, %q, want %v", text, shown, again, same, r)
		}
		if !r.prefix.IsValid() || r.prefix != r.prefix.Masked() || r.prefix.Addr().Zone() != "" || strings.ContainsAny(shown, "<>&\"' %") {
			t.Fatalf("%q: %v, %q", text, r, shown)
		}
		if r.low.IsValid() && (!r.prefix.Contains(r.low) || !r.prefix.Contains(r.high) || r.high.Less(r.low)) {
			t.Fatalf("%q: %v", text, r)
		}
		if a, ok := netip.AddrFromSlice(address); ok && r.prefix.Contains(a) && r.low.IsValid() && r.has(a) != (!a.Less(r.low) && !r.high.Less(a)) {
			t.Fatalf("%q: %v has %v: %t", text, r, a, r.has(a))
		}
	})
}

// TestAuditOfSeveral: PAG-6. The log names a user only if all sessions that ended are that user's, visitors' sessions included.
func TestAuditOfSeveral(t *testing.T) {
	var log lockedBuffer
	f := start(t, options{admin: AdminConfig{Config: Config{Logger: textLog(&log)}}})
	visitor, alice, olga := f.browser(t, "one"), f.browser(t, "two"), f.browser(t, "three")
	olga.signIn("olga")
	for _, first := range []bool{true, false} {
		visitor.do(http.MethodPost, "/sign-in", url.Values{"color": {"red"}})
		alice.signIn("alice")
		ids := []session.ID{visitor.id(), alice.id()}
		if !first {
			ids[0], ids[1] = ids[1], ids[0]
		}
		before := len(log.String())
		olga.post(adminPath+"revoke", url.Values{"id": {ids[0].String(), ids[1].String()}, "confirm": {"1"}})
		if got := log.String()[before:]; !strings.Contains(got, "ended=2") || strings.Contains(got, "user=alice") {
			t.Errorf("the log is %s", got)
		}
	}
}

// TestFoundNone: RPT-46. Whom a search means is settled when the question is asked: if it was no user, none end later.
func TestFoundNone(t *testing.T) {
	known := false
	f := start(t, options{admin: AdminConfig{FindUsers: func(context.Context, string) ([]string, error) {
		if known {
			return []string{"alice"}, nil
		}
		return nil, nil
	}}})
	alice, olga := f.browser(t, "one"), f.browser(t, "two")
	alice.signIn("alice")
	olga.signIn("olga")
	question := olga.post(adminPath+"revoke", url.Values{"find": {"ann"}, "all": {"1"}})
	question.want(t, http.StatusOK, "0 sessions will be signed out.")
	known = true
	for _, form := range question.forms() {
		olga.post(adminPath+"revoke", form)
	}
	if alice.user() != "alice" {
		t.Error("a session has ended that the question did not mean")
	}
}

// TestFoundManySlow: RPT-46. The sessions of all users that a search finds are read within the time of one list.
func TestFoundManySlow(t *testing.T) { synctest.Test(t, testFoundManySlow) }

func testFoundManySlow(t *testing.T) {
	db := &wired{}
	f := start(t, options{store: db, bubble: true, admin: AdminConfig{FindUsers: func(context.Context, string) (users []string, err error) {
		for i := range maxFound {
			users = append(users, fmt.Sprint(i))
		}
		return users, nil
	}}})
	olga := f.browser(t, "olga")
	olga.signIn("olga")
	db.set(func(call string) error {
		if call == "List" {
			time.Sleep(2 * time.Second)
		}
		return nil
	}, nil)
	begun := time.Now()
	olga.get(adminPath+"?find=a").want(t, http.StatusServiceUnavailable)
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("a list took %v", took)
	}
}

// TestOutsideLinks: RPT-46. Where the handler is mounted at another path than its own, its answer leads nowhere.
func TestOutsideLinks(t *testing.T) {
	f := start(t, options{})
	admin, err := NewAdmin(f.sessions, AdminConfig{Authorize: func(*http.Request, session.Session) bool { return true }})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	admin.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/elsewhere/?from=user%3Dalice", nil))
	if body := w.Body.String(); w.Code != http.StatusNotFound || strings.Contains(body, "alice") {
		t.Errorf("%d: %s", w.Code, body)
	}
}

// TestFindWithout: RPT-46. Without AdminConfig.FindUsers too a text that is the ID of no session's user leaves no cut-off behind.
func TestFindWithout(t *testing.T) {
	f := start(t, options{})
	alice, olga := f.browser(t, "one"), f.browser(t, "two")
	alice.signIn("alice")
	olga.signIn("olga")
	olga.json(http.MethodPost, adminPath+"api/revoke", `{"filter": {"find": "doe"}}`).want(t, http.StatusOK, `{"ended":0}`)
	olga.post(adminPath+"revoke", url.Values{"find": {"doe"}, "all": {"1"}, "confirm": {"1"}}).want(t, http.StatusSeeOther)
	if found := f.cutoffs(t, "doe"); len(found) > 0 {
		t.Errorf("there are cut-offs: %v", found)
	}
	olga.get(adminPath+"api/?find=alice").want(t, http.StatusOK, alice.id().String())
	olga.json(http.MethodPost, adminPath+"api/revoke", `{"filter": {"find": "alice"}}`).want(t, http.StatusOK, `{"ended":1}`)
	if alice.user() != "" {
		t.Error("alice is signed in")
	}
}
