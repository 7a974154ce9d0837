package demo

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/qsessions/qsessions/core/store"
	"github.com/qsessions/qsessions/tools/internal/stores/storestest"
)

// TestRevoke signs in with two browsers and ends one session from the other, which is signed out at its next request.
func TestRevoke(t *testing.T) {
	t.Parallel()
	storestest.EachFront(t, func(t *testing.T, address, cache string) {
		site := start(t, address, cache)
		one, two := site.browser(t, "one"), site.browser(t, "two")
		one.signIn(t, "alice")
		two.signIn(t, "alice")

		list := one.get(t, "/sessions")
		if got := list.rows(); len(got) != 2 {
			t.Fatalf("got sessions %+v, want two", got)
		}
		mine, other := list.of(t, "one"), list.of(t, "two")
		if !mine.current || other.current || mine.ip != "127.0.0.1" || other.ip != "127.0.0.1" {
			t.Errorf("got %+v, %+v; want the first one as current, both from 127.0.0.1", mine, other)
		}

		after := one.post(t, "/sessions/revoke", "id", other.id)
		if got := after.rows(); len(got) != 1 || got[0] != mine {
			t.Errorf("after the revocation: got sessions %+v, want %+v", got, mine)
		}
		if got := two.get(t, "/sessions"); got.status != http.StatusUnauthorized || got.user() != "" {
			t.Errorf("the revoked one: got status %d, user %q", got.status, got.user())
		}
		if got := two.post(t, "/cart/add", "item", "plum").user(); got != "" {
			t.Errorf("the revoked one: %q is signed in again", got)
		}
		if got := one.get(t, "/").user(); got != "alice" {
			t.Errorf("the other one: got user %q", got)
		}
		two.signIn(t, "alice")
		if got := one.get(t, "/sessions").rows(); len(got) != 2 {
			t.Errorf("after another sign-in: got sessions %+v, want two", got)
		}
	})
}

// TestRevokeMany: SEC-12. It ends all other sessions, keeps the own one under a new token, and ends all.
func TestRevokeMany(t *testing.T) {
	t.Parallel()
	storestest.EachFront(t, func(t *testing.T, address, cache string) {
		site := start(t, address, cache)
		one, two, three, bob := site.browser(t, "one"), site.browser(t, "two"), site.browser(t, "three"), site.browser(t, "bob")
		for _, b := range []*browser{one, two, three} {
			b.signIn(t, "alice")
		}
		bob.signIn(t, "bob")

		token := one.cookie(t)
		after := one.post(t, "/sessions/revoke-others")
		if got, want := after.part(flashPart), "Other sessions that have ended: 2."; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		if got := after.rows(); len(got) != 1 || got[0].agent != "one" || !got[0].current {
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
		if got := two.post(t, "/sessions/revoke-all").user(); got != "" {
			t.Errorf("after signing out everywhere: %q is signed in", got)
		}
		if got := one.get(t, "/").user(); got != "" {
			t.Errorf("after signing out everywhere: %q is signed in elsewhere", got)
		}
		if got := bob.get(t, "/").user(); got != "bob" {
			t.Errorf("somebody else: got %q, want bob", got)
		}
	})
}

// TestOwnership: SEC-16, CVE-25. Nobody ends, or learns of, somebody else's session.
func TestOwnership(t *testing.T) {
	t.Parallel()
	storestest.EachFront(t, func(t *testing.T, address, cache string) {
		site := start(t, address, cache)
		alice, bob, nobody := site.browser(t, "one"), site.browser(t, "two"), site.browser(t, "three")
		alice.signIn(t, "alice")
		bob.signIn(t, "bob")
		id := alice.get(t, "/sessions").of(t, "one").id
		if got := bob.get(t, "/sessions"); len(got.rows()) != 1 || strings.Contains(got.body, id) {
			t.Errorf("bob sees %+v", got.rows())
		}
		foreign := bob.do(t, http.MethodPost, "/sessions/revoke", url.Values{"id": {id}})
		missing := bob.do(t, http.MethodPost, "/sessions/revoke", url.Values{"id": {store.NewID(time.Now()).String()}})
		garbage := bob.do(t, http.MethodPost, "/sessions/revoke", url.Values{"id": {"1 OR 1=1"}})
		for _, v := range []view{foreign, missing, garbage} {
			if v.status != http.StatusNotFound || v.body != foreign.body {
				t.Errorf("got %d %q, want the same 404 for a foreign, a missing and a malformed id", v.status, v.body)
			}
		}
		if got := nobody.do(t, http.MethodPost, "/sessions/revoke", url.Values{"id": {id}}).status; got != http.StatusUnauthorized {
			t.Errorf("not signed in: got status %d, want 401", got)
		}
		if got := alice.get(t, "/").user(); got != "alice" {
			t.Errorf("alice's session has ended")
		}
		for _, path := range []string{"/", "/sessions"} {
			if strings.Contains(alice.get(t, path).body, alice.cookie(t)) {
				t.Errorf("%s shows the token", path)
			}
		}
	})
}

func TestSignOut(t *testing.T) {
	t.Parallel()
	storestest.EachFront(t, func(t *testing.T, address, cache string) {
		site := start(t, address, cache)
		one, two := site.browser(t, "one"), site.browser(t, "two")
		one.signIn(t, "alice")
		two.signIn(t, "alice")

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
		// To end the own session from the list is a sign-out too.
		list := two.get(t, "/sessions")
		if got := list.rows(); len(got) != 1 {
			t.Fatalf("got sessions %+v, want one", got)
		}
		if got := two.post(t, "/sessions/revoke", "id", list.rows()[0].id).user(); got != "" || two.cookie(t) != "" {
			t.Errorf("after ending the own session: user %q, cookie %q", got, two.cookie(t))
		}
		if got := site.rows(t); got != 0 {
			t.Errorf("%d sessions are left", got)
		}
	})
}

// TestValues wants the cart of a visitor to be that of the user who signs in, a flash message once, and no lost update.
func TestValues(t *testing.T) {
	t.Parallel()
	storestest.EachFront(t, func(t *testing.T, address, cache string) {
		site := start(t, address, cache)
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

// TestRestart wants sessions to outlive the program.
func TestRestart(t *testing.T) {
	t.Parallel()
	storestest.EachFront(t, func(t *testing.T, address, cache string) {
		site := start(t, address, cache)
		one := site.browser(t, "one")
		one.post(t, "/cart/add", "item", "pear")
		one.signIn(t, "alice")
		token := one.cookie(t)
		site.stop()
		next := start(t, address, cache).browser(t, "one").do(t, http.MethodGet, "/", nil, "Cookie", "session="+token)
		if next.user() != "alice" || next.cart() != "1 × pear" {
			t.Errorf("after the restart: user %q, cart %q", next.user(), next.cart())
		}
	})
}
