package nethttp_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/qsessions/qsessions/adapters/nethttp"
	"github.com/qsessions/qsessions/core/session"
)

var errOther = errors.New("secret detail")

func TestWriteError(t *testing.T) {
	t.Parallel()
	var logs logBuffer
	server := &http.Server{ErrorLog: log.New(&logs, "", 0)}
	for _, c := range []struct {
		err    error
		status int
	}{
		{session.ErrUnavailable, 503}, {context.Canceled, 503}, {session.ErrUnauthenticated, 401}, {session.ErrRevoked, 401},
		{session.ErrStale, 403}, {session.ErrNotFound, 404}, {session.ErrTooMany, 409}, {session.ErrTooLarge, 413}, {session.ErrNoUser, 500},
		{session.ErrReplaced, 409}, {session.ErrCrossSite, 403}, {session.ErrNoSession, 500}, {session.ErrClosed, 500}, {session.ErrCorrupt, 500},
		{errOther, 500},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r = r.WithContext(context.WithValue(r.Context(), http.ServerContextKey, server))
		w := httptest.NewRecorder()
		nethttp.WriteError(w, r, fmt.Errorf("with detail: %w", c.err))
		body := http.StatusText(c.status) + "\n"
		if errors.Is(c.err, session.ErrReplaced) {
			body = "The session has a newer token: use that and try again\n"
		}
		if w.Code != c.status || w.Body.String() != body {
			t.Errorf("%v: got %d %q, want %d", c.err, w.Code, w.Body, c.status)
		}
		if got := w.Header().Get("Retry-After") != ""; got != (c.status == 503) {
			t.Errorf("%v: Retry-After is %t", c.err, got)
		}
		if w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%v: no no-store", c.err)
		}
		if logged := strings.Contains(logs.String(), c.err.Error()); logged != (c.status == 500 || c.err == session.ErrUnavailable) {
			t.Errorf("%v: logged is %t", c.err, logged)
		}
	}
	call(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { nethttp.WriteError(w, r, errOther) }), httptest.NewRequest("GET", "/", nil))
}

// TestOutage: while the store is out requests with a token get 503 and keep their cookie, and nobody becomes anonymous.
func TestOutage(t *testing.T) {
	t.Parallel()
	eachProtocol(t, func(t *testing.T, protocol int) {
		s := newSite(t, session.Config{}, nethttp.Config{})
		s.mux.HandleFunc("/static", func(http.ResponseWriter, *http.Request) {})
		s.mux.Handle("/private", s.Require(http.NotFoundHandler()))
		s.on("/save", func(w http.ResponseWriter, r *http.Request, x session.Session) {
			note.Set(x, "lost")
			s.db.down.Store(true)
			if err := x.Save(r.Context()); err != nil {
				s.Error(w, r, err)
			}
		})
		open := serve(t, protocol, s.handler())
		b := open("")
		b.want("/login?user=alice", 200, "")
		for _, path := range []string{"/save", "/get", "/private", "/logout", "/set", "/login?user=bob"} {
			a := b.want(path, 503, "Service Unavailable\n")
			if a.Header.Get("Retry-After") != "5" || a.Header["Set-Cookie"] != nil || a.Header.Get("Vary") != "Cookie" {
				t.Errorf("%s: got %v, want Retry-After, Vary and no cookie", path, a.Header)
			}
		}
		b.want("/static", 200, "")
		open("").want("/get", 200, "user= note=") // who has no token needs no store
		s.db.down.Store(false)
		b.want("/get", 200, "user=alice note=")
	})
}

// TestErrorReplaced: all errors of the middleware go through Config.Error.
func TestErrorReplaced(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.Config{}, nethttp.Config{Error: func(w http.ResponseWriter, _ *http.Request, _ error) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusTeapot)
		_, _ = w.Write([]byte("{}"))
	}})
	s.mux.Handle("/require", s.Require(http.NotFoundHandler()))
	s.mux.Handle("/fresh", s.RequireFresh(1)(http.NotFoundHandler()))
	s.mux.Handle("/level", s.RequireLevel(2)(http.NotFoundHandler()))
	s.on("/error", func(w http.ResponseWriter, r *http.Request, _ session.Session) { s.Error(w, r, errOther) })
	s.on("/commit", func(w http.ResponseWriter, _ *http.Request, s session.Session) { wrong.Set(s, nil); w.WriteHeader(204) })
	b := serve(t, 1, s.handler())("")
	for _, path := range []string{"/require", "/fresh", "/level", "/error", "/commit"} {
		if a := b.want(path, 418, "{}"); a.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: got %v", path, a.Header)
		}
	}
	b.want("/login?user=alice", 200, "")
	s.db.down.Store(true)
	b.want("/get", 418, "{}")
}

// TestWriteErrorPending: a revocation of which the cache could not be told is done, and the answer says by when it holds.
func TestWriteErrorPending(t *testing.T) {
	t.Parallel()
	by := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	w := httptest.NewRecorder()
	nethttp.WriteError(w, httptest.NewRequest("POST", "/", nil), fmt.Errorf("revoke: %w", &session.PendingError{EffectiveBy: by, Err: session.ErrUnavailable}))
	if want := "Revoked, everywhere by Fri, 02 Jan 2026 03:04:05 GMT\n"; w.Code != 202 || w.Body.String() != want {
		t.Errorf("got %d %q, want 202 %q", w.Code, w.Body, want)
	}
	w = httptest.NewRecorder()
	nethttp.WriteError(w, httptest.NewRequest("POST", "/", nil), fmt.Errorf("%w: %w", session.ErrNotFound, &session.PendingError{EffectiveBy: by, Err: session.ErrUnavailable}))
	if w.Code != 404 {
		t.Errorf("of what is not there: got %d, want 404", w.Code)
	}
}
