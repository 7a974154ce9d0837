package sqlxstore

import (
	"context"
	"database/sql"
	"slices"
	"strconv"

	"github.com/jmoiron/sqlx"
)

// A conn is where the statements of one try run. The zero only stands for any connection of the pool, with prepared
// statements.
type conn struct {
	s    *Store
	only *sql.Conn // the connection that is used; nil: any
	text bool      // the server has refused a prepared statement: no statement is prepared
}

// A queryer is a pool or one of its connections.
type queryer interface {
	PingContext(ctx context.Context) error
	BeginTx(ctx context.Context, o *sql.TxOptions) (*sql.Tx, error)
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func (c conn) queryer() queryer {
	if c.only != nil {
		return c.only
	}
	return c.s.db
}

// alone returns the connection that is used, or one of the pool's, and what gives that back. A pool may have no second one.
func (c conn) alone(ctx context.Context) (*sql.Conn, func() error, error) {
	if c.only != nil {
		return c.only, func() error { return nil }, nil
	}
	one, err := c.s.db.Conn(ctx)
	if err != nil {
		return nil, nil, err
	}
	return one, one.Close, nil
}

// plain returns the text of a statement that is not prepared, and its arguments.
func (c conn) plain(text string, args []any) (string, []any) {
	switch {
	case c.s.config.Dialect == MySQL && (c.text || c.only != nil):
		return mysqlText(text, args), nil // the driver would prepare it
	case c.text: // pgx takes what it has prepared for the same text
		return text + "\n-- unprepared " + strconv.FormatInt(c.s.texts.Add(1), 10), args
	}
	return text, args
}

// unprepared reports whether the statements have to go as texts.
func (c conn) unprepared() bool { return c.s.config.NoPrepare || c.text || c.only != nil }

func (c conn) queryRow(ctx context.Context, q *statement, to []any, args ...any) error {
	if c.unprepared() {
		text, args := c.plain(q.text, args)
		return c.queryer().QueryRowContext(ctx, text, args...).Scan(to...)
	}
	stmt, err := q.prepared(ctx, c.s.db)
	if err != nil {
		return err
	}
	return c.s.judge(q, stmt, stmt.QueryRowContext(ctx, args...).Scan(to...))
}

func (c conn) query(ctx context.Context, q *statement, args ...any) (*sql.Rows, error) {
	if c.unprepared() {
		return c.queryText(ctx, q.text, args...)
	}
	stmt, err := q.prepared(ctx, c.s.db)
	if err != nil {
		return nil, err
	}
	rows, err := stmt.QueryContext(ctx, args...)
	return rows, c.s.judge(q, stmt, err)
}

// queryText is query for a text that is not kept prepared.
func (c conn) queryText(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	text, args = c.plain(text, args)
	return c.queryer().QueryContext(ctx, text, args...)
}

// exec returns the number of rows.
func (c conn) exec(ctx context.Context, q *statement, args ...any) (int64, error) {
	if c.unprepared() {
		return c.execText(ctx, q.text, args...)
	}
	stmt, err := q.prepared(ctx, c.s.db)
	if err != nil {
		return 0, err
	}
	if c.s.waits { // the caller's bytes may change once it has stopped waiting
		args = ownBytes(args)
	}
	n, err := affected(stmt.ExecContext(ctx, args...))
	return n, c.s.judge(q, stmt, err)
}

func (c conn) execText(ctx context.Context, text string, args ...any) (int64, error) {
	if c.s.waits {
		args = ownBytes(args)
	}
	text, args = c.plain(text, args)
	return affected(c.queryer().ExecContext(ctx, text, args...))
}

// execList is exec for a statement with a list of ids. Where each length of the list is another text, it is not kept
// prepared.
func (c conn) execList(ctx context.Context, q *statement, args ...any) (int64, error) {
	if c.s.dialect.idArray {
		return c.exec(ctx, q, args...)
	}
	text, expanded, err := sqlx.In(q.text, args...)
	if err != nil {
		return 0, err
	}
	return c.execText(ctx, sqlx.Rebind(c.s.dialect.bind, text), expanded...)
}

func affected(r sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

func ownBytes(args []any) []any {
	args = slices.Clone(args)
	for i, arg := range args {
		if b, ok := arg.([]byte); ok {
			args[i] = slices.Clone(b)
		}
	}
	return args
}

// judge makes stmt be prepared anew if err is a refusal of it, and returns err.
func (s *Store) judge(q *statement, stmt *sql.Stmt, err error) error {
	if err != nil && s.dialect.classify(err).kind == refused {
		q.renew(stmt)
	}
	return err
}
