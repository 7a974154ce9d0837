package fibersession_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofiber/fiber/v3"
	"github.com/valyala/fasthttp"

	fibersession "github.com/qsessions/qsessions/adapters/fiber"
	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/sessiontest"
)

// at serves one request in this goroutine, for tests with a clock of their own.
func at(h fasthttp.RequestHandler, path, cookie string) (status int, cookies []string) {
	var c fasthttp.RequestCtx
	c.Request.SetRequestURI(path)
	c.Request.Header.Set("Cookie", cookie)
	h(&c)
	for name, value := range c.Response.Header.All() {
		if string(name) == "Set-Cookie" {
			cookies = append(cookies, string(value))
		}
	}
	return c.Response.StatusCode(), cookies
}

// TestReplaced: RPT-22. A parallel request with the token from before a step-up is told that there is a newer one, by 409 and
// not as if no user were signed in, and leaves the browser's cookie alone; a minute later it is an unknown visitor's.
func TestReplaced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, session.Config{}, fibersession.Config{})
		s.on("/confirm", func(_ fiber.Ctx, s session.Session) error { s.Reauthenticate(session.Level(2)); return nil })
		s.Get("/private", fibersession.Require(s.sessions), ok)
		s.Get("/fresh", fibersession.RequireFresh(s.sessions, time.Hour), ok)
		s.Get("/level", fibersession.RequireLevel(s.sessions, 2), ok)
		h := s.Handler()
		_, before := sessiontest.Header(t, s.sessions, func(s session.Session) { s.Login("alice") })
		if status, cookies := at(h, "/confirm", before); status != 200 || len(cookies) != 1 {
			t.Fatalf("the step-up: got %d, %q", status, cookies)
		}
		statuses := func(private, set, confirm int) {
			t.Helper()
			for path, want := range map[string]int{"/private": private, "/fresh": private, "/level": private, "/set?note=x": set, "/confirm": confirm, "/get": 200} {
				status, cookies := at(h, path, before)
				if status != want || (want != 200 || path == "/get") && cookies != nil {
					t.Errorf("RPT-22 %s: got %d with %q, want %d", path, status, cookies, want)
				}
			}
		}
		statuses(409, 409, 409)
		if got := s.rows(); got != 1 {
			t.Errorf("RPT-22: %d rows, want alice's", got)
		}
		time.Sleep(time.Minute)
		statuses(401, 200, 401)
	})
}

// TestReplacedText: RPT-22. The answer says what to do, and nothing of the session.
func TestReplacedText(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.Config{}, fibersession.Config{})
	_, before := sessiontest.Header(t, s.sessions, func(s session.Session) { s.Login("alice") })
	header := http.Header{"Cookie": {before}}
	s.get("/login?user=alice", header)
	if a := s.get("/set?note=x", header); a.StatusCode != 409 || a.body != "The session has a newer token: use that and try again" || a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("got %d %q, %v", a.StatusCode, a.body, a.Header)
	}
}
