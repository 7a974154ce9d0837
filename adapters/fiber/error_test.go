package fibersession_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v3"
	fiberlog "github.com/gofiber/fiber/v3/log"
	"github.com/gofiber/fiber/v3/middleware/logger"

	fibersession "github.com/qsessions/qsessions/adapters/fiber"
	"github.com/qsessions/qsessions/core/session"
)

var (
	errOther = errors.New("secret detail")
	logs     logBuffer // Fiber's log is one for the process
)

func TestMain(m *testing.M) {
	fiberlog.SetOutput(&logs)
	os.Exit(m.Run())
}

// TestErrors: what the client sees of each error, whether a handler returns it or wraps it, and what is logged.
func TestErrors(t *testing.T) {
	t.Parallel()
	by := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	pending := &session.PendingError{EffectiveBy: by, Err: session.ErrUnavailable}
	for i, c := range []struct {
		err    error
		status int
		body   string // "" is that of the status
		logged bool
	}{
		{session.ErrUnavailable, 503, "", true}, {session.ErrUnauthenticated, 401, "", false}, {session.ErrRevoked, 401, "", false},
		{session.ErrStale, 403, "", false}, {session.ErrNotFound, 404, "", false}, {session.ErrTooMany, 409, "", false},
		{session.ErrReplaced, 409, "The session has a newer token: use that and try again", false}, {session.ErrCrossSite, 403, "", false},
		{session.ErrTooLarge, 413, "", false}, {session.ErrNoUser, 500, "", true}, {session.ErrNoSession, 500, "", true}, {session.ErrClosed, 500, "", true},
		{session.ErrTooLate, 500, "", true}, {session.ErrCorrupt, 500, "", true},
		{pending, 202, "Revoked, everywhere by Fri, 02 Jan 2026 03:04:05 GMT", false},
		{fmt.Errorf("%w: %w", session.ErrNotFound, pending), 404, "", false},
	} {
		s := newSite(t, session.Config{}, fibersession.Config{})
		detail := fmt.Sprintf("detail %d.", i)
		s.Get("/fails", func(fiber.Ctx) error { return fmt.Errorf("%s %w", detail, c.err) })
		a := s.get("/fails", nil)
		if c.body == "" {
			c.body = http.StatusText(c.status)
		}
		if a.StatusCode != c.status || a.body != c.body {
			t.Errorf("%v: got %d %q, want %d %q", c.err, a.StatusCode, a.body, c.status, c.body)
		}
		if got := a.Header.Get("Retry-After") != ""; got != (c.status == 503) {
			t.Errorf("%v: Retry-After is %t", c.err, got)
		}
		if a.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%v: no no-store", c.err)
		}
		if got := strings.Contains(logs.String(), detail); got != c.logged {
			t.Errorf("%v: logged is %t", c.err, got)
		}
	}
	// Errors of others are the application's matter, and so is a status that it has chosen.
	s := newSite(t, session.Config{}, fibersession.Config{})
	s.Get("/other", func(fiber.Ctx) error { return errOther })
	s.Get("/chosen", func(fiber.Ctx) error { return fmt.Errorf("%w: %w", fiber.NewError(410), session.ErrNotFound) })
	for path, want := range map[string]string{"/other": "500 secret detail", "/chosen": "410 Gone: store: no such record"} {
		if a := s.get(path, nil); fmt.Sprint(a.StatusCode, " ", a.body) != want || a.Header.Get("Cache-Control") != "" {
			t.Errorf("%s: got %d %q, %v; want %q", path, a.StatusCode, a.body, a.Header, want)
		}
	}
}

// TestErrorsAreMatched: the application's ErrorHandler finds status and cause in what it is given.
func TestErrorsAreMatched(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.Config{}, fibersession.Config{}, fiber.Config{ErrorHandler: func(c fiber.Ctx, err error) error {
		var fe *fiber.Error
		return c.SendString(fmt.Sprint(errors.Is(err, session.ErrUnauthenticated), errors.As(err, &fe) && fe.Code == 401, err))
	}})
	s.Get("/private", fibersession.Require(s.sessions), func(fiber.Ctx) error { t.Error("called"); return nil })
	if got := s.get("/private", nil).body; got != "true true Unauthorized" {
		t.Errorf("got %q", got)
	}
}

