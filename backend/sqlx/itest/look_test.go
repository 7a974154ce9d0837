package itest

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/qsessions/qsessions/backend/sqlx"
	"github.com/qsessions/qsessions/testserver"
)

// TestMigrateLooks: RPT-7. Where nothing is to be done, Migrate changes nothing, takes no lock, and needs no right to create: a
// role that may not, a server or a file that is read-only, and a migration of another process that hangs are no reason to fail.
func TestMigrateLooks(t *testing.T) {
	each(t, func(t *testing.T, g target, dsn string) {
		migrated(t, g.driver, dsn, sqlxstore.Config{})
		db := pool(t, g.driver, dsn)
		switch g.name {
		case "postgres":
			run(t, db, "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); END $$")
		case "mariadb":
			dsn = with(dsn, "tx_read_only=1")
		case "sqlite":
			path := dsn
			dsn = "file:" + path + "?mode=ro"
			if err := db.Close(); err != nil { // takes the log along
				t.Fatal(err)
			}
			if err := os.Chmod(filepath.Dir(path), 0o500); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { os.Chmod(filepath.Dir(path), 0o700) })
		}
		s := open(t, g.driver, dsn, sqlxstore.Config{})
		if err := s.Migrate(t.Context()); err != nil {
			t.Errorf("Migrate with nothing to do, read-only: %v", err)
		}
	})
	each(t, func(t *testing.T, g target, dsn string) {
		migrated(t, g.driver, dsn, sqlxstore.Config{})
		r, db := record(t, g.driver, dsn)
		s, err := sqlxstore.New(t.Context(), db, sqlxstore.Config{})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, c := range r.take() {
			if !strings.HasPrefix(c.text, "SELECT ") && !strings.HasPrefix(c.text, "WITH ") || strings.Contains(c.text, "LOCK") || strings.Contains(c.text, "lock") {
				t.Errorf("with nothing to do: %s", c.text)
			}
		}
	})
}

// TestMigrateRefused: RPT-7. A role without the right to create is told so while there is something to do.
func TestMigrateRefused(t *testing.T) {
	t.Parallel()
	name := fmt.Sprintf("qsessions_refused_%d", os.Getpid())
	dsn := postgres(t)
	db := pool(t, "postgres", dsn)
	run(t, db, "CREATE ROLE "+name+" LOGIN")
	t.Cleanup(func() { db.Exec("DROP ROLE " + name) })
	s := open(t, "postgres", asRole(t, dsn, name, ""), sqlxstore.Config{})
	if err := s.Migrate(t.Context()); err == nil || !strings.Contains(err.Error(), "permission denied for schema") {
		t.Errorf("PostgreSQL: got %v", err)
	}
	my := pool(t, "mysql", testserver.MariaDB(t).DSN)
	mdsn := mariadb(t)
	config, err := mysql.ParseDSN(mdsn)
	if err != nil {
		t.Fatal(err)
	}
	run(t, my, "CREATE USER "+name+"@'%'", "GRANT CREATE ON "+config.DBName+".other TO "+name+"@'%'")
	t.Cleanup(func() { my.Exec("DROP USER " + name + "@'%'") })
	config.User, config.Passwd = name, ""
	ms := open(t, "mysql", config.FormatDSN(), sqlxstore.Config{})
	if err := ms.Migrate(t.Context()); err == nil || !strings.Contains(err.Error(), "denied") {
		t.Errorf("MariaDB: got %v", err)
	}
}

// asRole returns dsn, a URL, for another role.
func asRole(t *testing.T, dsn, name, password string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(name, password)
	return u.String()
}

// A lockless server refuses GET_LOCK, as Percona XtraDB Cluster does with pxc_strict_mode=ENFORCING, which cannot be had here: the
// answer is the one of its source, in front of a real server.
type lockless struct {
	driver.Connector
	err     *mysql.MySQLError
	refused *atomic.Int64
}

func (l lockless) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := l.Connector.Connect(ctx)
	return &locklessConn{c, l}, err
}

type locklessConn struct {
	driver.Conn
	l lockless
}

