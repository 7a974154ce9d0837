package demo

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

var noticePart = regexp.MustCompile(`<p class="notice" role="status">(.*?)</p>`)

// TestRevoke signs in with two browsers and ends one session from the other, which is signed out at its next request.
func TestRevoke(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, adapter Adapter, address, cache string) {
		site := start(t, adapter, address, cache)
		one, two := site.browser(t, "one"), site.browser(t, "two")
		one.signIn(t, "alice")
		two.signIn(t, "alice")

		if got := one.rows(t); len(got) != 2 {
			t.Fatalf("got sessions %+v, want two", got)
		}
		mine, other := one.of(t, "one"), one.of(t, "two")
		if !mine.Current || other.Current || mine.IP != "127.0.0.1" || other.IP != "127.0.0.1" {
			t.Errorf("got %+v, %+v; want the first one as current, both from 127.0.0.1", mine, other)
		}
		page := one.get(t, ownPath)
		if !strings.Contains(page.body, mine.ID) || !strings.Contains(page.body, other.ID) {
			t.Errorf("the page does not show both:\n%s", page.body)
		}

		after := one.post(t, ownPath+other.ID+"/revoke")
		if got, want := after.part(noticePart), "Signed out 1 session."; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		if got := one.rows(t); len(got) != 1 || got[0].ID != mine.ID {
			t.Errorf("after the revocation: got sessions %+v, want %+v", got, mine)
		}
		if got := two.get(t, ownPath); got.status != http.StatusUnauthorized {
			t.Errorf("the revoked one: got status %d, want 401", got.status)
		}
		if got := two.post(t, "/cart/add", "item", "plum").user(); got != "" {
			t.Errorf("the revoked one: %q is signed in again", got)
		}
		if got := one.get(t, "/").user(); got != "alice" {
			t.Errorf("the other one: got user %q", got)
		}
		two.signIn(t, "alice")
		if got := one.rows(t); len(got) != 2 {
			t.Errorf("after another sign-in: got sessions %+v, want two", got)
		}
	})
}

// TestRevokeMany: SEC-12. A user ends all other sessions, and keeps the own one under a new token; the operator ends all of
// a user's.
func TestRevokeMany(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, adapter Adapter, address, cache string) {
		site := start(t, adapter, address, cache)
		one, two, three, bob, olga := site.browser(t, "one"), site.browser(t, "two"), site.browser(t, "three"), site.browser(t, "bob"), site.browser(t, "olga")
		for _, b := range []*browser{one, two, three} {
			b.signIn(t, "alice")
		}
		bob.signIn(t, "bob")

		token := one.cookie(t)
		after := one.post(t, ownPath+"revoke-others")
		if got, want := after.part(noticePart), "Signed out 2 other sessions."; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		if got := one.rows(t); len(got) != 1 || got[0].UserAgent != "one" || !got[0].Current {
			t.Errorf("got sessions %+v, want the current one", got)
		}
		if got := one.cookie(t); got == token || got == "" {
			t.Errorf("the token is %q, and was %q: want a new one", got, token)
		}
		for _, b := range []*browser{two, three} {
			if got := b.get(t, "/").user(); got != "" {
				t.Errorf("%s: %q is signed in", b.agent, got)
			}
		}

		two.signIn(t, "alice")
		olga.signIn(t, Operator)
		olga.post(t, allPath+"revoke", "all", "1", "user", "alice", "confirm", "1")
		for _, b := range []*browser{one, two} {
			if got := b.get(t, "/").user(); got != "" {
				t.Errorf("after the operator ended all of alice's: %q is signed in", got)
			}
		}
		if got := bob.get(t, "/").user(); got != "bob" {
			t.Errorf("somebody else: got %q, want bob", got)
		}
	})
}

// TestOwnership: SEC-16, CVE-25. Nobody ends, or learns of, somebody else's session.
func TestOwnership(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, adapter Adapter, address, cache string) {
		site := start(t, adapter, address, cache)
		alice, bob, nobody := site.browser(t, "one"), site.browser(t, "two"), site.browser(t, "three")
		alice.signIn(t, "alice")
		bob.signIn(t, "bob")
		id := alice.of(t, "one").ID
		if got := bob.rows(t); len(got) != 1 || got[0].ID == id || strings.Contains(bob.get(t, ownPath).body, id) {
			t.Errorf("bob sees %+v", got)
		}
		revoke := func(id string) view {
			return bob.do(t, http.MethodPost, ownPath+url.PathEscape(id)+"/revoke", nil)
		}
		foreign, missing, garbage := revoke(id), revoke(store.NewID(time.Now()).String()), revoke("1 OR 1=1")
		for _, v := range []view{foreign, missing, garbage} {
			if v.status != http.StatusNotFound || v.body != foreign.body {
				t.Errorf("got %d %q, want the same 404 for a foreign, a missing and a malformed id", v.status, v.body)
			}
		}
		if got := nobody.do(t, http.MethodPost, ownPath+id+"/revoke", nil).status; got != http.StatusUnauthorized {
			t.Errorf("not signed in: got status %d, want 401", got)
		}
		for _, b := range []*browser{alice, bob, nobody} {
			want := http.StatusForbidden
			if b == nobody {
				want = http.StatusUnauthorized
			}
			for _, got := range []view{
				b.get(t, allPath), b.get(t, allPath+id), b.get(t, allPath+"charts"),
				b.do(t, http.MethodPost, allPath+id+"/revoke", nil),
				b.do(t, http.MethodPost, allPath+"revoke", url.Values{"all": {"1"}, "everyone": {"1"}, "confirm": {"1"}}),
			} {
				if got.status != want || strings.Contains(got.body, "127.0.0.1") {
					t.Errorf("the operator's page for %s: got status %d, want %d", b.agent, got.status, want)
				}
			}
		}
		if got := alice.get(t, "/").user(); got != "alice" {
			t.Errorf("alice's session has ended")
		}
		for _, path := range []string{"/", ownPath, ownPath + id} {
			if strings.Contains(alice.get(t, path).body, alice.cookie(t)) {
				t.Errorf("%s shows the token", path)
			}
		}
	})
}

