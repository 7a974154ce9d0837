package itest

import (
	"errors"
	"testing"
	"time"

	"github.com/qsessions/qsessions/backend/sqlx"
	"github.com/qsessions/qsessions/core/store"
)

// TestRemovedRows: CVE-3. Rows of removed records are kept until a sweep, without secret and data, and no way of reading
// or writing takes them for sessions.
func TestRemovedRows(t *testing.T) {
	each(t, func(t *testing.T, g target, dsn string) {
		s := migrated(t, g.driver, dsn, sqlxstore.Config{})
		deleted, revoked := session("ann"), session("ann")
		create(t, s, deleted, revoked)
		if err := s.Delete(t.Context(), deleted.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := s.DeleteUser(t.Context(), "ann", revoked.AuthenticatedAt.Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		var rows, bytes int
		err := pool(t, g.driver, dsn).QueryRowContext(t.Context(), "SELECT COUNT(*), SUM(LENGTH(secret) + LENGTH(data)) FROM qsessions").Scan(&rows, &bytes)
		if rows != 2 || bytes != 0 || err != nil {
			t.Fatalf("kept: got %d rows with %d bytes of secret and data, %v; want 2 and none", rows, bytes, err)
		}
		for name, r := range map[string]*store.Record{"deleted": deleted, "revoked": revoked} {
			if got, err := s.Load(t.Context(), r.ID); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("%s: Load: got %+v, %v", name, got, err)
			}
			if err := s.Save(t.Context(), r.Clone()); !errors.Is(err, store.ErrConflict) {
				t.Errorf("%s: Save: got %v, want %v", name, err, store.ErrConflict)
			}
			late := store.Touch{LastSeen: r.LastSeen.Add(time.Minute), ExpiresAt: r.ExpiresAt.Add(time.Minute)}
			if err := s.Touch(t.Context(), r.Clone(), late); !errors.Is(err, store.ErrConflict) {
				t.Errorf("%s: Touch: got %v, want %v", name, err, store.ErrConflict)
			}
			if err := s.Create(t.Context(), r.Clone()); !errors.Is(err, store.ErrExists) {
				t.Errorf("%s: Create: got %v, want %v", name, err, store.ErrExists)
			}
		}
		for _, q := range []store.Query{{}, {User: "ann"}, {Expired: time.Now().AddDate(1, 0, 0)}} {
			for r, err := range s.List(t.Context(), q) {
				t.Errorf("List %+v: got %+v, %v", q, r, err)
			}
		}
	})
}
