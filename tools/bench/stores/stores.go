// Package stores opens the four stores that are measured, each on a database of its own that its Close removes.
package stores

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	_ "github.com/lib/pq"
	_ "modernc.org/sqlite"

	sqlxstore "github.com/qsessions/qsessions/backend/sqlx"
	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/store"
	"github.com/qsessions/qsessions/testserver"
)

// The names of the stores.
const (
	Memory   = "memory"
	SQLite   = "SQLite"
	Postgres = "PostgreSQL"
	MariaDB  = "MariaDB"
)

// Names lists them all.
func Names() []string { return []string{Memory, SQLite, Postgres, MariaDB} }

// Kind returns the server that the store of this name needs, or "".
func Kind(name string) testserver.Kind {
	switch name {
	case Postgres:
		return testserver.KindPostgres
	case MariaDB:
		return testserver.KindMariaDB
	}
	return ""
}

// A Store is an open store and what is under it.
type Store struct {
	store.Indexed
	Name    string
	Version string // of the database; "" for memory

	// Raw is another pool over the same tables, for statements without this library. It is nil for memory.
	Raw *sql.DB
	DSN string // of Raw

	close []func() error
}

// Key implements [store.Keeper], as every store here does.
func (s *Store) Key(ctx context.Context, name string) ([]byte, error) {
	return s.Indexed.(store.Keeper).Key(ctx, name)
}

// String is the name with the version.
func (s *Store) String() string {
	if s.Name == Memory {
		return s.Name
	}
	return s.Name + " " + s.Version
}

// Close closes the store and removes its database.
func (s *Store) Close() error {
	var errs []error
	for i := len(s.close) - 1; i >= 0; i-- {
		errs = append(errs, s.close[i]())
	}
	s.close = nil
	return errors.Join(errs...)
}

// Start opens the store of this name, and starts the server that it needs. Durable says whether its commits reach the
// disk. Close also ends the server.
func Start(ctx context.Context, name string, durable bool) (*Store, error) {
	kind := Kind(name)
	if kind == "" {
		return Open(ctx, name, nil)
	}
	server, err := testserver.Start(ctx, kind, testserver.Options{Durable: durable})
	if err != nil {
		return nil, err
	}
	s, err := Open(ctx, name, server)
	if err != nil {
		server.Stop()
		return nil, err
	}
	s.close = append([]func() error{func() error { server.Stop(); return nil }}, s.close...)
	return s, nil
}

// Open opens the store of this name. Server is the one that it needs, if any.
func Open(ctx context.Context, name string, server *testserver.Server) (_ *Store, err error) {
	s := &Store{Name: name}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("%s: %w", name, err), s.Close())
		}
	}()
	switch name {
	case Memory:
		s.Indexed, err = memory.New(memory.Config{MaxRecords: 8 << 20, MaxBytes: 8 << 30})
		return s, err
	case SQLite:
		dir, err := os.MkdirTemp("", "qsessions-measure-")
		if err != nil {
			return nil, err
		}
		s.close = append(s.close, func() error { return os.RemoveAll(dir) })
		// The pragmas that sqlxstore.Open sets, for both pools.
		dsn := "file:" + filepath.Join(dir, "sessions.db") + "?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_txlock=immediate"
		if err := s.openSQL(ctx, "sqlite", dsn); err != nil {
			return nil, err
		}
		return s, s.Raw.QueryRowContext(ctx, "SELECT sqlite_version()").Scan(&s.Version)
	case Postgres:
		s.Version = server.Version
		return s, s.openServer(ctx, "postgres", server.DSN, postgresDatabase)
	case MariaDB:
		s.Version = server.Version
		return s, s.openServer(ctx, "mysql", server.DSN, mysqlDatabase)
	}
	return nil, errors.New("no such store")
}

// openServer makes a database and opens it.
func (s *Store) openServer(ctx context.Context, driver, dsn string, in func(dsn, database string) (string, error)) error {
	database := "measure_" + strings.ToLower(rand.Text()[:10])
	db, err := sql.Open(driver, dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, "CREATE DATABASE "+database); err != nil {
		return err
	}
	s.close = append(s.close, func() error {
		db, err := sql.Open(driver, dsn)
		if err != nil {
			return err
		}
		defer db.Close()
		_, err = db.Exec("DROP DATABASE " + database)
		return err
	})
	own, err := in(dsn, database)
	if err != nil {
		return err
	}
	return s.openSQL(ctx, driver, own)
}

// Connections is the size of each pool.
const Connections = 32

func (s *Store) openSQL(ctx context.Context, driver, dsn string) error {
	db, err := sqlxstore.Open(ctx, driver, dsn, sqlxstore.Config{MaxOpenConns: Connections})
	if err != nil {
		return err
	}
	s.Indexed, s.DSN = db, dsn
	s.close = append(s.close, db.Close)
	if err := db.Migrate(ctx); err != nil {
		return err
	}
	if s.Raw, err = sql.Open(driver, dsn); err != nil {
		return err
	}
	s.Raw.SetMaxOpenConns(Connections)
	s.Raw.SetMaxIdleConns(Connections)
	s.close = append(s.close, s.Raw.Close)
	return nil
}

func postgresDatabase(dsn, database string) (string, error) {
	u, err := url.Parse(dsn)
	if err != nil {
		return "", errors.New("the address of the server is not a URL")
	}
	u.Path = "/" + database
	return u.String(), nil
}

func mysqlDatabase(dsn, database string) (string, error) {
	c, err := mysql.ParseDSN(dsn)
	if err != nil {
		return "", errors.New("the address of the server is malformed")
	}
	c.DBName = database
	c.ReadTimeout, c.WriteTimeout = 30*time.Second, 30*time.Second // as sqlxstore.Open sets them, for both pools
	return c.FormatDSN(), nil
}
