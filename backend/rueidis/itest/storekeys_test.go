package itest

import (
	"errors"
	"testing"
	"time"

	"github.com/qsessions/qsessions/backend/rueidis"
	"github.com/qsessions/qsessions/core/store"
)

// TestKeys: ATK-1. A key has no end, is that of its prefix, is replaced by a rotation for every process, and is left alone
// where it is none.
func TestKeys(t *testing.T) {
	url := redisURL(t)
	name := prefix()
	a, b := openStore(t, url, rueidisstore.Config{Prefix: name}), openStore(t, url, rueidisstore.Config{Prefix: name})
	other := openStore(t, url, rueidisstore.Config{Prefix: prefix()})
	key := func(s *rueidisstore.Store) string {
		t.Helper()
		k, err := s.Key(t.Context(), "cache")
		if err != nil {
			t.Fatal(err)
		}
		return string(k)
	}
	first := key(a)
	if key(b) != first || key(other) == first {
		t.Error("the key is not the one of all who have the prefix, and of no one else")
	}
	c := client(t, url)
	if ttl, err := command(t, c, "PTTL", name+"k1:cache").AsInt64(); ttl != -1 || err != nil {
		t.Errorf("PTTL is %d, %v, want -1: no end", ttl, err)
	}
	if _, err := a.Sweep(t.Context(), time.Now().Add(100000*time.Hour), 100); err != nil {
		t.Fatal(err)
	}
	if key(a) != first {
		t.Error("Sweep took the key")
	}
	if err := b.RotateKey(t.Context(), "cache"); err != nil {
		t.Fatal(err)
	}
	if key(a) == first || key(a) != key(b) {
		t.Error("RotateKey did not replace the key for all")
	}
	command(t, c, "SET", name+"k1:cache", "short")
	if k, err := a.Key(t.Context(), "cache"); !errors.Is(err, store.ErrUnavailable) || k != nil {
		t.Errorf("a value that is no key: got %d bytes, %v, want ErrUnavailable", len(k), err)
	}
	if err := a.RotateKey(t.Context(), "A"); err == nil {
		t.Error("RotateKey of a name that no key can have: got no error")
	}
}

// A query by ids needs no index of all sessions.
func TestListIDsWithoutIndex(t *testing.T) {
	s := openStore(t, redisURL(t), rueidisstore.Config{Prefix: prefix()})
	now := time.Now().UTC().Truncate(time.Microsecond)
	r := &store.Record{ID: newID(), CreatedAt: now, LastSeen: now, ExpiresAt: now.Add(time.Hour)}
	if err := s.Create(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if got := listed(t, s, store.Query{IDs: []store.ID{newID(), r.ID}}); len(got) != 1 || got[0].ID != r.ID {
		t.Errorf("got %v, want the one", got)
	}
}
