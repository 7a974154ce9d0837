package itest

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/qsessions/qsessions/backend/sqlx"
	"github.com/qsessions/qsessions/core/store"
)

// A kind is one driver for each database, where the way to it does not matter.
var kinds = []target{
	{name: "postgres", driver: "postgres", dsn: postgres},
	{name: "mariadb", driver: "mysql", dsn: mariadb},
	{name: "sqlite", driver: "sqlite", dsn: sqlite},
}

// each runs f for each database, with a DSN of an empty one.
func each(t *testing.T, f func(t *testing.T, g target, dsn string)) {
	for _, g := range kinds {
		t.Run(g.name, func(t *testing.T) {
			t.Parallel()
			f(t, g, g.dsn(t))
		})
	}
}

// open opens a store and closes it when the test ends.
func open(t *testing.T, driver, dsn string, c sqlxstore.Config) *sqlxstore.Store {
	t.Helper()
	s, err := sqlxstore.Open(t.Context(), driver, dsn, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// migrated is open with the tables made.
func migrated(t *testing.T, driver, dsn string, c sqlxstore.Config) *sqlxstore.Store {
	t.Helper()
	s := open(t, driver, dsn, c)
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// pool opens a database for what a test does beside the store.
func pool(t *testing.T, driver, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// run executes statements.
func run(t *testing.T, db interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}, statements ...string) {
	t.Helper()
	for _, text := range statements {
		if _, err := db.ExecContext(t.Context(), text); err != nil {
			t.Fatalf("%.80s: %v", text, err)
		}
	}
}

var dialects = map[string]sqlxstore.Dialect{"postgres": sqlxstore.Postgres, "mariadb": sqlxstore.MySQL, "sqlite": sqlxstore.SQLite}

func session(user string) *store.Record {
	now := time.Now().UTC().Truncate(time.Microsecond)
	r := &store.Record{ID: store.NewID(now), User: user, CreatedAt: now, LastSeen: now, ExpiresAt: now.Add(time.Hour), UserAgent: "test", Secret: []byte("s"), Data: []byte("d")}
	if user != "" {
		r.AuthenticatedAt = now
	}
	return r
}

func create(t *testing.T, s store.Store, rs ...*store.Record) {
	t.Helper()
	for _, r := range rs {
		if err := s.Create(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
}

func listed(t *testing.T, s store.Indexed, q store.Query) (ids []store.ID) {
	t.Helper()
	for r, err := range s.List(t.Context(), q) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, r.ID)
	}
	return ids
}
