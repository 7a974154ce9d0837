package fibersession_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v3"

	fibersession "github.com/qsessions/qsessions/adapters/fiber"
	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/sessiontest"
)

// TestNested: BAD-73. Middleware that is mounted twice, again in a group, on a route, in a sub-application, or run again by
// RestartRouting, works once.
func TestNested(t *testing.T) {
	t.Parallel()
	for name, mount := range map[string]func(s *site, mw fiber.Handler) (prefix string){
		"twice": func(s *site, mw fiber.Handler) string { s.Use(mw, mw); s.Use(mw); s.routes(); return "" },
		"other": func(s *site, mw fiber.Handler) string {
			s.Use(mw, fibersession.New(s.sessions, fibersession.Config{}))
			s.routes()
			return ""
		},
		"restart": func(s *site, mw fiber.Handler) string {
			s.Use(mw)
			s.Get("/again/:path", func(c fiber.Ctx) error { c.Path("/" + c.Params("path")); return c.RestartRouting() })
			s.routes()
			return "/again"
		},
		"group": func(s *site, mw fiber.Handler) string {
			s.Use(mw)
			g := s.Group("/part", mw)
			g.Get("/set", mw, fibersession.With(s.sessions, func(c fiber.Ctx, s session.Session) error { note.Set(s, c.Query("note")); return nil }))
			g.Get("/get", fibersession.With(s.sessions, func(c fiber.Ctx, s session.Session) error { return c.SendString("user= note=" + note.Get(s)) }))
			return "/part"
		},
		"sub-application": func(s *site, mw fiber.Handler) string {
			s.Use(mw)
			sub := &site{fiber.New(), s.t, s.db, s.sessions}
			sub.Use(mw)
			sub.routes()
			s.App.Use("/sub", sub.App)
			return "/sub"
		},
		"sub-application alone": func(s *site, mw fiber.Handler) string {
			sub := &site{fiber.New(), s.t, s.db, s.sessions}
			sub.Use(mw)
			sub.routes()
			s.App.Use("/sub", sub.App)
			return "/sub"
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := bareSite(t, session.Config{})
			prefix := mount(s, fibersession.New(s.sessions, fibersession.Config{}))
			b := serve(t, s.App)("")
			if a := b.do("GET", prefix+"/set?note=once"); len(a.Header["Set-Cookie"]) != 1 || len(a.Header["Vary"]) != 1 {
				t.Errorf("got %d %v, want one cookie and one Vary", a.StatusCode, a.Header)
			}
			b.want(prefix+"/get", 200, "user= note=once")
			if got := s.db.calls(); got != 2 {
				t.Errorf("%d store calls, want 2", got)
			}
		})
	}
}

// TestNestedEndsOutside: BAD-73. Of two the outer one ends the session: what is between them may still change it.
func TestNestedEndsOutside(t *testing.T) {
	t.Parallel()
	s := bareSite(t, session.Config{})
	mw := fibersession.New(s.sessions, fibersession.Config{})
	s.Use(mw, func(c fiber.Ctx) error {
		err := c.Next()
		x, e := fibersession.From(c)
		if e != nil {
			return e
		}
		note.Set(x, "between")
		return errors.Join(err, x.Err())
	}, mw)
	s.Get("/", ok)
	if a := s.get("/", nil); a.StatusCode != 200 || len(a.Header["Set-Cookie"]) != 1 || s.rows() != 1 {
		t.Errorf("got %d %q, %v and %d rows", a.StatusCode, a.body, a.Header, s.rows())
	}
}

