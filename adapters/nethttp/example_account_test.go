package nethttp_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"

	"github.com/qsessions/qsessions/adapters/nethttp"
	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/session"
)

// newSessions returns a manager for the examples.
func newSessions(c session.Config) *session.Manager {
	m, err := session.New(new(memory.Store), c)
	if err != nil {
		panic(err) // the configuration is a constant
	}
	return m
}

// Where a user is signed in, and how to end one of these sessions.
func Example_devices() {
	sessions := newSessions(session.Config{})
	site, mux := nethttp.New(sessions, nethttp.Config{}), http.NewServeMux()
	mux.Handle("POST /login", site.With(func(_ http.ResponseWriter, r *http.Request, s session.Session) { s.Login(r.FormValue("user")) }))
	mux.Handle("GET /devices", site.Require(site.With(func(w http.ResponseWriter, r *http.Request, s session.Session) {
		all, err := session.Collect(sessions.Sessions(r.Context(), s.User()))
		if err != nil {
			site.Error(w, r, err)
			return
		}
		for _, i := range all {
			_, _ = fmt.Fprintf(w, "%s current=%t\n", i.UserAgent, i.Current) // and i.ID, i.IP, i.LastSeen ...
		}
	})))
	mux.Handle("POST /devices/{id}/revoke", site.Require(site.With(func(w http.ResponseWriter, r *http.Request, s session.Session) {
		id, err := session.ParseID(r.PathValue("id"))
		if err != nil {
			http.NotFound(w, r)
			return
		}
		var pending *session.PendingError
		switch err := sessions.Revoke(r.Context(), s.User(), id); {
		case errors.As(err, &pending) && !errors.Is(err, session.ErrNotFound):
			_, _ = fmt.Fprintf(w, "signed out everywhere by %s", pending.EffectiveBy.Format(time.TimeOnly))
		case err != nil: // somebody else's session is 404, as if there were none
			site.Error(w, r, err)
		default:
			_, _ = fmt.Fprint(w, "signed out")
		}
	})))
	server := httptest.NewTLSServer(site.Handler(mux))
	defer server.Close()

	phone, laptop, eve := open(server, "phone"), open(server, "laptop"), open(server, "eve")
	phone.post("/login", "user", "alice")
	laptop.post("/login", "user", "alice")
	eve.post("/login", "user", "eve")
	fmt.Print(laptop.get("/devices"))

	var id session.ID // of the phone, as a page would have it
	for i := range sessions.Sessions(context.Background(), "alice") {
		if i.UserAgent == "phone" {
			id = i.ID
		}
	}
	fmt.Println(eve.post("/devices/" + id.String() + "/revoke"))
	fmt.Println(laptop.post("/devices/" + id.String() + "/revoke"))
	fmt.Println(phone.get("/devices"))
	// Unordered output:
	// laptop current=true
	// phone current=false
	// 404 Not Found
	// signed out
	// 401 Unauthorized
}

// A new password ends all other sessions of the user, logins with the old one in flight included.
func Example_password() {
	sessions := newSessions(session.Config{})
	site, mux := nethttp.New(sessions, nethttp.Config{}), http.NewServeMux()
	mux.Handle("POST /login", site.With(func(_ http.ResponseWriter, _ *http.Request, s session.Session) { s.Login("alice") }))
	mux.Handle("GET /me", site.Require(site.With(func(w http.ResponseWriter, _ *http.Request, s session.Session) {
		_, _ = fmt.Fprint(w, s.User())
	})))
	mux.Handle("POST /password", site.Require(site.With(func(w http.ResponseWriter, r *http.Request, s session.Session) {
		// First store the new password, then:
		n, err := sessions.RevokeOthers(r.Context(), s)
		var pending *session.PendingError
		if err != nil && !errors.As(err, &pending) {
			site.Error(w, r, err)
			return
		}
		_, _ = fmt.Fprintf(w, "%d other session signed out", n)
	})))
	server := httptest.NewTLSServer(site.Handler(mux))
	defer server.Close()

	alice, thief := open(server, ""), open(server, "")
	alice.post("/login")
	thief.post("/login")
	fmt.Println(alice.post("/password"))
	fmt.Println(alice.get("/me"))
	fmt.Println(thief.get("/me"))
	// Output:
	// 1 other session signed out
	// alice
	// 401 Unauthorized
}

