package nethttp_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/qsessions/qsessions/adapters/nethttp"
	"github.com/qsessions/qsessions/core/cacheddb"
	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/session"
)

// TestSecondFactor: CVE-5. A login that waits for its second factor passes nowhere a level is asked for, on no process and
// from no copy; when it is complete it passes everywhere at once, and the token of before is dead everywhere.
func TestSecondFactor(t *testing.T) {
	t.Parallel()
	cache, db := new(memory.Cache), new(memory.Store)
	var processes [2]http.Handler
	var stores [2]*cacheddb.Store
	for i := range processes {
		var err error
		if stores[i], err = cacheddb.New(cache, db, cacheddb.Config{Timeout: 5 * time.Second}); err != nil {
			t.Fatal(err)
		}
		m, err := session.New(stores[i], session.Config{})
		if err != nil {
			t.Fatal(err)
		}
		site, mux := nethttp.New(m, nethttp.Config{}), http.NewServeMux()
		ok := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
		mux.Handle("/password", site.With(func(_ http.ResponseWriter, _ *http.Request, s session.Session) { s.Login("alice") }))
		mux.Handle("/code", site.With(func(_ http.ResponseWriter, _ *http.Request, s session.Session) { s.Reauthenticate(session.Level(2)) }))
		mux.Handle("/code-form", site.Require(ok))
		mux.Handle("/home", site.RequireLevel(2)(ok))
		processes[i] = site.Handler(mux)
	}
	open := serve(t, 1, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		processes[len(r.Header["Other"])].ServeHTTP(w, r)
	}))
	b, thief := open(""), open("")
	other := func(r *http.Request) { r.Header.Set("Other", "") }
	both := func(path string, want int) {
		t.Helper()
		for range 2 { // the second time from a copy
			if one, two := b.do("GET", path), b.do("GET", path, other); one.StatusCode != want || two.StatusCode != want {
				t.Errorf("%s: got %d and %d, want %d", path, one.StatusCode, two.StatusCode, want)
			}
		}
	}

	waiting := b.do("GET", "/password").Header["Set-Cookie"]
	both("/code-form", 200)
	both("/home", 403)
	b.do("GET", "/code")
	both("/code-form", 200)
	both("/home", 200)
	if hits := stores[1].Stats().Hits; hits == 0 {
		t.Error("no copy was used")
	}
	old := func(r *http.Request) {
		c, err := http.ParseSetCookie(waiting[0])
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Cookie", c.Name+"="+c.Value)
	}
	for _, path := range []string{"/home", "/code-form"} {
		if one, two := thief.do("GET", path, old), thief.do("GET", path, old, other); one.StatusCode != 409 || two.StatusCode != 409 {
			t.Errorf("%s with the token of before: got %d and %d, want 409", path, one.StatusCode, two.StatusCode)
		}
	}
}
