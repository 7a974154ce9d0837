package itest

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"sync"
	"testing"
)

// A recorder is a driver in front of another. It notes each statement with its arguments, for those drivers that take
// both at once.
type recorder struct {
	driver.Connector
	mu    sync.Mutex
	calls []call
}

type call struct {
	text string
	args []any
}

// record opens a pool whose statements are recorded.
func record(t *testing.T, name, dsn string) (*recorder, *sql.DB) {
	t.Helper()
	r := &recorder{}
	switch d := pool(t, name, dsn).Driver().(type) {
	case driver.DriverContext:
		c, err := d.OpenConnector(dsn)
		if err != nil {
			t.Fatal(err)
		}
		r.Connector = c
	default:
		r.Connector = plainConnector{d, dsn}
	}
	db := sql.OpenDB(r)
	t.Cleanup(func() { db.Close() })
	return r, db
}

type plainConnector struct {
	driver driver.Driver
	dsn    string
}

func (c plainConnector) Connect(context.Context) (driver.Conn, error) { return c.driver.Open(c.dsn) }
func (c plainConnector) Driver() driver.Driver                        { return c.driver }

func (r *recorder) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := r.Connector.Connect(ctx)
	return &recordedConn{c, r}, err
}

// take returns what was recorded since it was called last.
func (r *recorder) take() []call {
	r.mu.Lock()
	defer r.mu.Unlock()
	calls := r.calls
	r.calls = nil
	return calls
}

func (r *recorder) note(text string, args []driver.NamedValue) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := call{text: text}
	for _, a := range args {
		c.args = append(c.args, a.Value)
	}
	r.calls = append(r.calls, c)
}

type recordedConn struct {
	driver.Conn
	r *recorder
}

func (c *recordedConn) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	c.r.note(text, args)
	return c.Conn.(driver.QueryerContext).QueryContext(ctx, text, args)
}

func (c *recordedConn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	c.r.note(text, args)
	return c.Conn.(driver.ExecerContext).ExecContext(ctx, text, args)
}

func (c *recordedConn) CheckNamedValue(v *driver.NamedValue) error {
	if n, ok := c.Conn.(driver.NamedValueChecker); ok {
		return n.CheckNamedValue(v)
	}
	return driver.ErrSkip
}
