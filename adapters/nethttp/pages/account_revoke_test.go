package pages

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/store"
)

// TestForeign: SEC-16, CVE-25. A foreign session, in either form and by each method, is answered byte by byte as one that
// is not there, after the same work: the same calls of the store, and none of the enrichers.
func TestForeign(t *testing.T) {
	db := &wired{}
	var enriched atomic.Int32
	f := start(t, options{store: db, sessions: session.Config{Enrichers: []session.Enricher{
		session.EnricherFunc(func(context.Context, session.Client) (session.Facts, error) {
			enriched.Add(1)
			return session.Facts{}, nil
		}),
	}}})
	eve, alice := f.browser(t, "eve"), f.browser(t, "alice")
	eve.signIn("eve")
	alice.signIn("alice", "secret", strings.Repeat("x", 4000))
	foreign := alice.id()
	anonymous := f.insert(t, 1, func(_ int, r *store.Record) { r.User = "" })[0]
	ended := f.insert(t, 1, func(_ int, r *store.Record) {
		r.User, r.ExpiresAt = "alice", time.Now().Add(-time.Minute).UTC().Truncate(time.Microsecond)
	})[0]
	missing := store.NewID(time.Now())
	for _, request := range []struct{ method, suffix string }{{"GET", ""}, {"HEAD", ""}, {"POST", "/revoke"}} {
		for _, accept := range []string{"text/html", "application/json"} {
			eve.header.Set("Accept", accept)
			ask := func(id string) (answer, []string) {
				db.taken()
				enriched.Store(0)
				a := eve.do(request.method, accountPath+id+request.suffix, nil)
				a.header.Del("Date")
				if n := enriched.Load(); n != 0 {
					t.Errorf("%s %s: %d clients were enriched", request.method, request.suffix, n)
				}
				return a, db.taken()
			}
			want, calls := ask(missing.String())
			if want.status != http.StatusNotFound || len(calls) == 0 {
				t.Fatalf("%s%s: missing: %d after %v", request.method, request.suffix, want.status, calls)
			}
			for name, id := range map[string]session.ID{"foreign": foreign, "anonymous": anonymous, "foreign and expired": ended} {
				got, made := ask(id.String())
				if got.status != want.status || got.body != want.body || !equalHeaders(got.header, want.header) {
					t.Errorf("%s%s, %s: %s is told from a missing one: %d %v %s", request.method, request.suffix, accept, name, got.status, got.header, got.body)
				}
				if !slices.Equal(made, calls) {
					t.Errorf("%s%s: %s costs %v, a missing one %v", request.method, request.suffix, name, made, calls)
				}
			}
		}
	}
	if alice.user() != "alice" || !f.has(t, ended) || !f.has(t, anonymous) {
		t.Error("a foreign session has ended")
	}
}

func equalHeaders(a, b http.Header) bool {
	var x, y bytes.Buffer
	_, _ = a.Write(&x), b.Write(&y)
	return x.String() == y.String()
}

// TestNoSuchID wants 404 for what is no id of a session, and for an own one that has expired.
func TestNoSuchID(t *testing.T) {
	f := start(t, options{})
	b := f.browser(t, "one")
	b.signIn("alice")
	own := b.id().String()
	expired := f.insert(t, 1, func(_ int, r *store.Record) {
		r.User, r.ExpiresAt = "alice", time.Now().Add(-time.Minute).UTC().Truncate(time.Microsecond)
	})[0].String()
	for _, id := range []string{
		expired, "x", "%00", "00000000-0000-0000-0000-000000000000", strings.ToUpper(own), "{" + own + "}", own + "%20", own + "%00",
		"..%2f" + own, strings.ReplaceAll(own, "-", ""), strings.Repeat("a", 5000), "%27%20OR%201=1--", "%F0%9F%92%A9", "%ff",
	} {
		if a := b.get(accountPath + id); a.status != http.StatusNotFound {
			t.Errorf("GET %s: %d", id, a.status)
		}
		if id == expired {
			continue // to end what has ended is no fault
		}
		if a := b.post(accountPath+id+"/revoke", nil); a.status != http.StatusNotFound {
			t.Errorf("POST %s: %d", id, a.status)
		}
	}
	if b.user() != "alice" {
		t.Error("alice is signed out")
	}
}

