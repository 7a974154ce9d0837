package nethttp_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qsessions/qsessions/adapters/nethttp"
	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/sessiontest"
	"github.com/qsessions/qsessions/core/store"
)

// TestLateChange: BAD-71. What is changed after the first byte is still saved if no new cookie is needed, and else refused
// and logged.
func TestLateChange(t *testing.T) {
	t.Parallel()
	eachProtocol(t, func(t *testing.T, protocol int) {
		var logs logBuffer
		s := newSite(t, session.Config{Logger: slog.New(slog.NewTextHandler(&logs, nil))}, nethttp.Config{})
		late := func(f func(s session.Session)) func(http.ResponseWriter, *http.Request, session.Session) {
			return func(w http.ResponseWriter, _ *http.Request, s session.Session) {
				_, _ = io.WriteString(w, "body")
				f(s)
			}
		}
		s.on("/late-set", late(func(s session.Session) { note.Set(s, "late") }))
		s.on("/late-login", late(func(s session.Session) { s.Login("mallory") }))
		s.on("/late-logout", late(func(s session.Session) { s.Logout() }))
		open := serve(t, protocol, s.handler())
		b := open("")
		for _, path := range []string{"/late-set", "/late-login"} {
			logs.b.Reset()
			if a := b.want(path, 200, "body"); len(a.Header["Set-Cookie"]) != 0 {
				t.Errorf("%s: a cookie after the first byte", path)
			}
			if got := s.rows(); got != 0 {
				t.Errorf("%s without a cookie: %d rows, want 0", path, got)
			}
			if !strings.Contains(logs.String(), "level=ERROR") {
				t.Errorf("%s: nothing was logged: %s", path, &logs)
			}
		}
		b.want("/login?user=alice", 200, "")
		b.want("/late-set", 200, "body")
		b.want("/get", 200, "user=alice note=late")
		b.want("/late-logout", 200, "body")
		b.want("/get", 200, "user= note=")
		if got := s.rows(); got != 0 {
			t.Errorf("after a late logout: %d rows, want 0", got)
		}
	})
}

// TestLateFailure: BAD-71. What is changed after the first byte and cannot be saved is logged, whatever the reason.
func TestLateFailure(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(s *site, x session.Session){
		"BAD-71 outage": func(s *site, _ session.Session) { s.db.down.Store(true) },
		"BAD-71 revoked": func(s *site, _ session.Session) {
			if _, err := s.sessions.RevokeUser(t.Context(), "alice"); err != nil {
				t.Error(err)
			}
		},
		"BAD-71 wrong value": func(_ *site, x session.Session) { wrong.Set(x, nil) },
		"BAD-71 too large":   func(_ *site, x session.Session) { note.Set(x, strings.Repeat("x", 1<<17)) },
	} {
		var logs logBuffer
		s := newSite(t, session.Config{Logger: slog.New(slog.NewTextHandler(&logs, nil))}, nethttp.Config{})
		var id string
		s.on("/late", func(w http.ResponseWriter, _ *http.Request, x session.Session) {
			id = x.ID().String()
			_, _ = io.WriteString(w, "body")
			note.Set(x, "late")
			spoil(s, x)
		})
		_, cookie := sessiontest.Header(t, s.sessions, func(s session.Session) { s.Login("alice") })
		if w := get(s.handler(), "/late", http.Header{"Cookie": {cookie}}); w.Code != 200 || w.Body.String() != "body" {
			t.Errorf("%s: got %d %q", name, w.Code, w.Body)
		}
		if got := logs.String(); strings.Count(got, "level=ERROR") != 1 || !strings.Contains(got, id) {
			t.Errorf("%s: logged %q, want one error that names %s", name, got, id)
		}
	}
}

