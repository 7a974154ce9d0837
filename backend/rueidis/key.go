package rueidisstore

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/redis/rueidis"

	"github.com/qsessions/qsessions/core/store"
)

func (s *Store) keyKey(name string) string { return s.config.Prefix + secretSpace + name }

// Key implements [store.Keeper] in one round trip, and in three when it makes the key. Redis keeps it as it keeps records: a
// failover or an eviction that takes it makes the next call make another one.
func (s *Store) Key(ctx context.Context, name string) ([]byte, error) {
	const op = "key"
	if err := store.CheckKeyName(name); err != nil {
		return nil, err
	}
	key, err := s.readKey(ctx, op, name)
	if key != nil || err != nil {
		return key, err
	}
	made := newKey()
	err = s.do(ctx, false, 1, func(b rueidis.Builder) rueidis.Commands {
		return rueidis.Commands{b.Set().Key(s.keyKey(name)).Value(made).Nx().Build()}
	})[0].Error()
	if err != nil && !rueidis.IsRedisNil(err) {
		return nil, s.fail(ctx, op, err)
	}
	if key, err = s.readKey(ctx, op, name); key == nil && err == nil {
		err = fmt.Errorf("rueidisstore: %s: it was made and is not there: %w", op, store.ErrUnavailable)
	}
	return key, err
}

// readKey returns nil where there is no key of that name.
func (s *Store) readKey(ctx context.Context, op, name string) ([]byte, error) {
	key, err := s.get(ctx, s.keyKey(name))
	switch {
	case rueidis.IsRedisNil(err):
		return nil, nil
	case err != nil:
		return nil, s.fail(ctx, op, err)
	case len(key) != store.KeySize:
		return nil, fmt.Errorf("rueidisstore: %s: the value is none: %w", op, store.ErrUnavailable)
	}
	return key, nil
}

// RotateKey replaces the key of that name by a new one. What the old key has authenticated is void: see package cacheddb for
// copies.
func (s *Store) RotateKey(ctx context.Context, name string) error {
	const op = "rotate key"
	if err := store.CheckKeyName(name); err != nil {
		return err
	}
	made := newKey()
	err := s.do(ctx, false, 1, func(b rueidis.Builder) rueidis.Commands {
		return rueidis.Commands{b.Set().Key(s.keyKey(name)).Value(made).Build()}
	})[0].Error()
	if err != nil {
		return s.fail(ctx, op, err)
	}
	return nil
}

func newKey() string {
	key := make([]byte, store.KeySize)
	_, _ = rand.Read(key) // never fails since Go 1.24
	return rueidis.BinaryString(key)
}