// TestRevokeTwice presses each button twice.
func TestRevokeTwice(t *testing.T) {
	f := start(t, options{})
	one, two, three := f.browser(t, "one"), f.browser(t, "two"), f.browser(t, "three")
	for _, b := range []*browser{one, two, three} {
		b.signIn("alice")
	}
	address := accountPath + three.id().String() + "/revoke"
	one.post(address, nil).want(t, http.StatusSeeOther)
	one.post(address, nil).want(t, http.StatusNotFound, "It may have ended.")
	before := one.cookie()
	others := one.post(accountPath+"revoke-others", nil)
	others.want(t, http.StatusSeeOther)
	one.get(others.header.Get("Location")).want(t, http.StatusOK, "Signed out 1 other session.")
	if one.cookie() == before || one.user() != "alice" {
		t.Error("the session has no new token")
	}
	one.get(one.post(accountPath+"revoke-others", nil).header.Get("Location")).want(t, http.StatusOK, "Signed out 0 other sessions.")
	if two.user() != "" || three.user() != "" {
		t.Error("another session goes on")
	}
	one.post(accountPath+"sign-out", nil).want(t, http.StatusSeeOther)
	one.post(accountPath+"sign-out", nil).want(t, http.StatusUnauthorized)
}

// TestSignOut: SEC-13, SEC-28, RPT-18. Signing out, by its button or by ending the own session, ends it in the store, deletes
// the cookie, and asks the browser to forget the rest only where that is wanted; never cookies, which other subdomains have too.
func TestSignOut(t *testing.T) {
	for _, clear := range []bool{false, true} {
		f := start(t, options{account: AccountConfig{ClearSiteData: clear, SignedOut: "/bye?from=sessions"}})
		for _, by := range []string{"sign-out", "revoke"} {
			b := f.browser(t, "one")
			b.signIn("alice", "cart", "pear")
			id := b.id()
			stolen := b.cookie()
			path := accountPath + "sign-out"
			if by == "revoke" {
				path = accountPath + id.String() + "/revoke"
			}
			a := b.post(path, nil)
			if a.status != http.StatusSeeOther || a.header.Get("Location") != "/bye?from=sessions" {
				t.Fatalf("%s: %d to %q", by, a.status, a.header.Get("Location"))
			}
			set := a.header.Values("Set-Cookie")
			if len(set) != 1 || !strings.HasPrefix(set[0], "session=;") || !strings.Contains(set[0], "Max-Age=0") {
				t.Errorf("%s: cookies %q", by, set)
			}
			want := ""
			if clear {
				want = `"storage"`
			}
			if got := a.header.Get("Clear-Site-Data"); got != want {
				t.Errorf("%s: Clear-Site-Data is %q, want %q", by, got, want)
			}
			if f.has(t, id) || b.cookie() != "" {
				t.Errorf("%s: the session is still there, or its cookie", by)
			}
			thief := f.browser(t, "thief")
			thief.header.Set("Cookie", "session="+stolen)
			if user := thief.user(); user != "" {
				t.Errorf("%s: its token still opens the session of %q", by, user)
			}
		}
	}
}

// TestOutage wants 503 while the store cannot be asked, and nobody signed out by it; the log has the cause, the page not.
func TestOutage(t *testing.T) {
	db := &wired{}
	var log lockedBuffer
	f := start(t, options{store: db, account: AccountConfig{Config: Config{Logger: slog.New(slog.NewJSONHandler(&log, nil))}}})
	one, two := f.browser(t, "one"), f.browser(t, "two")
	one.signIn("alice")
	two.signIn("alice")
	token, other := one.cookie(), two.id().String()
	for name, fault := range map[string]func(string) error{
		"all": always(errOut), "removals": only(errOut, "Delete", "DeleteUser"), "reads": only(errOut, "Load", "List", "row"),
	} {
		db.set(fault, nil)
		for _, request := range [][2]string{
			{"GET", ""}, {"GET", other}, {"POST", other + "/revoke"}, {"POST", "revoke-others"}, {"POST", "sign-out"},
		} {
			a := one.do(request[0], accountPath+request[1], nil)
			if name == "removals" && request[0] == "GET" {
				a.want(t, http.StatusOK)
				continue
			}
			a.want(t, http.StatusServiceUnavailable, "Please try again", "You are still signed in.")
			a.without(t, "192.0.2.99", "connection")
			if a.header.Get("Retry-After") == "" || len(a.header.Values("Set-Cookie")) != 0 || one.cookie() != token {
				t.Errorf("%s: %v: headers %v", name, request, a.header)
			}
		}
		db.set(nil, nil)
		if one.user() != "alice" || two.user() != "alice" {
			t.Fatalf("%s: one is %q, two is %q", name, one.user(), two.user())
		}
	}
	if text := log.String(); !strings.Contains(text, "192.0.2.99") || strings.Contains(text, token) || strings.Contains(text, other) {
		t.Errorf("the log is %s", text)
	}
}

