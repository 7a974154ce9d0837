package pages

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/store"
)

func signInAt(back string) string { return "/log-in?back=" + url.QueryEscape(back) }

// long is for sessions that outlive the ages of sign-ins.
var long = session.Config{Policy: session.Policy{Idle: 12 * time.Hour}}

// TestRequireFresh wants a recent sign-in for all but the sign-out, and a page that leads to one and back (ASVS 7.5.2).
func TestRequireFresh(t *testing.T) { synctest.Test(t, testRequireFresh) }

func testRequireFresh(t *testing.T) {
	config := Config{SignIn: signInAt, RequireFresh: 10 * time.Minute}
	f := start(t, options{bubble: true, sessions: long, account: AccountConfig{Config: config}, admin: AdminConfig{Config: config}})
	b, other := f.browser(t, "one"), f.browser(t, "two")
	b.signIn("olga")
	other.signIn("olga")
	time.Sleep(time.Second) // a revocation is of what was before
	id := other.id().String()
	for _, path := range []string{accountPath, accountPath + id, adminPath, adminPath + id, adminPath + "charts"} {
		b.get(path).want(t, http.StatusOK)
	}
	time.Sleep(11 * time.Minute)
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
	b.get(accountPath+"?page=2").want(t, http.StatusUnauthorized, "Please sign in", `href="`+signInAt(accountPath+"?page=2")+`"`)
	b.signIn("olga")
	b.get(accountPath).want(t, http.StatusOK)
}

// TestFreshToRevoke: ATK-5. A stolen cookie alone ends no other session (ASVS 5.0 7.5.2): where there is a page to sign in on,
// that asks for a sign-in of the last 15 minutes, on both pages and in both forms, unless the configuration says otherwise.
// Looking and signing out oneself never do.
func TestFreshToRevoke(t *testing.T) {
	for name, test := range map[string]struct {
		config Config
		limit  time.Duration // of ending other sessions; 0: none
	}{
		"default":                  {Config{SignIn: signInAt}, 15 * time.Minute},
		"without SignIn":           {Config{}, 0},
		"off":                      {Config{SignIn: signInAt, FreshToRevoke: -1}, 0},
		"own":                      {Config{SignIn: signInAt, FreshToRevoke: 5 * time.Minute}, 5 * time.Minute},
		"own without SignIn":       {Config{FreshToRevoke: 5 * time.Minute}, 5 * time.Minute},
		"longer":                   {Config{SignIn: signInAt, FreshToRevoke: time.Hour}, time.Hour},
		"RequireFresh is longer":   {Config{SignIn: signInAt, RequireFresh: 3 * time.Hour}, 15 * time.Minute},
		"RequireFresh is stricter": {Config{SignIn: signInAt, RequireFresh: 10 * time.Minute}, 10 * time.Minute},
		"RequireFresh alone":       {Config{RequireFresh: 20 * time.Minute}, 20 * time.Minute},
		"RequireFresh, off":        {Config{SignIn: signInAt, RequireFresh: 20 * time.Minute, FreshToRevoke: -1}, 20 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := start(t, options{bubble: true, sessions: long, account: AccountConfig{Config: test.config}, admin: AdminConfig{Config: test.config}})
				for _, stale := range []bool{false, true} {
					b := f.browser(t, "one")
					b.signIn("olga")
					if age := test.limit; stale {
						if age == 0 {
							age = 2 * time.Hour
						}
						time.Sleep(age + time.Minute)
					} else if age > 0 {
						time.Sleep(age - time.Minute)
					}
					refused := stale && test.limit > 0
					for _, accept := range []string{"text/html", "application/json"} {
						b.header.Set("Accept", accept)
						for _, path := range []string{accountPath + "{id}/revoke", accountPath + "revoke-others", adminPath + "{id}/revoke", adminPath + "revoke"} {
							other := f.browser(t, "two")
							other.signIn("olga")
							time.Sleep(time.Second) // a revocation is of what was before
							id := other.id().String()
							a := b.endOther(strings.ReplaceAll(path, "{id}", id), id)
							switch {
							case !refused && (a.status >= 400 || other.user() != ""):
								t.Errorf("%s, %s: %d, and the other one is %q: %s", path, accept, a.status, other.user(), a.text())
							case refused && (a.status != http.StatusForbidden || other.user() != "olga"):
								t.Errorf("%s, %s, stale: %d, and the other one is %q", path, accept, a.status, other.user())
							case refused && accept == "application/json":
								a.is(t, http.StatusForbidden, "stale")
							case refused:
								a.want(t, http.StatusForbidden, "Please sign in again", "Nothing was changed.")
							}
						}
					}
					b.header.Del("Accept")
					if test.config.RequireFresh == 0 {
						b.get(accountPath).want(t, http.StatusOK)
						b.get(adminPath).want(t, http.StatusOK)
					}
					b.endsItself(t, test.limit)
				}
			})
		})
	}
}

// endOther asks for the end of a session, in the form that the Accept header of b says.
func (b *browser) endOther(path, id string) answer {
	b.t.Helper()
	if strings.HasSuffix(path, adminPath+"revoke") && b.header.Get("Accept") == "application/json" {
		return b.json(http.MethodPost, path, `{"ids":["`+id+`"]}`)
	}
	return b.post(path, url.Values{"id": {id}, "confirm": {"1"}})
}