func TestSignOut(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, adapter Adapter, address, cache string) {
		site := start(t, adapter, address, cache)
		one, two, three := site.browser(t, "one"), site.browser(t, "two"), site.browser(t, "three")
		for _, b := range []*browser{one, two, three} {
			b.signIn(t, "alice")
		}
		token := one.cookie(t)
		if got := one.post(t, "/sign-out").user(); got != "" {
			t.Errorf("after the sign-out: %q is signed in", got)
		}
		if got := one.cookie(t); got != "" {
			t.Errorf("after the sign-out the browser still has the cookie %q", got)
		}
		stolen := site.browser(t, "thief").do(t, http.MethodGet, "/", nil, "Cookie", "session="+token)
		if got := stolen.user(); got != "" {
			t.Errorf("with the old token: %q is signed in", got)
		}
		// From the list it is the same, and so is to end the own session there.
		if got := two.post(t, ownPath+"sign-out").user(); got != "" || two.cookie(t) != "" {
			t.Errorf("after the sign-out from the list: user %q, cookie %q", got, two.cookie(t))
		}
		if got := three.post(t, ownPath+three.of(t, "three").ID+"/revoke").user(); got != "" || three.cookie(t) != "" {
			t.Errorf("after ending the own session: user %q, cookie %q", got, three.cookie(t))
		}
		if got := site.rows(t); got != 0 {
			t.Errorf("%d sessions are left", got)
		}
	})
}

// TestValues wants the cart of a visitor to be that of the user who signs in, a flash message once, and no lost update.
func TestValues(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, adapter Adapter, address, cache string) {
		site := start(t, adapter, address, cache)
		one, two := site.browser(t, "one"), site.browser(t, "two")
		first := one.get(t, "/")
		if first.header.Get("Set-Cookie") != "" || site.rows(t) != 0 {
			t.Errorf("whoever only looks has the cookie %q, and %d rows", first.header.Get("Set-Cookie"), site.rows(t))
		}
		one.post(t, "/cart/add", "item", "apple")
		one.post(t, "/cart/add", "item", "plum")
		after := one.post(t, "/cart/add", "item", "apple")
		if got, want := after.cart(), "2 × apple, 1 × plum"; got != want {
			t.Errorf("got cart %q, want %q", got, want)
		}
		if got, want := after.part(flashPart), "One apple more is in the cart."; got != want {
			t.Errorf("got flash %q, want %q", got, want)
		}
		again := one.get(t, "/")
		if got := again.part(flashPart); got != "" {
			t.Errorf("got flash %q a second time", got)
		}
		if got, want := again.part(visitsPart), "4"; got != want {
			t.Errorf("got %s visits, want %s", got, want)
		}

		one.signIn(t, "carol")
		if got, want := one.get(t, "/").cart(), "2 × apple, 1 × plum"; got != want {
			t.Errorf("after the sign-in: got cart %q, want %q", got, want)
		}
		two.signIn(t, "carol")
		if got := two.get(t, "/").cart(); got != "" {
			t.Errorf("another session: got cart %q", got)
		}
		if got := one.post(t, "/theme", "theme", "dark"); !strings.Contains(got.body, `data-theme="dark"`) {
			t.Errorf("the theme is not dark")
		}
		if got := one.do(t, http.MethodPost, "/theme", url.Values{"theme": {`"><script>`}}).status; got != http.StatusBadRequest {
			t.Errorf("another theme: got status %d, want 400", got)
		}

		one.post(t, "/cart/empty")
		const tabs = 8
		var wg sync.WaitGroup
		for range tabs {
			wg.Go(func() { one.do(t, http.MethodPost, "/cart/add", url.Values{"item": {"pear"}}) })
		}
		wg.Wait()
		if got, want := one.get(t, "/").cart(), "8 × pear"; got != want {
			t.Errorf("after %d requests at once: got cart %q, want %q", tabs, got, want)
		}

		one.signIn(t, "bob") // without a sign-out in between
		if got := one.get(t, "/").cart(); got != "" {
			t.Errorf("another user in the same browser: got cart %q", got)
		}
	})
}

// TestRestart wants sessions to outlive the program, and another adapter to know them.
func TestRestart(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, adapter Adapter, address, cache string) {
		site := start(t, adapter, address, cache)
		one := site.browser(t, "one")
		one.post(t, "/cart/add", "item", "pear")
		one.signIn(t, "alice")
		token := one.cookie(t)
		site.stop()
		for _, next := range []Adapter{NetHTTP, Fiber} {
			site := start(t, next, address, cache)
			got := site.browser(t, "one").do(t, http.MethodGet, "/", nil, "Cookie", "session="+token)
			if got.user() != "alice" || got.cart() != "1 × pear" {
				t.Errorf("after the restart with %s: user %q, cart %q", next, got.user(), got.cart())
			}
			site.stop()
		}
	})
}
