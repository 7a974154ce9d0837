package adaptertest_test

import (
	"context"
	"io"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/qsessions/qsessions/conformance/adaptertest"
	"github.com/qsessions/qsessions/core/session"
)

// What the author of an adapter writes, here for a framework whose handlers get a *mini and return an error, and whose
// responses are sent when the handler has returned.
func Example() {
	TestContract := func(t *testing.T) { // in a file that ends in _test.go
		adaptertest.Run(t, miniConfig)
	}
	_ = TestContract
}

var miniConfig = adaptertest.Config{
	Start: startMini,
	Lacks: adaptertest.EarlyHints | adaptertest.Hijack | adaptertest.Flush | adaptertest.Cancel | // the framework
		adaptertest.ClientHints | adaptertest.ErrorPage | adaptertest.Require | adaptertest.Proof | adaptertest.Passive, // the adapter
}

// startMini serves app.
func startMini(_ context.Context, app adaptertest.App) (string, func() error, error) {
	around := func(managers []*session.Manager, h miniHandler) miniHandler {
		for _, m := range slices.Backward(managers) {
			h = miniSessions(m, app.ClientIP, h)
		}
		return h
	}
	routes := map[string]miniHandler{}
	for _, route := range app.Routes {
		h := func(c *mini) error { return route.Handle(miniExchange{c}) }
		routes[route.Path] = around(route.Managers, h)
	}
	server := httptest.NewServer(miniServe(around(app.Managers, func(c *mini) error {
		if h := routes[c.r.URL.Path]; h != nil {
			return h(c)
		}
		return miniStatus(404)
	})))
	return server.URL, func() error { server.Close(); return nil }, nil
}

// miniExchange is what a handler can do.
type miniExchange struct{ c *mini }

func (x miniExchange) Context() context.Context     { return x.c.ctx }
func (x miniExchange) Query(name string) string     { return x.c.r.URL.Query().Get(name) }
func (x miniExchange) Header(name string) string    { return x.c.r.Header.Get(name) }
func (x miniExchange) SetHeader(name, value string) { x.c.header.Set(name, value) }
func (x miniExchange) AddHeader(name, value string) { x.c.header.Add(name, value) }
func (x miniExchange) Fail(status int) error        { return miniStatus(status) }

func (x miniExchange) Send(status int, body string) error {
	x.c.status, x.c.body = status, body
	return nil
}

func (x miniExchange) Redirect(status int, url string) error {
	x.c.header.Set("Location", url)
	return x.Send(status, "")
}

func (x miniExchange) Stream(body func(w io.Writer, flush func() error)) error {
	x.c.stream = body
	return nil
}
