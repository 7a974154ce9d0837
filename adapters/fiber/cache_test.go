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
