package nethttp_test

import (
	"errors"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qsessions/qsessions/adapters/nethttp"
	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/sessiontest"
)

// TestLongRequest: RPT-29, ATK-7. A handler that runs for long, or streams, keeps its session alive by Save, and learns by
// Save and by Require with a MaxAge that it was revoked, and by Save that it has expired.
func TestLongRequest(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]func(http.ResponseWriter) error{
		"before the response": func(http.ResponseWriter) error { return nil },
		"in a stream": func(w http.ResponseWriter) error {
			_, _ = io.WriteString(w, "some")
			return http.NewResponseController(w).Flush()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newSite(t, session.Config{}, nethttp.Config{})
				fresh := session.Requirement{MaxAge: 10 * time.Hour}
				live := func() bool {
					all, err := session.Collect(s.sessions.Sessions(t.Context(), "alice"))
					if err != nil {
						t.Error(err)
					}
					return len(all) == 1
				}
				s.on("/long", func(w http.ResponseWriter, r *http.Request, x session.Session) {
					if err := begin(w); err != nil {
						t.Error(err)
					}
					for range 10 {
						time.Sleep(25 * time.Minute)
						if err := x.Save(r.Context()); err != nil {
							t.Fatalf("Save: %v", err)
						}
						if _, err := s.sessions.Require(r.Context(), fresh); err != nil || !live() {
							t.Fatalf("RPT-29: the session of a request that saves has ended: %v", err)
						}
					}
					if _, err := s.sessions.RevokeUser(t.Context(), "alice"); err != nil {
						t.Error(err)
					}
					if r.FormValue("with") == "require" {
						if _, err := s.sessions.Require(r.Context(), fresh); !errors.Is(err, session.ErrUnauthenticated) {
							t.Errorf("ATK-7: after the revocation Require returns %v, want ErrUnauthenticated", err)
						}
					} else if err := x.Save(r.Context()); !errors.Is(err, session.ErrRevoked) {
						t.Errorf("RPT-29: after the revocation Save returns %v, want ErrRevoked", err)
					}
				})
				s.on("/slept", func(w http.ResponseWriter, r *http.Request, x session.Session) {
					if err := begin(w); err != nil {
						t.Error(err)
					}
					time.Sleep(31 * time.Minute)
					if err := x.Save(r.Context()); !errors.Is(err, session.ErrRevoked) {
						t.Errorf("RPT-29: after the session has expired Save returns %v, want ErrRevoked", err)
					}
				})
				for _, path := range []string{"/long?with=save", "/long?with=require", "/slept"} {
					_, cookie := sessiontest.Header(t, s.sessions, func(s session.Session) { s.Login("alice") })
					w := get(s.handler(), path, http.Header{"Cookie": {cookie}})
					if w.Code != 200 || w.Header()["Set-Cookie"] != nil {
						t.Errorf("%s: got %d with %q", path, w.Code, w.Header()["Set-Cookie"])
					}
				}
			})
		})
	}
}

// TestPassive: RPT-30. Polling by a route that is no use of the session does not keep it alive; by another route it does.
func TestPassive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, session.Config{Policy: session.Policy{RotateEvery: 5 * time.Minute}}, nethttp.Config{})
		s.on("/use", func(http.ResponseWriter, *http.Request, session.Session) {})
		s.mux.Handle("/poll", s.Passive(s.Require(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))))
		h := s.handler()
		_, cookie := sessiontest.Header(t, s.sessions, func(s session.Session) { s.Login("alice") })
		poll := func(path string, n int) int {
			status := 0
			for range n {
				time.Sleep(time.Minute)
				w := get(h, path, http.Header{"Cookie": {cookie}})
				for _, line := range w.Header()["Set-Cookie"] {
					if path == "/poll" {
						t.Error("RPT-30: a passive request has a new token")
					}
					c, err := http.ParseSetCookie(line)
					if err != nil {
						t.Fatal(err)
					}
					cookie = c.Name + "=" + c.Value
				}
				status = w.Code
			}
			return status
		}
		if got := poll("/use", 100); got != 200 {
			t.Errorf("after 100 minutes of use: got %d", got)
		}
		if got := poll("/poll", 29); got != 200 {
			t.Errorf("RPT-30: after 29 minutes of polling: got %d, want 200", got)
		}
		if got := poll("/poll", 1); got != 401 {
			t.Errorf("RPT-30: after 30 minutes of polling: got %d, want 401", got)
		}
	})
}
