package itest

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"testing"

	"github.com/qsessions/qsessions/backend/sqlx"
	"github.com/qsessions/qsessions/core/store"
)

// TestKeyAtOnce: ATK-1. Eight processes that ask for the key for the first time, at the same time, get the same one, and so
// does every process after them.
func TestKeyAtOnce(t *testing.T) {
	each(t, func(t *testing.T, g target, dsn string) {
		var out [8]bytes.Buffer
		var processes []func() error
		for i := range out {
			j := job{What: "key", Driver: g.driver, DSN: dsn, Table: "sessions", out: &out[i]}
			processes = append(processes, j.start(t).Wait)
		}
		for i, wait := range processes {
			if err := wait(); err != nil {
				t.Errorf("process %d: %v", i, err)
			}
		}
		key, err := open(t, g.driver, dsn, sqlxstore.Config{Table: "sessions"}).Key(t.Context(), "cache")
		if err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprintf("%x", sha256.Sum256(key))
		for i := range out {
			if got := out[i].String(); got != want {
				t.Errorf("process %d has the key with the sum %s, a later one has %s", i, got, want)
			}
		}
	})
}

// readOnly are options that let a connection change nothing.
var readOnly = map[string]string{"postgres": "default_transaction_read_only=on", "mariadb": "tx_read_only=1", "sqlite": "_pragma=query_only(1)"}

// TestKeyReadOnly: a process that may only read gets a key that is there, and makes none.
func TestKeyReadOnly(t *testing.T) {
	each(t, func(t *testing.T, g target, dsn string) {
		s := migrated(t, g.driver, dsn, sqlxstore.Config{})
		want, err := s.Key(t.Context(), "cache")
		if err != nil {
			t.Fatal(err)
		}
		reader := open(t, g.driver, with(dsn, readOnly[g.name]), sqlxstore.Config{})
		if err := reader.Create(t.Context(), session("")); err == nil {
			t.Fatal("the reader can write")
		}
		if got, err := reader.Key(t.Context(), "cache"); err != nil || !bytes.Equal(got, want) {
			t.Errorf("Key of what is there: got %d bytes, %v, want the same as the writer", len(got), err)
		}
		if got, err := reader.Key(t.Context(), "another"); !errors.Is(err, store.ErrUnavailable) || got != nil {
			t.Errorf("Key of what is not there: got %d bytes, %v, want ErrUnavailable", len(got), err)
		}
		if err := reader.RotateKey(t.Context(), "cache"); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("RotateKey: got %v, want ErrUnavailable", err)
		}
		if got, err := s.Key(t.Context(), "cache"); err != nil || !bytes.Equal(got, want) {
			t.Errorf("afterwards: got %d bytes, %v, want the same key", len(got), err)
		}
	})
}

// TestRotateKey: a rotation reaches every process, replaces one key, and makes one that is not there. What is no key is left
// alone.
func TestRotateKey(t *testing.T) {
	each(t, func(t *testing.T, g target, dsn string) {
		a, b := migrated(t, g.driver, dsn, sqlxstore.Config{}), open(t, g.driver, dsn, sqlxstore.Config{})
		key := func(s *sqlxstore.Store, name string) string {
			t.Helper()
			k, err := s.Key(t.Context(), name)
			if err != nil {
				t.Fatal(err)
			}
			return string(k)
		}
		cache, other := key(a, "cache"), key(a, "other")
		for _, name := range []string{"cache", "new"} {
			if err := b.RotateKey(t.Context(), name); err != nil {
				t.Fatal(err)
			}
		}
		if key(a, "cache") == cache || key(a, "cache") != key(b, "cache") || key(b, "other") != other || key(a, "new") != key(b, "new") {
			t.Error("the rotation did not replace that key, for all, and no other")
		}
		run(t, pool(t, g.driver, dsn), "UPDATE qsessions_keys SET secret = substr(secret, 1, 31) WHERE name = 'cache'")
		if got, err := a.Key(t.Context(), "cache"); !errors.Is(err, store.ErrUnavailable) || got != nil {
			t.Errorf("Key of 31 bytes: got %d bytes, %v, want ErrUnavailable", len(got), err)
		}
		for _, name := range []string{"", "A", "a'"} {
			if err := a.RotateKey(t.Context(), name); err == nil {
				t.Errorf("RotateKey %q: got no error", name)
			}
		}
	})
}

// TestKeyWithoutTable: before Migrate there is no key, and the error says what to do.
func TestKeyWithoutTable(t *testing.T) {
	each(t, func(t *testing.T, g target, dsn string) {
		s := open(t, g.driver, dsn, sqlxstore.Config{})
		if _, err := s.Key(t.Context(), "cache"); !errors.Is(err, store.ErrUnavailable) || !bytes.Contains([]byte(err.Error()), []byte("run Migrate")) {
			t.Errorf("got %v", err)
		}
		if err := s.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Key(t.Context(), "cache"); err != nil {
			t.Error(err)
		}
	})
}
