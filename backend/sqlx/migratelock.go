package sqlxstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"hash/fnv"
	"time"
)

// locked runs f on a connection, while no other process's Migrate of the same tables does.
func (on conn) locked(ctx context.Context, f func(*sql.Conn) error) error {
	c, done, err := on.alone(ctx)
	if err != nil {
		return err
	}
	defer done()
	s := on.s
	switch s.config.Dialect {
	case Postgres:
		return s.withAdvisoryLock(ctx, c, f)
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

// withAdvisoryLock takes PostgreSQL's lock. Where the server does not have it, or refuses it to this role, f runs without and again
// when another process was faster: a transaction that failed has left nothing.
func (s *Store) withAdvisoryLock(ctx context.Context, c *sql.Conn, f func(*sql.Conn) error) error {
	// At a higher level the snapshot would be older than the lock, and would not show what the others did.
	const begin = "BEGIN ISOLATION LEVEL READ COMMITTED"
	var refused bool
	err := inTransaction(ctx, c, begin, func() error {
		_, err := c.ExecContext(ctx, fmt.Sprintf("SELECT pg_advisory_xact_lock(%d)", s.lockKey()))
		if code := sqlState(err); code == "42501" || code == "42883" || code == "0A000" {
			refused = true
		}
		if err != nil {
			return err
		}
		return f(c)
	})
	for i := 0; refused && i < unlockedTries; i++ {
		err = inTransaction(ctx, c, begin, func() error { return f(c) })
		switch sqlState(err) {
		case "23505", "42P07", "42710", "XX000": // the name was taken meanwhile; "tuple concurrently updated"
		default:
			return err
		}
	}
	return err
}

// unlockedTries is how often a migration without a lock may find that another process was faster. Each time that one has got further.
const unlockedTries = 20

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

// A server that refuses GET_LOCK: Percona XtraDB Cluster (1105 with pxc_strict_mode=ENFORCING), Galera and others that do not
// support it, proxies that do not know the function, and a role without the right.
var refusedLock = map[uint16]bool{1105: true, 1235: true, 1305: true, 1370: true, 1128: true, 1064: true, 1142: true, 1227: true}

// withNamedLock takes MySQL's lock by name, which belongs to the server: so the database is in the name. Where the server refuses
// it f runs without: the server itself lets one statement at a time change a table, and each step may find itself done.
func (s *Store) withNamedLock(ctx context.Context, c *sql.Conn, f func(*sql.Conn) error) error {
	const name = "CONCAT(MD5(COALESCE(DATABASE(), '')), ?)"
	key := fmt.Sprintf("%016x", uint64(s.lockKey()))
	for {
		var got sql.NullInt64
		err := c.QueryRowContext(ctx, "SELECT GET_LOCK("+name+", 1)", key).Scan(&got) // shorter than any read timeout
		if refusedLock[mysqlNumber(err)] {
			return f(c)
		}
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
