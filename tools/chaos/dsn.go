package chaos

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"net/url"

	"github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib" // pgx
	_ "github.com/lib/pq"              // postgres

	"github.com/qsessions/qsessions/testserver"
)

// through returns the DSN of a database server by way of a proxy.
func through(p Pair, dsn, addr string) (driver, through string, err error) {
	if isPostgres(p.Database) {
		u, err := url.Parse(dsn)
		if err != nil {
			return "", "", fmt.Errorf("the address of %s is not a URL", p.Database)
		}
		u.Host = addr
		return cmp.Or(p.Driver, pgx), u.String(), nil
	}
	c, err := mysql.ParseDSN(dsn)
	if err != nil {
		return "", "", fmt.Errorf("the address of %s is malformed", p.Database)
	}
	c.Addr = addr
	c.DBName = cmp.Or(c.DBName, database)
	return "mysql", c.FormatDSN(), nil
}

const database = "chaos"

// createDatabase makes the one that a MariaDB server, which has none, is used by.
func createDatabase(ctx context.Context, s *testserver.Server) error {
	return administer(ctx, s, "CREATE DATABASE IF NOT EXISTS "+database)
}

// administer has a server carry out statements, as its administrator and not by way of a proxy.
func administer(ctx context.Context, s *testserver.Server, statements ...string) error {
	driver := "mysql"
	if isPostgres(s.Kind) {
		driver = pgx
	}
	db, err := sql.Open(driver, s.DSN)
	if err != nil {
		return err
	}
	defer db.Close()
	for _, statement := range statements {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}
