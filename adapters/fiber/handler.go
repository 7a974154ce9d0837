package fibersession

import (
	"time"

	"github.com/gofiber/fiber/v3"

	"github.com/qsessions/qsessions/core/session"
)

// From returns the session of a request; it needs the middleware of [New]. Errors: those of [session.From], which are
// meant to be returned by the handler. With several managers it is the innermost one's session; Manager.From(c.Context())
// names the manager.
func From(c fiber.Ctx) (session.Session, error) {
	s, err := session.From(c.Context()) // and not c, which the store could keep
	depends(c, session.Vary(c.Context()), s)
	if err != nil {
		return nil, refused(err)
	}
	return s, nil
}

// With is f as a handler that is given its session of m, loaded. It needs the middleware of [New] before it.
func With(m *session.Manager, f func(fiber.Ctx, session.Session) error) fiber.Handler {
	return func(c fiber.Ctx) error {
		s, err := m.From(c.Context())
		if err != nil {
			err = refused(err)
		} else {
			err = f(c, s)
		}
		depends(c, m.RequestHeader(), s)
		return err
	}
}

// Require lets only users who are signed in, in a session of m, through to the next handler. The error for the others is
// [session.ErrUnauthenticated]. It needs the middleware of [New] before it.
func Require(m *session.Manager) fiber.Handler {
	return require(m, session.Requirement{})
}

// RequireFresh is Require for users who proved within maxAge who they are; the error for the others is
// [session.ErrStale]. It asks the database, never a cached copy. A maxAge of zero or less lets no one through.
func RequireFresh(m *session.Manager, maxAge time.Duration) fiber.Handler {
	return require(m, session.Requirement{MaxAge: max(maxAge, 1)})
}

// RequireLevel is Require for users who authenticated at level, or a higher one; the error for the others is
// [session.ErrStale]. It asks the database, never a cached copy. A level of zero or less counts as 1, that of any login.
func RequireLevel(m *session.Manager, level int) fiber.Handler {
	return require(m, session.Requirement{Level: max(level, 1)})
}

// RequireProof is Require for users whose authentication meets want, as one proof: a level of 2 within five minutes is not a
// level of 2 an hour ago and a password just now. The error for the others is [session.ErrStale]. Where want has a MaxAge or
// a Level it asks the database, never a cached copy.
func RequireProof(m *session.Manager, want session.Requirement) fiber.Handler {
	return require(m, want)
}

// Passive marks requests as no use of their session ([session.Passive]): for polling, status and health checks, which would
// keep a session alive after its user has left. It needs the middleware of [New] before it.
func Passive(c fiber.Ctx) error {
	session.Passive(c.Context())
	return c.Next()
}

func require(m *session.Manager, what session.Requirement) fiber.Handler {
	return func(c fiber.Ctx) error {
		s, err := m.Require(c.Context(), what)
		depends(c, m.RequestHeader(), s)
		if err != nil {
			return refused(err)
		}
		return c.Next()
	}
}

// depends says at once that the response depends on s, which is nil after an error, by the named header, for a cache behind
// the middleware, which looks before the commit. In a handler of Fiber's timeout middleware it does not: an OnTimeout may be
// writing the response.
func depends(c fiber.Ctx, name string, s session.Session) {
	if _, limited := c.Context().Deadline(); limited {
		return
	}
	h := &c.Response().Header
	applyTo(h, session.Effect{Vary: name})
	if s != nil && !s.ID().IsZero() && len(h.Peek(fiber.HeaderCacheControl)) == 0 {
		h.Set(fiber.HeaderCacheControl, unshared)
	}
}
