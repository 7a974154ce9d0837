package store

import (
	"errors"
	"time"
)

// The errors of the contract, matched by [errors.Is].
var (
	// ErrNotFound says that no record has the ID. A removed record is not found.
	ErrNotFound = errors.New("store: no such record")
	// ErrExists says that the ID is taken, by a record or by one that was removed and is still remembered.
	ErrExists = errors.New("store: id is taken")
	// ErrConflict says that the record, or the slot of a cache, has changed since it was read, or is gone. Load tells which.
	ErrConflict = errors.New("store: record has changed or is gone")
	// ErrNoUser says that the store refers to a table of users, and that the user is not in it.
	ErrNoUser = errors.New("store: no such user")
	// ErrTooLarge says that the record, or the copy, is larger than the store, or the cache, can keep. Nothing was changed.
	ErrTooLarge = errors.New("store: record is too large")
	// ErrUnavailable says that the store could not be asked. The outcome of a write is unknown.
	ErrUnavailable = errors.New("store: unavailable")
)

// A PendingError says that a removal is final in the database, but that a cache in front of it could not be told. Only
// Delete and DeleteUser return it, and only if there is such a cache. It is not a failure that needs a retry, though a
// retry that returns nil makes it exact. It does not match what Err matches: nothing is unavailable to the caller.
type PendingError struct {
	EffectiveBy time.Time // nobody accepts the records after that
	Err         error     // what the cache answered
}

// Error implements error.
func (e *PendingError) Error() string {
	return "store: removed, in effect everywhere by " + e.EffectiveBy.UTC().Format(time.RFC3339)
}
