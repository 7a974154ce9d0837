package sqlxstore

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/qsessions/qsessions/core/store"
)

// A driverKind is what Open knows of a driver.
type driverKind struct {
	dialect Dialect
	pkg     string // to import
	dsn     func(dsn string, c *Config) (string, error)
}

// By the name that a driver registers. Others are opened as they are, and the server is asked for its dialect.
var driverKinds = map[string]driverKind{
	"postgres": {Postgres, "github.com/lib/pq", libpqDSN},
	"pgx":      {Postgres, "github.com/jackc/pgx/v5/stdlib", pgxDSN},
	"mysql":    {MySQL, "github.com/go-sql-driver/mysql", nil},
	"sqlite":   {SQLite, "modernc.org/sqlite", moderncDSN},
	"sqlite3":  {SQLite, "github.com/mattn/go-sqlite3", mattnDSN},
}

// Open opens a database by the name of its driver, and makes a store over it, which owns it: [Store.Close] closes both.
// The application imports the driver; only MySQL's is there already.
//
// What the DSN leaves open is set as sessions need it; what it says stays.
//
//   - postgres (lib/pq) and pgx: 10 s to connect. A connection of lib/pq is closed when the context of a call ends and the
//     server does not answer. pgx does that itself, and is the one to choose. With Config.NoPrepare, binary_parameters=yes and
//     default_query_exec_mode=exec.
//   - mysql: 10 s to connect, 30 s to read and to write. With Config.NoPrepare, interpolateParams=true, which is refused
//     together with a charset that it is not safe for.
//   - sqlite (modernc.org/sqlite) and sqlite3 (mattn/go-sqlite3): a path or the file: form; 5 s to wait for a lock, WAL,
//     synchronous=NORMAL, immediate transactions, foreign keys if Config.User refers to a table. A database in memory is
//     refused, as each connection would have another one.
//
// No error holds the password of the DSN. Errors otherwise as of [New].
func Open(ctx context.Context, driver, dsn string, c Config) (*Store, error) {
	kind := driverKinds[driver]
	if !slices.Contains(sql.Drivers(), driver) {
		if kind.pkg == "" {
			return nil, fmt.Errorf("sqlxstore: open: there is no driver %q: import the package that registers it", driver)
		}
		return nil, fmt.Errorf("sqlxstore: open: there is no driver %q: add import _ %q", driver, kind.pkg)
	}
	if c.Dialect == "" {
		c.Dialect = kind.dialect
	}
	db, err := openPool(driver, dsn, kind, &c)
	if err != nil {
		return nil, withoutPassword(err, dsn)
	}
	maxIdle, err := setPool(db, &c)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	s, err := New(ctx, db, c)
	if err == nil {
		err = s.do(ctx, "open", repeatable, func(conn) error { return db.PingContext(ctx) })
	}
	if err != nil {
		_ = db.Close()
		return nil, withoutPassword(err, dsn)
	}
	s.owned, s.maxIdle = true, maxIdle
	return s, nil
}

func openPool(driver, dsn string, kind driverKind, c *Config) (*sql.DB, error) {
	if driver == "mysql" {
		config, err := mysqlConfig(dsn, c)
		if err != nil {
			return nil, err
		}
		connector, err := mysql.NewConnector(config)
		if err != nil {
			return nil, fmt.Errorf("sqlxstore: open: %w", err)
		}
		return sql.OpenDB(connector), nil
	}
	if kind.dsn != nil {
		var err error
		if dsn, err = kind.dsn(dsn, c); err != nil {
			return nil, err
		}
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		return nil, fmt.Errorf("sqlxstore: open: %w", err)
	}
	if d := db.Driver(); driver == "postgres" && !endsInTime(d) { // another one may have registered under that name
		return sql.OpenDB(pqConnector{d, dsn}), db.Close()
	}
	return db, nil
}

func setPool(db *sql.DB, c *Config) (maxIdle int, err error) {
	conf, err := c.withDefaults()
	if err != nil {
		return 0, err
	}
	open, life, idle := 25, 30*time.Minute, 5*time.Minute
	if c.Dialect == SQLite {
		open, life, idle = 8, 0, 0
	}
	open = cmp.Or(conf.MaxOpenConns, open)
	db.SetMaxOpenConns(open)
	maxIdle = cmp.Or(conf.MaxIdleConns, open)
	db.SetMaxIdleConns(maxIdle)
	db.SetConnMaxLifetime(cmp.Or(conf.ConnMaxLifetime, life))
	db.SetConnMaxIdleTime(cmp.Or(conf.ConnMaxIdleTime, idle))
	return maxIdle, nil
}

// A redacted error has the text of another without a password, and matches what that one matches of the contract's.
type redacted struct {
	text string
	is   []error
}

func (e *redacted) Error() string   { return e.text }
func (e *redacted) Unwrap() []error { return e.is }

// withoutPassword returns err, or one like it if its text has the password of dsn. A short password would show in what
// is left of the text, so nothing is.
func withoutPassword(err error, dsn string) error {
	text, found := cutPasswords(err.Error(), dsn)
	if !found {
		return err
	}
	r := &redacted{text: text}
	for _, e := range []error{store.ErrUnavailable, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, e) {
			r.is = append(r.is, e)
		}
	}
	return r
}
