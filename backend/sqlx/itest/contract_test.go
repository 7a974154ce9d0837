package itest

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/qsessions/qsessions/backend/sqlx"
	"github.com/qsessions/qsessions/conformance/storetest"
	"github.com/qsessions/qsessions/testserver"
)

// A target is a database by way of a driver.
type target struct {
	name, driver string
	config       sqlxstore.Config
	dsn          func(t *testing.T) string // of a database that is empty, and stays the test's
	options      string                    // added to the DSN
	maxData      int
	pool         int // if set: New over one pool with so many connections, instead of Open
}

func postgres(t *testing.T) string { return testserver.Postgres(t).Database(t) }
func mariadb(t *testing.T) string  { return testserver.MariaDB(t).Database(t) }
func sqlite(t *testing.T) string   { return filepath.Join(t.TempDir(), "sessions.db") }

func with(dsn, options string) string {
	if options == "" {
		return dsn
	}
	if strings.Contains(dsn, "?") {
		return dsn + "&" + options
	}
	return dsn + "?" + options
}

var direct = sqlxstore.Config{NoPrepare: true}

// fewRounds is for what differs from another target in its driver alone.
const fewRounds = 8

// The first of each database is opened anew for each case, the others share one pool. TestContractUsers has SQLite with
// one connection.
var targets = []target{
	{name: "postgres", driver: "postgres", dsn: postgres},
	{name: "postgres-direct", driver: "postgres", dsn: postgres, config: direct, options: "binary_parameters=yes", pool: 10},
	{name: "pgx-one-connection", driver: "pgx", dsn: postgres, pool: 1},
	{name: "pgx-direct", driver: "pgx", dsn: postgres, config: direct, options: "default_query_exec_mode=exec", pool: 10},
	{name: "pgx-simple", driver: "pgx", dsn: postgres, config: direct, options: "default_query_exec_mode=simple_protocol", pool: 10},
	{name: "mariadb", driver: "mysql", dsn: mariadb, maxData: 15 << 20},
	{name: "mariadb-direct", driver: "mysql", dsn: mariadb, config: direct, options: "interpolateParams=true", pool: 10},
	{name: "mariadb-found-rows-one-connection", driver: "mysql", dsn: mariadb, options: "clientFoundRows=true", pool: 1},
	{name: "sqlite", driver: "sqlite", dsn: sqlite},
}

// TestContract: GO-2026-5004, BAD-42, BAD-50, FLT-25. The contract's suite: also through the simple protocol, with MaxData, and
// with and without clientFoundRows.
func TestContract(t *testing.T) {
	for _, g := range append(targets, mattnTargets...) {
		t.Run(g.name, func(t *testing.T) {
			t.Parallel()
			storetest.Run(t, g.suite(t))
		})
	}
}

// suite returns a configuration in which each case has tables of its own.
func (g target) suite(t *testing.T) storetest.Config {
	dsn := with(g.dsn(t), g.options)
	var db *sql.DB
	rounds := fewRounds
	if g.pool > 0 {
		db = pool(t, g.driver, dsn)
		db.SetMaxOpenConns(g.pool)
		db.SetMaxIdleConns(g.pool)
	} else if g.driver == "postgres" { // MariaDB's gap locks and SQLite's one writer hide races
		rounds = 0
	}
	var n atomic.Int64
	return storetest.Config{
		Indexed: true,
		Keeper:  true,
		MaxData: g.maxData,
		Rounds:  rounds,
		Open: func(ctx context.Context) (storetest.Fixture, error) {
			c := g.config
			c.Table = fmt.Sprintf("s%d", n.Add(1))
			s, err := g.open(ctx, db, dsn, c)
			if err != nil {
				return storetest.Fixture{}, err
			}
			return storetest.Fixture{Store: s, Close: s.Close}, s.Migrate(ctx)
		},
	}
}

func (g target) open(ctx context.Context, db *sql.DB, dsn string, c sqlxstore.Config) (*sqlxstore.Store, error) {
	if db != nil {
		return sqlxstore.New(ctx, db, c)
	}
	return sqlxstore.Open(ctx, g.driver, dsn, c)
}
