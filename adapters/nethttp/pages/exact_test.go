package pages

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/qsessions/qsessions/core/cacheddb"
	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/session"
)

// A database can be exchanged by another one.
type database struct{ *memory.Store }

// behindCache starts the pages over a database with a cache that is not told what happens to the database itself.
func behindCache(t *testing.T, o options) (*fixture, *database) {
	t.Helper()
	db := &database{new(memory.Store)}
	s, err := cacheddb.New(new(memory.Cache), db, cacheddb.Config{Timeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	o.store = s
	return start(t, o), db
}

// cached signs a browser in whose session the cache has a copy of.
func (f *fixture) cached(t *testing.T, agent, user string) *browser {
	t.Helper()
	b := f.browser(t, agent)
	b.signIn(user)
	for range 2 { // the second one is answered by the cache
		if b.user() != user {
			t.Fatal("not signed in")
		}
	}
	return b
}

// TestExact: ATK-1, ATK-4, ATK-7. A session that has been revoked, of which a cache still has a copy, is nobody on the
// operators' routes and where sessions are ended, at once and without any configuration, while the account page may go on to
// show the list for as long as the copy lives.
func TestExact(t *testing.T) {
	for _, accept := range []string{"text/html", "application/json"} {
		asked := 0
		f, db := behindCache(t, options{admin: AdminConfig{Authorize: func(*http.Request, session.Session) bool {
			asked++
			return true
		}}})
		victim := f.cached(t, "victim", "olga")
		id := victim.id().String()
		for _, request := range [][2]string{
			{"GET", adminPath}, {"GET", adminPath + id}, {"GET", adminPath + "charts"}, {"GET", adminPath + "?text=x"},
			{"POST", adminPath + id + "/revoke"}, {"POST", adminPath + "{own}/revoke"}, {"POST", adminPath + "revoke"},
			{"GET", adminPath + "api/"}, {"GET", adminPath + "api/" + id},
			{"POST", adminPath + "api/" + id + "/revoke"}, {"POST", adminPath + "api/revoke"},
			{"POST", accountPath + id + "/revoke"}, {"POST", accountPath + "revoke-others"}, {"POST", accountPath + "sign-out"},
			{"POST", accountPath + "{own}/revoke"}, {"POST", accountPath + "api/revoke-others"}, {"POST", accountPath + "api/sign-out"},
		} {
			thief := f.cached(t, "thief", "olga")
			thief.header.Set("Accept", accept)
			path := strings.ReplaceAll(request[1], "{own}", thief.id().String())
			if err := db.Delete(t.Context(), thief.id()); err != nil { // elsewhere, and the cache was not told
				t.Fatal(err)
			}
			if thief.user() != "olga" {
				t.Fatal("the cache has no copy: the test shows nothing")
			}
			if request[1] == accountPath+"revoke-others" {
				thief.get(accountPath).want(t, http.StatusOK)
			}
			asked = 0
			var form url.Values
			if request[0] == "POST" && path == adminPath+"revoke" {
				form = url.Values{"id": {id}, "confirm": {"1"}}
			}
			if a := thief.do(request[0], path, form); a.status != http.StatusUnauthorized || asked != 0 {
				t.Errorf("%v, %s: %d, Authorize was asked %d times", request, accept, a.status, asked)
			}
		}
		if victim.user() != "olga" || len(f.ids(t, "olga")) != 1 {
			t.Error("a revoked session has ended another one")
		}
	}
}

// TestExactUser: ATK-1. Authorize is asked about the user that the database knows, whatever a copy says, also where something
// before the page has read the copy, and changed a value.
func TestExactUser(t *testing.T) {
	for _, path := range []string{adminPath, adminPath + "{own}", adminPath + "charts", adminPath + "api/"} {
		for _, changes := range []bool{false, true} {
			f, mallory := forged(t)
			f.before = func(r *http.Request) {
				s, err := session.From(r.Context())
				if err != nil || s.User() != "olga" {
					t.Errorf("the cache has no copy: the test shows nothing: %v", err)
				}
				if changes {
					session.Key[string]("seen").Set(s, path)
				}
			}
			if a := mallory.get(strings.ReplaceAll(path, "{own}", mallory.id().String())); a.status < 400 {
				t.Errorf("%s, with changes before it: %v: %d %s", path, changes, a.status, a.text())
			}
		}
	}
}

// forged starts the pages with a browser that mallory has signed in, and of which a copy in the cache says that it was olga.
func forged(t *testing.T) (*fixture, *browser) {
	t.Helper()
	f, db := behindCache(t, options{bubble: true})
	b := f.cached(t, "mallory", "olga")
	r, err := db.Load(t.Context(), b.id())
	if err != nil {
		t.Fatal(err)
	}
	r.User = "mallory"
	other := new(memory.Store)
	if err := other.Create(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	db.Store = other
	return f, b
}
