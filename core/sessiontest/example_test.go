package sessiontest_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"

	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/sessiontest"
)

// checkout is a handler of an application.
func checkout(w http.ResponseWriter, r *http.Request) {
	s, err := session.From(r.Context())
	if err != nil || s.User() == "" {
		http.Error(w, "sign in first", http.StatusUnauthorized)
		return
	}
	fmt.Fprintf(w, "%s buys %v", s.User(), cart.Get(s))
	cart.Delete(s)
}

// example stands for the *testing.T of a test.
type example struct{}

func (example) Context() context.Context          { return context.Background() }
func (example) Helper()                           {}
func (example) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

// A test of a handler, without middleware.
func ExampleContext() {
	var t example // func TestCheckout(t *testing.T) {
	m := sessiontest.New(t, session.Config{})
	ctx := sessiontest.Context(t, m, func(s session.Session) {
		s.Login("alice")
		cart.Set(s, []string{"tea"})
	})
	w := httptest.NewRecorder()
	checkout(w, httptest.NewRequestWithContext(ctx, http.MethodPost, "/checkout", nil))
	s, _ := session.From(ctx)
	fmt.Println(w.Body, cart.Has(s))
	// Output: alice buys [tea] false
}

// buy is a handler that takes its session as an argument, as nethttp's With gives it.
func buy(w http.ResponseWriter, _ *http.Request, s session.Session) {
	cart.Update(s, func(c []string) []string { return append(c, "cup") })
	fmt.Fprintf(w, "%s has %v", s.User(), cart.Get(s))
}

// A test of a handler that takes its session as an argument.
func ExampleSession() {
	var t example // func TestBuy(t *testing.T) {
	s := sessiontest.Session(t, sessiontest.New(t, session.Config{}), func(s session.Session) {
		s.Login("alice")
		cart.Set(s, []string{"tea"})
	})
	w := httptest.NewRecorder()
	buy(w, httptest.NewRequest(http.MethodPost, "/buy", nil), s)
	fmt.Println(w.Body)
	// Output: alice has [tea cup]
}

// A client makes several requests, from an address and with a User-Agent.
func ExampleClient() {
	var t example // func TestDevices(t *testing.T) {
	m := sessiontest.New(t, session.Config{})
	phone := sessiontest.NewClient(t, m)
	phone.IP, phone.UserAgent = netip.MustParseAddr("203.0.113.7"), "Phone/1.0"
	phone.Do(func(s session.Session) { s.Login("alice") })

	laptop := sessiontest.NewClient(t, m)
	laptop.Do(func(s session.Session) { s.Login("alice") })
	ctx := laptop.Context()
	for i, err := range m.Sessions(ctx, "alice") {
		if err != nil {
			t.Fatalf("%v", err)
		}
		fmt.Println(i.IP, i.UserAgent, i.Current)
		if !i.Current {
			if err := m.Revoke(ctx, "alice", i.ID); err != nil {
				t.Fatalf("%v", err)
			}
		}
	}
	phone.Do(func(s session.Session) { fmt.Printf("the phone is of %q\n", s.User()) })
	// Unordered output:
	// 192.0.2.1 sessiontest true
	// 203.0.113.7 Phone/1.0 false
	// the phone is of ""
}

// A store that is down: the handler answers 503, and the visitor stays signed in.
func ExampleStore() {
	var t example // func TestOutage(t *testing.T) {
	db := new(sessiontest.Store)
	m, err := session.New(db, session.Config{})
	if err != nil {
		t.Fatalf("%v", err)
	}
	c := sessiontest.NewClient(t, m)
	c.Do(func(s session.Session) { s.Login("alice") })
	for _, down := range []bool{true, false} {
		db.SetDown(down)
		w := httptest.NewRecorder()
		account(w, httptest.NewRequestWithContext(c.Context(), http.MethodGet, "/", nil))
		fmt.Println(w.Code, w.Body)
	}
	// Output:
	// 503 try again later
	// 200 alice
}

func account(w http.ResponseWriter, r *http.Request) {
	s, err := session.From(r.Context())
	if err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprint(w, "try again later")
		return
	}
	fmt.Fprint(w, s.User())
}
