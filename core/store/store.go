package store

import "context"

// A Store keeps records by id. The package comment has the rules for all methods.
type Store interface {
	// Load returns the record of id, expired or not, or an error that matches [ErrNotFound]. The record is the caller's.
	Load(ctx context.Context, id ID) (*Record, error)

	// Create inserts r and sets r.Version to 1. It never replaces a record: [ErrExists] if the id is known, [ErrNoUser] if
	// the user is not. After an error r is as it was.
	Create(ctx context.Context, r *Record) error

	// Save replaces the record if its version is still r.Version; then r.Version is one higher, in the store and in r.
	// [ErrConflict] if it is not, or if there is no record: Load tells which. Save never inserts. It may set the user of an
	// anonymous record ([ErrNoUser] as in Create), and never changes or removes a user that is set: a record of another user
	// is not the one that r was read from, whatever its version, and that is [ErrConflict] too.
	// It does not look at LastSeen, so that a touch never disturbs it. After an error r is as it was.
	Save(ctx context.Context, r *Record) error

	// Touch changes what t has, in the record that is still at r.Version and r.LastSeen, and in r; the version stays.
	// [ErrConflict] if somebody saved, touched or removed it first: nobody need act on that.
	Touch(ctx context.Context, r *Record, t Touch) error

	// Delete removes records: no Load that starts after it returned finds them, no Save or Touch brings them back. Unknown
	// ids are no error, and neither is a second Delete.
	Delete(ctx context.Context, ids ...ID) error
}

// A Cached store may answer Load from a copy. LoadFresh never does, and leaves the copy as fresh as its answer. That there
// is no record is never a copy's answer: both ask the database before they return [ErrNotFound].
type Cached interface {
	Store

	// LoadFresh is Load without a copy: its answer is the database's. Errors as Load.
	LoadFresh(ctx context.Context, id ID) (*Record, error)
}

// LoadFresh returns what s itself knows of id, never a cached copy: by [Cached] if s is one, else by Load.
func LoadFresh(ctx context.Context, s Store, id ID) (*Record, error) {
	if c, ok := s.(Cached); ok {
		return c.LoadFresh(ctx, id)
	}
	return s.Load(ctx, id)
}
