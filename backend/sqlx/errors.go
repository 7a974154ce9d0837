package sqlxstore

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/go-sql-driver/mysql"

	"github.com/qsessions/qsessions/core/store"
)

// A fault is what a driver's error means.
type fault struct {
	kind kind
	text string // what may be said of it; "": the driver's own text
}

type kind uint8

const (
	other kind = iota
	duplicate
	noUser
	tooLarge
	retryable
	noTable
	refused // a prepared statement, before anything was executed
	demoted // the server accepts no writes, or is not part of its cluster: nothing was executed
	lost    // the connection, at any time
)

// fail makes the error of an operation out of a driver's. The outcome that the database told comes first, then the
// context: lib/pq, for one, reports a context that is done as a canceled statement. A driver's text that may hold data
// of a record is left out, and so is the error that has it.
func (d *dialect) fail(ctx context.Context, op string, err error) error {
	f := d.classify(err)
	switch f.kind {
	case duplicate:
		return fmt.Errorf("sqlxstore: %s: %w", op, store.ErrExists)
	case noUser:
		return fmt.Errorf("sqlxstore: %s: %w", op, store.ErrNoUser)
	case tooLarge:
		return fmt.Errorf("sqlxstore: %s: %w", op, store.ErrTooLarge)
	}
	if f.text != "" || strings.HasPrefix(err.Error(), "sql: Scan error") {
		err = faultError{f}
	}
	if e := ctx.Err(); e != nil { // not by err: package net calls its own timeouts context.DeadlineExceeded
		if !errors.Is(err, e) {
			err = fmt.Errorf("%w: %w", e, err)
		}
		return fmt.Errorf("sqlxstore: %s: %w", op, err)
	}
	if f.kind == demoted {
		return fmt.Errorf("sqlxstore: %s: %w: the server accepts no writes: %w", op, store.ErrUnavailable, err)
	}
	if f.kind == noTable && op != "migrate" {
		return fmt.Errorf("sqlxstore: %s: %w: a table is missing; run Migrate: %w", op, store.ErrUnavailable, err)
	}
	return fmt.Errorf("sqlxstore: %s: %w: %w", op, store.ErrUnavailable, err)
}

// A faultError stands for an error whose text is not repeated.
type faultError struct{ fault }

func (e faultError) Error() string {
	if e.text == "" {
		return "a column does not have the expected type"
	}
	return e.text
}

// classifyPostgres goes by the SQLSTATE, which lib/pq and pgx both give.
func classifyPostgres(err error) fault {
	code := sqlState(err)
	switch code {
	case "":
		if text := quotedDSN(err); text != "" {
			return fault{text: text}
		}
		return connectionFault(err)
	case "22012": // by dialect.primary: no statement divides
		return fault{kind: demoted, text: "it is read-only"}
	case "25006":
		return fault{kind: demoted}
	case "0A000", "26000", "42P05": // another result, an unknown or a known name
		return fault{kind: refused}
	case "08P01": // another statement's parameters, and whatever PgBouncer says of itself: that it has lost the server, for one
		if strings.Contains(err.Error(), "bind message supplies ") {
			return fault{kind: refused}
		}
		return fault{kind: lost}
	case "08000", "08003", "08006", "08007": // a pooler has lost the server
		return fault{kind: lost}
	case "57P01", "57P02", "57P05", "25P03": // the server has ended the connection
		return fault{kind: lost}
	case "23505":
		return fault{kind: duplicate}
	case "23503":
		return fault{kind: noUser}
	case "22001", "54000":
		return fault{kind: tooLarge}
	case "40001", "40P01", "55P03":
		return fault{kind: retryable}
	case "42P01", "3F000":
		return fault{kind: noTable}
	}
	// Data exceptions, constraints and syntax errors quote values.
	if strings.HasPrefix(code, "22") || strings.HasPrefix(code, "23") || code == "42601" {
		return fault{text: "SQLSTATE " + code}
	}
	return fault{}
}

