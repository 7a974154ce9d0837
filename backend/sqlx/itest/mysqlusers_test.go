package itest

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/qsessions/qsessions/backend/sqlx"
	"github.com/qsessions/qsessions/core/store"
)

// TestNarrowUsers: BAD-49, RPT-11. Where the application's column of users cannot hold a user, that user is nobody, and never
// another one.
func TestNarrowUsers(t *testing.T) {
	t.Parallel()
	dsn := mariadb(t)
	db := pool(t, "mysql", dsn)
	run(t, db, "CREATE TABLE app_users (id VARCHAR(5) CHARACTER SET latin1 COLLATE latin1_general_ci PRIMARY KEY)", "INSERT INTO app_users VALUES ('alice')")
	c := sqlxstore.Config{User: sqlxstore.UserColumn{References: "app_users(id)"}}
	s := migrated(t, "mysql", dsn, c)
	create(t, s, session("alice"))
	for _, user := range []string{"alicex", "alice ", "alice  ", "al\U0001f600", "日本"} {
		if err := s.Create(t.Context(), session(user)); !errors.Is(err, store.ErrNoUser) {
			t.Errorf("Create for %q: got %v, want %v", user, err, store.ErrNoUser)
		}
		bound := session("")
		create(t, s, bound)
		bound.User = user
		if err := s.Save(t.Context(), bound); !errors.Is(err, store.ErrNoUser) {
			t.Errorf("Save for %q: got %v, want %v", user, err, store.ErrNoUser)
		}
		if ids := listed(t, s, store.Query{User: user}); len(ids) != 0 {
			t.Errorf("List of %q: got %v", user, ids)
		}
		if ids, err := s.DeleteUser(t.Context(), user, time.Now().Add(time.Hour)); len(ids) != 0 || err != nil {
			t.Errorf("DeleteUser of %q: got %v, %v", user, ids, err)
		}
	}
	if ids := listed(t, s, store.Query{User: "alice"}); len(ids) != 1 {
		t.Errorf("List of alice: got %v, want her one", ids)
	}
	// To the column "ALICE" is "alice". Whatever a Save says then, the user that is set stays.
	r, err := s.Load(t.Context(), listed(t, s, store.Query{User: "alice"})[0])
	if err != nil {
		t.Fatal(err)
	}
	r.User = "ALICE"
	if err := s.Save(t.Context(), r); err != nil && !errors.Is(err, store.ErrConflict) {
		t.Error(err)
	}
	if r, err := s.Load(t.Context(), r.ID); err != nil || r.User != "alice" {
		t.Errorf("after a Save for ALICE: got %+v, %v, want alice", r, err)
	}
	separator := "?"
	if strings.Contains(dsn, "?") {
		separator = "&"
	}
	if _, err := sqlxstore.Open(t.Context(), "mysql", dsn+separator+"sql_mode=''", c); err == nil || !strings.Contains(err.Error(), "STRICT_TRANS_TABLES") {
		t.Errorf("Open with a mode that cuts values: got %v", err)
	}
}