// TestContexts: the session is found by all ways that Fiber knows, whether or not locals are passed to contexts, and does not
// replace what was in the context.
func TestContexts(t *testing.T) {
	t.Parallel()
	type key struct{}
	for _, pass := range []bool{false, true} {
		s := bareSite(t, session.Config{}, fiber.Config{PassLocalsToContext: pass})
		s.Use(func(c fiber.Ctx) error { c.SetContext(context.WithValue(t.Context(), key{}, "mine")); return c.Next() })
		s.Use(fibersession.New(s.sessions, fibersession.Config{}))
		s.Get("/", func(c fiber.Ctx) error {
			fiber.StoreInContext(c, "local", "value")
			x, err := fibersession.From(c)
			if err != nil {
				t.Fatal(err)
			}
			for name, from := range map[string]func() (session.Session, error){
				"session.From(c)":            func() (session.Session, error) { return session.From(c) },
				"session.From(c.Context())":  func() (session.Session, error) { return session.From(c.Context()) },
				"Manager.From(c)":            func() (session.Session, error) { return s.sessions.From(c) },
				"Manager.From(c.Context())":  func() (session.Session, error) { return s.sessions.From(c.Context()) },
				"Peek(c)":                    func() (session.Session, error) { y, _ := session.Peek(c); return y, nil },
				"of a derived context":       func() (session.Session, error) { return session.From(context.WithValue(c, key{}, 1)) },
				"of a context derived twice": func() (session.Session, error) { return session.From(context.WithoutCancel(c.Context())) },
			} {
				if y, err := from(); err != nil || y != x {
					if name == "of a derived context" && errors.Is(err, session.ErrNoSession) {
						continue // Fiber's own contexts do not carry on what is in c.Context()
					}
					t.Errorf("pass %t: %s: got %v, %v", pass, name, y, err)
				}
			}
			if got := c.Context().Value(key{}); got != "mine" {
				t.Errorf("pass %t: the context's value is %v", pass, got)
			}
			return nil
		})
		if a := s.get("/", nil); a.StatusCode != 200 {
			t.Errorf("got %d %q", a.StatusCode, a.body)
		}
	}
}

// TestTwoManagers: BAD-73. Each has its own session and cookie, whichever is outside.
func TestTwoManagers(t *testing.T) {
	t.Parallel()
	for _, staffInside := range []bool{true, false} {
		s := bareSite(t, session.Config{})
		customers, staff := s.sessions, sessiontest.New(t, session.Config{Cookie: session.Cookie{Name: "__Host-staff", SameSite: session.SameSiteStrict}})
		mws, inner := []any{fibersession.New(customers, fibersession.Config{}), fibersession.New(staff, fibersession.Config{})}, "root"
		if !staffInside {
			mws[0], mws[1], inner = mws[1], mws[0], "alice"
		}
		s.Use(mws...)
		s.Get("/private", fibersession.Require(staff), func(c fiber.Ctx) error { return c.SendString("staff only") })
		s.Get("/:what", fibersession.With(customers, func(x fiber.Ctx, c session.Session) error {
			s, err := staff.From(x.Context())
			if err != nil {
				return err
			}
			in, err := fibersession.From(x)
			if err != nil {
				return err
			}
			switch x.Params("what") {
			case "login":
				c.Login("alice")
				s.Login("root")
			case "logout":
				s.Logout()
			case "wrong-customer":
				wrong.Set(c, nil)
				s.Login("eve")
			case "wrong-staff":
				c.Login("eve")
				wrong.Set(s, nil)
			}
			return x.SendString(fmt.Sprintf("%s %s inner=%s", c.User(), s.User(), in.User()))
		}))
		b := serve(t, s.App)("")
		b.want("/private", 401, "Unauthorized")
		if a := b.want("/login", 200, "alice root inner="+inner); len(a.Header["Set-Cookie"]) != 2 || len(a.Header["Vary"]) != 1 {
			t.Errorf("staff inside %t: got %v, want two cookies and one Vary", staffInside, a.Header)
		}
		b.want("/private", 200, "staff only")
		b.want("/show", 200, "alice root inner="+inner)
		for _, path := range []string{"/wrong-customer", "/wrong-staff"} {
			b.want(path, 500, "Internal Server Error")
		}
		if a := b.do("GET", "/logout"); len(a.Header["Set-Cookie"]) != 1 || !strings.HasPrefix(a.Header.Get("Set-Cookie"), "__Host-staff=;") {
			t.Errorf("staff inside %t: logout answers %v", staffInside, a.Header)
		}
		b.want("/private", 401, "Unauthorized")
	}
}

// TestWithoutMiddleware: a route that the middleware does not see is an error of the application, told as such.
func TestWithoutMiddleware(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.Config{}, fibersession.Config{Next: func(c fiber.Ctx) bool { return c.Query("skip") != "" }})
	s.Get("/from", func(c fiber.Ctx) error { _, err := fibersession.From(c); return err })
	s.Get("/require", fibersession.Require(s.sessions), func(fiber.Ctx) error { t.Error("called"); return nil })
	s.Get("/none", func(c fiber.Ctx) error { return c.SendString("none") })
	for _, path := range []string{"/from", "/require", "/get"} {
		if a := s.get(path+"?skip=1", nil); a.StatusCode != 500 || !strings.Contains(a.body, "is the middleware installed?") {
			t.Errorf("%s: got %d %q; want 500 that tells why", path, a.StatusCode, a.body)
		}
	}
	if a := s.get("/none?skip=1", nil); a.StatusCode != 200 || a.body != "none" {
		t.Errorf("got %d %q", a.StatusCode, a.body)
	}
}
