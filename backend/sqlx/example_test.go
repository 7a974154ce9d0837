package sqlxstore_test

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"strings"
	"time"

	"github.com/qsessions/qsessions/backend/sqlx"
)

// Open makes the connection as sessions need it, and Migrate makes the tables.
func Example() {
	ctx := context.Background()
	s, err := sqlxstore.Open(ctx, "postgres", "postgres://app@localhost/app", sqlxstore.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	if err := s.Migrate(ctx); err != nil {
		log.Fatal(err)
	}
}

// New takes a database that the application has already. Deleting a user takes the sessions along.
func ExampleNew() {
	ctx := context.Background()
	var db *sql.DB // the application's
	s, err := sqlxstore.New(ctx, db, sqlxstore.Config{
		User: sqlxstore.UserColumn{Type: sqlxstore.Integer, References: "app_users(id)"},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
}

// A pooler that hands a connection on between statements cannot keep prepared ones.
func ExampleConfig_pooler() {
	s, err := sqlxstore.Open(context.Background(), "pgx", "postgres://app@pgbouncer:6432/app", sqlxstore.Config{NoPrepare: true})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
}

// The application owns the loop that forgets what has expired.
func ExampleStore_Sweep() {
	var s *sqlxstore.Store
	sweep := func(ctx context.Context) error {
		for {
			n, err := s.Sweep(ctx, time.Now().Add(-time.Hour), 1000)
			if n == 0 || err != nil {
				return err
			}
		}
	}
	_ = sweep
}

// Schema is for those who run migrations with another tool.
func ExampleSchema() {
	all, err := sqlxstore.Schema(sqlxstore.SQLite, sqlxstore.Config{Table: "app_sessions"})
	if err != nil {
		log.Fatal(err)
	}
	for _, m := range all {
		first, _, _ := strings.Cut(m.SQL, "\n")
		fmt.Printf("%04d_%s: %s\n", m.Number, m.Name, first)
	}
	// Output: 0001_sessions: CREATE TABLE IF NOT EXISTS "app_sessions" (
}
