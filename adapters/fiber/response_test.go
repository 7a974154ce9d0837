package fibersession_test

import (
	"bufio"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/recover"

	fibersession "github.com/qsessions/qsessions/adapters/fiber"
	"github.com/qsessions/qsessions/core/session"
)

// responses are the ways in which handlers answer.
var responses = map[string]struct {
	method string
	status int
	body   string
	write  fiber.Handler
}{
	"nothing":      {"GET", 200, "", func(fiber.Ctx) error { return nil }},
	"string":       {"GET", 200, "hi", func(c fiber.Ctx) error { return c.SendString("hi") }},
	"JSON":         {"GET", 200, `{"a":1}`, func(c fiber.Ctx) error { return c.JSON(map[string]int{"a": 1}) }},
	"201":          {"POST", 201, "hi", func(c fiber.Ctx) error { return c.Status(201).SendString("hi") }},
	"204":          {"DELETE", 204, "", func(c fiber.Ctx) error { return c.SendStatus(204) }},
	"304":          {"GET", 304, "", func(c fiber.Ctx) error { return c.SendStatus(304) }},
	"error":        {"GET", 418, "no", func(fiber.Ctx) error { return fiber.NewError(418, "no") }},
	"404":          {"GET", 404, "Not Found", func(fiber.Ctx) error { return fiber.ErrNotFound }},
	"no next":      {"POST", 404, "Not Found", func(c fiber.Ctx) error { return c.Next() }},
	"redirect":     {"POST", 303, "", func(c fiber.Ctx) error { return c.Redirect().Status(303).To("/") }},
	"HEAD":         {"HEAD", 200, "", func(c fiber.Ctx) error { return c.SendString("hi") }},
	"OPTIONS":      {"OPTIONS", 204, "", func(c fiber.Ctx) error { c.Set("Allow", "GET"); return c.SendStatus(204) }},
	"net/http":     {"GET", 200, "hi", fibersession.HTTP(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hi")) }))},
	"net/http 303": {"POST", 303, "", fibersession.HTTP(http.RedirectHandler("/", http.StatusSeeOther))},
	"stream":       {"GET", 200, "hi", func(c fiber.Ctx) error { return c.SendStream(strings.NewReader("hi")) }},
	"stream writer": {"GET", 200, "hi", func(c fiber.Ctx) error {
		return c.SendStreamWriter(func(w *bufio.Writer) { _, _ = w.WriteString("h"); _ = w.Flush(); _, _ = w.WriteString("i") })
	}},
}

// TestResponse: SEC-34, CVE-52, BAD-70. However a handler answers, a new session has one cookie that must not be stored,
// one that was only looked at makes the response vary, and an unseen one does nothing.
func TestResponse(t *testing.T) {
	t.Parallel()
	for name, c := range responses {
		s := newSite(t, session.Config{}, fibersession.Config{})
		s.All("/unseen", c.write)
		s.on("/seen", func(x fiber.Ctx, _ session.Session) error { return c.write(x) })
		s.on("/new", func(x fiber.Ctx, s session.Session) error { note.Set(s, "kept"); return c.write(x) })
		b := serve(t, s.App)("")
		for path, want := range map[string]struct{ cookies, vary int }{"/unseen": {0, 0}, "/seen": {0, 1}, "/new": {1, 1}} {
			a := b.do(c.method, path)
			if name == "no next" {
				c.body = a.body // names the path, and not in all versions
			}
			if a.StatusCode != c.status || a.body != c.body {
				t.Errorf("%s %s: got %d %.40q, want %d %.40q", name, path, a.StatusCode, a.body, c.status, c.body)
			}
			if got := len(a.Header["Set-Cookie"]); got != want.cookies {
				t.Errorf("%s %s: %d cookies, want %d: %v", name, path, got, want.cookies, a.Header)
			}
			if got := a.Header["Vary"]; len(got) != want.vary || len(got) == 1 && got[0] != "Cookie" {
				t.Errorf("%s %s: Vary %q, want %d lines", name, path, got, want.vary)
			}
			if got := a.Header.Get("Cache-Control") == "no-store"; got != (want.cookies == 1) {
				t.Errorf("%s %s: no-store is %t with %d cookies", name, path, got, want.cookies)
			}
		}
		b.want("/get", 200, "user= note=kept")
		if got := s.rows(); got != 1 {
			t.Errorf("%s: %d rows, want 1", name, got)
		}
	}
}

// TestFailedCommit: whatever the handler answers, a client gets the error alone.
func TestFailedCommit(t *testing.T) {
	t.Parallel()
	for name, c := range responses {
		s := newSite(t, session.Config{}, fibersession.Config{})
		answer := func(x fiber.Ctx) error {
			for _, field := range []string{"Content-Disposition", "Clear-Site-Data", "Refresh", "Expires", "ETag"} {
				x.Set(field, "x")
			}
			x.Set("X-Mine", "kept")
			x.Set("Cache-Control", "public, max-age=600")
			return c.write(x)
		}
		s.on("/wrong", func(x fiber.Ctx, s session.Session) error { wrong.Set(s, nil); return answer(x) })
		s.on("/down", func(x fiber.Ctx, y session.Session) error {
			note.Set(y, "lost")
			s.db.down.Store(true)
			return answer(x)
		})
		b := serve(t, s.App)("")
		for path, status := range map[string]int{"/wrong": 500, "/down": 503} {
			s.db.down.Store(false)
			a := b.do(c.method, path)
			body := http.StatusText(status)
			if c.method == "HEAD" {
				body = ""
			}
			if a.StatusCode != status || a.body != body {
				t.Errorf("%s %s: got %d %q, want %d %q", name, path, a.StatusCode, a.body, status, body)
			}
			if (a.Header.Get("Retry-After") == "5") != (status == 503) {
				t.Errorf("%s %s: Retry-After is %q", name, path, a.Header.Get("Retry-After"))
			}
			for field, want := range map[string]string{
				"Set-Cookie": "", "Location": "", "Etag": "", "Content-Disposition": "", "Clear-Site-Data": "", "Refresh": "", "Expires": "",
				"X-Mine": "kept", "Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store", "Vary": "Cookie",
			} {
				if got := a.Header.Get(field); got != want {
					t.Errorf("%s %s: %s is %q, want %q", name, path, field, got, want)
				}
			}
		}
		s.db.down.Store(false)
		if got := s.rows(); got != 0 {
			t.Errorf("%s: %d rows, want 0", name, got)
		}
	}
}

// TestServerError: a response with 500 or more commits nothing, but what Save stored before is told, whoever made the
// response.
func TestServerError(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]fiber.Handler{
		"status": func(c fiber.Ctx) error { return c.Status(502).SendString("oops") },
		"error":  func(fiber.Ctx) error { return fiber.NewError(502, "oops") },
		"wrapped": func(fiber.Ctx) error {
			return errors.Join(fiber.NewError(502, "oops"))
		},
		"net/http": fibersession.HTTP(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(502)
			_, _ = w.Write([]byte("oops"))
		})),
	} {
		s := newSite(t, session.Config{}, fibersession.Config{})
		s.on("/set-502", func(c fiber.Ctx, s session.Session) error { note.Set(s, "lost"); s.Logout(); return answer(c) })
		s.on("/save-502", func(c fiber.Ctx, s session.Session) error {
			s.Rotate()
			note.Set(s, "saved")
			if err := s.Save(c); err != nil {
				t.Error(err)
			}
			note.Set(s, "lost")
			return answer(c)
		})
		b := serve(t, s.App)("")
		b.want("/login?user=alice", 200, "")
		if a := b.want("/set-502", 502, "oops"); !strings.Contains(a.Header.Get("Set-Cookie"), "Max-Age=0") {
			t.Errorf("%s: ATK-10: a Logout was dropped by a response of failure", name)
		}
		b.want("/get", 200, "user= note=")
		b.want("/login?user=alice", 200, "")
		if a := b.want("/save-502", 502, "oops"); len(a.Header["Set-Cookie"]) != 1 {
			t.Errorf("%s: after Save and 502: %d cookies, want 1", name, len(a.Header["Set-Cookie"]))
		}
		b.want("/get", 200, "user=alice note=saved")
	}
}

