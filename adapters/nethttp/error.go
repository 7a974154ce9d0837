package nethttp

import (
	"cmp"
	"context"
	"errors"
	"log"
	"net/http"

	"github.com/qsessions/qsessions/core/session"
)

// retryAfter is how many seconds a client is asked to wait for a store that is out.
const retryAfter = "5"

// Error answers a request with err by Config.Error, as the middleware does itself.
func (mw *Middleware) Error(w http.ResponseWriter, r *http.Request, err error) {
	mw.config.Error(w, r, err)
}

// WriteError answers a request with err, in plain text that tells the status and nothing of err:
//
//   - [*session.PendingError]: 202, as what was asked for is done, with the time by which it holds everywhere
//   - [session.ErrUnavailable]: 503, with Retry-After, and logged; or a canceled request
//   - [session.ErrUnauthenticated], [session.ErrRevoked]: 401
//   - [session.ErrStale], [session.ErrCrossSite]: 403
//   - [session.ErrNotFound]: 404
//   - [session.ErrTooMany], [session.ErrReplaced]: 409
//   - [session.ErrTooLarge]: 413
//   - anything else, [session.ErrNoUser] too: 500, and logged
//
// The log is the server's ErrorLog, or package log's where there is none.
func WriteError(w http.ResponseWriter, r *http.Request, err error) {
	code, text := http.StatusInternalServerError, ""
	var pending *session.PendingError
	switch {
	case errors.Is(err, session.ErrNotFound): // also if a cache could not be told of an earlier revocation
		code = http.StatusNotFound
	case errors.As(err, &pending):
		code, text = http.StatusAccepted, "Revoked, everywhere by "+pending.EffectiveBy.UTC().Format(http.TimeFormat)
	case errors.Is(err, session.ErrUnavailable), errors.Is(err, context.Canceled):
		if errors.Is(err, session.ErrUnavailable) {
			logError(r, err)
		}
		code = http.StatusServiceUnavailable
		w.Header().Set("Retry-After", retryAfter)
	case errors.Is(err, session.ErrUnauthenticated), errors.Is(err, session.ErrRevoked):
		code = http.StatusUnauthorized
	case errors.Is(err, session.ErrStale), errors.Is(err, session.ErrCrossSite):
		code = http.StatusForbidden
	case errors.Is(err, session.ErrTooMany):
		code = http.StatusConflict
	case errors.Is(err, session.ErrReplaced):
		code, text = http.StatusConflict, "The session has a newer token: use that and try again"
	case errors.Is(err, session.ErrTooLarge):
		code = http.StatusRequestEntityTooLarge
	default:
		logError(r, err)
	}
	w.Header().Set("Cache-Control", "no-store") // what one client may not have, another may
	http.Error(w, cmp.Or(text, http.StatusText(code)), code)
}

// logError writes to where net/http itself reports a handler that panics.
func logError(r *http.Request, err error) {
	logger := log.Default()
	if server, ok := r.Context().Value(http.ServerContextKey).(*http.Server); ok && server.ErrorLog != nil {
		logger = server.ErrorLog
	}
	logger.Printf("nethttp: %s %q: %v", r.Method, r.Pattern, err) // the path could hold anything
}
