package fibersession_test

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/cache"
	"github.com/gofiber/fiber/v3/middleware/timeout"

	fibersession "github.com/qsessions/qsessions/adapters/fiber"
	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/sessiontest"
	"github.com/qsessions/qsessions/core/store"
)

// TestCache: CVE-21. Fiber's cache gives nobody what was made for somebody else, whether it is before the middleware or behind.
func TestCache(t *testing.T) {
	t.Parallel()
	for _, behind := range []bool{false, true} {
		for _, varies := range []bool{false, true} {
			s := bareSite(t, session.Config{})
			handlers := []any{cache.New(), fibersession.New(s.sessions, fibersession.Config{})}
			if behind {
				handlers[0], handlers[1] = handlers[1], handlers[0]
			}
			s.Use(handlers...)
			s.on("/login", func(c fiber.Ctx, s session.Session) error { s.Login(c.Query("user")); return nil })
			own := func(c fiber.Ctx, s session.Session) error {
				if varies {
					c.Vary("Accept-Encoding")
				}
				return c.SendString("of " + s.User())
			}
			s.on("/with", own)
			s.Get("/from", func(c fiber.Ctx) error {
				x, err := fibersession.From(c)
				if err != nil {
					return err
				}
				return own(c, x)
			})
			s.Get("/require", fibersession.Require(s.sessions), func(c fiber.Ctx) error { return c.SendString("of alice") })
			s.Get("/http", fibersession.HTTP(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				x, err := session.From(r.Context())
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = fmt.Fprint(w, "of ", x.User())
			})))
			for _, path := range []string{"/with", "/from", "/require", "/http"} {
				alice, visitor, mallory := serve(t, s.App)(""), serve(t, s.App)(""), serve(t, s.App)("")
				alice.do("POST", "/login?user=alice")
				alice.want(path, 200, "of alice")
				if a := visitor.do("GET", path); a.body == "of alice" {
					t.Errorf("cache behind %t, own Vary %t: a visitor gets %s of alice: %v", behind, varies, path, a.Header)
				}
				mallory.do("POST", "/login?user=mallory")
				if a := mallory.do("GET", path); path != "/require" && a.body != "of mallory" {
					t.Errorf("cache behind %t, own Vary %t: mallory gets %q from %s", behind, varies, a.body, path)
				}
			}
		}
	}
}

// TestCacheControl: ATK-12, RPT-19. A response to a signed-in user is private, and by an option not stored at all, unless the
// handler says something else; a visitor's is not touched.
func TestCacheControl(t *testing.T) {
	t.Parallel()
	for noStore, private := range map[bool]string{false: "private, no-cache", true: "no-store"} {
		s := newSite(t, session.Config{NoStore: noStore}, fibersession.Config{})
		s.Get("/unseen", ok)
		s.Get("/private", fibersession.Require(s.sessions), ok)
		s.Get("/core", func(c fiber.Ctx) error { _, err := session.From(c); return err })
		own := func(c fiber.Ctx) error { c.Set("Cache-Control", "max-age=60"); return nil }
		s.on("/own", func(c fiber.Ctx, _ session.Session) error { return own(c) })
		s.Get("/own-from", func(c fiber.Ctx) error {
			if _, err := fibersession.From(c); err != nil {
				return err
			}
			return own(c)
		})
		s.Get("/own-http", fibersession.HTTP(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = session.From(r.Context())
			w.Header().Set("Cache-Control", "max-age=60")
		})))
		s.on("/500", func(fiber.Ctx, session.Session) error { return fiber.ErrBadGateway })
		s.on("/404", func(fiber.Ctx, session.Session) error { return fiber.ErrNotFound })
		_, visitor := sessiontest.Header(t, s.sessions, func(s session.Session) { note.Set(s, "x") })
		_, alice := sessiontest.Header(t, s.sessions, func(s session.Session) { s.Login("alice") })
		const kept = "max-age=60"
		for path, want := range map[string][3]string{ // nobody, a visitor, alice
			"/unseen": {"", "", ""}, "/get": {"", "", private}, "/core": {"", "", private}, "/private": {"no-store", "no-store", private},
			"/own": {kept, kept, kept}, "/own-from": {kept, kept, kept}, "/own-http": {kept, kept, kept},
			"/500": {"", "", private}, "/404": {"", "", private}, "/set?note=y": {"no-store", "", private},
		} {
			for i, cookie := range []string{"", visitor, alice} {
				if got := s.get(path, http.Header{"Cookie": {cookie}}).Header.Get("Cache-Control"); got != want[i] {
					t.Errorf("ATK-12 %s, no-store %t, client %d: got %q, want %q", path, noStore, i, got, want[i])
				}
			}
		}
		if got := s.get("/logout", http.Header{"Cookie": {alice}}).Header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("ATK-12 logout: got %q", got)
		}
	}
}

