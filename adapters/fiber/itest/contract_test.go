// Package itest runs the suite of adapters against package fibersession, with the newest Fiber, and the package's own tests
// with the oldest. It is a module of its own and never published, so that no user of fibersession meets what tests need.
package itest

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/log"
	"github.com/gofiber/fiber/v3/middleware/recover"

	fibersession "github.com/qsessions/qsessions/adapters/fiber"
	"github.com/qsessions/qsessions/conformance/adaptertest"
	"github.com/qsessions/qsessions/core/session"
)

func TestMain(m *testing.M) {
	log.SetOutput(io.Discard) // errors that tests provoke
	os.Exit(m.Run())
}

// Fiber's handlers return before their response begins, and never learn that a client has gone.
const lacks = adaptertest.Flush | adaptertest.Cancel

func TestContract(t *testing.T) {
	t.Parallel()
	adaptertest.Run(t, adaptertest.Config{Start: native.start, Lacks: lacks})
}

// The same through handlers of net/http.
func TestContractHTTP(t *testing.T) {
	t.Parallel()
	adaptertest.Run(t, adaptertest.Config{Start: bridged.start, Lacks: lacks | adaptertest.EarlyHints | adaptertest.Hijack})
}

// A host serves applications of the suite in Fiber.
type host struct {
	middleware func(*session.Manager, fibersession.Config) fiber.Handler
	handler    func(func(adaptertest.Exchange) error) fiber.Handler
}

var (
	native = host{fibersession.New, func(h func(adaptertest.Exchange) error) fiber.Handler {
		return func(c fiber.Ctx) error {
			returned := make(chan struct{})
			defer close(returned)
			return h(exchange{c, returned})
		}
	}}
	bridged = host{fibersession.New, func(h func(adaptertest.Exchange) error) fiber.Handler {
		return func(c fiber.Ctx) (err error) {
			var stream func(io.Writer, func() error)
			bridge := fibersession.HTTP(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { err = h(httpExchange{w, r, &stream}) }))
			if err := errors.Join(bridge(c), err); err != nil || stream == nil {
				return err
			}
			return exchange{c: c}.Stream(stream)
		}
	}}
)

// start is the Start of a configuration of the suite.
func (h host) start(_ context.Context, app adaptertest.App) (string, func() error, error) {
	config := fibersession.Config{ClientIP: app.ClientIP, ClientHints: app.ClientHints}
	if app.Error != nil {
		config.ErrorHandler = func(c fiber.Ctx, err error) error { return app.Error(exchange{c: c}, err) }
	}
	around := func(managers []*session.Manager) (handlers []any) {
		for _, m := range managers {
			handlers = append(handlers, h.middleware(m, config))
		}
		return handlers
	}
	f := fiber.New(fiber.Config{StrictRouting: true, CaseSensitive: true, ReadBufferSize: 1 << 17, ErrorHandler: discreet})
	f.Use(recover.New())
	if len(app.Managers) > 0 {
		f.Use(around(app.Managers)...)
	}
	for _, route := range app.Routes {
		handlers := around(route.Managers)
		if managers := append(app.Managers[:len(app.Managers):len(app.Managers)], route.Managers...); len(managers) > 0 {
			innermost := managers[len(managers)-1]
			if route.SignedIn {
				handlers = append(handlers, fibersession.Require(innermost))
			}
			if route.Fresh > 0 {
				handlers = append(handlers, fibersession.RequireFresh(innermost, route.Fresh))
			}
			if route.Proof != (session.Requirement{}) {
				handlers = append(handlers, fibersession.RequireProof(innermost, route.Proof))
			}
			if route.Passive {
				handlers = append(handlers, fibersession.Passive)
			}
		}
		handlers = append(handlers, h.handler(route.Handle))
		f.All(route.Path, handlers[0], handlers[1:]...)
	}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	done := make(chan error, 1)
	go func() { done <- f.Listener(l, fiber.ListenConfig{DisableStartupMessage: true}) }()
	return "http://" + l.Addr().String(), func() error {
		_ = l.Close()
		<-done
		return nil
	}, nil
}

// discreet is an error handler as applications should have one: Fiber's own shows the text of every error.
func discreet(c fiber.Ctx, err error) error {
	status := fiber.ErrInternalServerError
	errors.As(err, &status)
	return c.Status(status.Code).SendString(status.Message)
}

// exchange is what handlers of Fiber get.
type exchange struct {
	c        fiber.Ctx
	returned <-chan struct{} // the handler; nil: it has
}

func (x exchange) Context() context.Context     { return x.c.Context() }
func (x exchange) Query(name string) string     { return x.c.Query(name) }
func (x exchange) Header(name string) string    { return x.c.Get(name) }
func (x exchange) SetHeader(name, value string) { x.c.Set(name, value) }
func (x exchange) AddHeader(name, value string) { x.c.Response().Header.Add(name, value) }
func (x exchange) Fail(status int) error        { return fiber.NewError(status) }
func (x exchange) EarlyHints(link string) error { return x.c.SendEarlyHints([]string{link}) }

func (x exchange) Send(status int, body string) error {
	return x.c.Status(status).SendString(strings.Clone(body))
}

func (x exchange) Redirect(status int, url string) error {
	return x.c.Redirect().Status(status).To(url)
}

func (x exchange) Stream(body func(w io.Writer, flush func() error)) error {
	return x.c.SendStreamWriter(func(w *bufio.Writer) { // which Fiber begins at once, beside the handler
		if x.returned != nil {
			<-x.returned
		}
		body(w, w.Flush)
	})
}

func (x exchange) Hijack(f func(net.Conn)) error {
	x.c.RequestCtx().HijackSetNoResponse(true)
	x.c.RequestCtx().Hijack(f)
	return nil
}

// httpExchange is what handlers of net/http get in Fiber.
type httpExchange struct {
	w      http.ResponseWriter
	r      *http.Request
	stream *func(io.Writer, func() error) // goes on where such handlers cannot
}

func (x httpExchange) Context() context.Context     { return x.r.Context() }
func (x httpExchange) Query(name string) string     { return x.r.URL.Query().Get(name) }
func (x httpExchange) Header(name string) string    { return x.r.Header.Get(name) }
func (x httpExchange) SetHeader(name, value string) { x.w.Header().Set(name, value) }
func (x httpExchange) AddHeader(name, value string) { x.w.Header().Add(name, value) }

func (x httpExchange) Send(status int, body string) error {
	x.w.WriteHeader(status)
	_, _ = io.WriteString(x.w, body)
	return nil
}

func (x httpExchange) Redirect(status int, url string) error {
	http.Redirect(x.w, x.r, url, status)
	return nil
}

func (x httpExchange) Fail(status int) error {
	http.Error(x.w, http.StatusText(status), status)
	return nil
}

func (x httpExchange) Stream(body func(w io.Writer, flush func() error)) error {
	*x.stream = body
	return nil
}
