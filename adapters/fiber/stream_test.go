package fibersession_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/timeout"

	fibersession "github.com/qsessions/qsessions/adapters/fiber"
	"github.com/qsessions/qsessions/core/session"
)

// TestStream: BAD-71, FLT-23. A streamed body begins after the commit; its writer may read the session, and is told that it is too
// late to change it.
func TestStream(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.Config{}, fibersession.Config{})
	begun := make(chan bool)
	s.on("/stream", func(c fiber.Ctx, x session.Session) error {
		note.Set(x, "kept")
		return c.SendStreamWriter(func(w *bufio.Writer) {
			_ = w.WriteByte('.')
			_ = w.Flush()
			<-begun
			count.Set(x, 1)
			_, _ = fmt.Fprintf(w, "%s %t", note.Get(x), errors.Is(x.Err(), session.ErrClosed))
		})
	})
	b := serve(t, s.App)("")
	res, err := b.client.Get(b.url + "/stream") // returns when the header is there
	if err != nil {
		t.Fatal(err)
	}
	if got := s.rows(); got != 1 || len(res.Header["Set-Cookie"]) != 1 {
		t.Errorf("the response began with %d rows and %v, want 1 and a cookie", got, res.Header)
	}
	close(begun)
	body, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if err != nil || string(body) != ".kept true" {
		t.Errorf("got %q, %v", body, err)
	}
	b.want("/get", 200, "user= note=kept")
}

// TestStreamWithdrawn: a stream that the failure of a commit takes back ends.
func TestStreamWithdrawn(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.Config{}, fibersession.Config{})
	ended := make(chan error, 1)
	s.on("/stream", func(c fiber.Ctx, x session.Session) error {
		wrong.Set(x, nil)
		return c.SendStreamWriter(func(w *bufio.Writer) {
			for {
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					ended <- err
					return
				}
			}
		})
	})
	serve(t, s.App)("").want("/stream", 500, "Internal Server Error")
	<-ended
}

// TestTimeout: a request that Fiber's timeout middleware gives up commits nothing while its handler may still run, and
// tells what Save stored before; afterwards its session is closed.
func TestTimeout(t *testing.T) {
	t.Parallel()
	for name, onTimeout := range map[string]fiber.Handler{
		"default": nil,
		"own":     func(c fiber.Ctx) error { return c.Status(504).SendString("too slow") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, session.Config{}, fibersession.Config{})
			answered, ended := make(chan bool), make(chan error)
			slow := func(c fiber.Ctx) error {
				x, err := fibersession.From(c)
				if err != nil {
					t.Error(err)
					return err
				}
				note.Set(x, "saved")
				if err := x.Save(c.Context()); err != nil {
					t.Error(err)
				}
				note.Set(x, "lost")
				<-answered
				count.Set(x, 1)
				ended <- x.Err()
				return c.SendString("late")
			}
			s.Get("/slow", timeout.New(slow, timeout.Config{Timeout: 5 * time.Second, OnTimeout: onTimeout}))
			s.Get("/fast", timeout.New(func(c fiber.Ctx) error {
				x, err := fibersession.From(c)
				if err == nil {
					note.Set(x, "fast")
				}
				return err
			}, timeout.Config{Timeout: time.Minute, OnTimeout: onTimeout}))
			b := serve(t, s.App)("")
			a := b.do("GET", "/slow")
			if (a.StatusCode != 408 && a.StatusCode != 504) || len(a.Header["Set-Cookie"]) != 1 || a.Header.Get("Vary") != "Cookie" {
				t.Errorf("got %d %q %v, want a timeout with the cookie of Save", a.StatusCode, a.body, a.Header)
			}
			close(answered)
			if err := <-ended; !errors.Is(err, session.ErrClosed) {
				t.Errorf("after the request a change fails with %v, want ErrClosed", err)
			}
			b.want("/get", 200, "user= note=saved")
			b.want("/fast", 200, "")
			b.want("/get", 200, "user= note=fast")
		})
	}
}