// TestOutage: while the store is out requests with a token get 503 and keep their cookie, and nobody becomes anonymous.
func TestOutage(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.Config{}, fibersession.Config{})
	s.Get("/static", func(fiber.Ctx) error { return nil })
	s.Get("/private", fibersession.Require(s.sessions), func(fiber.Ctx) error { t.Error("called"); return nil })
	s.Get("/from", func(c fiber.Ctx) error { _, err := fibersession.From(c); return err })
	s.Get("/core", func(c fiber.Ctx) error { _, err := session.From(c); return err })
	s.on("/save", func(c fiber.Ctx, x session.Session) error {
		note.Set(x, "lost")
		s.db.down.Store(true)
		return x.Save(c)
	})
	open := serve(t, s.App)
	b := open("")
	b.want("/login?user=alice", 200, "")
	for _, path := range []string{"/save", "/get", "/private", "/from", "/core", "/logout", "/set", "/login?user=bob"} {
		a := b.want(path, 503, "Service Unavailable")
		if a.Header.Get("Retry-After") != "5" || a.Header["Set-Cookie"] != nil || a.Header.Get("Vary") != "Cookie" {
			t.Errorf("%s: got %v, want Retry-After, Vary and no cookie", path, a.Header)
		}
	}
	b.want("/static", 200, "")
	open("").want("/get", 200, "user= note=") // who has no token needs no store
	s.db.down.Store(false)
	b.want("/get", 200, "user=alice note=")
}

// TestErrorHandlerOfConfig: errors of sessions go to Config.ErrorHandler, and what it returns to the application's.
func TestErrorHandlerOfConfig(t *testing.T) {
	t.Parallel()
	var got error
	s := newSite(t, session.Config{}, fibersession.Config{ErrorHandler: func(c fiber.Ctx, err error) error {
		if got = err; errors.Is(err, session.ErrStale) {
			return err
		}
		return c.Status(418).JSON(fiber.Map{})
	}})
	ok := func(fiber.Ctx) error { return nil }
	s.Get("/require", fibersession.Require(s.sessions), ok)
	s.Get("/fresh", fibersession.RequireFresh(s.sessions, 1), ok)
	s.Get("/level", fibersession.RequireLevel(s.sessions, 2), ok)
	s.Get("/plain", func(fiber.Ctx) error { return session.ErrNotFound })
	s.Get("/other", func(fiber.Ctx) error { return errOther })
	s.on("/commit", func(c fiber.Ctx, s session.Session) error { wrong.Set(s, nil); return c.SendStatus(204) })
	b := serve(t, s.App)("")
	for _, path := range []string{"/require", "/fresh", "/level", "/plain", "/commit"} {
		if a := b.want(path, 418, "{}"); a.Header.Get("Content-Type") != "application/json; charset=utf-8" || got == nil {
			t.Errorf("%s: got %v after %v", path, a.Header, got)
		}
		got = nil
	}
	b.want("/other", 500, errOther.Error())
	b.want("/login?user=alice", 200, "")
	b.want("/level", 403, "Forbidden")
	if got != session.ErrStale { //nolint:errorlint // it is the error itself
		t.Errorf("Config.ErrorHandler was given %v", got)
	}
	s.db.down.Store(true)
	b.want("/get", 418, "{}")
}