// Who signed in long ago has to confirm it before a transfer.
func Example_sudo() {
	sessions := newSessions(session.Config{})
	site := nethttp.New(sessions, nethttp.Config{
		Error: func(w http.ResponseWriter, r *http.Request, err error) {
			switch {
			case errors.Is(err, session.ErrUnauthenticated):
				http.Redirect(w, r, "/login?next="+url.QueryEscape(r.URL.Path), http.StatusSeeOther)
			case errors.Is(err, session.ErrStale):
				http.Redirect(w, r, "/confirm?next="+url.QueryEscape(r.URL.Path), http.StatusSeeOther)
			default:
				nethttp.WriteError(w, r, err)
			}
		},
	})
	sudo := site.RequireFresh(5 * time.Minute)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /login", func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, "who are you?") })
	mux.HandleFunc("GET /confirm", func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, "your password, please") })
	mux.Handle("POST /login", site.With(func(_ http.ResponseWriter, _ *http.Request, s session.Session) {
		s.Login("alice", session.AuthenticatedAt(time.Now().Add(-10*time.Minute))) // as if it were a while ago
	}))
	mux.Handle("POST /confirm", site.Require(site.With(func(_ http.ResponseWriter, _ *http.Request, s session.Session) { s.Reauthenticate() })))
	mux.Handle("/transfer", sudo(site.With(func(w http.ResponseWriter, _ *http.Request, s session.Session) {
		_, _ = fmt.Fprint(w, "sent by ", s.User())
	})))
	server := httptest.NewTLSServer(site.Handler(mux))
	defer server.Close()

	browser := open(server, "")
	fmt.Println(browser.get("/transfer"))
	browser.post("/login")
	fmt.Println(browser.get("/transfer"))
	browser.post("/confirm")
	fmt.Println(browser.get("/transfer"))
	// Output:
	// who are you?
	// your password, please
	// sent by alice
}

// An API whose clients are no browsers: the token travels in a header, in both directions.
func Example_header() {
	sessions := newSessions(session.Config{Header: "Session-Token"})
	site, mux := nethttp.New(sessions, nethttp.Config{
		Error: func(w http.ResponseWriter, _ *http.Request, err error) {
			status := nethttp.Status(err) // errors of the server have been logged
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(status)
			_ = json.NewEncoder(w).Encode(map[string]any{"title": http.StatusText(status), "status": status})
		},
	}), http.NewServeMux()
	mux.Handle("POST /login", site.With(func(w http.ResponseWriter, _ *http.Request, s session.Session) {
		s.Login("alice", session.Remember())
		w.WriteHeader(http.StatusNoContent)
	}))
	mux.Handle("GET /me", site.Require(site.With(func(w http.ResponseWriter, _ *http.Request, s session.Session) {
		_ = json.NewEncoder(w).Encode(map[string]any{"user": s.User(), "remembered": s.Info().Remembered})
	})))
	mux.Handle("POST /logout", site.With(func(_ http.ResponseWriter, _ *http.Request, s session.Session) { s.Logout() }))
	app := site.Handler(mux)

	token := ""
	request := func(method, path string) {
		r := httptest.NewRequest(method, path, nil)
		if token != "" {
			r.Header.Set("Session-Token", token)
		}
		w := httptest.NewRecorder()
		app.ServeHTTP(w, r)
		if lines, ok := w.Header()["Session-Token"]; ok {
			token = lines[0] // empty: the session has ended
		}
		fmt.Println(strings.TrimSpace(fmt.Sprint(w.Code, " ", w.Body)))
	}
	request("POST", "/login")
	request("GET", "/me")
	request("POST", "/logout")
	fmt.Printf("token %q\n", token)
	request("GET", "/me")
	// Output:
	// 204
	// 200 {"remembered":true,"user":"alice"}
	// 200
	// token ""
	// 401 {"status":401,"title":"Unauthorized"}
}
