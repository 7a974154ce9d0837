package nethttp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/qsessions/qsessions/core/session"
)

// retryAfter is how many seconds a client is asked to wait for a store that is out.
const retryAfter = "5"

// Status returns the HTTP status that answers err, an error of package session, for a [Config].Error, or for a handler that
// writes its own answer:
//
//   - nil: 200
//   - [*session.PendingError]: 202, because the revocation is done in the database
//   - [session.ErrUnauthenticated], [session.ErrRevoked]: 401
//   - [session.ErrStale], [session.ErrCrossSite]: 403
//   - [session.ErrNotFound]: 404
//   - [session.ErrTooMany], [session.ErrReplaced]: 409
//   - [session.ErrTooLarge]: 413
//   - [session.ErrUnavailable], and a request that was canceled or has no more time: 503
//   - anything else, [session.ErrNoUser] too: 500
func Status(err error) int {
	switch {
	case err == nil:
		return http.StatusOK
	case errors.Is(err, session.ErrNotFound): // also if a cache could not be told of an earlier revocation
		return http.StatusNotFound
	case errors.As(err, new(*session.PendingError)):
		return http.StatusAccepted
	case errors.Is(err, session.ErrUnavailable), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return http.StatusServiceUnavailable
	case errors.Is(err, session.ErrUnauthenticated), errors.Is(err, session.ErrRevoked):
		return http.StatusUnauthorized
	case errors.Is(err, session.ErrStale), errors.Is(err, session.ErrCrossSite):
		return http.StatusForbidden
	case errors.Is(err, session.ErrTooMany), errors.Is(err, session.ErrReplaced):
		return http.StatusConflict
	case errors.Is(err, session.ErrTooLarge):
		return http.StatusRequestEntityTooLarge
	}
	return http.StatusInternalServerError
}

// Error answers a request with err by Config.Error, as the middleware does itself, and logs err before if its [Status] is 500
// or more, with the request's method, path and pattern, whatever Config.Error does. A request that its client has canceled
// is not logged. The log is the server's ErrorLog, or package log's where there is none.
func (mw *Middleware) Error(w http.ResponseWriter, r *http.Request, err error) {
	if logError(r, err) {
		r = r.WithContext(context.WithValue(r.Context(), logged{}, true))
	}
	mw.config.Error(w, r, err)
}

// WriteError answers a request with err by its [Status], in plain text that tells nothing of err but the time by which a
// revocation holds everywhere ([*session.PendingError]), and that there is a newer token ([session.ErrReplaced]). A 503 has
// Retry-After. Unless [Middleware.Error] has done so, as it has in a [Config].Error, WriteError logs err as that does.
func WriteError(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Value(logged{}) == nil {
		logError(r, err)
	}
	code, text := Status(err), ""
	var pending *session.PendingError
	switch {
	case code == http.StatusAccepted && errors.As(err, &pending):
		text = "Revoked, everywhere by " + pending.EffectiveBy.UTC().Format(http.TimeFormat)
	case code == http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", retryAfter)
	case errors.Is(err, session.ErrReplaced):
		text = "The session has a newer token: use that and try again"
	}
	w.Header().Set("Cache-Control", "no-store") // what one client may not have, another may
	http.Error(w, cmp.Or(text, http.StatusText(code)), code)
}

// logged is the key of the context of a request whose error is in the log.
type logged struct{}

// The bounds of how much of a request goes into the log.
const (
	maxMethod = 32
	maxPath   = 256
)

// logError logs err if it is the server's, and reports whether it did. Of the request's URL only the path is logged: a query
// can hold secrets.
func logError(r *http.Request, err error) bool {
	if Status(err) < http.StatusInternalServerError || errors.Is(err, context.Canceled) && !errors.Is(err, session.ErrUnavailable) {
		return false
	}
	pattern := ""
	if r.Pattern != "" {
		pattern = " (" + strconv.Quote(r.Pattern) + ")"
	}
	logger(r).Printf("nethttp: %s %.*q%s: %v", method(r), maxPath, r.URL.Path, pattern, err)
	return true
}

// method returns the method of r for the log: quoted and cut if it is not a short one in capitals.
func method(r *http.Request) string {
	if len(r.Method) <= maxMethod && strings.Trim(r.Method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "" {
		return r.Method
	}
	return fmt.Sprintf("%.*q", maxMethod, r.Method)
}

// warn logs text once for each done.
func (mw *Middleware) warn(r *http.Request, done *atomic.Bool, text string) {
	if !done.Load() && done.CompareAndSwap(false, true) {
		logger(r).Printf("nethttp: %s", text)
	}
}

// logger returns the log to which net/http itself reports a handler that panics.
func logger(r *http.Request) *log.Logger {
	if server, ok := r.Context().Value(http.ServerContextKey).(*http.Server); ok && server.ErrorLog != nil {
		return server.ErrorLog
	}
	return log.Default()
}
