package adaptertest_test

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"

	"github.com/qsessions/qsessions/conformance/adaptertest"
	"github.com/qsessions/qsessions/core/session"
)

// naive is an adapter for net/http that a reader can follow, and that may have a fault.
type naive struct {
	fault string
	m     *session.Manager
	app   adaptertest.App
}

func (n *naive) has(fault string) bool { return n.fault == fault }

// handler is the middleware.
func (n *naive) handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, begun := n.m.Start(r.Context(), n.client(r), r.Header.Values(n.m.RequestHeader())...)
		if !begun {
			next.ServeHTTP(w, r)
			return
		}
		if n.app.ClientHints {
			w.Header().Set("Accept-Ch", session.AcceptCH)
		}
		nw := &naiveWriter{ResponseWriter: w, n: n, r: r.WithContext(ctx)}
		defer nw.close()
		next.ServeHTTP(nw, nw.r)
		nw.finish()
	})
}

func (n *naive) client(r *http.Request) session.Client {
	c := session.Client{IP: n.app.ClientIP.Addr(r.RemoteAddr, r.Header.Values), UserAgent: r.UserAgent()}
	if n.app.ClientHints {
		c.Hints = session.ReadHints(r.Header.Get)
	}
	return c
}

// fail is the error page.
func (n *naive) fail(w http.ResponseWriter, r *http.Request, err error) {
	if n.app.Error != nil {
		if err := n.app.Error(&naiveExchange{w, r}, err); err != nil {
			http.Error(w, "Internal Server Error", 500)
		}
		return
	}
	status := 500
	for _, known := range []struct {
		err    error
		status int
	}{
		{session.ErrUnavailable, 503}, {session.ErrUnauthenticated, 401}, {session.ErrRevoked, 401}, {session.ErrStale, 403},
		{session.ErrNotFound, 404}, {session.ErrTooMany, 409}, {session.ErrTooLarge, 413},
	} {
		if errors.Is(err, known.err) {
			status = known.status
		}
	}
	if status == 503 {
		w.Header().Set("Retry-After", "5")
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, http.StatusText(status), status)
}

// require lets through who meets what.
func (n *naive) require(what session.Requirement, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := n.m.Require(r.Context(), what); err != nil {
			n.fail(w, r, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// naiveWriter commits before the first byte.
type naiveWriter struct {
	http.ResponseWriter
	n     *naive
	r     *http.Request
	begun bool
	late  bool
	err   error
}

func (w *naiveWriter) begin(status int) error {
	if w.begun {
		return w.err
	}
	w.begun = true
	h, ctx := w.Header(), w.r.Context()
	if status >= 500 {
		w.n.m.Close(ctx).Apply(h)
		return nil
	}
	effect, err := w.n.m.Commit(ctx)
	if err != nil {
		for _, name := range ofBody {
			h.Del(name)
		}
		effect.Apply(h)
		w.err = err
		w.n.fail(w.ResponseWriter, w.r, err)
		return err
	}
	effect.Apply(h)
	w.late = true
	return nil
}

var ofBody = []string{
	"Cache-Control", "Clear-Site-Data", "Content-Disposition", "Content-Encoding", "Content-Language", "Content-Type", "Etag", "Expires", "Last-Modified",
	"Location", "Refresh",
}

func (w *naiveWriter) finish() {
	if !w.begun {
		_ = w.begin(200)
	} else if w.late {
		_, _ = w.n.m.Commit(w.r.Context())
	}
}

func (w *naiveWriter) close() {
	if e := w.n.m.Close(w.r.Context()); !w.begun {
		e.Apply(w.Header())
	}
}

func (w *naiveWriter) WriteHeader(status int) {
	if status < 200 || w.begin(status) == nil {
		w.ResponseWriter.WriteHeader(status)
	}
}

func (w *naiveWriter) Write(b []byte) (int, error) {
	if err := w.begin(200); err != nil {
		return 0, err
	}
	return w.ResponseWriter.Write(b)
}

func (w *naiveWriter) FlushError() error {
	if err := w.begin(200); err != nil {
		return err
	}
	return http.NewResponseController(w.ResponseWriter).Flush()
}

func (w *naiveWriter) Hijack() (net.Conn, io.Reader, error) {
	if err := w.begin(200); err != nil {
		return nil, nil, err
	}
	conn, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	return conn, rw, err
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
func (x *naiveExchange) Fail(status int) error {
	http.Error(x.w, http.StatusText(status), status)
	return nil
}
func (x *naiveExchange) EarlyHints(link string) error {
	x.w.Header().Set("Link", link)
	x.w.WriteHeader(http.StatusEarlyHints)
	return nil
}

func (x *naiveExchange) Send(status int, body string) error {
	x.w.WriteHeader(status)
	_, _ = io.WriteString(x.w, body)
	return nil
}

func (x *naiveExchange) Redirect(status int, url string) error {
	http.Redirect(x.w, x.r, url, status)
	return nil
}

func (x *naiveExchange) Stream(body func(w io.Writer, flush func() error)) error {
	body(x.w, http.NewResponseController(x.w).Flush)
	return nil
}

func (x *naiveExchange) Hijack(f func(net.Conn)) error {
	w, ok := x.w.(*naiveWriter)
	if !ok {
		return http.ErrNotSupported
	}
	conn, _, err := w.Hijack()
	if err != nil {
		return nil // the error page was sent
	}
	defer conn.Close()
	f(conn)
	return nil
}

// startNaive serves applications by naive.
func startNaive(fault string) func(context.Context, adaptertest.App) (string, func() error, error) {
	return func(_ context.Context, app adaptertest.App) (string, func() error, error) {
		adapters := map[*session.Manager]*naive{}
		around := func(managers []*session.Manager, h http.Handler) http.Handler {
			for _, m := range slices.Backward(managers) {
				if adapters[m] == nil {
					adapters[m] = &naive{fault: fault, m: m, app: app}
				}
				h = adapters[m].handler(h)
			}
			return h
		}
		mux := http.NewServeMux()
		for _, route := range app.Routes {
			all := slices.Concat(app.Managers, route.Managers)
			n := &naive{fault: fault, m: all[len(all)-1], app: app}
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
			mux.Handle(route.Path, around(route.Managers, h))
		}
		server := httptest.NewUnstartedServer(around(app.Managers, mux))
		server.Config.ErrorLog = log.New(io.Discard, "", 0)
		server.Start()
		return server.URL, func() error { server.Close(); return nil }, nil
	}
}
