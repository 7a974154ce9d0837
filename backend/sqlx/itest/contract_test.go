package itest

import (
	"context"
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

var targets = []target{
	{name: "postgres", driver: "postgres", dsn: postgres},
	{name: "postgres-direct", driver: "postgres", dsn: postgres, config: direct},
	{name: "pgx", driver: "pgx", dsn: postgres},
	{name: "pgx-direct", driver: "pgx", dsn: postgres, config: direct},
	{name: "pgx-simple", driver: "pgx", dsn: postgres, config: direct, options: "default_query_exec_mode=simple_protocol"},
	{name: "mariadb", driver: "mysql", dsn: mariadb, maxData: 15 << 20},
	{name: "mariadb-direct", driver: "mysql", dsn: mariadb, config: direct, maxData: 7 << 20},
	{name: "mariadb-found-rows", driver: "mysql", dsn: mariadb, options: "clientFoundRows=true", maxData: 15 << 20},
	{name: "sqlite", driver: "sqlite", dsn: sqlite},
}

// TestContract runs the contract's suite: GO-2026-5004 through the simple protocol.
func TestContract(t *testing.T) {
	for _, g := range targets {
		t.Run(g.name, func(t *testing.T) {
			t.Parallel()
			storetest.Run(t, g.suite(t))
		})
	}
}

// suite returns a configuration in which each case has tables of its own.
func (g target) suite(t *testing.T) storetest.Config {
	dsn := with(g.dsn(t), g.options)
	var n atomic.Int64
	return storetest.Config{
		Indexed: true,
		MaxData: g.maxData,
		Open: func(ctx context.Context) (storetest.Fixture, error) {
			c := g.config
			c.Table = fmt.Sprintf("s%d", n.Add(1))
			s, err := sqlxstore.Open(ctx, g.driver, dsn, c)
			if err != nil {
				return storetest.Fixture{}, err
			}
			return storetest.Fixture{Store: s, Close: s.Close}, s.Migrate(ctx)
		},
	}
}
