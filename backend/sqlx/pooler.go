package sqlxstore

import (
	"context"
	"crypto/rand"
	"errors"
	"time"
)

// A poolerError is a wrong use of a pooler, and no fault of the server.
type poolerError string

func (e poolerError) Error() string { return "sqlxstore: " + string(e) }

const (
	errPrepares = poolerError("NoPrepare: the driver prepares statements all the same; with pgx add default_query_exec_mode=exec to the DSN, as Open does")
	errTwoSteps = poolerError("NoPrepare: the driver sends a statement and its parameters apart; with lib/pq add binary_parameters=yes to the DSN, as Open does")
	errPooler   = poolerError("a pooler gives the connection to other clients between statements: set NoPrepare")
)

// askPooler refuses a PostgreSQL that is used through a pooler, such as PgBouncer in transaction mode, in a way in which
// statements fail, or another client's are executed.
func (s *Store) askPooler(ctx context.Context) error {
	ask := conn.askPrepared
	if s.config.NoPrepare {
		ask = conn.askDirect
	}
	var wrong poolerError
	err := s.do(ctx, "ask the server", repeatable, func(c conn) error {
		err := ask(c, ctx)
		if errors.As(err, &wrong) {
			return nil
		}
		return err
	})
	if err == nil && wrong != "" {
		return wrong
	}
	return err
}

// askDirect verifies that the driver sends a statement and its parameters at once, and leaves no name on the server. In
// a transaction all statements have the same connection to the server.
func (c conn) askDirect(ctx context.Context) error {
	tx, err := c.queryer().BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	tag := rand.Text()
	for range 2 {
		var n int
		if err := tx.QueryRowContext(ctx, "SELECT 1 /* "+tag+" */ WHERE 1 = $1", 1).Scan(&n); err != nil {
			return err
		}
	}
	names := 0
	if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM pg_prepared_statements WHERE strpos(statement, '"+tag+"') > 0").Scan(&names); err != nil {
		return nil // a server that is like PostgreSQL and has no such table
	}
	if names > 0 {
		return errPrepares
	}
	if c.s.waits { // as for lib/pq
		// Where the driver does not ask for types first, bytes are sent in binary form, and two of them are no integer.
		var n int
		if err := tx.QueryRowContext(ctx, "SELECT $1::int", []byte("12")).Scan(&n); err == nil && n == 12 {
			return errTwoSteps
		}
	}
	return nil
}

// patience bounds the parts of askPrepared in which a bounded pool may have no second connection to give.
const patience = 300 * time.Millisecond

// askPrepared verifies that a prepared statement is there when another client has got the connection to the server
// meanwhile. It finds out nothing, and returns nil, where it gets no second connection.
func (c conn) askPrepared(ctx context.Context) error {
	s := c.s
	if s.db.Stats().MaxOpenConnections == 1 {
		return nil
	}
	a, done, err := c.alone(ctx)
	if err != nil {
		return err
	}
	defer done()
	stmt, err := a.PrepareContext(ctx, "SELECT pg_backend_pid() /* "+rand.Text()+" */")
	if err != nil {
		return s.pooled(err)
	}
	defer stmt.Close()
	first, second := 0, 0
	if err := stmt.QueryRowContext(ctx).Scan(&first); err != nil {
		return s.pooled(err)
	}
	short, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	b, err := s.db.BeginTx(short, nil)
	if err != nil {
		return nil
	}
	defer b.Rollback()
	if err := b.QueryRowContext(short, "SELECT pg_backend_pid()").Scan(&second); err != nil || first != second {
		return nil // no pooler: each has a connection to the server of its own
	}
	if err := stmt.QueryRowContext(short).Scan(&second); short.Err() == nil {
		return s.pooled(err)
	}
	return nil
}

// pooled returns errPooler for the refusal of a prepared statement.
func (s *Store) pooled(err error) error {
	if err != nil && s.dialect.classify(err).kind == refused {
		return errPooler
	}
	return err
}
