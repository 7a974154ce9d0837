package adaptertest_test

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"

	"github.com/qsessions/qsessions/conformance/adaptertest"
	"github.com/qsessions/qsessions/core/session"
)

// startNaive serves applications by naive with a fault.
func startNaive(fault string) func(context.Context, adaptertest.App) (string, func() error, error) {
	return func(_ context.Context, app adaptertest.App) (string, func() error, error) {
		adapters := map[*session.Manager]*naive{}
		adapter := func(m *session.Manager) *naive {
			if adapters[m] == nil {
				adapters[m] = &naive{fault: fault, m: m, app: app}
			}
			return adapters[m]
		}
		around := func(managers []*session.Manager, h http.Handler) http.Handler {
			for _, m := range slices.Backward(managers) {
				h = adapter(m).handler(h)
			}
			return h
		}
		mux := http.NewServeMux()
		for _, route := range app.Routes {
			all := slices.Concat(app.Managers, route.Managers)
			n := adapter(all[len(all)-1])
			var h http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if err := route.Handle(&naiveExchange{w, r}); err != nil {
					n.fail(w, r, err)
				}
			})
			if route.SignedIn {
				h = n.require(session.Requirement{}, h)
			}
			if route.Fresh > 0 {
				h = n.require(session.Requirement{MaxAge: route.Fresh}, h)
			}
			if route.Proof != (session.Requirement{}) {
				h = n.require(route.Proof, h)
			}
			if route.Passive {
				h = n.passive(h)
			}
			mux.Handle(route.Path, around(route.Managers, h))
		}
		server := httptest.NewUnstartedServer(recovering(around(app.Managers, mux)))
		server.Config.ErrorLog = log.New(io.Discard, "", 0)
		server.Start()
		return server.URL, func() error { server.Close(); return nil }, nil
	}
}

// passive marks requests as no use of their session.
func (n *naive) passive(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !n.is("takes polling for a use") {
			session.Passive(r.Context())
		}
		next.ServeHTTP(w, r)
	})
}

// recovering answers for a handler that panics.
func recovering(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if recover() != nil {
				http.Error(w, "recovered", 500)
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// naiveExchange is the Exchange.
type naiveExchange struct {
	w http.ResponseWriter
	r *http.Request
}

func (x *naiveExchange) Context() context.Context     { return x.r.Context() }
func (x *naiveExchange) Query(name string) string     { return x.r.URL.Query().Get(name) }
func (x *naiveExchange) Header(name string) string    { return x.r.Header.Get(name) }
func (x *naiveExchange) SetHeader(name, value string) { x.w.Header().Set(name, value) }
func (x *naiveExchange) AddHeader(name, value string) { x.w.Header().Add(name, value) }

func (x *naiveExchange) Send(status int, body string) error {
	x.w.WriteHeader(status)
	_, _ = io.WriteString(x.w, body)
	return nil
}

func (x *naiveExchange) Redirect(status int, url string) error {
	http.Redirect(x.w, x.r, url, status)
	return nil
}

func (x *naiveExchange) Fail(status int) error {
	http.Error(x.w, http.StatusText(status), status)
	return nil
}

func (x *naiveExchange) Stream(body func(w io.Writer, flush func() error)) error {
	body(x.w, http.NewResponseController(x.w).Flush)
	return nil
}

// EarlyHints implements [adaptertest.EarlyHinter].
func (x *naiveExchange) EarlyHints(link string) error {
	x.w.Header().Set("Link", link)
	x.w.WriteHeader(http.StatusEarlyHints)
	return nil
}

// Hijack implements [adaptertest.Hijacker].
func (x *naiveExchange) Hijack(f func(net.Conn)) error {
	conn, err := x.w.(*naiveWriter).take()
	if err != nil {
		return nil // the error page was sent
	}
	defer conn.Close()
	f(conn)
	return nil
}
