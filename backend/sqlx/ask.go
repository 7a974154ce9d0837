package sqlxstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/qsessions/qsessions/core/store"
)

// ask finds out what the server is. The name of the driver would not tell: wrappers have names of their own.
func ask(ctx context.Context, db *sql.DB) (Dialect, error) {
	var d Dialect
	err := await(ctx, !endsInTime(db.Driver()), func() (err error) {
		d, err = askVersion(ctx, db)
		return err
	})
	if err != nil {
		if e := ctx.Err(); e != nil && !errors.Is(err, e) {
			err = fmt.Errorf("%w: %w", e, err)
		}
		return "", fmt.Errorf("sqlxstore: ask the server: %w", err)
	}
	return d, nil
}

func askVersion(ctx context.Context, db *sql.DB) (Dialect, error) {
	var version string
	err := db.QueryRowContext(ctx, "SELECT version()").Scan(&version)
	switch {
	case err == nil && strings.HasPrefix(version, "PostgreSQL "):
		return Postgres, nil
	case err == nil && version != "" && version[0] >= '5' && version[0] <= '9', strings.Contains(version, "-MariaDB"):
		return MySQL, nil
	case err == nil:
		return "", fmt.Errorf("it calls itself %.40q; set Config.Dialect to say which SQL it reads", version)
	}
	if db.QueryRowContext(ctx, "SELECT sqlite_version()").Scan(&version) == nil {
		return SQLite, nil
	}
	if text := quotedDSN(err); text != "" {
		err = errors.New(text)
	}
	return "", fmt.Errorf("%w: %w", store.ErrUnavailable, err)
}

// askServer verifies what the statements rely on, on one connection of the pool.
func (s *Store) askServer(ctx context.Context) error {
	switch s.config.Dialect {
	case Postgres:
		return s.askPooler(ctx)
	case MySQL:
		var autocommit bool
		var packet int64
		var mode, charset string
		err := s.do(ctx, "ask the server", repeatable, func(c conn) error {
			return c.queryer().QueryRowContext(ctx, "SELECT @@autocommit, @@max_allowed_packet, @@sql_mode, @@character_set_client").Scan(&autocommit, &packet, &mode, &charset)
		})
		if err != nil {
			return err
		}
		if !autocommit {
			return errors.New("sqlxstore: the connections have autocommit off: nothing would ever be committed")
		}
		if err := checkCharset(charset); err != nil {
			return err
		}
		if err := checkMode(mode, &s.config); err != nil {
			return err
		}
		// The server closes the connection of a larger packet, so the limit is kept here. A statement without preparation
		// may have each byte escaped.
		packet -= 16 << 10
		if s.config.NoPrepare {
			packet /= 2
		}
		s.maxData = int(min(int64(s.maxData), max(packet, 0)))
	case SQLite:
		if s.config.User.References == "" {
			return nil
		}
		var on bool
		err := s.do(ctx, "ask the server", repeatable, func(c conn) error {
			return c.queryer().QueryRowContext(ctx, "PRAGMA foreign_keys").Scan(&on)
		})
		if err != nil {
			return err
		}
		if !on {
			return errors.New("sqlxstore: User.References needs PRAGMA foreign_keys on each connection; Open sets it")
		}
	}
	return nil
}

// checkMode refuses a mode of MySQL in which a user who does not fit into the column of the application's table is cut
// down to another one: the session would be that one's.
func checkMode(mode string, c *Config) error {
	if c.User.References == "" || strings.Contains(mode, "STRICT_TRANS_TABLES") || strings.Contains(mode, "STRICT_ALL_TABLES") {
		return nil
	}
	return errors.New("sqlxstore: User.References needs STRICT_TRANS_TABLES in the sql_mode of the connections")
}
