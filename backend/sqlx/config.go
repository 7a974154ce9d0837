package sqlxstore

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// A Config says how a [Store] names its tables, and how it uses the database. The zero value is ready to use. Table,
// CutoffTable and User are fixed by the first Migrate: to change them later is a change of tables that is yours.
type Config struct {
	// Dialect is the database's SQL. Default: the server is asked.
	Dialect Dialect

	// Table holds the sessions. Its parts are letters, digits and underscores, at most 48 of them, and no digit first. It
	// may begin with a schema (PostgreSQL) or a database (MySQL) and a dot. Names are quoted, so they are taken exactly
	// as written. Default "qsessions". Beside it there are tables with the suffixes "_migrations" and "_keys".
	Table string

	// CutoffTable holds since when a user's older logins do not count. Default: Table with the suffix "_cutoff".
	CutoffTable string

	// User is the column with the user. Default: text that refers to nothing.
	User UserColumn

	// NoPrepare keeps no prepared statements, for poolers that give a connection to another client between statements. The
	// driver must not prepare either: [Open] sets its option, and [New] refuses a driver for PostgreSQL that does.
	NoPrepare bool

	// Retries is how often a statement is repeated that the database gave up in favor of another one: a deadlock, a
	// serialization failure, a lock that took too long. Such a statement has changed nothing. Default 4; negative: never.
	Retries int

	// MaxOpenConns, MaxIdleConns, ConnMaxLifetime and ConnMaxIdleTime are those of [sql.DB]. Only Open uses them: New
	// leaves the pool as it is. Defaults: 25 connections (SQLite: 8), all of them may be idle, for 5 minutes; 30 minutes
	// of life, which is less than servers and firewalls allow (SQLite: no end).
	MaxOpenConns, MaxIdleConns       int
	ConnMaxLifetime, ConnMaxIdleTime time.Duration
}

// A UserColumn is the type of the column with the user, and what it refers to.
//
// A user is a string in every other place. With a Type other than Text it is converted strictly: only the form that the
// value itself would be written in is accepted. A string that does not convert is a user without sessions: List finds
// nothing, DeleteUser removes nothing, Create and Save answer [store.ErrNoUser]. Databases are less strict: MariaDB
// finds 12 for "12abc".
type UserColumn struct {
	Type UserType

	// References makes the column a foreign key with ON DELETE CASCADE, in the form "app_users(id)", with names as in
	// Config.Table. A session of a user who is not there is then refused with [store.ErrNoUser].
	//
	// Type must fit the column: New, Open and Migrate refuse a type under which the database would convert, and name those that
	// fit. A number of an unsigned column above the range of Integer is no user. Text keeps each string apart, also where the
	// column takes several for the same row, as a collation without regard to case does: log in with the user as the table has it.
	//
	// On MySQL and MariaDB the column gets the exact type of the one that it refers to, as they demand that, and the sql_mode must
	// be strict, as it is by default; a user that ends in spaces which the column would cut is no user. On SQLite each
	// connection must have PRAGMA foreign_keys on; Open sets it.
	References string
}

// A UserType is how a [UserColumn] keeps a user.
type UserType uint8

// The types of a user column.
const (
	Text      UserType = iota // as it is, compared byte by byte
	Integer                   // decimal, 64 bits with sign, no leading zero or plus
	UUID                      // 36 characters in lower case; the database's own type where it has one, else text
	UUIDBytes                 // the same, kept as 16 bytes
)

const (
	defaultTable   = "qsessions"
	defaultRetries = 4
	cutoffIndex    = "_at"
	maxName        = 48 // leaves room for the suffixes below PostgreSQL's 63
)

var (
	validName      = regexp.MustCompile(`^(?:[A-Za-z_][A-Za-z0-9_]{0,47}\.)?[A-Za-z_][A-Za-z0-9_]{0,47}$`)
	validReference = regexp.MustCompile(`^((?:[A-Za-z_][A-Za-z0-9_]{0,62}\.)?[A-Za-z_][A-Za-z0-9_]{0,62})\(([A-Za-z_][A-Za-z0-9_]{0,62})\)$`)
)

// withDefaults validates c, Dialect apart, and fills in what it leaves out.
func (c Config) withDefaults() (Config, error) {
	if c.Table == "" {
		c.Table = defaultTable
	}
	if c.CutoffTable == "" {
		c.CutoffTable = c.Table + "_cutoff"
		if len(base(c.CutoffTable)) > maxName {
			return c, fmt.Errorf("sqlxstore: Table %q is too long for a suffix; name the CutoffTable", c.Table)
		}
	}
	for _, name := range []string{c.Table, c.CutoffTable} {
		if !validName.MatchString(name) {
			return c, fmt.Errorf("sqlxstore: %q is not a table name of letters, digits and underscores, at most %d", name, maxName)
		}
	}
	for _, suffix := range []string{"", "_migrations", keysSuffix, "_user", "_sweep", "_ip"} {
		// SQLite, and MySQL on some systems, ignore case.
		if taken := c.Table + suffix; strings.EqualFold(c.CutoffTable, taken) || strings.EqualFold(c.CutoffTable+cutoffIndex, taken) {
			return c, fmt.Errorf("sqlxstore: CutoffTable %q is taken by the sessions", c.CutoffTable)
		}
	}
	if c.User.Type > UUIDBytes {
		return c, fmt.Errorf("sqlxstore: unknown UserType %d", c.User.Type)
	}
	if r := c.User.References; r != "" && !validReference.MatchString(r) {
		return c, fmt.Errorf("sqlxstore: User.References %q does not have the form table(column)", r)
	}
	if c.Retries == 0 {
		c.Retries = defaultRetries
	}
	if c.MaxOpenConns < 0 || c.MaxIdleConns < 0 || c.ConnMaxLifetime < 0 || c.ConnMaxIdleTime < 0 {
		return c, errors.New("sqlxstore: a bound of the pool is negative")
	}
	return c, nil
}

// reference splits User.References.
func (c *Config) reference() (table, column string) {
	m := validReference.FindStringSubmatch(c.User.References)
	if m == nil {
		return "", ""
	}
	return m[1], m[2]
}
