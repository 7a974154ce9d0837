package itest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/qsessions/qsessions/backend/sqlx"
	"github.com/qsessions/qsessions/core/store"
)

// TestMigrateAtOnce starts eight processes that migrate one database at the same time.
func TestMigrateAtOnce(t *testing.T) {
	each(t, func(t *testing.T, g target, dsn string) {
		j := job{What: "migrate", Driver: g.driver, DSN: dsn, Table: "sessions"}
		var processes []func() error
		for range 8 {
			processes = append(processes, j.start(t).Wait)
		}
		for i, wait := range processes {
			if err := wait(); err != nil {
				t.Errorf("process %d: %v", i, err)
			}
		}
		s := open(t, g.driver, dsn, sqlxstore.Config{Table: "sessions"})
		all, err := s.Migrations(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range all {
			if m.AppliedAt.IsZero() || time.Since(m.AppliedAt) > time.Hour {
				t.Errorf("migration %d was applied at %v", m.Number, m.AppliedAt)
			}
		}
		if err := s.Create(t.Context(), farRecord()); err != nil {
			t.Error(err)
		}
	})
}

// TestMigrateLater: a store may be opened before its tables are there, and says what is missing. Migrate changes
// nothing the second time, and refuses tables that are newer than the program.
func TestMigrateLater(t *testing.T) {
	each(t, func(t *testing.T, g target, dsn string) {
		s := open(t, g.driver, dsn, sqlxstore.Config{})
		_, err := s.Load(t.Context(), store.ID{1})
		if !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), "run Migrate") {
			t.Errorf("Load without tables: got %v", err)
		}
		all, err := s.Migrations(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range all {
			if !m.AppliedAt.IsZero() || m.SQL == "" || m.Name == "" {
				t.Errorf("before Migrate: got %+v", m)
			}
		}
		if err := s.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := s.Create(t.Context(), farRecord()); err != nil {
			t.Fatal(err)
		}
		if err := s.Migrate(t.Context()); err != nil {
			t.Error(err)
		}
		if _, err := s.Load(t.Context(), farRecord().ID); err != nil {
			t.Errorf("after a second Migrate: %v", err)
		}
		db := pool(t, g.driver, dsn)
		run(t, db, "INSERT INTO qsessions_migrations (number, name, applied_at) VALUES (99, 'later', 1)")
		if err := s.Migrate(t.Context()); err == nil || !strings.Contains(err.Error(), "99") {
			t.Errorf("Migrate of newer tables: got %v", err)
		}
		later, err := s.Migrations(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got := later[len(later)-1]; len(later) != len(all)+1 || got.Number != 99 || got.Name != "later" || got.SQL != "" {
			t.Errorf("got %+v", later)
		}
	})
}

// TestMigrateGoesOn: a migration that stopped half-way is finished by the next call, and one that was canceled holds up
// none.
func TestMigrateGoesOn(t *testing.T) {
	each(t, func(t *testing.T, g target, dsn string) {
		s := open(t, g.driver, dsn, sqlxstore.Config{})
		all, err := sqlxstore.Schema(dialects[g.name], sqlxstore.Config{})
		if err != nil {
			t.Fatal(err)
		}
		db := pool(t, g.driver, dsn)
		first, _, _ := strings.Cut(all[0].SQL, ";\n")
		run(t, db, first)
		if err := s.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := s.Create(t.Context(), farRecord()); err != nil {
			t.Error(err)
		}
		if _, err := s.Cutoff(t.Context(), "ann"); err != nil {
			t.Error(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.Migrate(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want %v", err, context.Canceled)
		}
		if err := s.Migrate(t.Context()); err != nil {
			t.Errorf("after one that was canceled: %v", err)
		}
	})
}

// TestSchema: the SQL that is printed makes the same tables, when another tool runs it, and Migrate accepts them.
func TestSchema(t *testing.T) {
	each(t, func(t *testing.T, g target, dsn string) {
		c := sqlxstore.Config{Table: "Own_sessions", CutoffTable: "own_limits"}
		all, err := sqlxstore.Schema(dialects[g.name], c)
		if err != nil {
			t.Fatal(err)
		}
		db := pool(t, g.driver, dsn)
		for _, m := range all {
			run(t, db, strings.Split(strings.TrimSuffix(m.SQL, ";"), ";\n")...)
		}
		s := open(t, g.driver, dsn, c)
		if err := s.Create(t.Context(), farRecord()); err != nil {
			t.Error(err)
		}
		if err := s.Migrate(t.Context()); err != nil {
			t.Error(err)
		}
		if _, err := s.DeleteUser(t.Context(), "ann", time.Now()); err != nil {
			t.Error(err)
		}
	})
}

// TestZones: BAD-62, BAD-63, BAD-65. A process in one time zone writes, the database is in a second, and the reader in a
// third.
func TestZones(t *testing.T) {
	zone := map[string]string{"postgres": "timezone=Asia/Kathmandu", "mariadb": "time_zone=%27%2B05%3A45%27&parseTime=true&loc=Local", "sqlite": "_time_format=sqlite"}
	each(t, func(t *testing.T, g target, dsn string) {
		j := job{What: "far", Driver: g.driver, DSN: with(dsn, zone[g.name]), Table: "sessions"}
		if err := j.start(t, "TZ=America/St_Johns").Wait(); err != nil {
			t.Fatal(err)
		}
		s := open(t, g.driver, dsn, sqlxstore.Config{Table: "sessions"})
		got, err := s.Load(t.Context(), farRecord().ID)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", farRecord()); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		if at, err := s.Cutoff(t.Context(), "bob"); err != nil || at != farRecord().ExpiresAt {
			t.Errorf("Cutoff: got %v, %v, want %v", at, err, farRecord().ExpiresAt)
		}
	})
}
