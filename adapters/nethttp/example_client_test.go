package nethttp_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"

	"github.com/qsessions/qsessions/adapters/nethttp"
	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/sessiontest"
)

// exampleTest stands for the *testing.T of a test.
type exampleTest struct{}

func (exampleTest) Context() context.Context          { return context.Background() }
func (exampleTest) Helper()                           {}
func (exampleTest) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

// A test of an application through its middleware: a client with an address and a cookie jar signs in, comes back, and meets
// an outage of the store.
func Example_test() {
	var t exampleTest // func TestSignIn(t *testing.T) {
	db := new(sessiontest.Store)
	sessions, err := session.New(db, session.Config{})
	if err != nil {
		t.Fatalf("%v", err)
	}
	site := nethttp.New(sessions, nethttp.Config{})
	mux := http.NewServeMux()
	mux.Handle("POST /login", site.With(func(w http.ResponseWriter, r *http.Request, s session.Session) {
		s.Login(r.FormValue("user")) // once the password has been checked
	}))
	mux.Handle("GET /", site.With(func(w http.ResponseWriter, r *http.Request, s session.Session) {
		fmt.Fprintf(w, "%s from %s", s.User(), s.Info().IP)
	}))
	app := site.Handler(mux)

	client := sessiontest.NewClient(t, sessions)
	client.IP = netip.MustParseAddr("203.0.113.7")
	do := func(method, path string) {
		r := httptest.NewRequest(method, path, nil)
		r.RemoteAddr = client.RemoteAddr()
		client.Send(r.Header)
		w := httptest.NewRecorder()
		app.ServeHTTP(w, r)
		client.Receive(w.Header())
		fmt.Printf("%s %s: %d %q\n", method, path, w.Code, w.Body)
	}
	do("POST", "/login?user=alice")
	do("GET", "/")
	db.SetDown(true)
	do("GET", "/")
	db.SetDown(false)
	do("GET", "/")
	// Output:
	// POST /login?user=alice: 200 ""
	// GET /: 200 "alice from 203.0.113.7"
	// GET /: 503 "Service Unavailable\n"
	// GET /: 200 "alice from 203.0.113.7"
}
