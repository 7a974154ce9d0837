package itest

import (
	"context"
	"testing"
	"time"

	"github.com/qsessions/qsessions/backend/sqlx"
	"github.com/qsessions/qsessions/testserver"
)

// TestOneConnection: RPT-2, RPT-4. What looks for a connection that works, of a pool of one, waits for no second one: not New
// after a reply that was lost, and not a migration after a failover.
func TestOneConnection(t *testing.T) {
	for _, k := range []struct {
		name, driver string
		kind         testserver.Kind
	}{
		{"pgx", "pgx", testserver.KindPostgresPair},
		{"postgres", "postgres", testserver.KindPostgresPair},
		{"mariadb", "mysql", testserver.KindMariaDBPair},
	} {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute) // a call that waits for a second connection takes all of it
			defer cancel()
			pair := testserver.Pair(t, k.kind, testserver.Options{})
			p, dsn := behind(t, pair.Nodes[0].Addr, pair.DSN)
			db := pool(t, k.driver, dsn)
			db.SetMaxOpenConns(1)
			if err := db.PingContext(ctx); err != nil {
				t.Fatal(err)
			}
			c := sqlxstore.Config{Dialect: dialects[map[bool]string{true: "mariadb", false: "postgres"}[k.driver == "mysql"]]}
			p.CutReplies(0)
			s, err := sqlxstore.New(ctx, db, c)
			if err != nil {
				t.Fatal(err)
			}
			primary, err := pair.Switchover(ctx)
			if err != nil {
				t.Fatal(err)
			}
			p.SetTarget(primary.Addr)
			if err := s.Migrate(ctx); err != nil {
				t.Fatal(err)
			}
			visit(ctx, t, s)
		})
	}
}
