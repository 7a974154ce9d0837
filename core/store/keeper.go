package store

import (
	"context"
	"errors"
)

// KeySize is the length of the keys of a [Keeper], in bytes.
const KeySize = 32

// A Keeper is a store that also keeps a few random keys of its deployment, that is of all processes that share the records.
// Package cacheddb authenticates copies with one. The package comment has the rules for all methods. What wraps a store
// passes it on: without it cacheddb.New refuses the database.
type Keeper interface {
	// Key returns the key of that name: KeySize bytes from crypto/rand, which the first call for the name makes. Every later
	// call returns the same ones, in every process, also when several make that first call at the same time; keys of
	// different names have nothing to do with each other. A key is as durable as a record when it is returned, and is not
	// made by a database that cannot keep it, such as a replica; an existing one is returned to a client that may only
	// read. Sweep forgets no key. The name is as [CheckKeyName] wants it. The bytes are the caller's. A key that is
	// there in another form than this is an error that matches [ErrUnavailable], and is left as it is.
	Key(ctx context.Context, name string) ([]byte, error)
}

var errKeyName = errors.New("store: the name of a key has 1 to 64 bytes, each a lower-case letter, a digit, or one of . _ -")

// CheckKeyName returns an error unless name can be that of a key: 1 to 64 bytes, each a lower-case letter of ASCII, a digit,
// or one of . _ -.
func CheckKeyName(name string) error {
	if len(name) < 1 || len(name) > 64 {
		return errKeyName
	}
	for _, c := range []byte(name) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '.' && c != '_' && c != '-' {
			return errKeyName
		}
	}
	return nil
}