func (c *locklessConn) refuse(text string) error {
	if strings.Contains(text, "GET_LOCK") || strings.Contains(text, "RELEASE_LOCK") {
		c.l.refused.Add(1)
		return c.l.err
	}
	return nil
}

func (c *locklessConn) PrepareContext(ctx context.Context, text string) (driver.Stmt, error) {
	if err := c.refuse(text); err != nil {
		return nil, err
	}
	return c.Conn.(driver.ConnPrepareContext).PrepareContext(ctx, text)
}

func (c *locklessConn) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	if err := c.refuse(text); err != nil {
		return nil, err
	}
	return c.Conn.(driver.QueryerContext).QueryContext(ctx, text, args)
}

func (c *locklessConn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	if err := c.refuse(text); err != nil {
		return nil, err
	}
	return c.Conn.(driver.ExecerContext).ExecContext(ctx, text, args)
}

func (c *locklessConn) CheckNamedValue(v *driver.NamedValue) error {
	return c.Conn.(driver.NamedValueChecker).CheckNamedValue(v)
}

// TestMigrateWithoutLock: RPT-7. On a server that refuses the lock eight migrations at the same time are right without it.
func TestMigrateWithoutLock(t *testing.T) {
	refusals := map[string]*mysql.MySQLError{
		"Percona XtraDB Cluster": {Number: 1105, Message: "Percona-XtraDB-Cluster prohibits use of GET_LOCK with pxc_strict_mode = ENFORCING"},
		"Galera":                 {Number: 1235, Message: "This version of MariaDB doesn't yet support 'GET_LOCK in cluster (WSREP_ON=ON)'"},
		"unknown function":       {Number: 1305, Message: "FUNCTION app.GET_LOCK does not exist"},
	}
	for name, refusal := range refusals {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := mariadb(t)
			run(t, pool(t, "mysql", dsn), "CREATE TABLE users (id INT PRIMARY KEY)")
			var refused atomic.Int64
			migrateAtOnce(t, func() *sql.DB {
				config, err := mysql.ParseDSN(dsn)
				if err != nil {
					t.Fatal(err)
				}
				connector, err := mysql.NewConnector(config)
				if err != nil {
					t.Fatal(err)
				}
				return sql.OpenDB(lockless{connector, refusal, &refused})
			}, sqlxstore.Config{User: sqlxstore.UserColumn{Type: sqlxstore.Integer, References: "users(id)"}})
			if refused.Load() == 0 {
				t.Error("no lock was refused")
			}
		})
	}
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		dsn := postgres(t)
		name := fmt.Sprintf("qsessions_lockless_%d", os.Getpid())
		db := pool(t, "postgres", dsn)
		run(t, db, "CREATE ROLE "+name+" LOGIN", "GRANT CREATE ON SCHEMA public TO "+name,
			"REVOKE EXECUTE ON FUNCTION pg_advisory_xact_lock(bigint) FROM PUBLIC")
		t.Cleanup(func() { db.Exec("DROP OWNED BY " + name); db.Exec("DROP ROLE " + name) })
		for _, driver := range []string{"postgres", "pgx"} {
			migrateAtOnce(t, func() *sql.DB { return pool(t, driver, asRole(t, dsn, name, "")) }, sqlxstore.Config{Table: "s_" + driver})
		}
	})
}

// migrateAtOnce runs eight migrations over pools of their own.
func migrateAtOnce(t *testing.T, open func() *sql.DB, c sqlxstore.Config) {
	t.Helper()
	const n = 8
	errs := make(chan error, n)
	start := make(chan struct{})
	var last *sqlxstore.Store
	for range n {
		db := open()
		t.Cleanup(func() { db.Close() })
		s, err := sqlxstore.New(t.Context(), db, c)
		if err != nil {
			t.Fatal(err)
		}
		last = s
		go func() {
			<-start
			errs <- s.Migrate(t.Context())
		}()
	}
	close(start)
	for range n {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	all, err := last.Migrations(t.Context())
	if err != nil || all[len(all)-1].AppliedAt.IsZero() {
		t.Errorf("after eight migrations: %+v, %v", all, err)
	}
	create(t, last, session(""))
}
