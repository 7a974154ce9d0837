package pages

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/qsessions/qsessions/core/cacheddb"
	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/store"
)

func signInAt(back string) string { return "/log-in?back=" + url.QueryEscape(back) }

// age makes the last sign-in of a browser that much earlier.
func (b *browser) age(by time.Duration) {
	b.t.Helper()
	b.change(b.t, b.id(), func(r *store.Record) { r.AuthenticatedAt = r.AuthenticatedAt.Add(-by) })
}

// TestRequireFresh wants a recent sign-in for all but the sign-out, and a page that leads to one and back (ASVS 7.5.2).
func TestRequireFresh(t *testing.T) {
	config := Config{SignIn: signInAt, RequireFresh: 10 * time.Minute}
	f := start(t, options{account: AccountConfig{Config: config}, admin: AdminConfig{Config: config}})
	b, other := f.browser(t, "one"), f.browser(t, "two")
	b.signIn("olga")
	other.signIn("olga")
	id := other.id().String()
	for _, path := range []string{accountPath, accountPath + id, adminPath, adminPath + id, adminPath + "charts"} {
		b.get(path).want(t, http.StatusOK)
	}
	b.age(11 * time.Minute)
	for path, back := range map[string]string{
		accountPath: accountPath, accountPath + "?page=2": accountPath + "?page=2", accountPath + id: accountPath + id,
		adminPath + "?user=bob&ip=192.0.2.0%2F24": adminPath + "?user=bob&ip=192.0.2.0%2F24", adminPath + "charts": adminPath + "charts",
	} {
		a := b.get(path)
		a.want(t, http.StatusForbidden, "Please sign in again", `<a class="button" href="`+signInAt(back)+`">`)
		a.without(t, "data-session", "olga")
	}
	for path, back := range map[string]string{
		accountPath + id + "/revoke": accountPath, accountPath + "revoke-others": accountPath,
		adminPath + id + "/revoke": adminPath, adminPath + "revoke": adminPath,
	} {
		b.post(path, url.Values{"id": {id}, "confirm": {"1"}}).want(t, http.StatusForbidden, `href="`+signInAt(back)+`"`)
	}
	if other.user() != "olga" {
		t.Fatal("a stale sign-in could revoke")
	}
	b.post(accountPath+"sign-out", nil).want(t, http.StatusSeeOther)
	b.get(accountPath+"?page=2").want(t, http.StatusUnauthorized, "You are signed out", `href="`+signInAt(accountPath+"?page=2")+`"`)
	b.signIn("olga")
	b.get(accountPath).want(t, http.StatusOK)
}

// TestFreshToRevoke wants a stricter limit for revoking than for looking.
func TestFreshToRevoke(t *testing.T) {
	f := start(t, options{account: AccountConfig{
		Config: Config{RequireFresh: time.Hour, SignIn: signInAt}, FreshToRevoke: 5 * time.Minute,
	}})
	b, other := f.browser(t, "one"), f.browser(t, "two")
	b.signIn("alice")
	other.signIn("alice")
	b.age(6 * time.Minute)
	b.get(accountPath).want(t, http.StatusOK)
	for _, path := range []string{"revoke-others", other.id().String() + "/revoke", b.id().String() + "/revoke"} {
		b.post(accountPath+path, nil).want(t, http.StatusForbidden, `href="`+signInAt(accountPath)+`"`)
	}
	if other.user() != "alice" {
		t.Error("a stale sign-in could revoke")
	}
	b.age(time.Hour)
	b.get(accountPath).want(t, http.StatusForbidden)
}

// TestFreshBehindCache wants no cached copy to answer where a fresh sign-in is asked for.
func TestFreshBehindCache(t *testing.T) {
	db := new(memory.Store)
	s, err := cacheddb.New(new(memory.Cache), db, cacheddb.Config{Timeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	f := start(t, options{store: s, account: AccountConfig{Config: Config{RequireFresh: time.Hour}}})
	b := f.browser(t, "one")
	b.signIn("alice")
	for range 2 { // the second one is answered by the cache
		b.get(accountPath).want(t, http.StatusOK)
		if b.user() != "alice" {
			t.Fatal("not signed in")
		}
	}
	if err := db.Delete(t.Context(), b.id()); err != nil { // elsewhere, and the cache was not told
		t.Fatal(err)
	}
	if b.user() != "alice" {
		t.Fatal("the cache has no copy: the test shows nothing")
	}
	b.get(accountPath).want(t, http.StatusUnauthorized)
}