// MySQL's errors whose text has names and limits, but never a value.
var plainMySQL = map[uint16]bool{
	1040: true, 1044: true, 1045: true, 1046: true, 1049: true, 1054: true, 1142: true, 1146: true, 1193: true,
	1203: true, 1205: true, 1213: true, 1226: true, 1317: true, 1969: true, 3024: true,
}

func classifyMySQL(err error) fault {
	if errors.Is(err, mysql.ErrPktTooLarge) {
		return fault{kind: tooLarge}
	}
	if errors.Is(err, mysql.ErrInvalidConn) {
		return fault{kind: lost}
	}
	var e *mysql.MySQLError
	if !errors.As(err, &e) {
		return connectionFault(err)
	}
	switch e.Number {
	case 1690: // by dialect.primary: no statement calculates
		return fault{kind: demoted, text: "it is read-only"}
	case 1290, 1792, 1836, 1036, 1047: // --read-only, a read-only transaction, read-only mode, --innodb-read-only, a node outside of its Galera cluster
		return fault{kind: demoted}
	case 1243, 1295, 1461, 1615: // an unknown handle, not to be prepared, too many are, to be prepared again
		return fault{kind: refused}
	case 1053, 1927, 4031: // the server shuts down, has killed the connection, has waited too long
		return fault{kind: lost}
	case 1062:
		return fault{kind: duplicate}
	case 1452, 1216, 1264, 1267, 1366, 1406: // the user's column is the only one that may be too small for a value, or not have its characters
		return fault{kind: noUser}
	case 1153, 1301:
		return fault{kind: tooLarge}
	case 1205, 1213, 3101: // the last by Group Replication
		return fault{kind: retryable}
	case 1146:
		return fault{kind: noTable}
	}
	if plainMySQL[e.Number] {
		return fault{}
	}
	return fault{text: fmt.Sprintf("MySQL error %d", e.Number)}
}

// connectionFault is for errors that no server has sent.
func connectionFault(err error) fault {
	var network net.Error
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fault{}
	case errors.Is(err, driver.ErrBadConn), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed),
		errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.As(err, &network) && network.Timeout():
		return fault{kind: lost}
	}
	return fault{}
}

// unsent reports whether the driver knows that the server has not executed the statement, and will not.
func unsent(err error) bool {
	var safe interface{ SafeToRetry() bool } // of pgx
	if errors.As(err, &safe) && safe.SafeToRetry() {
		return true
	}
	// The server has ended a connection that was idle for too long.
	return sqlState(err) == "57P05" || mysqlNumber(err) == 4031 || errors.Is(err, driver.ErrBadConn)
}

// quotedDSN returns what to say instead of pgx's error about a DSN, which quotes it. A pool of pgx reports that when it is first used.
func quotedDSN(err error) string {
	if strings.Contains(err.Error(), "cannot parse `") {
		return "the driver cannot parse its DSN"
	}
	return ""
}

// mysqlNumber returns the number of MySQL's error, 0 for any other.
func mysqlNumber(err error) uint16 {
	var e *mysql.MySQLError
	if errors.As(err, &e) {
		return e.Number
	}
	return 0
}

// sqlState returns the SQLSTATE of PostgreSQL's error, "" for any other.
func sqlState(err error) string {
	var e interface{ SQLState() string }
	if errors.As(err, &e) {
		return e.SQLState()
	}
	return ""
}

// classifySQLite goes by SQLite's own texts, as the drivers have no form of a code in common. They name columns, and
// quote no values.
func classifySQLite(err error) fault {
	s := err.Error()
	for _, m := range [...]struct {
		text string
		kind kind
	}{
		{"UNIQUE constraint failed", duplicate},
		{"FOREIGN KEY constraint failed", noUser},
		{"string or blob too big", tooLarge},
		{"database is locked", retryable},
		{"database table is locked", retryable},
		{"database schema is locked", retryable},
		{"no such table", noTable},
	} {
		if strings.Contains(s, m.text) {
			return fault{kind: m.kind}
		}
	}
	if strings.Contains(s, "unable to open database file") { // modernc.org/sqlite adds "out of memory"
		return fault{text: "SQLite cannot open the database file, or one beside it: it is missing, or this process has no right to it or its directory"}
	}
	return fault{}
}
