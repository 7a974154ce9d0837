package fibersession_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/gofiber/fiber/v3"

	fibersession "github.com/qsessions/qsessions/adapters/fiber"
	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/session"
)

// say sends a request to app with a cookie, and shows the answer. It returns the new cookie, if there is one.
func say(app *fiber.App, method, path, cookie string) string {
	r := httptest.NewRequest(method, path, nil)
	r.Header.Set("Cookie", cookie)
	res, err := app.Test(r)
	if err != nil {
		fmt.Println(err)
		return cookie
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	fmt.Println(method, path, res.StatusCode, string(body), err)
	if set := res.Header.Get("Set-Cookie"); set != "" {
		cookie, _, _ = strings.Cut(set, ";")
	}
	return cookie
}

// A cart for everybody, a login that keeps it, and a route for those who are signed in.
func Example() {
	type item struct{ Name string }
	const cart session.Key[[]item] = "cart"

	sessions, err := session.New(new(memory.Store), session.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	app := fiber.New()
	app.Use(fibersession.New(sessions, fibersession.Config{}))
	app.Get("/", fibersession.With(sessions, func(c fiber.Ctx, s session.Session) error {
		return c.SendString(fmt.Sprintf("user %q, cart %v", s.User(), cart.Get(s)))
	}))
	app.Post("/buy", fibersession.With(sessions, func(c fiber.Ctx, s session.Session) error {
		name := c.Query("name")
		cart.Update(s, func(all []item) []item { return append(all, item{name}) })
		return c.Redirect().Status(fiber.StatusSeeOther).To("/")
	}))
	app.Post("/login", fibersession.With(sessions, func(c fiber.Ctx, s session.Session) error {
		s.Login("alice") // once the password is checked
		return c.Redirect().Status(fiber.StatusSeeOther).To("/")
	}))
	app.Get("/orders", fibersession.Require(sessions), func(c fiber.Ctx) error { return c.SendString("no orders") })

	cookie := say(app, "POST", "/buy?name=tea", "")
	say(app, "GET", "/orders", cookie)
	cookie = say(app, "POST", "/login", cookie)
	say(app, "GET", "/", cookie)
	say(app, "GET", "/orders", cookie)
	// Output:
	// POST /buy?name=tea 303  <nil>
	// GET /orders 401 Unauthorized <nil>
	// POST /login 303  <nil>
	// GET / 200 user "alice", cart [{tea}] <nil>
	// GET /orders 200 no orders <nil>
}

// A route that asks for the password again after five minutes, and an error handler that leads there.
func ExampleRequireFresh() {
	sessions, err := session.New(new(memory.Store), session.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	app := fiber.New()
	app.Use(fibersession.New(sessions, fibersession.Config{ErrorHandler: func(c fiber.Ctx, err error) error {
		if c.Method() == fiber.MethodGet {
			return c.Redirect().Status(fiber.StatusSeeOther).To("/confirm")
		}
		return err
	}}))
	app.All("/email", fibersession.RequireFresh(sessions, 5*time.Minute), func(c fiber.Ctx) error { return c.SendString("changed") })
	app.Post("/login", fibersession.With(sessions, func(_ fiber.Ctx, s session.Session) error {
		s.Login("alice", session.AuthenticatedAt(time.Now().Add(-10*time.Minute)))
		return nil
	}))
	app.Post("/confirm", fibersession.With(sessions, func(_ fiber.Ctx, s session.Session) error {
		s.Reauthenticate() // once the password is checked
		return nil
	}))

	cookie := say(app, "POST", "/login", "")
	say(app, "GET", "/email", cookie)
	say(app, "POST", "/email", cookie)
	cookie = say(app, "POST", "/confirm", cookie)
	say(app, "POST", "/email", cookie)
	// Output:
	// POST /login 200  <nil>
	// GET /email 303  <nil>
	// POST /email 403 Forbidden <nil>
	// POST /confirm 200  <nil>
	// POST /email 200 changed <nil>
}

// Handlers of net/http, with the session in their request, below the middleware for Fiber.
func ExampleHTTP() {
	sessions, err := session.New(new(memory.Store), session.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/reports/{name}", func(w http.ResponseWriter, r *http.Request) {
		s, err := session.From(r.Context())
		if err != nil {
			http.Error(w, "unavailable", http.StatusServiceUnavailable)
			return
		}
		_, _ = fmt.Fprintf(w, "%s for %q", r.PathValue("name"), s.User())
	})
	app := fiber.New()
	app.Use(fibersession.New(sessions, fibersession.Config{}))
	app.Use("/reports", fibersession.HTTP(http.NewCrossOriginProtection().Handler(mux)))

	say(app, "GET", "/reports/march", "")
	// Output:
	// GET /reports/march 200 march for "" <nil>
}