// TestPending wants to be told until when a cache that could not be told may still accept what was revoked.
func TestPending(t *testing.T) {
	db := &wired{}
	f := start(t, options{store: db})
	b := f.browser(t, "one")
	b.signIn("alice")
	until := time.Now().Add(90 * time.Second)
	pending := &store.PendingError{EffectiveBy: until, Err: store.ErrUnavailable}
	for path, text := range map[string]string{"/revoke": "Signed out 1 session.", "revoke-others": "Signed out 1 other session."} {
		other := f.browser(t, "two")
		other.signIn("alice")
		if path == "/revoke" {
			path = other.id().String() + path
		}
		db.set(nil, only(pending, "Delete", "DeleteUser"))
		a := b.post(accountPath+path, nil)
		db.set(nil, nil)
		a.want(t, http.StatusSeeOther)
		b.get(a.header.Get("Location")).want(t, http.StatusOK, text,
			"Some servers may accept what has ended until "+until.UTC().Truncate(time.Second).Add(time.Second).Format("15:04:05 UTC"))
		if other.user() != "" {
			t.Error("it was not revoked")
		}
	}
	db.set(nil, only(pending, "Delete"))
	a := b.post(accountPath+"sign-out", nil)
	if a.status != http.StatusSeeOther || b.cookie() != "" {
		t.Errorf("sign out: %d, cookie %q", a.status, b.cookie())
	}
	b.get(a.header.Get("Location")).want(t, http.StatusOK, "You have signed out", "Some servers may accept what has ended until ")
}

// TestSignedOut: the page for anyone who has signed out is for nobody else, and a link cannot make it say just anything.
func TestSignedOut(t *testing.T) {
	f := start(t, options{account: AccountConfig{Config: Config{SignIn: func(string) string { return "/sign-in" }}}})
	b := f.browser(t, "one")
	path := accountPath + "signed-out"
	b.get(path).want(t, http.StatusOK, "You have signed out", `href="/sign-in"`)
	soon := strconv.FormatInt(time.Now().Add(time.Minute).Unix(), 10)
	for _, until := range []string{"", "x", "-1", soon} {
		b.get(path+"?until="+until).without(t, `class="notice"`)
	}
	b.post(path, nil).want(t, http.StatusMethodNotAllowed)
	b.signIn("alice")
	if a := b.get(path); a.status != http.StatusSeeOther || a.header.Get("Location") != accountPath {
		t.Errorf("signed in: got %d to %s, want the list", a.status, a.header.Get("Location"))
	}
	f = start(t, options{account: AccountConfig{SignedOut: "/bye"}})
	f.browser(t, "one").get(path).want(t, http.StatusUnauthorized)
}

// TestNotIndexed wants 501 where sessions cannot be listed, with what is possible still possible.
func TestNotIndexed(t *testing.T) {
	f := start(t, options{store: struct{ store.Store }{new(memory.Store)}})
	b := f.browser(t, "one")
	b.signIn("olga")
	for _, path := range []string{accountPath, adminPath, adminPath + "charts", adminPath + "?text=x"} {
		b.get(path).want(t, http.StatusNotImplemented, "Not available", "cannot list them")
	}
	b.post(accountPath+"revoke-others", nil).want(t, http.StatusNotImplemented)
	b.post(adminPath+"revoke", url.Values{"user": {"bob"}, "all": {"1"}, "confirm": {"1"}}).want(t, http.StatusNotImplemented)
	b.post(accountPath+"sign-out", nil).want(t, http.StatusSeeOther)
	if b.user() != "" {
		t.Error("still signed in")
	}
}

// TestWithoutMiddleware wants a page, and a log that says what is missing.
func TestWithoutMiddleware(t *testing.T) {
	var log lockedBuffer
	m, err := session.New(new(memory.Store), session.Config{})
	if err != nil {
		t.Fatal(err)
	}
	a, err := NewAccount(m, AccountConfig{Config: Config{Logger: textLog(&log)}})
	if err != nil {
		t.Fatal(err)
	}
	got := direct(t, a, http.MethodGet, accountPath)
	got.want(t, http.StatusInternalServerError, "Something went wrong")
	got.without(t, "middleware")
	if !strings.Contains(log.String(), "is the middleware installed?") || !strings.Contains(log.String(), "GET") {
		t.Errorf("the log is %s", log.String())
	}
}
