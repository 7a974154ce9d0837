package itest

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/qsessions/qsessions/backend/sqlx"
	"github.com/qsessions/qsessions/core/store"
	"github.com/qsessions/qsessions/testserver"
)

// TestFailover: RPT-2. After a failover behind one name, where the old primary lives on and keeps its connections, every
// method goes to the new one at once, reads too: a session that was revoked there is not found on the old one.
func TestFailover(t *testing.T) {
	for _, k := range []struct {
		name, driver string
		kind         testserver.Kind
	}{
		{"pgx", "pgx", testserver.KindPostgresPair},
		{"postgres", "postgres", testserver.KindPostgresPair},
		{"mariadb", "mysql", testserver.KindMariaDBPair},
	} {
		for _, over := range []string{"Open", "New"} {
			t.Run(k.name+"/"+over, func(t *testing.T) {
				t.Parallel()
				pair := testserver.Pair(t, k.kind, testserver.Options{})
				p, dsn := behind(t, pair.Nodes[0].Addr, pair.DSN)
				var s *sqlxstore.Store
				var err error
				if over == "Open" {
					s, err = sqlxstore.Open(t.Context(), k.driver, dsn, sqlxstore.Config{})
				} else {
					db := pool(t, k.driver, dsn)
					db.SetMaxIdleConns(20)
					s, err = sqlxstore.New(t.Context(), db, sqlxstore.Config{})
				}
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { s.Close() })
				if err := s.Migrate(t.Context()); err != nil {
					t.Fatal(err)
				}
				kept, revoked := session("ann"), session("ann")
				create(t, s, kept, revoked)
				if _, err := s.Key(t.Context(), "cache"); err != nil {
					t.Fatal(err)
				}
				var wg sync.WaitGroup
				for range 20 { // connections that will be to the old primary
					wg.Go(func() { visit(t.Context(), t, s) })
				}
				wg.Wait()

				primary, err := pair.Switchover(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				p.SetTarget(primary.Addr)
				other := open(t, k.driver, strings.Replace(pair.DSN, pair.Nodes[0].Addr, primary.Addr, 1), sqlxstore.Config{})
				if err := other.Delete(t.Context(), revoked.ID); err != nil {
					t.Fatal(err)
				}

				for range 40 { // over whichever connection
					if _, err := s.Load(t.Context(), revoked.ID); !errors.Is(err, store.ErrNotFound) {
						t.Fatalf("a session that was revoked on the new primary: got %v, want %v", err, store.ErrNotFound)
					}
				}
				if ids := listed(t, s, store.Query{User: "ann"}); len(ids) != 1 {
					t.Errorf("List: %d sessions, want 1", len(ids))
				}
				var after sync.WaitGroup
				for range 20 {
					after.Go(func() { visit(t.Context(), t, s) })
				}
				after.Wait()
				for name, call := range calls(s, kept) {
					if err := call(t.Context()); err != nil && !(name == "Touch" && errors.Is(err, store.ErrConflict)) {
						t.Errorf("%s: %v", name, err)
					}
				}
			})
		}
	}
}

// TestVanishedServer: RPT-8. After a failover in which the old primary does not answer at all, one call waits for its
// deadline, and not one for each connection of the pool.
func TestVanishedServer(t *testing.T) {
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
			pair := testserver.Pair(t, k.kind, testserver.Options{})
			p, dsn := behind(t, pair.Nodes[0].Addr, pair.DSN)
			s := migrated(t, k.driver, dsn, sqlxstore.Config{})
			r := session("ann")
			create(t, s, r)
			var wg sync.WaitGroup
			for range 20 {
				wg.Go(func() { visit(t.Context(), t, s) })
			}
			wg.Wait()
			primary, err := pair.Switchover(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if err := pair.Nodes[0].Pause(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { pair.Nodes[0].Resume() })
			p.SetTarget(primary.Addr)
			failed := 0
			for range 10 {
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
				if _, err := s.Load(ctx, r.ID); err != nil {
					failed++
				}
				cancel()
			}
			if failed > 1 {
				t.Errorf("%d of 10 calls failed, want 1 at most", failed)
			}
		})
	}
}

// TestReadOnlyServer: RPT-2. Where there is no other server, one that accepts no writes is an outage, for reads too: what it
// has may be out of date.
func TestReadOnlyServer(t *testing.T) {
	for _, k := range []struct {
		name, driver string
		kind         testserver.Kind
	}{
		{name: "pgx", driver: "pgx", kind: testserver.KindPostgresPair},
		{name: "mariadb", driver: "mysql", kind: testserver.KindMariaDBPair},
	} {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			pair := testserver.Pair(t, k.kind, testserver.Options{})
			s := migrated(t, k.driver, pair.DSN, sqlxstore.Config{})
			r := session("ann")
			create(t, s, r)
			if _, err := pair.Switchover(t.Context()); err != nil {
				t.Fatal(err)
			}
			for name, call := range calls(s, r) {
				switch name {
				case "Key", "Migrate", "Migrations": // a key is made once
					continue
				}
				if err := call(t.Context()); !errors.Is(err, store.ErrUnavailable) {
					t.Errorf("%s: got %v, want %v", name, err, store.ErrUnavailable)
				}
			}
		})
	}
}

