package chaos

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"

	"github.com/go-sql-driver/mysql"
	_ "github.com/lib/pq" // postgres

	"github.com/qsessions/qsessions/testserver"
)

// through returns the DSN of a database server by way of a proxy.
func through(s *testserver.Server, addr string) (driver, dsn string, err error) {
	if s.Kind == testserver.KindPostgres {
		u, err := url.Parse(s.DSN)
		if err != nil {
			return "", "", fmt.Errorf("the address of %s is not a URL", s.Kind)
		}
		u.Host = addr
		return "postgres", u.String(), nil
	}
	c, err := mysql.ParseDSN(s.DSN)
	if err != nil {
		return "", "", fmt.Errorf("the address of %s is malformed", s.Kind)
	}
	c.Addr = addr
	c.DBName = database
	return "mysql", c.FormatDSN(), nil
}

const database = "chaos"

// createDatabase makes the one that a MariaDB server, which has none, is used by.
func createDatabase(ctx context.Context, s *testserver.Server) error {
	if s.Kind == testserver.KindPostgres {
		return nil
	}
	db, err := sql.Open("mysql", s.DSN)
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.ExecContext(ctx, "CREATE DATABASE IF NOT EXISTS "+database)
	return err
}