// TestPanic: FLT-23. A panic goes on, commits nothing, and ends the session; what Save
// stored before is told by the handler that recovers.
func TestPanic(t *testing.T) {
	t.Parallel()
	for _, outside := range []bool{true, false} {
		s := bareSite(t, session.Config{})
		mw := fibersession.New(s.sessions, fibersession.Config{})
		if outside {
			s.Use(recover.New(), mw)
		} else {
			s.Use(mw, recover.New())
		}
		s.routes()
		var kept session.Session
		boom := func(c fiber.Ctx, s session.Session) error {
			kept = s
			note.Set(s, "saved")
			if err := s.Save(c.Context()); err != nil {
				t.Error(err)
			}
			note.Set(s, "lost")
			panic("boom")
		}
		s.on("/panic", boom)
		s.on("/panic-http", func(c fiber.Ctx, s session.Session) error {
			return fibersession.HTTP(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(200)
				_ = boom(c, s)
			}))(c)
		})
		for _, path := range []string{"/panic", "/panic-http"} {
			b := serve(t, s.App)("")
			if a := b.want(path, 500, "boom"); len(a.Header["Set-Cookie"]) != 1 || a.Header.Get("Vary") != "Cookie" {
				t.Errorf("recovered outside %t: got %v, want the cookie of Save", outside, a.Header)
			}
			b.want("/get", 200, "user= note=saved")
			if note.Set(kept, "x"); !errors.Is(kept.Err(), session.ErrClosed) {
				t.Errorf("after the request Set fails with %v, want ErrClosed", kept.Err())
			}
		}
		if got := s.rows(); got != 2 {
			t.Errorf("%d rows, want those that were saved", got)
		}
	}
}

// TestVaryOnce: a Vary of the application is kept, and not doubled; nor is it lost to middleware outside that adds to it.
func TestVaryOnce(t *testing.T) {
	t.Parallel()
	for had, want := range map[string][]string{
		"Accept":         {"Accept", "Cookie", "Origin"},
		"Accept, cookie": {"Accept", "Origin", "cookie"},
		"*":              {"*"}, // all that is added to it says nothing more
	} {
		s := bareSite(t, session.Config{})
		s.Use(func(c fiber.Ctx) error {
			err := c.Next()
			c.Vary("Origin")
			return err
		}, fibersession.New(s.sessions, fibersession.Config{}))
		s.on("/", func(c fiber.Ctx, s session.Session) error {
			c.Set("Vary", had)
			c.Set("Cache-Control", "private, no-store")
			note.Set(s, "x")
			return nil
		})
		h := s.get("/", nil).Header
		got := strings.FieldsFunc(strings.Join(h["Vary"], ","), func(r rune) bool { return r == ',' || r == ' ' })
		if slices.Sort(got); had == "*" {
			got = slices.DeleteFunc(got, func(name string) bool { return name == "Origin" }) // depends on the version of Fiber
		}
		if !slices.Equal(got, want) {
			t.Errorf("Vary %q became %q, want %q", had, h["Vary"], want)
		}
		if got := h["Cache-Control"]; !slices.Equal(got, []string{"private, no-store"}) {
			t.Errorf("Cache-Control became %q", got)
		}
	}
}
