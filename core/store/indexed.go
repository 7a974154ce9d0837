package store

import (
	"context"
	"iter"
	"net/netip"
	"time"
)

// An Indexed store also finds records by what is in them. The package comment has the rules for all methods.
//
// Sessions work without it, but nobody can find them: the session manager then answers errors.ErrUnsupported where it
// lists sessions, ends all of a user's (RevokeUser, RevokeOthers) or sweeps, and refuses a limit per user (PerUser). A
// store that is not Indexed must expire records by itself, or keeps those that nobody ended for ever.
type Indexed interface {
	Store

	// List yields the records of q, latest id first, without Secret, and without Data unless q asks for it. A record that
	// is there for the whole of the iteration is yielded once; one that comes or goes meanwhile may be missed. List holds
	// no lock and no connection while it yields, so that the loop may call the store. An error is yielded last and once,
	// with a nil record. The iterator may be used again, and starts anew. An id that is in q.IDs twice counts once. The
	// ids of q are read while the iterator runs, so they must not change before it has ended.
	List(ctx context.Context, q Query) iter.Seq2[*Record, error]

	// DeleteUser first makes cutoff known (a cut-off never moves back), and only then removes the user's records with an
	// earlier AuthenticatedAt, keep excepted. It returns the ids of the user's records with an earlier AuthenticatedAt,
	// keep excepted: those that it removed, and those removed before that it still remembers (at least until a Sweep). A
	// cache in front must be told of all of them. To name other removed records of the user does no harm; it names none
	// that it leaves, none of keep, and none of another user. After an error it may have done a part of it, and says which.
	DeleteUser(ctx context.Context, user string, cutoff time.Time, keep ...ID) ([]ID, error)

	// Cutoff returns the user's latest cut-off, or the zero time. It sees every cut-off made known before it was called.
	Cutoff(ctx context.Context, user string) (time.Time, error)

	// Sweep forgets up to limit records that expired, or were removed, before the given time, and cut-offs a day older.
	// A store that does not note when a record was removed goes by its ExpiresAt in both cases. It may leave those of the
	// hour before the given time. It returns how many records it forgot; zero means done. A record that is
	// touched or saved while Sweep runs, so that it expires later, stays. limit is at least 1.
	Sweep(ctx context.Context, before time.Time, limit int) (int, error)
}

// A Query selects records; what it does not set does not matter. Its zero value selects all of them.
type Query struct {
	IDs     []ID         // only these, at most MaxIDs, in any order; empty: all
	User    string       // only this user's
	Kind    Kind         // everyone's, users', or anonymous
	Live    time.Time    // only records that are live then
	Expired time.Time    // only records that have expired by then
	Prefix  netip.Prefix // only addresses in it; an IPv4 prefix matches IPv4 addresses only
	After   ID           // start behind this id, that is with an earlier one
	Limit   int          // at most so many; 0 or less: no limit
	Data    bool         // with Data
}

// MaxIDs is how many ids a [Query] has at most. List answers [ErrTooLarge] to more.
const MaxIDs = 100

// Kind is whose records a [Query] selects.
type Kind uint8

// The kinds of a [Query].
const (
	Everyone Kind = iota
	Users         // with a user
	Anonymous
)