// TestLostConnections: RPT-4. Connections that are reset while they are idle, just now or a while ago, cost no read, and no
// write of which the driver knows that it was not sent.
func TestLostConnections(t *testing.T) {
	for _, g := range servers {
		t.Run(g.name, func(t *testing.T) {
			p, dsn := behind(t, g.addr(t), g.dsn(t))
			s := migrated(t, g.driver, dsn, sqlxstore.Config{})
			r := session("ann")
			create(t, s, r)
			for _, first := range []string{"Load", "List", "Cutoff", "Delete", "DeleteUser", "Key"} {
				call := calls(s, r)[first]
				var wg sync.WaitGroup
				for range 20 {
					wg.Go(func() { visit(t.Context(), t, s) })
				}
				wg.Wait()
				p.Reset()
				for range 20 {
					wg.Go(func() {
						if err := call(t.Context()); err != nil {
							t.Errorf("%s: %v", first, err)
						}
					})
				}
				wg.Wait()
			}
		})
	}
}

// TestChangedTable: RPT-3. A change of the table under load, after which PostgreSQL refuses every prepared statement that
// returns the column, is not noticed, with either driver, again and again.
func TestChangedTable(t *testing.T) {
	for _, driver := range []string{"pgx", "postgres"} {
		t.Run(driver, func(t *testing.T) {
			dsn := postgres(t)
			s := migrated(t, driver, dsn, sqlxstore.Config{})
			db := pool(t, driver, dsn)
			r := session("ann")
			create(t, s, r)
			for _, kind := range []string{"varchar(512)", "text", "varchar(600)", "text"} {
				var wg sync.WaitGroup
				for range 10 {
					wg.Go(func() { visit(t.Context(), t, s) })
				}
				wg.Wait()
				run(t, db, "ALTER TABLE qsessions ALTER COLUMN user_agent TYPE "+kind)
				for range 20 {
					wg.Go(func() {
						if _, err := s.Load(t.Context(), r.ID); err != nil {
							t.Errorf("%s: %v", kind, err)
						}
					})
				}
				wg.Wait()
			}
		})
	}
}

// TestForgottenStatements: RPT-3. A server that has forgotten the prepared statements, as poolers make it, is asked anew.
func TestForgottenStatements(t *testing.T) {
	for _, driver := range []string{"pgx", "postgres"} {
		t.Run(driver, func(t *testing.T) {
			dsn := postgres(t)
			db := pool(t, driver, dsn)
			db.SetMaxOpenConns(1)
			s, err := sqlxstore.New(t.Context(), db, sqlxstore.Config{})
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
			visit(t.Context(), t, s)
			for range 3 {
				run(t, db, "DEALLOCATE ALL")
				visit(t.Context(), t, s)
			}
		})
	}
}

// TestStatementLimit: RPT-3. A MariaDB that prepares no more statements (error 1461) gets texts.
func TestStatementLimit(t *testing.T) {
	server, err := testserver.Start(t.Context(), testserver.KindMariaDB, testserver.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	s := migrated(t, "mysql", server.Database(t), sqlxstore.Config{User: sqlxstore.UserColumn{Type: sqlxstore.UUID}})
	run(t, pool(t, "mysql", server.DSN), "SET GLOBAL max_prepared_stmt_count = 0")
	r := session("0190a5d8-0000-7000-8000-000000000001")
	r.UserAgent, r.Data = "a'b\\\xff", []byte("\x00'\\\"\xff")
	create(t, s, r)
	got, err := s.Load(t.Context(), r.ID)
	if err != nil {
		t.Fatal(err)
	}
	if got.UserAgent != r.UserAgent || string(got.Data) != string(r.Data) || got.User != r.User {
		t.Errorf("got %q, %q, %q", got.User, got.UserAgent, got.Data)
	}
	for name, call := range calls(s, got) {
		if name == "Create" {
			continue // of another type of user
		}
		if err := call(t.Context()); err != nil && !(name == "Touch" && errors.Is(err, store.ErrConflict)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if gone, err := s.DeleteUser(t.Context(), r.User, time.Now()); err != nil || len(gone) != 1 {
		t.Errorf("DeleteUser: got %v and %v", gone, err)
	}
}
