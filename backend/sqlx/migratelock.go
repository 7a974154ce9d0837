package sqlxstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"hash/fnv"
	"strings"
	"time"
)

// locked runs f on a connection, while no other process's Migrate of the same tables does.
func (s *Store) locked(ctx context.Context, f func(*sql.Conn) error) error {
	c, err := s.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	switch s.config.Dialect {
	case Postgres:
		// At a higher level the snapshot would be older than the lock, and would not show what the others did.
		return inTransaction(ctx, c, "BEGIN ISOLATION LEVEL READ COMMITTED", func() error {
			if _, err := c.ExecContext(ctx, "SELECT pg_advisory_xact_lock($1)", s.lockKey()); err != nil {
				return err
			}
			return f(c)
		})
	case SQLite:
		return inTransaction(ctx, c, "BEGIN IMMEDIATE", func() error { return f(c) })
	default:
		return s.withNamedLock(ctx, c, f)
	}
}

// lockKey tells the tables of one database apart.
func (s *Store) lockKey() int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte("qsessions migrate " + s.config.Table))
	return int64(h.Sum64())
}

func inTransaction(ctx context.Context, c *sql.Conn, begin string, f func() error) error {
	if _, err := c.ExecContext(ctx, begin); err != nil {
		return err
	}
	err := f()
	if err == nil {
		if _, err = c.ExecContext(ctx, "COMMIT"); err == nil {
			return nil
		}
	}
	finally(ctx, c, "ROLLBACK")
	return err
}

// withNamedLock takes MySQL's lock by name, which belongs to the server: so the database is in the name.
func (s *Store) withNamedLock(ctx context.Context, c *sql.Conn, f func(*sql.Conn) error) error {
	const name = "CONCAT(MD5(COALESCE(DATABASE(), '')), ?)"
	key := fmt.Sprintf("%016x", uint64(s.lockKey()))
	for {
		var got sql.NullInt64
		err := c.QueryRowContext(ctx, "SELECT GET_LOCK("+name+", 1)", key).Scan(&got) // shorter than any read timeout
		if err != nil {
			return err
		}
		if got.Int64 == 1 {
			break
		}
		if !got.Valid {
			return errors.New("GET_LOCK failed")
		}
	}
	defer finally(ctx, c, "DO RELEASE_LOCK("+name+")", key)
	return f(c)
}

// finally runs a statement that gives back what c holds, also when ctx is done. Where that fails, the end of the
// connection does it.
func finally(ctx context.Context, c *sql.Conn, text string, args ...any) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if _, err := c.ExecContext(ctx, text, args...); err != nil {
		_ = c.Raw(func(any) error { return driver.ErrBadConn })
	}
}

// referencedType returns the exact type of the column that User.References names, on MySQL.
func (s *Store) referencedType(ctx context.Context) (string, error) {
	text, err := s.dialect.statementText("column_mysql", s.names)
	if err != nil {
		return "", err
	}
	table, column := s.config.reference()
	var schema any // NULL: the connection's
	for _, name := range []string{s.config.Table, table} {
		if before, _, ok := strings.Cut(name, "."); ok {
			schema = before
		}
	}
	var kind, charset, collation string
	none := false
	err = s.do(ctx, "migrate", repeatable, func(c conn) error {
		err := c.queryer().QueryRowContext(ctx, text, schema, base(table), column).Scan(&kind, &charset, &collation)
		if none = errors.Is(err, sql.ErrNoRows); none {
			return nil
		}
		return err
	})
	if none {
		return "", fmt.Errorf("sqlxstore: migrate: User.References: there is no %s", s.config.User.References)
	}
	if err != nil {
		return "", err
	}
	if collation != "" {
		kind += " CHARACTER SET " + charset + " COLLATE " + collation
	}
	return kind, nil
}