// endsItself wants every way to end the own session open, however old the sign-in is.
func (b *browser) endsItself(t *testing.T, limit time.Duration) {
	t.Helper()
	for _, path := range []string{accountPath + "sign-out", accountPath + "{id}/revoke", adminPath + "{id}/revoke"} {
		for _, accept := range []string{"text/html", "application/json"} {
			self := b.browser(t, "self")
			self.signIn("olga")
			time.Sleep(limit + time.Hour)
			self.header.Set("Accept", accept)
			if a := self.post(strings.ReplaceAll(path, "{id}", self.id().String()), nil); a.status >= 400 || self.user() != "" {
				t.Errorf("%s, %s: signing out oneself: %d, still %q: %s", path, accept, a.status, self.user(), a.text())
			}
		}
	}
}

// TestSignInFirst: ATK-5. Where ending other sessions would be refused, the page leads to the sign-in instead, and from there
// back to where the person was; so does the answer to a form of a page that has become too old meanwhile.
func TestSignInFirst(t *testing.T) { synctest.Test(t, testSignInFirst) }

func testSignInFirst(t *testing.T) {
	config := Config{SignIn: signInAt}
	f := start(t, options{bubble: true, sessions: long, account: AccountConfig{Config: config}, admin: AdminConfig{Config: config}})
	b, other := f.browser(t, "one"), f.browser(t, "two")
	b.signIn("olga")
	other.signIn("olga")
	id, own := other.id().String(), b.id().String()
	pages := []string{accountPath + "?page=2", accountPath + id, adminPath + "?user=olga&ip=", adminPath + id}
	for _, path := range pages {
		a := b.get(path)
		a.want(t, http.StatusOK, "/revoke")
		a.without(t, "Sign in again", signInAt(""))
	}
	time.Sleep(16 * time.Minute)
	for _, path := range pages {
		a := b.get(path)
		a.want(t, http.StatusOK, `<a class="button" href="`+signInAt(path)+`">Sign in again</a>`, "Then you come back to this page.")
		a.without(t, id+"/revoke\"", "revoke-others\"", `id="selection"`, `type="checkbox" form=`, `name="all"`)
		b.header.Set("Accept-Language", "de")
		b.get(path).want(t, http.StatusOK, ">Erneut anmelden</a>", "kommen Sie auf diese Seite zurück")
		b.header.Del("Accept-Language")
	}
	b.get(accountPath).want(t, http.StatusOK, `/sign-out"`)
	b.get(adminPath+own).want(t, http.StatusOK, own+`/revoke"`) // a sign-out
	for referer, back := range map[string]string{
		accountPath + "?page=2": accountPath + "?page=2", accountPath + id: accountPath + id,
		"": accountPath, "/": accountPath, accountPath + "revoke-others": accountPath, accountPath + "api/": accountPath,
		accountPath + "../../x": accountPath, accountPath + "%2e%2e/x": accountPath, adminPath: accountPath, "//evil.example/": accountPath,
	} {
		for _, origin := range []string{f.url, "https://evil.example", ""} { // nothing but the path is taken from it
			b.header.Set("Referer", origin+referer)
			b.post(accountPath+"revoke-others", nil).want(t, http.StatusForbidden, `<a class="button" href="`+signInAt(back)+`">`)
		}
	}
	b.header.Set("Referer", f.url+adminPath+"?user=olga")
	b.post(adminPath+"revoke", url.Values{"id": {id}}).want(t, http.StatusForbidden, `href="`+signInAt(adminPath+"?user=olga")+`"`)
	if other.user() != "olga" {
		t.Fatal("a stale sign-in could revoke")
	}
	b.signIn("olga") // and they go on where they were
	b.get(accountPath+"?page=2").want(t, http.StatusOK, "revoke-others\"")
	b.post(accountPath+"revoke-others", nil).want(t, http.StatusSeeOther)
	if other.user() != "" {
		t.Error("the other session goes on")
	}
}

// TestFreshBehindCache wants no cached copy to answer where a fresh sign-in is asked for.
func TestFreshBehindCache(t *testing.T) {
	f, db := behindCache(t, options{account: AccountConfig{Config: Config{RequireFresh: time.Hour}}})
	b := f.cached(t, "one", "alice")
	b.get(accountPath).want(t, http.StatusOK)
	if err := db.Delete(t.Context(), b.id()); err != nil { // elsewhere, and the cache was not told
		t.Fatal(err)
	}
	if b.user() != "alice" {
		t.Fatal("the cache has no copy: the test shows nothing")
	}
	b.get(accountPath).want(t, http.StatusUnauthorized)
}

// TestSignInAhead: ATK-14. A sign-in that a wrong clock has dated ahead is not shown as a fresh one.
func TestSignInAhead(t *testing.T) {
	f := start(t, options{account: AccountConfig{Config: Config{SignIn: signInAt}}})
	b, other := f.browser(t, "one"), f.browser(t, "two")
	b.signIn("alice")
	other.signIn("alice")
	b.get(accountPath).without(t, "Sign in again")
	b.change(t, b.id(), func(r *store.Record) { r.AuthenticatedAt = r.AuthenticatedAt.Add(48 * time.Hour) })
	b.get(accountPath).want(t, http.StatusOK, "Sign in again")
}
