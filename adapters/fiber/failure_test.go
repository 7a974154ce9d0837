package fibersession_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/recover"
	"github.com/gofiber/fiber/v3/middleware/timeout"

	fibersession "github.com/qsessions/qsessions/adapters/fiber"
	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/sessiontest"
)

// TestFailureEndsAccess: ATK-10. A Logout, and the new token of RevokeOthers, survive a response of failure, an error, a
// panic, and Fiber's timeout middleware; a Login, a Rotate and values do not.
func TestFailureEndsAccess(t *testing.T) {
	t.Parallel()
	for way, end := range map[string]fiber.Handler{
		"status":  func(c fiber.Ctx) error { return c.SendStatus(500) },
		"error":   func(fiber.Ctx) error { return errors.New("oops") },
		"503":     func(fiber.Ctx) error { return fiber.ErrServiceUnavailable },
		"panic":   func(fiber.Ctx) error { panic("on purpose") },
		"timeout": func(c fiber.Ctx) error { <-c.Context().Done(); return c.Context().Err() },
		"http": fibersession.HTTP(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(502)
		})),
	} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			s := bareSite(t, session.Config{})
			s.Use(recover.New(), fibersession.New(s.sessions, fibersession.Config{}))
			s.routes()
			does := map[string]func(c fiber.Ctx, x session.Session){
				"logout": func(_ fiber.Ctx, x session.Session) { x.Logout(); note.Set(x, "lost") },
				"others": func(c fiber.Ctx, x session.Session) {
					if _, err := s.sessions.RevokeOthers(c.Context(), x); err != nil {
						t.Error(err)
					}
					note.Set(x, "lost")
				},
				"rotate": func(_ fiber.Ctx, x session.Session) { x.Rotate() },
				"login":  func(_ fiber.Ctx, x session.Session) { x.Login("alice", session.Level(2)) },
				"user":   func(_ fiber.Ctx, x session.Session) { x.Login("mallory") },
			}
			for name, f := range does {
				h := fibersession.With(s.sessions, func(c fiber.Ctx, x session.Session) error { f(c, x); return end(c) })
				if way == "timeout" {
					h = timeout.New(h, timeout.Config{Timeout: 200 * time.Millisecond})
				}
				s.Get("/do/"+name, h)
			}
			for name := range does {
				if _, err := s.sessions.RevokeUser(t.Context(), "alice"); err != nil {
					t.Fatal(err)
				}
				_, cookie := sessiontest.Header(t, s.sessions, func(s session.Session) { s.Login("alice"); note.Set(s, "kept") })
				_, other := sessiontest.Header(t, s.sessions, func(s session.Session) { s.Login("alice") })
				a := s.get("/do/"+name, http.Header{"Cookie": {cookie}})
				set, newest := a.Header["Set-Cookie"], cookie
				if len(set) == 1 {
					newest, _, _ = strings.Cut(set[0], ";")
				}
				state := func(cookie string) string { return s.get("/get", http.Header{"Cookie": {cookie}}).body }
				got := []string{state(cookie), state(newest), state(other)}
				const in, without, out = "user=alice note=kept", "user=alice note=", "user= note="
				want, cookies := []string{in, in, without}, 0
				switch name {
				case "logout":
					want, cookies = []string{out, out, without}, 1
				case "others":
					want, cookies = []string{out, in, out}, 1
				}
				if a.StatusCode < 500 && a.StatusCode != 408 || !slices.Equal(got, want) || len(set) != cookies {
					t.Errorf("ATK-10 %s, then %d: the old, the new and the other token open %q, want %q; %d cookies", name, a.StatusCode, got, want, len(set))
				}
			}
		})
	}
}
