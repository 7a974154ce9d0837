package sqlxstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Migrate brings the tables up to date. It may be called at each start, by any number of processes at once: they wait
// for each other, and all but one find nothing to do. It looks first: where nothing is to be done it takes no lock, needs no right
// but to read the table of migrations, and succeeds on a server or a file that is read-only. Otherwise it needs the right to create
// tables; docs/grants.md lists the rights. It removes nothing, and refuses tables that a newer program has migrated, and a
// User.Type that does not fit the column that User.References names. On PostgreSQL and SQLite it does all or nothing; on MySQL, where
// each change of a table is committed by itself, a call after a failed one goes on where that stopped. Errors as of [New].
func (s *Store) Migrate(ctx context.Context) error {
	const op = "migrate"
	all, err := s.dialect.migrations(&s.config, "")
	if err != nil {
		return err
	}
	if done, err := s.upToDate(ctx, op, len(all)); err != nil {
		return err
	} else if done {
		return s.checkUsers(ctx, op)
	}
	userType, err := s.referencedType(ctx)
	if err != nil {
		return err
	}
	if all, err = s.dialect.migrations(&s.config, userType); err != nil {
		return err
	}
	var newer *newerError
	err = s.do(ctx, op, once, func(on conn) error {
		err := on.locked(ctx, func(c *sql.Conn) error { return s.migrate(ctx, c, all) })
		if errors.As(err, &newer) {
			return nil
		}
		return err
	})
	if err != nil {
		return err
	}
	if newer != nil {
		return newer
	}
	return s.checkUsers(ctx, op)
}

// upToDate reports whether all migrations have been applied. A migration is noted when the last of its steps is done.
func (s *Store) upToDate(ctx context.Context, op string, known int) (bool, error) {
	var applied []Migration
	err := s.do(ctx, op, repeatable, func(c conn) (err error) {
		applied, err = s.applied(ctx, c.queryer())
		// MySQL tells a role without any right on the table that, whether there is such a table or not.
		if err != nil && (s.dialect.classify(err).kind == noTable || s.config.Dialect == MySQL && mysqlNumber(err) == 1142) {
			applied, err = nil, nil
		}
		return err
	})
	if err != nil {
		return false, err
	}
	last, err := lastApplied(applied, known)
	return last == known, err
}

// lastApplied returns the number of the last migration that has been applied, 0 for none.
func lastApplied(applied []Migration, known int) (int, error) {
	if len(applied) == 0 {
		return 0, nil
	}
	last := applied[len(applied)-1].Number
	if last > known {
		return last, &newerError{database: last, program: known}
	}
	return last, nil
}

// A newerError is no fault of the server.
type newerError struct{ database, program int }

func (e *newerError) Error() string {
	return fmt.Sprintf("sqlxstore: migrate: the tables are at migration %d, and this program knows %d: it is too old for them", e.database, e.program)
}

// Migrations returns all migrations, and when each of them was applied. One that this program does not know has a number
// above the others, and no SQL. Errors as of [New].
func (s *Store) Migrations(ctx context.Context) ([]Migration, error) {
	all, err := s.dialect.migrations(&s.config, s.dialect.users[s.config.User.Type])
	if err != nil {
		return nil, err
	}
	var applied []Migration
	err = s.do(ctx, "migrations", repeatable, func(c conn) (err error) {
		applied, err = s.applied(ctx, c.queryer())
		if err != nil && s.dialect.classify(err).kind == noTable {
			return nil
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, a := range applied {
		if a.Number >= 1 && a.Number <= len(all) {
			all[a.Number-1].AppliedAt = a.AppliedAt
		} else {
			all = append(all, a)
		}
	}
	return all, nil
}

// applied reads the table of migrations, in order.
func (s *Store) applied(ctx context.Context, q queryer) ([]Migration, error) {
	text, err := s.dialect.statementText("migrations_read", s.names)
	if err != nil {
		return nil, err
	}
	rows, err := q.QueryContext(ctx, text)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var applied []Migration
	for rows.Next() {
		var m Migration
		var at int64
		if err := rows.Scan(&m.Number, &m.Name, &at); err != nil {
			return nil, err
		}
		m.AppliedAt = fromMicros(at)
		applied = append(applied, m)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	return applied, rows.Close()
}

// migrate applies what is missing. The caller holds the lock. Every step may find itself done: without transactions
// around changes of tables, an earlier run may have stopped anywhere.
func (s *Store) migrate(ctx context.Context, c *sql.Conn, all []Migration) error {
	create, err := s.dialect.statementText("migrations_table", s.names)
	if err != nil {
		return err
	}
	add, err := s.dialect.statementText("migrations_add", s.names)
	if err != nil {
		return err
	}
	if _, err := c.ExecContext(ctx, create); err != nil {
		return err
	}
	applied, err := s.applied(ctx, c)
	if err != nil {
		return err
	}
	last, err := lastApplied(applied, len(all))
	if err != nil {
		return err
	}
	for _, m := range all[last:] {
		for _, text := range m.statements() {
			if _, err := c.ExecContext(ctx, text); err != nil {
				return err
			}
		}
		_, err := c.ExecContext(ctx, add, m.Number, m.Name, time.Now().UnixMicro())
		// Another node of a cluster was faster, or another process where the server refuses the lock.
		if err != nil && !(s.config.Dialect == MySQL && s.dialect.classify(err).kind == duplicate) {
			return err
		}
	}
	return nil
}
