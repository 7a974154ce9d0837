// Package itest runs the suite of adapters against package nethttp. It is a module of its own and never published, so that
// no user of nethttp meets what tests need.
package itest

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/qsessions/qsessions/adapters/nethttp"
	"github.com/qsessions/qsessions/conformance/adaptertest"
	"github.com/qsessions/qsessions/core/session"
)

// TestContract: SEC-23, SEC-27, SEC-30, CVE-14, CVE-21, CVE-22, CVE-30, CVE-31, CVE-52, BAD-3, BAD-4, BAD-9, BAD-70, BAD-71,
// BAD-72, BAD-73, BAD-74. What the suite asks of every adapter.
func TestContract(t *testing.T) {
	t.Parallel()
	adaptertest.Run(t, adaptertest.Config{Start: start})
}

// start serves app.
func start(_ context.Context, app adaptertest.App) (string, func() error, error) {
	config := nethttp.Config{ClientIP: app.ClientIP, ClientHints: app.ClientHints}
	if app.Error != nil {
		config.Error = func(w http.ResponseWriter, r *http.Request, err error) {
			if err := app.Error(exchange{w, r}, err); err != nil {
				nethttp.WriteError(w, r, err)
			}
		}
	}
	around := func(managers []*session.Manager, h http.Handler) http.Handler {
		for _, m := range slices.Backward(managers) {
			h = nethttp.New(m, config).Handler(h)
		}
		return h
	}
	mux := http.NewServeMux()
	for _, route := range app.Routes {
		managers := slices.Concat(app.Managers, route.Managers)
		site := nethttp.New(managers[len(managers)-1], config)
		var h http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if err := route.Handle(exchange{w, r}); err != nil {
				site.Error(w, r, err)
			}
		})
		if route.SignedIn {
			h = site.Require(h)
		}
		if route.Fresh > 0 {
			h = site.RequireFresh(route.Fresh)(h)
		}
		if route.Proof != (session.Requirement{}) {
			h = site.RequireProof(route.Proof)(h)
		}
		if route.Passive {
			h = site.Passive(h)
		}
		mux.Handle(route.Path, around(route.Managers, h))
	}
	server := httptest.NewUnstartedServer(recovering(around(app.Managers, mux)))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Start()
	return server.URL, func() error { server.Close(); return nil }, nil
}

// recovering answers for handlers that panic. The server itself would end the connection.
func recovering(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if recover() != nil {
				http.Error(w, "recovered", http.StatusInternalServerError)
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// exchange is what handlers of net/http get.
type exchange struct {
	w http.ResponseWriter
	r *http.Request
}

func (x exchange) Context() context.Context     { return x.r.Context() }
func (x exchange) Query(name string) string     { return x.r.URL.Query().Get(name) }
func (x exchange) Header(name string) string    { return x.r.Header.Get(name) }
func (x exchange) SetHeader(name, value string) { x.w.Header().Set(name, value) }
func (x exchange) AddHeader(name, value string) { x.w.Header().Add(name, value) }

func (x exchange) Send(status int, body string) error {
	x.w.WriteHeader(status)
	_, _ = io.WriteString(x.w, body)
	return nil
}

func (x exchange) Redirect(status int, url string) error {
	http.Redirect(x.w, x.r, url, status)
	return nil
}

func (x exchange) Fail(status int) error {
	http.Error(x.w, http.StatusText(status), status)
	return nil
}

func (x exchange) Stream(body func(w io.Writer, flush func() error)) error {
	body(x.w, http.NewResponseController(x.w).Flush)
	return nil
}

func (x exchange) EarlyHints(link string) error {
	x.w.Header().Set("Link", link)
	x.w.WriteHeader(http.StatusEarlyHints)
	return nil
}

func (x exchange) Hijack(f func(net.Conn)) error {
	conn, _, err := http.NewResponseController(x.w).Hijack()
	if err != nil {
		return nil // the error page was sent
	}
	defer conn.Close()
	f(conn)
	return nil
}
