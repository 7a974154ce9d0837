package itest

import (
	"errors"
	"sync"
	"testing"

	"github.com/gofiber/fiber/v3"

	fibersession "github.com/qsessions/qsessions/adapters/fiber"
	"github.com/qsessions/qsessions/conformance/adaptertest"
	"github.com/qsessions/qsessions/core/session"
)

// TestWrongAdapters: CVE-21, CVE-22. Adapters that do with Fiber's memory what they must not are caught, by the cases that
// speak of it.
func TestWrongAdapters(t *testing.T) {
	t.Parallel()
	for name, w := range map[string]struct {
		middleware func(*session.Manager, fibersession.Config) fiber.Handler
		cases      []string
	}{
		"keeps Fiber's strings": {keepsStrings, []string{"client/keep-alive"}},
		"closes nothing":        {closesNothing, []string{"life/closed", "life/closed-failure"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := native
			h.middleware = w.middleware
			err := adaptertest.Check(t.Context(), adaptertest.Config{Start: h.start, Lacks: lacks})
			found := map[string]bool{}
			if joined, ok := err.(interface{ Unwrap() []error }); ok {
				for _, err := range joined.Unwrap() {
					var v *adaptertest.Violation
					if errors.As(err, &v) {
						found[v.Case.Name] = true
					}
				}
			}
			for _, name := range w.cases {
				if !found[name] {
					t.Errorf("%s does not find it; found by %v", name, found)
				}
			}
			t.Log(len(found), found)
		})
	}
}

// keepsStrings reads who the client of a connection is once, from its first request, as if the strings were its own.
func keepsStrings(m *session.Manager, c fibersession.Config) fiber.Handler {
	var clients sync.Map
	c.Client = func(c fiber.Ctx) session.Client {
		known, ok := clients.Load(c.RequestCtx().ConnID())
		if !ok {
			known = session.Client{UserAgent: c.Get("User-Agent")}
			clients.Store(c.RequestCtx().ConnID(), known)
		}
		return known.(session.Client)
	}
	return fibersession.New(m, c)
}

// closesNothing lends the strings of a request to a session that is still open when Fiber uses them for the next one.
func closesNothing(m *session.Manager, _ fibersession.Config) fiber.Handler {
	return func(c fiber.Ctx) error {
		ctx, begun := m.Start(c.Context(), session.Client{UserAgent: c.Get("User-Agent")}, c.Get(m.RequestHeader()))
		if !begun {
			return c.Next()
		}
		c.SetContext(ctx)
		err := c.Next()
		effect, failed := m.Commit(ctx)
		effect.Apply(header{c})
		return errors.Join(err, failed)
	}
}

// A header is that of a response.
type header struct{ c fiber.Ctx }

func (h header) Values(name string) []string { return h.c.GetRespHeaders()[name] }
func (h header) Add(name, value string)      { h.c.Response().Header.Add(name, value) }
func (h header) Set(name, value string)      { h.c.Set(name, value) }
