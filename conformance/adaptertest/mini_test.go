package adaptertest_test

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"

	"github.com/qsessions/qsessions/core/clientip"
	"github.com/qsessions/qsessions/core/session"
)

// mini is what handlers of a small web framework get: a response is a value that is sent when the handler has returned.
type mini struct {
	ctx    context.Context
	r      *http.Request
	header http.Header
	status int
	body   string
	stream func(w io.Writer, flush func() error) // writes what comes after body
}

type miniHandler func(*mini) error

// miniStatus is an error that is answered with its status.
type miniStatus int

func (s miniStatus) Error() string { return http.StatusText(int(s)) }

// miniServe is the framework. Its handler recovers from panics.
func miniServe(h miniHandler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := &mini{ctx: context.WithoutCancel(r.Context()), r: r, header: http.Header{}, status: 200}
		func() {
			defer func() {
				if recover() != nil {
					c.fail(miniStatus(500))
				}
			}()
			if err := h(c); err != nil {
				c.fail(err)
			}
		}()
		maps.Copy(w.Header(), c.header)
		w.WriteHeader(c.status)
		_, _ = io.WriteString(w, c.body)
		if c.stream != nil {
			c.stream(w, http.NewResponseController(w).Flush)
		}
	})
}

// fail is the error handler: it makes the response one that tells of err.
func (c *mini) fail(err error) {
	for _, name := range ofBody {
		c.header.Del(name)
	}
	var status miniStatus
	if !errors.As(err, &status) {
		status = 500
		c.header.Set("Cache-Control", "no-store")
		for known, s := range map[error]miniStatus{
			session.ErrUnavailable: 503, session.ErrUnauthenticated: 401, session.ErrRevoked: 401, session.ErrStale: 403,
			session.ErrNotFound: 404, session.ErrTooMany: 409, session.ErrTooLarge: 413, session.ErrReplaced: 409,
			session.ErrCrossSite: 403,
		} {
			if errors.Is(err, known) {
				status = s
			}
		}
	}
	if status == 503 {
		c.header.Set("Retry-After", "5")
	}
	c.status, c.body, c.stream = int(status), status.Error(), nil
}

// miniSessions is an adapter for the framework: its middleware.
func miniSessions(m *session.Manager, ip *clientip.Resolver, next miniHandler) miniHandler {
	return func(c *mini) error {
		client := session.Client{IP: ip.Addr(c.r.RemoteAddr, c.r.Header.Values), UserAgent: c.r.UserAgent()}
		ctx, begun := m.Start(c.ctx, client, c.r.Header.Values(m.RequestHeader())...)
		if !begun {
			return next(c)
		}
		m.NoteFetch(ctx, session.ReadFetch(c.r.Method, c.r.Header.Get))
		c.ctx = ctx
		defer func() { m.Close(ctx).Apply(c.header) }() // of what was saved, also after a panic
		if err := next(c); err != nil {
			c.fail(err)
		}
		if c.status >= 500 {
			return nil
		}
		effect, err := m.Finish(ctx)
		if err != nil {
			c.fail(err)
		}
		effect.Apply(c.header)
		return nil
	}
}