// TestCacheEnded: ATK-12, CVE-21. Fiber's cache, before the middleware or behind it, keeps no page of a session: a second
// request is not told that it is public, and one whose session has ended does not see it.
func TestCacheEnded(t *testing.T) {
	t.Parallel()
	for _, behind := range []bool{false, true} {
		for _, config := range []cache.Config{{}, {StoreResponseHeaders: true}} {
			s := bareSite(t, session.Config{})
			handlers := []any{cache.New(config), fibersession.New(s.sessions, fibersession.Config{})}
			if behind {
				handlers[0], handlers[1] = handlers[1], handlers[0]
			}
			s.Use(handlers...)
			s.routes()
			show := func(c fiber.Ctx, x session.Session) error { return c.SendString("of " + x.User()) }
			s.on("/with", show)
			s.Get("/from", func(c fiber.Ctx) error {
				x, err := fibersession.From(c)
				if err != nil {
					return err
				}
				return show(c, x)
			})
			s.Get("/require", fibersession.Require(s.sessions), func(c fiber.Ctx) error { return c.SendString("of alice") })
			s.Get("/http", fibersession.HTTP(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				x, err := session.From(r.Context())
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = fmt.Fprint(w, "of ", x.User())
			})))
			for _, path := range []string{"/with", "/from", "/require", "/http"} {
				_, alice := sessiontest.Header(t, s.sessions, func(s session.Session) { s.Login("alice") })
				header := http.Header{"Cookie": {alice}}
				for range 2 {
					if a := s.get(path, header); a.body != "of alice" || a.Header.Get("Cache-Control") != "private, no-cache" || a.Header.Get("Vary") != "Cookie" {
						t.Errorf("cache behind %t, %s: got %q, %v", behind, path, a.body, a.Header)
					}
				}
				if _, err := s.sessions.RevokeUser(t.Context(), "alice"); err != nil {
					t.Fatal(err)
				}
				if a := s.get(path, header); a.body == "of alice" {
					t.Errorf("cache behind %t: %s is shown to a session that was revoked", behind, path)
				}
			}
		}
	}
}

// A hangingStore does not answer one save in time.
type hangingStore struct {
	memory.Store
	save atomic.Bool
}

func (s *hangingStore) Save(ctx context.Context, r *store.Record) error {
	if s.save.CompareAndSwap(true, false) {
		<-ctx.Done()
		return ctx.Err()
	}
	return s.Store.Save(ctx, r)
}

// TestTimeoutOutage: a store that does not answer is an outage, and no timeout of the request, for Fiber's timeout
// middleware too: 503, and nothing is stored of what the client was told to have failed.
func TestTimeoutOutage(t *testing.T) {
	t.Parallel()
	db := new(hangingStore)
	m, err := session.New(db, session.Config{StoreTimeout: 300 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	app := fiber.New()
	app.Use(fibersession.New(m, fibersession.Config{}))
	limited := func(path string, h fiber.Handler) {
		app.Get(path, timeout.New(h, timeout.Config{Timeout: time.Minute}))
	}
	app.Get("/login", fibersession.With(m, func(_ fiber.Ctx, s session.Session) error { s.Login("alice"); return nil }))
	limited("/save", fibersession.With(m, func(c fiber.Ctx, s session.Session) error {
		note.Set(s, "lost")
		return s.Save(c.Context())
	}))
	limited("/get", fibersession.With(m, func(c fiber.Ctx, s session.Session) error { return c.SendString(note.Get(s)) }))
	b := serve(t, app)("")
	b.do("GET", "/login")
	db.save.Store(true)
	if a := b.do("GET", "/save"); a.StatusCode != 503 || a.Header.Get("Retry-After") == "" {
		t.Errorf("a save that hangs: got %d %v, want 503", a.StatusCode, a.Header)
	}
	b.want("/get", 200, "")
}