// TestPanicInside: a function of Update that panics when a commit calls it again does not leave the session locked.
func TestPanicInside(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.Config{}, nethttp.Config{})
	s.on("/boom", func(w http.ResponseWriter, r *http.Request, x session.Session) {
		calls := 0
		count.Update(x, func(n int) int {
			if calls++; calls == 2 {
				panic("the second time")
			}
			return n + 1
		})
		other, _ := s.sessions.Start(t.Context(), session.Client{}, r.Header["Cookie"]...) // another request saves in between
		y, err := s.sessions.From(other)
		if err != nil {
			t.Error(err)
			return
		}
		note.Set(y, "between")
		if _, err := s.sessions.Commit(other); err != nil {
			t.Error(err)
		}
		func() {
			defer func() {
				if recover() == nil {
					t.Error("the function was not called again")
				}
			}()
			if r.FormValue("save") != "" {
				_ = x.Save(r.Context())
			}
			_, _ = io.WriteString(w, "body")
		}()
		if r.FormValue("save") == "" {
			http.Error(w, "recovered", 500)
		}
	})
	for path, want := range map[string]struct {
		status int
		body   string
		count  int
	}{"/boom": {500, "recovered\n", 0}, "/boom?save=1": {200, "", 1}} {
		_, cookie := sessiontest.Header(t, s.sessions, func(s session.Session) { s.Login("alice") })
		if w := get(s.handler(), path, http.Header{"Cookie": {cookie}}); w.Code != want.status || w.Body.String() != want.body {
			t.Errorf("%s: got %d %q, want %d %q", path, w.Code, w.Body, want.status, want.body)
		}
		ctx, _ := s.sessions.Start(t.Context(), session.Client{}, cookie)
		x, err := s.sessions.From(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if note.Get(x) != "between" || count.Get(x) != want.count {
			t.Errorf("%s: then note is %q and count %d, want between and %d", path, note.Get(x), count.Get(x), want.count)
		}
	}
}

// asks tells what contexts a store is called with.
type asks struct {
	memory.Store
	saveErr atomic.Value
}

func (a *asks) Save(ctx context.Context, r *store.Record) error {
	if err := ctx.Err(); err != nil {
		a.saveErr.Store(err)
	}
	if _, ok := ctx.Deadline(); !ok {
		a.saveErr.Store(errors.New("no deadline"))
	}
	return a.Store.Save(ctx, r)
}

// TestClientGone: BAD-72. A client that goes away during the handler does not leave open whether its changes were saved.
func TestClientGone(t *testing.T) {
	t.Parallel()
	eachProtocol(t, func(t *testing.T, protocol int) {
		db := new(asks)
		m, err := session.New(db, session.Config{})
		if err != nil {
			t.Fatal(err)
		}
		s := newSite(t, session.Config{}, nethttp.Config{})
		s.Middleware, s.sessions = nethttp.New(m, nethttp.Config{}), m
		began, done := make(chan bool), make(chan bool)
		mux := http.NewServeMux()
		mux.Handle("/slow", s.With(func(w http.ResponseWriter, r *http.Request, s session.Session) {
			began <- true
			<-r.Context().Done()
			note.Set(s, "saved")
			_, _ = io.WriteString(w, strings.Repeat("x", 1<<20))
		}))
		mux.Handle("/login", s.With(func(_ http.ResponseWriter, _ *http.Request, s session.Session) { s.Login("alice") }))
		mux.Handle("/get", s.With(func(w http.ResponseWriter, _ *http.Request, s session.Session) { _, _ = io.WriteString(w, note.Get(s)) }))
		h := s.Handler(mux)
		b := serve(t, protocol, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h.ServeHTTP(w, r)
			if r.URL.Path == "/slow" {
				done <- true
			}
		}))("")
		b.want("/login", 200, "")
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			<-began
			cancel()
		}()
		if _, err := b.try("GET", "/slow", func(r *http.Request) { *r = *r.WithContext(ctx) }); !errors.Is(err, context.Canceled) {
			t.Fatalf("the client got %v, want to be canceled", err)
		}
		<-done
		b.want("/get", 200, "saved")
		if err := db.saveErr.Load(); err != nil {
			t.Errorf("the store was called with %v", err)
		}
	})
}

// TestTimeout: http.TimeoutHandler inside. A handler that is too late can change nothing any more.
func TestTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, session.Config{}, nethttp.Config{})
		goOn, result := make(chan bool), make(chan error)
		s.on("/slow", func(w http.ResponseWriter, _ *http.Request, s session.Session) {
			note.Set(s, "lost")
			<-goOn
			note.Set(s, "late")
			_, _ = io.WriteString(w, "late")
			result <- s.Err()
		})
		h := s.Handler(http.TimeoutHandler(s.mux, time.Second, "timeout"))
		_, cookie := sessiontest.Header(t, s.sessions, func(s session.Session) { s.Login("alice") })
		if w := get(h, "/slow", http.Header{"Cookie": {cookie}}); w.Code != 503 || w.Body.String() != "timeout" {
			t.Errorf("got %d %q, want 503", w.Code, w.Body)
		}
		goOn <- true
		if err := <-result; !errors.Is(err, session.ErrClosed) {
			t.Errorf("after the timeout a change fails with %v, want ErrClosed", err)
		}
		if w := get(h, "/get", http.Header{"Cookie": {cookie}}); w.Body.String() != "user=alice note=" {
			t.Errorf("got %q, want no note", w.Body)
		}
	})
}
