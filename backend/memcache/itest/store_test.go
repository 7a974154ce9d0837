package itest

import (
	"cmp"
	"encoding/base64"
	"errors"
	"testing"
	"time"

	"github.com/qsessions/qsessions/backend/memcache"
	"github.com/qsessions/qsessions/core/store"
	"github.com/qsessions/qsessions/testserver"
)

func base64ID(id store.ID) string { return base64.RawURLEncoding.EncodeToString(id[:]) }

func openStore(t testing.TB, c memcachestore.Config, servers ...string) *memcachestore.Store {
	t.Helper()
	c.Timeout = cmp.Or(c.Timeout, patience)
	s, err := memcachestore.Open(t.Context(), servers, c)
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	return s
}

// record returns a record that is live for an hour.
func record() *store.Record {
	now := time.Now().UTC().Truncate(time.Microsecond)
	return &store.Record{ID: newID(), CreatedAt: now, LastSeen: now, ExpiresAt: now.Add(time.Hour), Secret: []byte("secret"), Data: []byte("data")}
}

func load(t testing.TB, s store.Store, id store.ID) *store.Record {
	t.Helper()
	r, err := s.Load(t.Context(), id)
	must(t, err)
	return r
}

func later(r *store.Record, d time.Duration) store.Touch {
	return store.Touch{LastSeen: r.LastSeen.Add(d), ExpiresAt: r.ExpiresAt.Add(d)}
}

// A Save by the ticket of a Load is not disturbed by a touch, and goes by the version all the same.
func TestSaveByTag(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s := openStore(t, memcachestore.Config{Prefix: prefix()}, testserver.Memcached(t).Addr)
	r := record()
	must(t, s.Create(ctx, r))
	a, b := load(t, s, r.ID), load(t, s, r.ID)
	must(t, s.Touch(ctx, a, later(a, time.Second)))
	wantErr(t, "Touch of what was touched", s.Touch(ctx, b.Clone(), later(b, time.Minute)), store.ErrConflict)
	b.Data = []byte("saved")
	must(t, s.Save(ctx, b))
	wantErr(t, "Save of what was saved", s.Save(ctx, a), store.ErrConflict)

	c := load(t, s, r.ID)
	c.Version++
	wantErr(t, "Save of a version that is not there", s.Save(ctx, c), store.ErrConflict)
	wantErr(t, "Touch of a version that is not there", s.Touch(ctx, c, later(c, time.Second)), store.ErrConflict)
	if got := load(t, s, r.ID); string(got.Data) != "saved" || got.Version != 2 {
		t.Errorf("got %q of version %d", got.Data, got.Version)
	}

	d := load(t, s, r.ID)
	must(t, s.Delete(ctx, r.ID))
	wantErr(t, "Save of a removed record", s.Save(ctx, d), store.ErrConflict)
	wantErr(t, "Touch of a removed record", s.Touch(ctx, d, later(d, time.Second)), store.ErrConflict)
	if _, err := s.Load(ctx, r.ID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Load of a removed record: %v", err)
	}
}
