package fibersession

import (
	"context"
	"errors"
	"net/http"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/log"

	"github.com/qsessions/qsessions/core/session"
)

// retryAfter is how many seconds a client is asked to wait for a store that is out.
const retryAfter = "5"

// A failure is an error of a session for the error handlers of Fiber: they find the status in it, and show nothing of
// the cause.
type failure struct {
	status *fiber.Error
	cause  error
}

// Error implements error.
func (f *failure) Error() string { return f.status.Message }

// Unwrap gives errors.Is the cause, and errors.As a [*fiber.Error].
func (f *failure) Unwrap() []error { return []error{f.status, f.cause} }

// refused is err for a handler to return.
func refused(err error) error {
	if errors.Is(err, session.ErrNoSession) {
		return err // without the middleware the cause would not be logged
	}
	return failed(err)
}

// failed returns err as a failure, unless it has a status already.
func failed(err error) error {
	if fe := (*fiber.Error)(nil); errors.As(err, &fe) {
		return err
	}
	return &failure{statusOf(err), err}
}

// Status returns the HTTP status that answers err, for an ErrorHandler of the application or of [Config]: the one of the
// [*fiber.Error] in it, which all errors of sessions have that an application's ErrorHandler is given. For other errors of
// package session it is:
//
//   - nil: 200
//   - [*session.PendingError]: 202, because the revocation is done in the database
//   - [session.ErrUnauthenticated], [session.ErrRevoked]: 401
//   - [session.ErrStale], [session.ErrCrossSite]: 403
//   - [session.ErrNotFound]: 404
//   - [session.ErrTooMany], [session.ErrReplaced]: 409
//   - [session.ErrTooLarge]: 413
//   - [session.ErrUnavailable], and a request that was canceled or has no more time: 503
//   - anything else: 500
func Status(err error) int {
	if err == nil {
		return fiber.StatusOK
	}
	if fe := (*fiber.Error)(nil); errors.As(err, &fe) {
		return fe.Code
	}
	return statusOf(err).Code
}

// statusOf returns the answer to an error of a session.
func statusOf(err error) *fiber.Error {
	var pending *session.PendingError
	switch {
	case errors.Is(err, session.ErrNotFound): // also if a cache could not be told of an earlier revocation
		return fiber.ErrNotFound
	case errors.As(err, &pending):
		return fiber.NewError(fiber.StatusAccepted, "Revoked, everywhere by "+pending.EffectiveBy.UTC().Format(http.TimeFormat))
	case errors.Is(err, session.ErrUnavailable), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fiber.ErrServiceUnavailable
	case errors.Is(err, session.ErrUnauthenticated), errors.Is(err, session.ErrRevoked):
		return fiber.ErrUnauthorized
	case errors.Is(err, session.ErrStale), errors.Is(err, session.ErrCrossSite):
		return fiber.ErrForbidden
	case errors.Is(err, session.ErrTooMany):
		return fiber.ErrConflict
	case errors.Is(err, session.ErrReplaced):
		return fiber.NewError(fiber.StatusConflict, "The session has a newer token: use that and try again")
	case errors.Is(err, session.ErrTooLarge):
		return fiber.ErrRequestEntityTooLarge
	}
	return fiber.ErrInternalServerError
}

// ofSession reports whether err is an error of package session.
func ofSession(err error) bool {
	for _, known := range [...]error{
		session.ErrUnavailable, session.ErrUnauthenticated, session.ErrRevoked, session.ErrStale, session.ErrNotFound,
		session.ErrTooMany, session.ErrReplaced, session.ErrCrossSite, session.ErrTooLarge, session.ErrCorrupt, session.ErrTooLate,
		session.ErrClosed, session.ErrNoSession, session.ErrNoUser,
	} {
		if errors.Is(err, known) {
			return true
		}
	}
	return errors.As(err, new(*session.PendingError))
}

// answer has the response to an error made here, where its status still decides about the commit, and not behind all
// middleware. Whichever handler makes it, errors of the server have been logged.
func (mw *middleware) answer(c fiber.Ctx, err error) {
	known := ofSession(err)
	if known {
		err = failed(err)
	}
	if f := (*failure)(nil); errors.As(err, &f) {
		logError(c, f.cause)
		if mw.ErrorHandler != nil {
			if err = mw.ErrorHandler(c, f.cause); err == nil {
				return
			}
			if ofSession(err) {
				err = failed(err)
			}
		}
		f.prepare(c)
	} else if known { // with a status that the application has chosen
		logError(c, err)
	}
	if c.App().ErrorHandler(c, err) != nil {
		_ = c.SendStatus(fiber.StatusInternalServerError) // never fails
	}
}

// prepare sets the header fields of the answer.
func (f *failure) prepare(c fiber.Ctx) {
	if f.status.Code == fiber.StatusServiceUnavailable {
		c.Set(fiber.HeaderRetryAfter, retryAfter)
	}
	c.Set(fiber.HeaderCacheControl, "no-store") // what one client may not have, another may
}

// maxPath bounds how much of a request's path goes into the log.
const maxPath = 256

// logError logs err if it is the server's, as no answer tells it. Of the request's URL only the path is logged: a query can
// hold secrets.
func logError(c fiber.Ctx, err error) {
	if statusOf(err).Code < fiber.StatusInternalServerError || errors.Is(err, context.Canceled) && !errors.Is(err, session.ErrUnavailable) {
		return
	}
	log.Errorf("fibersession: %s %.*q (%q): %v", c.Method(), maxPath, c.Path(), c.Route().Path, err)
}
