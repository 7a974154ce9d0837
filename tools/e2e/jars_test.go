package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/qsessions/qsessions/adapters/nethttp"
	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/session"
)

// A shop is an application on which anybody can sign in as anybody.
//
//	/            says who is signed in, and how many session cookies the request has
//	/sign-in     signs ?user= in
//	/sign-out    signs out
//	/flash       leaves a message for the next page
func shop(t *testing.T, store *memory.Store, cookie session.Cookie) http.Handler {
	t.Helper()
	sessions, err := session.New(store, session.Config{Cookie: cookie})
	if err != nil {
		t.Fatal(err)
	}
	site := nethttp.New(sessions, nethttp.Config{})
	message := session.Key[string]("message")
	mux := http.NewServeMux()
	handle := func(path string, f func(http.ResponseWriter, *http.Request, session.Session)) {
		mux.Handle(path, site.With(f))
	}
	handle("/", func(w http.ResponseWriter, r *http.Request, s session.Session) {
		document(w, fmt.Sprintf("user=%s cookies=%d", s.User(), strings.Count(r.Header.Get("Cookie"), "__Host-session=")))
	})
	handle("/sign-in", func(w http.ResponseWriter, r *http.Request, s session.Session) {
		s.Login(r.FormValue("user"))
		document(w, "signed in")
	})
	handle("/sign-out", func(w http.ResponseWriter, _ *http.Request, s session.Session) {
		s.Logout()
		document(w, "signed out")
	})
	handle("/flash", func(w http.ResponseWriter, _ *http.Request, s session.Session) {
		message.Set(s, "thank you")
		document(w, "flash by "+s.User())
	})
	return site.Handler(mux)
}

// TestTwoJars: RPT-14. An application turns Partitioned on (CHIPS), and a browser has the cookie of before: it sends both, the old
// one first. Whoever signs in again is signed in, a sign-out ends that, and nothing of the old cookie stays.
func TestTwoJars(t *testing.T) {
	t.Parallel()
	store := new(memory.Store)
	var running atomic.Value
	running.Store(shop(t, store, session.Cookie{}))
	s := startSites(t, map[string]http.Handler{appHost: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		running.Load().(http.Handler).ServeHTTP(w, r)
	})})
	p := s.visitor()
	want := func(when, want string) {
		t.Helper()
		if got := p.see(s.at(appHost, "/")); got != want {
			t.Errorf("%s: got %q, want %q", when, got, want)
		}
	}
	p.see(s.at(appHost, "/sign-in?user=alice"))
	want("before", "user=alice cookies=1")
	running.Store(shop(t, store, session.Cookie{Partitioned: true})) // a restart
	p.see(s.at(appHost, "/"))                                        // as alice, or as nobody
	p.see(s.at(appHost, "/sign-in?user=bob"))
	for range 2 {
		want("signed in again", "user=bob cookies=1")
	}
	p.see(s.at(appHost, "/flash")) // another commit
	want("after a change", "user=bob cookies=1")
	p.see(s.at(appHost, "/sign-out"))
	want("signed out", "user= cookies=0")
	p.see(s.at(appHost, "/sign-in?user=carol"))
	want("signed in afterwards", "user=carol cookies=1")
}
