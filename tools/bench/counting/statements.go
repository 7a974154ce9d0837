package counting

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"strings"
)

// Open opens a pool whose statements are counted when they are executed: count is told the verb of each, in the goroutine
// that executes it.
func Open(d driver.Driver, dsn string, count func(verb string)) *sql.DB {
	return sql.OpenDB(&connector{d, dsn, count})
}

// A connector opens connections that have no methods but those that database/sql needs, so that no statement takes another
// way than Prepare.
type connector struct {
	driver driver.Driver
	dsn    string
	count  func(verb string)
}

func (c *connector) Driver() driver.Driver { return c.driver }

func (c *connector) Connect(context.Context) (driver.Conn, error) {
	conn, err := c.driver.Open(c.dsn)
	if err != nil {
		return nil, err
	}
	return &sqlConn{conn, c.count}, nil
}

type sqlConn struct {
	driver.Conn
	count func(verb string)
}

func (c *sqlConn) Prepare(text string) (driver.Stmt, error) {
	stmt, err := c.Conn.Prepare(text)
	if err != nil {
		return nil, err
	}
	verb, _, _ := strings.Cut(strings.TrimSpace(text), " ")
	return &sqlStmt{stmt, strings.TrimSpace(verb), c.count}, nil
}

type sqlStmt struct {
	driver.Stmt
	verb  string
	count func(verb string)
}

func (s *sqlStmt) Exec(args []driver.Value) (driver.Result, error) {
	s.count(s.verb)
	//lint:ignore SA1019 every driver here has it, and one method is easier to count than two
	return s.Stmt.Exec(args)
}

func (s *sqlStmt) Query(args []driver.Value) (driver.Rows, error) {
	s.count(s.verb)
	//lint:ignore SA1019 every driver here has it, and one method is easier to count than two
	return s.Stmt.Query(args)
}
