package pages

import (
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"testing"
	"time"

	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/store"
)

// TestEveryone: SEC-14, BAD-51. Whatever leaves nobody out needs the box, in whatever words it is said; with it all end
// but the operator's own.
func TestEveryone(t *testing.T) {
	for _, words := range []string{
		"", "state=active", "kind=users", "kind=users&state=active", "ip=0.0.0.0/0", "ip=::/0", "own=0", "text=+", "user=", "usr=alice", "User=alice",
	} {
		f := start(t, options{})
		f.client = func() session.Client { return session.Client{IP: netip.MustParseAddr("192.0.2.7")} }
		olga, alice := f.browser(t, "olga"), f.browser(t, "alice")
		olga.signIn("olga")
		alice.signIn("alice")
		nextMillisecond()
		form := must(url.ParseQuery(words))
		form.Set("all", "1")
		question := olga.post(adminPath+"revoke", form)
		question.want(t, http.StatusOK, "everyone’s sessions", `name="everyone" value="1" required`)
		order := question.forms()[0]
		olga.post(adminPath+"revoke", order).want(t, http.StatusBadRequest, "Not confirmed")
		for _, no := range []string{"0", "", "yes", "true"} {
			order.Set("everyone", no)
			olga.post(adminPath+"revoke", order).want(t, http.StatusBadRequest, "Not confirmed")
		}
		if alice.user() != "alice" {
			t.Fatalf("%q: alice is signed out without the box", words)
		}
		order.Set("everyone", "1")
		olga.post(adminPath+"revoke", order).want(t, http.StatusSeeOther)
		if olga.user() != "olga" {
			t.Errorf("%q: the operator is signed out", words)
		}
		if user := alice.user(); user != "" && words != "ip=::/0" { // her address is no such one
			t.Errorf("%q: %s is still signed in", words, user)
		}
	}
	f := start(t, options{})
	olga := f.browser(t, "olga")
	olga.signIn("olga")
	for _, words := range []string{"state=expired", "kind=anonymous", "own=1", "user=*", "ip=192.0.2.0/24", "text=a"} {
		form := must(url.ParseQuery(words))
		form.Set("all", "1")
		olga.post(adminPath+"revoke", form).without(t, "everyone")
	}
}

// TestRevokeUser: SEC-14. All of one user's ends with the sign-ins that are under way, and counts who was signed in; a
// name is a name.
func TestRevokeUser(t *testing.T) {
	for _, filter := range []url.Values{{"user": {"bob"}}, {"user": {"bob"}, "state": {"active"}}, {"user": {"bob"}, "kind": {"users"}}} {
		f := start(t, options{})
		olga, bob, other, star := f.browser(t, "olga"), f.browser(t, "bob"), f.browser(t, "Bob"), f.browser(t, "star")
		olga.signIn("olga")
		bob.signIn("bob")
		other.signIn("Bob")
		star.signIn("*")
		f.insert(t, 1, func(_ int, r *store.Record) {
			r.ExpiresAt = time.Now().Add(-time.Hour).UTC().Truncate(time.Microsecond)
		})
		begun, revoked := make(chan bool), make(chan bool)
		f.signingIn = func(string) { begun <- true; <-revoked }
		late := f.browser(t, "late")
		status := make(chan int)
		go func() { status <- late.post("/sign-in", url.Values{"user": {"bob"}}).status }()
		<-begun
		form := url.Values{"all": {"1"}}
		maps.Copy(form, filter)
		nextMillisecond()
		question := olga.post(adminPath+"revoke", form)
		question.want(t, http.StatusOK, "1 session will be signed out.")
		a := olga.post(adminPath+"revoke", question.forms()[0])
		close(revoked)
		if got := <-status; got != http.StatusUnauthorized {
			t.Errorf("%v: the sign-in under way: %d", filter, got)
		}
		f.signingIn = nil
		olga.get(a.header.Get("Location")).want(t, http.StatusOK, "Signed out 1 session.")
		if bob.user() != "" || late.user() != "" || other.user() != "Bob" || star.user() != "*" {
			t.Errorf("%v: %q, %q, %q, %q", filter, bob.user(), late.user(), other.user(), star.user())
		}
		bob.signIn("bob")
		if bob.user() != "bob" {
			t.Error("bob cannot sign in any more")
		}
	}
}

// TestRevokeOwnOthers wants the operator to end their own other sessions by a filter, and to stay.
func TestRevokeOwnOthers(t *testing.T) {
	for _, words := range []string{"own=1", "user=olga", "own=1&user=olga", "own=1&state=active&kind=users"} {
		f := start(t, options{})
		olga, second, alice := f.browser(t, "olga"), f.browser(t, "second"), f.browser(t, "alice")
		olga.signIn("olga")
		second.signIn("olga")
		alice.signIn("alice")
		nextMillisecond()
		form := must(url.ParseQuery(words))
		form.Set("all", "1")
		nextMillisecond()
		question := olga.post(adminPath+"revoke", form)
		question.want(t, http.StatusOK, "1 session will be signed out.", "Your own session stays.")
		stolen := olga.cookie()
		olga.get(olga.post(adminPath+"revoke", question.forms()[0]).header.Get("Location")).want(t, http.StatusOK, "Signed out 1 session.")
		if olga.user() != "olga" || second.user() != "" || alice.user() != "alice" {
			t.Errorf("%s: %q, %q, %q", words, olga.user(), second.user(), alice.user())
		}
		if olga.cookie() == stolen {
			t.Errorf("%s: no new token", words)
		}
	}
	f := start(t, options{})
	olga, alice := f.browser(t, "olga"), f.browser(t, "alice")
	olga.signIn("olga")
	alice.signIn("alice")
	olga.post(adminPath+"revoke", url.Values{"own": {"1"}, "user": {"alice"}, "all": {"1"}, "confirm": {"1"}}).want(t, http.StatusSeeOther)
	if alice.user() != "alice" {
		t.Error("alice's sessions are not the operator's own")
	}
}
