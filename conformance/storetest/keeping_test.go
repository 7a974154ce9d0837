package storetest_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/qsessions/qsessions/conformance/storetest"
	"github.com/qsessions/qsessions/core/store"
)

// keeping is a store that keeps keys, right unless it has a fault.
type keeping struct {
	*naive
	fault string

	mu   sync.Mutex
	keys map[string][]byte
}

func newKeeping(fault string) *keeping {
	return &keeping{naive: newNaive(""), fault: fault, keys: make(map[string][]byte)}
}

func (s *keeping) Key(ctx context.Context, name string) ([]byte, error) {
	if err := store.CheckKeyName(name); err != nil && s.fault != "takes any name" {
		return nil, err
	}
	if err := ctx.Err(); err != nil && s.fault != "swallows cancellation" {
		return nil, err
	}
	switch s.fault {
	case "folds the separators of names":
		name = strings.NewReplacer("_", ".", "-", ".").Replace(name)
	case "cuts names":
		name = name[:min(len(name), 63)]
	case "has one key":
		name = "one"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := s.keys[name]
	if key == nil || s.fault == "makes a key at each call" {
		key = s.make(name)
		s.keys[name] = key
	}
	if s.fault == "hands out what it keeps" {
		return key, nil
	}
	return bytes.Clone(key), nil
}

// make returns a new key. The caller holds the lock.
func (s *keeping) make(name string) []byte {
	size := store.KeySize
	switch s.fault {
	case "derives keys from names":
		key := sha256.Sum256([]byte(name))
		return key[:]
	case "makes no random keys":
		return make([]byte, size)
	case "makes short keys":
		size = 16
	case "looks, then makes a key": // and waits in the gap for others that look
		s.mu.Unlock()
		for range 300 {
			runtime.Gosched()
		}
		s.mu.Lock()
	}
	key := make([]byte, size)
	_, _ = rand.Read(key)
	return key
}

func (s *keeping) Sweep(ctx context.Context, before time.Time, limit int) (int, error) {
	if s.fault == "sweeps keys" {
		s.mu.Lock()
		defer s.mu.Unlock()
		clear(s.keys)
	}
	return s.naive.Sweep(ctx, before, limit)
}

func withKeyring(fault string) storetest.Config {
	c := open(func() storetest.Fixture { return storetest.Fixture{Store: newKeeping(fault)} })
	c.Keeper = true
	return c
}
