package session

import (
	"context"
	"iter"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

// ID names a session. It is public: lists, URLs and logs may show it, and alone it opens nothing.
type ID = store.ID

// Query selects sessions; its zero value selects all that are live.
type Query = store.Query

// The kinds of sessions that a [Query] selects.
const (
	Everyone  = store.Everyone
	Users     = store.Users
	Anonymous = store.Anonymous
)

// ParseID reads an ID from its text form. Any other text names no session: the error matches [ErrNotFound].
func ParseID(s string) (ID, error) { return store.ParseID(s) }

// A Session is what a handler holds for one request. Get it with [From], and its values with a [Key].
//
// Nothing here does I/O but Save: changes are kept in memory, and the adapter commits them before the first byte of the
// response. The first problem of a change (a value that cannot be encoded, a bad name, an empty user) sticks: Err reports
// it, the commit fails with it, and nothing is stored.
//
// A Session is safe for concurrent use. When its request has ended it can still be read, but changes are refused with
// [ErrClosed].
//
// Only this package implements Session; decorate it by embedding.
type Session interface {
	// ID is the session's public name. It is zero while nothing has been stored or set, and new after a Logout.
	ID() ID
	// User is the signed-in user, or "".
	User() string
	// Info describes the session as lists do, as it will be once it is committed, and without the facts of enrichers.
	Info() Info

	// Login binds the session to user and gives it a new token; the old one is dead at once. The values stay, unless
	// another user was signed in: then a new one begins, and once that is stored the first one ends. user is 1 to 255 bytes of UTF-8 and is
	// compared byte by byte; any other, "" too, is a mistake of the caller and fails the commit. The commit fails with
	// ErrRevoked if the user's sessions were revoked after this request began, with ErrTooMany if Config.PerUser refuses
	// the session, and with ErrNoUser if the store refers to a table of users that lacks the user.
	//
	// If another request has signed in meanwhile with the same old token, as when a button is pressed twice, the login gets
	// a session of its own, with the values as this request read them; the event names the other one ([Event].Twin). If the
	// token was dead when the request came, and only a cached copy accepted it, the login starts without values.
	Login(user string, opts ...LoginOption)
	// Reauthenticate notes that the user proved again who they are: AuthenticatedAt and both timeouts start anew, and the
	// token is replaced (ASVS 5.0 7.2.4). Limits and Remember are kept. The proof is of level 1 unless an option says more;
	// earlier ones of a higher level stay, with their times ([Requirement]). It fails with ErrUnauthenticated if no user is
	// signed in, or if another goroutine ends the session meanwhile, and with ErrReplaced if another request has just
	// replaced the token.
	Reauthenticate(opts ...LoginOption)
	// Logout ends the session. Values that are set afterwards in the same request go into a new, anonymous one. Logout is
	// carried out even if the commit fails for another reason, and if the response says that the request has failed. It
	// fails with ErrReplaced, and ends nothing, if the request knows that another one has just replaced its token: the
	// session goes on under the newest one.
	Logout()
	// Rotate replaces the token; the old one is dead at once. Call it when privileges change.
	Rotate()
	// Expire replaces the session's timeouts: it ends after idle without use, and lifetime from now at the latest, until
	// the next login. A re-authentication starts them anew. Neither may be longer than the longest of the Policy. Unless the
	// session is to end sooner than before, its cookie outlives the browser, and ends with the session.
	Expire(idle, lifetime time.Duration)

	// Keys iterates over the names of the values, in no order.
	Keys() iter.Seq[string]
	// Clear deletes all values. The user stays signed in, unlike with flush in Django: Logout ends the session. Clear also
	// makes a session writable whose stored values cannot be read.
	Clear()

	// Err reports the first problem of a change.
	Err() error
	// Save commits now, for a handler that wants the acknowledgement. Without changes it counts as a use of the session and
	// asks the database: a long-running handler calls it to keep the session alive, and to learn of its end. Call it before a
	// transaction of the handler that is still open when the response begins: the commit would wait for that. It returns the
	// first problem of a change, as Err does, or:
	//   - ErrUnavailable if the store could not be asked; the commit at the end of the request tries again.
	//   - ErrRevoked if the session has ended, ErrReplaced if another request has replaced the token, or ErrTooMany. After
	//     these the session is a new anonymous one.
	//   - ErrNoUser if the store refers to a table of users that lacks the user of a login.
	//   - ErrTooLarge if the store cannot keep the values, or if they exceed Config.MaxData together with those that another
	//     request has saved.
	//   - ErrCrossSite if values were not stored.
	//   - ErrTooLate if the response has begun and a new token cannot be sent.
	//   - ErrClosed if the request has ended.
	//   - A PendingError if a Logout is final but a cache could not be told; everything else is saved.
	Save(ctx context.Context) error

	self() *handle
}