// TestErrorHandlerOfApplication: it runs once, inside of the middleware, so that its status decides about the commit, and what
// it changes counts. Middleware outside sees no error, but the response.
func TestErrorHandlerOfApplication(t *testing.T) {
	t.Parallel()
	calls := 0
	var s *site
	handler := func(c fiber.Ctx, err error) error {
		calls++
		x, e := s.sessions.From(c.Context())
		if e != nil {
			t.Errorf("in the error handler: %v", e)
			return nil
		}
		if err.Error() == "fails" {
			return errors.New("the handler fails")
		}
		note.Set(x, "set by the error handler")
		var status int
		if _, e := fmt.Sscan(err.Error(), &status); e != nil {
			t.Error(e)
		}
		c.Response().Reset() // takes all header fields away
		return c.Status(status).SendString("handled")
	}
	s = bareSite(t, session.Config{}, fiber.Config{ErrorHandler: handler})
	s.Use(func(c fiber.Ctx) error {
		if err := c.Next(); err != nil {
			t.Errorf("outside: %v", err)
		}
		if got := c.Response().StatusCode(); got == 200 {
			t.Errorf("outside: status %d", got)
		}
		return nil
	}, fibersession.New(s.sessions, fibersession.Config{}))
	s.on("/fail", func(c fiber.Ctx, s session.Session) error { count.Set(s, 1); return errors.New(c.Query("status")) })
	for status, rows := range map[int]int{403: 1, 500: 0, 303: 1, 503: 0} {
		before := s.rows()
		calls = 0
		a := s.get(fmt.Sprint("/fail?status=", status), nil)
		if a.StatusCode != status || a.body != "handled" || calls != 1 || len(a.Header["Set-Cookie"]) != rows || a.Header.Get("Vary") != "Cookie" {
			t.Errorf("%d: got %d %q %v after %d calls", status, a.StatusCode, a.body, a.Header, calls)
		}
		if got := s.rows() - before; got != rows {
			t.Errorf("%d: %d rows, want %d", status, got, rows)
		}
		if rows == 1 {
			cookie, _, _ := strings.Cut(a.Header.Get("Set-Cookie"), ";")
			ctx, _ := s.sessions.Start(t.Context(), session.Client{}, cookie)
			if x, err := s.sessions.From(ctx); err != nil || note.Get(x) != "set by the error handler" || count.Get(x) != 1 {
				t.Errorf("%d: the change of the error handler is lost: %v", status, err)
			}
		}
	}
	if a := s.get("/fail?status=fails", nil); a.StatusCode != 500 || a.body != "Internal Server Error" {
		t.Errorf("an error handler that fails: got %d %q", a.StatusCode, a.body)
	}
}

// TestErrorHandlerOfMounted: an application that is mounted keeps its own error handler.
func TestErrorHandlerOfMounted(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.Config{}, fibersession.Config{})
	sub := fiber.New(fiber.Config{ErrorHandler: func(c fiber.Ctx, _ error) error { return c.Status(403).SendString("of the sub-application") }})
	sub.Get("/fail", fibersession.With(s.sessions, func(_ fiber.Ctx, s session.Session) error { note.Set(s, "kept"); return errOther }))
	s.App.Use("/sub", sub)
	if a := s.get("/sub/fail", nil); a.StatusCode != 403 || a.body != "of the sub-application" || s.rows() != 1 {
		t.Errorf("got %d %q and %d rows", a.StatusCode, a.body, s.rows())
	}
}

// TestLogger: middleware that answers errors by itself, on either side, changes nothing.
func TestLogger(t *testing.T) {
	t.Parallel()
	for _, outside := range []bool{true, false} {
		s := bareSite(t, session.Config{})
		mw, log := fibersession.New(s.sessions, fibersession.Config{}), logger.New(logger.Config{Stream: io.Discard})
		if outside {
			s.Use(log, mw)
		} else {
			s.Use(mw, log)
		}
		s.Get("/private", fibersession.Require(s.sessions), func(fiber.Ctx) error { t.Error("called"); return nil })
		s.on("/fail", func(_ fiber.Ctx, s session.Session) error { note.Set(s, "lost"); return errOther })
		if a := s.get("/private", nil); a.StatusCode != 401 || a.body != "Unauthorized" || a.Header.Get("Vary") != "Cookie" {
			t.Errorf("logger outside %t: got %d %q %v", outside, a.StatusCode, a.body, a.Header)
		}
		if a := s.get("/fail", nil); a.StatusCode != 500 || s.rows() != 0 {
			t.Errorf("logger outside %t: got %d and %d rows", outside, a.StatusCode, s.rows())
		}
	}
}
