package fibersession_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofiber/fiber/v3"

	fibersession "github.com/qsessions/qsessions/adapters/fiber"
	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/sessiontest"
)

// TestLongRequest: RPT-29, ATK-7. A handler that runs for long keeps its session alive by Save, and learns by Save and by
// Require with a MaxAge that it was revoked, and by Save that it has expired.
func TestLongRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, session.Config{}, fibersession.Config{})
		fresh := session.Requirement{MaxAge: 10 * time.Hour}
		s.on("/long", func(c fiber.Ctx, x session.Session) error {
			for range 10 {
				time.Sleep(25 * time.Minute)
				if err := x.Save(c.Context()); err != nil {
					t.Fatalf("Save: %v", err)
				}
				if _, err := s.sessions.Require(c.Context(), fresh); err != nil || s.rows() != 1 {
					t.Fatalf("RPT-29: the session of a request that saves has ended: %v", err)
				}
			}
			if _, err := s.sessions.RevokeUser(t.Context(), "alice"); err != nil {
				t.Error(err)
			}
			if c.Query("with") == "require" {
				if _, err := s.sessions.Require(c.Context(), fresh); !errors.Is(err, session.ErrUnauthenticated) {
					t.Errorf("ATK-7: after the revocation Require returns %v, want ErrUnauthenticated", err)
				}
			} else if err := x.Save(c.Context()); !errors.Is(err, session.ErrRevoked) {
				t.Errorf("RPT-29: after the revocation Save returns %v, want ErrRevoked", err)
			}
			return nil
		})
		s.on("/slept", func(c fiber.Ctx, x session.Session) error {
			time.Sleep(31 * time.Minute)
			if err := x.Save(c.Context()); !errors.Is(err, session.ErrRevoked) {
				t.Errorf("RPT-29: after the session has expired Save returns %v, want ErrRevoked", err)
			}
			return nil
		})
		for _, path := range []string{"/long?with=save", "/long?with=require", "/slept"} {
			_, cookie := sessiontest.Header(t, s.sessions, func(s session.Session) { s.Login("alice") })
			if status, cookies := at(s.Handler(), path, cookie); status != 200 || cookies != nil {
				t.Errorf("%s: got %d with %q", path, status, cookies)
			}
		}
	})
}

// TestStreamRevoked: RPT-29, ATK-7. The writer of a stream, which goes on when the request's session is closed, learns by
// Require with a MaxAge that the session has ended, and by Save that it is closed.
func TestStreamRevoked(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.Config{}, fibersession.Config{})
	begun := make(chan bool)
	s.on("/stream", func(c fiber.Ctx, x session.Session) error {
		ctx := c.Context()
		return c.SendStreamWriter(func(w *bufio.Writer) {
			_ = w.WriteByte('.')
			_ = w.Flush()
			<-begun
			_, before := s.sessions.Require(ctx, session.Requirement{MaxAge: time.Hour})
			if _, err := s.sessions.RevokeUser(t.Context(), "alice"); err != nil {
				t.Error(err)
			}
			_, after := s.sessions.Require(ctx, session.Requirement{MaxAge: time.Hour})
			_, _ = fmt.Fprint(w, before, " ", errors.Is(after, session.ErrUnauthenticated), " ", errors.Is(x.Save(ctx), session.ErrClosed))
		})
	})
	b := serve(t, s.App)("")
	b.want("/login?user=alice", 200, "")
	res, err := b.client.Get(b.url + "/stream") // returns when the header is there
	if err != nil {
		t.Fatal(err)
	}
	close(begun)
	body, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if want := ".<nil> true true"; err != nil || string(body) != want {
		t.Errorf("got %q, %v; want %q", body, err, want)
	}
}

// TestPassive: RPT-30. Polling by a route that is no use of the session does not keep it alive; by another route it does.
func TestPassive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, session.Config{Policy: session.Policy{RotateEvery: 5 * time.Minute}}, fibersession.Config{})
		s.on("/use", func(fiber.Ctx, session.Session) error { return nil })
		s.Get("/poll", fibersession.Passive, fibersession.Require(s.sessions), ok)
		h := s.Handler()
		_, cookie := sessiontest.Header(t, s.sessions, func(s session.Session) { s.Login("alice") })
		poll := func(path string, n int) (status int) {
			for range n {
				time.Sleep(time.Minute)
				var cookies []string
				if status, cookies = at(h, path, cookie); len(cookies) > 0 {
					if path == "/poll" {
						t.Error("RPT-30: a passive request has a new token")
					}
					cookie, _, _ = strings.Cut(cookies[0], ";")
				}
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
