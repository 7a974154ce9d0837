package sqlxstore

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
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

var driverName = regexp.MustCompile(`^[A-Za-z][\w-]{0,30}$`)

// Open opens a database by the name of its driver, and makes a store over it, which owns it: [Store.Close] closes both.
// The application imports the driver; only MySQL's is there already.
//
// What the DSN leaves open is set as sessions need it; what it says stays.
//
//   - postgres (lib/pq) and pgx: 10 s to connect. A connection of lib/pq is closed when the context of a call ends and the
//     server does not answer. pgx does that itself, and is the one to choose. Its default for sslmode is prefer, which falls back to plain text: in
//     production set sslmode=verify-full. With Config.NoPrepare, binary_parameters=yes and
//     default_query_exec_mode=exec.
//   - mysql: 10 s to connect and to sign in, 30 s to read and to write. With Config.NoPrepare, interpolateParams=true. With interpolateParams,
//     charset=utf8mb4, which takes a round trip for each connection.
//   - sqlite (modernc.org/sqlite) and sqlite3 (mattn/go-sqlite3): a path or the file: form; 5 s to wait for a lock, WAL,
//     synchronous=NORMAL, immediate transactions, foreign keys if Config.User refers to a table. A file that is not there is
//     created, for its owner alone (0600); its directory is not. A database in memory is refused, as each connection would have
//     another one.
//
// No error of Open repeats a part of the DSN in which a password could be, so a connection that fails has its reason and no name of
// a host, user or database. Errors otherwise as of [New].
func Open(ctx context.Context, driver, dsn string, c Config) (*Store, error) {
	kind := driverKinds[driver]
	if !slices.Contains(sql.Drivers(), driver) {
		if kind.pkg == "" {
			if !driverName.MatchString(driver) || repeats(driver, dsn) { // the DSN may have come first
				return nil, errors.New("sqlxstore: open: there is no such driver: the first argument is its name, the second the DSN")
			}
			return nil, fmt.Errorf("sqlxstore: open: there is no driver %q: import the package that registers it", driver)
		}
		return nil, fmt.Errorf("sqlxstore: open: there is no driver %q: add import _ %q", driver, kind.pkg)
	}
	if c.Dialect == "" {
		c.Dialect = kind.dialect
	}
	db, err := openPool(driver, dsn, kind, &c)
	if err != nil {
		var file *fileError
		var form *dsnError
		if !errors.As(err, &file) && !errors.As(err, &form) {
			err = withoutPassword(err, dsn)
		}
		return nil, err
	}
	idleTime, err := setPool(db, &c)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	s, err := New(ctx, db, c)
	if err == nil {
		err = s.do(ctx, "open", repeatable, func(c conn) error { return c.queryer().PingContext(ctx) })
	}
	if err != nil {
		_ = db.Close()
		if e := ctx.Err(); e != nil || errors.Is(err, store.ErrUnavailable) { // any other has no text of the driver's
			err = withoutPassword(err, dsn)
		}
		return nil, err
	}
	s.owned, s.idleTime = true, idleTime
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
		return sql.OpenDB(mysqlConnector{connector, config.Timeout}), nil
	}
	if kind.dsn != nil {
		var err error
		if dsn, err = kind.dsn(dsn, c); err != nil {
			return nil, err
		}
	}
	if kind.dialect == SQLite {
		if err := prepareSQLite(dsn); err != nil {
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

func setPool(db *sql.DB, c *Config) (idleTime time.Duration, err error) {
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
	db.SetMaxIdleConns(cmp.Or(conf.MaxIdleConns, open))
	db.SetConnMaxLifetime(cmp.Or(conf.ConnMaxLifetime, life))
	idleTime = cmp.Or(conf.ConnMaxIdleTime, idle)
	db.SetConnMaxIdleTime(idleTime)
	return idleTime, nil
}
