package session

import (
	"context"
	"errors"
	"fmt"

	"github.com/qsessions/qsessions/core/store"
)

// What an application may meet, matched by [errors.Is].
var (
	// ErrNotFound says that there is no such session, or that it is not the given user's.
	ErrNotFound = store.ErrNotFound
	// ErrTooLarge says that a session's values are larger than Config.MaxData, or than the store can keep.
	ErrTooLarge = store.ErrTooLarge
	// ErrUnavailable says that the store could not be asked. It says nothing about the session: answer 503 and leave the
	// cookie alone.
	ErrUnavailable = store.ErrUnavailable

	// ErrNoUser says that the store refers to a table of users, which does not have the user of a login: its name instead of its
	// ID perhaps, or the transaction that inserts it has not been committed. Nothing was stored. It is a mistake of the
	// application: answer 500. Config.Logger is told.
	ErrNoUser = store.ErrNoUser

	// ErrNoSession says that the context carries no session of the manager: the middleware is not installed.
	ErrNoSession = errors.New("session: no session in context (is the middleware installed?)")
	// ErrUnauthenticated says that no user is signed in.
	ErrUnauthenticated = errors.New("session: not signed in")
	// ErrStale says that the user's authentication is too old, or of too low a level, for what was asked.
	ErrStale = errors.New("session: authentication is too old or too weak")
	// ErrRevoked says that the session ended while this request ran, or that the user's sessions were revoked after the
	// credentials of a login were checked. Nothing was stored.
	ErrRevoked = errors.New("session: revoked meanwhile")
	// ErrReplaced says that another request has given the session a new token, by a login, a re-authentication or a rotation,
	// since the token of this request was sent. Of the changes nothing was stored, and the client's cookie must be left
	// alone: with the newest token the request can be tried again. Where a request that called [Manager.RevokeOthers] gets
	// it, the session has ended, as its newest token may be a thief's.
	ErrReplaced = errors.New("session: the token was replaced by another request")
	// ErrCrossSite says that a value was set in a request of another site from which the browser withholds the session's
	// cookie (SameSite). It was not stored: a cookie for it could replace that of a session that the browser has.
	ErrCrossSite = errors.New("session: not stored, as the browser withholds the cookie from a request of another site")
	// ErrTooMany says that the user has as many sessions as Config.PerUser allows, and that the new one was refused.
	ErrTooMany = errors.New("session: too many sessions of this user")
	// ErrCorrupt says that stored data cannot be read: another type, another codec, another key.
	ErrCorrupt = errors.New("session: stored data cannot be read")
	// ErrTooLate says that the response has begun, so that a new token cannot be sent any more.
	ErrTooLate = errors.New("session: the response has begun, a new token cannot be sent")
	// ErrClosed says that the request has ended.
	ErrClosed = errors.New("session: the request has ended")
)

// A PendingError says that a revocation is final in the database, but that a cache could not be told: nobody accepts the
// session after EffectiveBy. Find it with [errors.As].
type PendingError = store.PendingError

// definite reports whether err tells for certain that a write did not happen.
func definite(err error) bool {
	for _, e := range [...]error{store.ErrConflict, store.ErrNotFound, store.ErrExists, store.ErrNoUser, store.ErrTooLarge, errors.ErrUnsupported} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// unavailable is err as [ErrUnavailable], unless it is the caller's own cancellation.
func unavailable(ctx context.Context, err error) error {
	if errors.Is(err, context.Canceled) && errors.Is(ctx.Err(), context.Canceled) {
		return err
	}
	if !errors.Is(err, ErrUnavailable) {
		err = fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return timedOut{err}
	}
	return err
}

// timedOut is an ErrUnavailable that is no [context.DeadlineExceeded]: it was not the request that had no more time, which
// middleware of web frameworks answers in another way.
type timedOut struct{ error }

// Is implements the interface of [errors.Is].
func (timedOut) Is(target error) bool { return target == ErrUnavailable }

// hung reports whether err says that the store did not answer in time.
func hung(err error) bool {
	if err == nil {
		return false // without an allocation
	}
	var t timedOut
	return errors.As(err, &t)
}
