package sqlxstore

import (
	"context"
	"database/sql/driver"
	"sync/atomic"
	"time"
)

// A pqConnector makes connections of lib/pq that are closed when the context of a call has ended and the call has not:
// lib/pq asks the server to stop, and goes on reading. On a network that swallows packets the connections of the pool
// would be taken until TCP gives up, after a quarter of an hour.
type pqConnector struct {
	driver driver.Driver
	dsn    string
}

func (c pqConnector) Driver() driver.Driver { return c.driver }

func (c pqConnector) Connect(context.Context) (driver.Conn, error) {
	conn, err := c.driver.Open(c.dsn)
	if err != nil {
		return nil, err
	}
	return &pqConn{Conn: conn}, nil
}

// A pqConn has one call at a time, up to IsValid, by which database/sql puts it back into the pool.
type pqConn struct {
	driver.Conn
	calls  atomic.Int64
	stop   func() bool
	closed atomic.Bool // by watch
}

// Close implements [driver.Conn].
func (c *pqConn) Close() error {
	err := c.Conn.Close()
	if c.closed.Load() {
		return nil // it is closed already
	}
	return err
}

// watch begins a call.
func (c *pqConn) watch(ctx context.Context) {
	c.IsValid()
	if ctx.Done() == nil {
		return
	}
	call := c.calls.Load()
	c.stop = context.AfterFunc(ctx, func() {
		time.AfterFunc(answerTime/2, func() { // the server may be about to answer, that it has stopped for one
			if c.calls.Load() == call {
				c.closed.Store(true)
				_ = c.Conn.Close() // lib/pq allows that beside a call
			}
		})
	})
}

// IsValid implements [driver.Validator].
func (c *pqConn) IsValid() bool {
	c.calls.Add(1)
	if c.stop != nil {
		c.stop()
		c.stop = nil
	}
	v, ok := c.Conn.(driver.Validator)
	return !ok || v.IsValid()
}

// ResetSession implements [driver.SessionResetter].
func (c *pqConn) ResetSession(ctx context.Context) error {
	if r, ok := c.Conn.(driver.SessionResetter); ok {
		return r.ResetSession(ctx)
	}
	return nil
}

// CheckNamedValue implements [driver.NamedValueChecker].
func (c *pqConn) CheckNamedValue(v *driver.NamedValue) error {
	if n, ok := c.Conn.(driver.NamedValueChecker); ok {
		return n.CheckNamedValue(v)
	}
	return driver.ErrSkip
}

// Ping implements [driver.Pinger].
func (c *pqConn) Ping(ctx context.Context) error {
	c.watch(ctx)
	if p, ok := c.Conn.(driver.Pinger); ok {
		return p.Ping(ctx)
	}
	return nil
}

// QueryContext implements [driver.QueryerContext].
func (c *pqConn) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	c.watch(ctx)
	if q, ok := c.Conn.(driver.QueryerContext); ok {
		return q.QueryContext(ctx, text, args)
	}
	return nil, driver.ErrSkip
}

// ExecContext implements [driver.ExecerContext].
func (c *pqConn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	c.watch(ctx)
	if e, ok := c.Conn.(driver.ExecerContext); ok {
		return e.ExecContext(ctx, text, args)
	}
	return nil, driver.ErrSkip
}

// BeginTx implements [driver.ConnBeginTx].
func (c *pqConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	c.watch(ctx)
	if b, ok := c.Conn.(driver.ConnBeginTx); ok {
		return b.BeginTx(ctx, o)
	}
	//lint:ignore SA1019 as database/sql does
	return c.Conn.Begin()
}

// PrepareContext implements [driver.ConnPrepareContext].
func (c *pqConn) PrepareContext(ctx context.Context, text string) (stmt driver.Stmt, err error) {
	c.watch(ctx)
	if p, ok := c.Conn.(driver.ConnPrepareContext); ok {
		stmt, err = p.PrepareContext(ctx, text)
	} else {
		stmt, err = c.Conn.Prepare(text)
	}
	if err != nil {
		return nil, err
	}
	query, ok := stmt.(driver.StmtQueryContext)
	exec, ok2 := stmt.(driver.StmtExecContext)
	if !ok || !ok2 {
		return stmt, nil
	}
	return &pqStmt{stmt, query, exec, c}, nil
}

type pqStmt struct {
	driver.Stmt
	query driver.StmtQueryContext
	exec  driver.StmtExecContext
	conn  *pqConn
}

// Close implements [driver.Stmt]. It says nothing to the server, whose answer lib/pq would await without end: statements
// are closed with their connection, but for a few that were prepared twice at once.
func (s *pqStmt) Close() error { return nil }

// QueryContext implements [driver.StmtQueryContext].
func (s *pqStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	s.conn.watch(ctx)
	return s.query.QueryContext(ctx, args)
}

// ExecContext implements [driver.StmtExecContext].
func (s *pqStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	s.conn.watch(ctx)
	return s.exec.ExecContext(ctx, args)
}
