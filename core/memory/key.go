package memory

import (
	"bytes"
	"context"
	"crypto/rand"
	"strings"
	"sync"

	"github.com/qsessions/qsessions/core/store"
)

// keys are those of a store, by name.
type keys struct {
	mu   sync.Mutex
	keys map[string][]byte
}

// Key implements [store.Keeper]. A key ends with the store, as the records do. Keys do not count in the bounds: there are as
// many as the program has names.
func (s *Store) Key(ctx context.Context, name string) ([]byte, error) {
	if err := store.CheckKeyName(name); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.keys.mu.Lock()
	defer s.keys.mu.Unlock()
	if s.keys.keys[name] == nil {
		s.keys.replace(name)
	}
	return bytes.Clone(s.keys.keys[name]), nil
}

// RotateKey replaces the key of that name by a new one. What the old key has authenticated is void: see package cacheddb
// for copies.
func (s *Store) RotateKey(ctx context.Context, name string) error {
	if err := store.CheckKeyName(name); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	s.keys.mu.Lock()
	defer s.keys.mu.Unlock()
	s.keys.replace(name)
	return nil
}

// replace makes a new key. The caller holds the lock.
func (k *keys) replace(name string) {
	if k.keys == nil {
		k.keys = make(map[string][]byte)
	}
	key := make([]byte, store.KeySize)
	_, _ = rand.Read(key) // never fails since Go 1.24
	k.keys[strings.Clone(name)] = key
}
