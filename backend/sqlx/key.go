package sqlxstore

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

// keysSuffix is behind the name of the sessions' table in that of the keys.
const keysSuffix = "_keys"

// Key implements [store.Keeper] in one round trip, and in three when it makes the key, which needs the right to insert. Each
// statement is committed by itself: of those that make a key at the same time one is first, and all read that one's.
func (s *Store) Key(ctx context.Context, name string) ([]byte, error) {
	const op = "key"
	if err := store.CheckKeyName(name); err != nil {
		return nil, err
	}
	key, err := s.readKey(ctx, op, name)
	if key != nil || err != nil {
		return key, err
	}
	err = s.do(ctx, op, repeatable, func(c conn) error {
		_, err := c.exec(ctx, &s.q.keyAdd, name, newKey(), time.Now().UnixMicro())
		return err
	})
	if err != nil && !errors.Is(err, store.ErrExists) {
		return nil, err
	}
	if key, err = s.readKey(ctx, op, name); key == nil && err == nil {
		err = fmt.Errorf("sqlxstore: %s: %w: it was made and is not there", op, store.ErrUnavailable)
	}
	return key, err
}

// readKey returns nil where there is no key of that name.
func (s *Store) readKey(ctx context.Context, op, name string) ([]byte, error) {
	var key []byte
	err := s.do(ctx, op, repeatable, func(c conn) error {
		err := c.queryRow(ctx, &s.q.keyRead, []any{&key}, name)
		if errors.Is(err, sql.ErrNoRows) {
			key = nil
			return nil
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if key != nil && len(key) != store.KeySize {
		return nil, fmt.Errorf("sqlxstore: %s: %w: it has %d bytes, not %d", op, store.ErrUnavailable, len(key), store.KeySize)
	}
	return key, nil
}

// RotateKey replaces the key of that name by a new one, or makes it. What the old key has authenticated is void: see package
// cacheddb for copies.
func (s *Store) RotateKey(ctx context.Context, name string) error {
	const op = "rotate key"
	if err := store.CheckKeyName(name); err != nil {
		return err
	}
	var n int64
	err := s.do(ctx, op, repeatable, func(c conn) (err error) {
		n, err = c.exec(ctx, &s.q.keyReplace, newKey(), time.Now().UnixMicro(), name)
		return err
	})
	if err == nil && n == 0 {
		_, err = s.Key(ctx, name)
	}
	return err
}

func newKey() []byte {
	key := make([]byte, store.KeySize)
	_, _ = rand.Read(key) // never fails since Go 1.24
	return key
}
