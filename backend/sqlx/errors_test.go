package sqlxstore

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/qsessions/qsessions/core/store"
)

// A stateError is like those of lib/pq and pgx.
type stateError struct{ state, text string }

func (e stateError) Error() string    { return e.text }
func (e stateError) SQLState() string { return e.state }

// TestFail: each kind of error has its sentinel, and no text repeats a value.
func TestFail(t *testing.T) {
	const value = "s3cret"
	my := func(n uint16) error { return &mysql.MySQLError{Number: n, Message: "near '" + value + "'"} }
	pg := func(state string) error { return fmt.Errorf("wrapped: %w", stateError{state, "value " + value}) }
	lite := func(text string) error { return errors.New(text) }
	for _, k := range []struct {
		dialect Dialect
		err     error
		want    error
		shown   bool // the driver's own text
	}{
		{Postgres, pg("23505"), store.ErrExists, false},
		{Postgres, pg("23503"), store.ErrNoUser, false},
		{Postgres, pg("22001"), store.ErrTooLarge, false},
		{Postgres, pg("22P02"), store.ErrUnavailable, false},
		{Postgres, pg("23514"), store.ErrUnavailable, false},
		{Postgres, pg("42601"), store.ErrUnavailable, false},
		{Postgres, pg("57P01"), store.ErrUnavailable, true},
		{Postgres, pg("40001"), store.ErrUnavailable, true},
		{Postgres, errors.New("EOF"), store.ErrUnavailable, true},
		{MySQL, my(1062), store.ErrExists, false},
		{MySQL, my(1452), store.ErrNoUser, false},
		{MySQL, my(1264), store.ErrNoUser, false},
		{MySQL, my(1406), store.ErrNoUser, false},
		{MySQL, my(1153), store.ErrTooLarge, false},
		{MySQL, mysql.ErrPktTooLarge, store.ErrTooLarge, false},
		{MySQL, my(1366), store.ErrNoUser, false},
		{MySQL, my(1292), store.ErrUnavailable, false},
		{MySQL, my(1064), store.ErrUnavailable, false},
		{MySQL, my(1040), store.ErrUnavailable, true},
		{MySQL, my(1049), store.ErrUnavailable, true},
		{MySQL, mysql.ErrInvalidConn, store.ErrUnavailable, true},
		{SQLite, lite("constraint failed: UNIQUE constraint failed: qsessions.id (1555)"), store.ErrExists, false},
		{SQLite, lite("FOREIGN KEY constraint failed"), store.ErrNoUser, false},
		{SQLite, lite("string or blob too big (18)"), store.ErrTooLarge, false},
		{SQLite, lite("database is locked (5) (SQLITE_BUSY)"), store.ErrUnavailable, true},
		{SQLite, fmt.Errorf(`sql: Scan error on column index 0, name "version": converting driver.Value type string (%q) to a int64`, value), store.ErrUnavailable, false},
	} {
		got := dialects[k.dialect].fail(t.Context(), "load", k.err)
		if !errors.Is(got, k.want) {
			t.Errorf("%s %v: got %v, want %v", k.dialect, k.err, got, k.want)
		}
		if !strings.HasPrefix(got.Error(), "sqlxstore: load: ") {
			t.Errorf("%s: got %q", k.dialect, got)
		}
		if strings.Contains(got.Error(), k.err.Error()) != k.shown || !k.shown && strings.Contains(got.Error(), value) {
			t.Errorf("%s %v: got %q", k.dialect, k.err, got)
		}
		if e := errors.Unwrap(got); !k.shown && e != nil && strings.Contains(e.Error(), value) {
			t.Errorf("%s: the cause has the value: %v", k.dialect, e)
		}
	}
}

func TestFailContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	d := dialects[Postgres]
	if err := d.fail(ctx, "load", stateError{"57014", "canceling statement due to user request"}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	if err := d.fail(ctx, "create", stateError{"23505", ""}); !errors.Is(err, store.ErrExists) { // the outcome is known
		t.Errorf("got %v, want %v", err, store.ErrExists)
	}
	if err := d.fail(ctx, "load", fmt.Errorf("wrapped: %w", context.Canceled)); !errors.Is(err, context.Canceled) || errors.Is(err, store.ErrUnavailable) {
		t.Errorf("got %v, want %v alone", err, context.Canceled)
	}
	dialer := net.Dialer{Timeout: 1}
	_, late := dialer.DialContext(t.Context(), "tcp", "127.0.0.1:1")
	if !errors.Is(late, context.DeadlineExceeded) {
		t.Fatalf("got %v, want %v", late, context.DeadlineExceeded)
	}
	if err := d.fail(t.Context(), "load", late); !errors.Is(err, store.ErrUnavailable) { // the caller's context goes on
		t.Errorf("got %v, want %v", err, store.ErrUnavailable)
	}
}

func TestFailNoTable(t *testing.T) {
	for d, err := range map[Dialect]error{
		Postgres: stateError{"42P01", `relation "qsessions" does not exist`},
		MySQL:    &mysql.MySQLError{Number: 1146, Message: "Table 'x.qsessions' doesn't exist"},
		SQLite:   errors.New("SQL logic error: no such table: qsessions (1)"),
	} {
		got := dialects[d].fail(t.Context(), "load", err)
		if !errors.Is(got, store.ErrUnavailable) || !strings.Contains(got.Error(), "run Migrate") {
			t.Errorf("%s: got %v", d, got)
		}
	}
	unknown := &mysql.MySQLError{Number: 1049, Message: "Unknown database 'x'"} // Migrate makes no database
	if got := dialects[MySQL].fail(t.Context(), "ask the server", unknown); strings.Contains(got.Error(), "run Migrate") {
		t.Errorf("got %v", got)
	}
}

func TestRetry(t *testing.T) {
	deadlock := &mysql.MySQLError{Number: 1213, Message: "Deadlock found"}
	for _, k := range []struct {
		name            string
		retries, failed int // failed: how many times before it works
		err             error
		want            error
		calls           int
	}{
		{"works at once", 4, 0, deadlock, nil, 1},
		{"works in the end", 4, 4, deadlock, nil, 5},
		{"bounded", 4, 99, deadlock, store.ErrUnavailable, 5},
		{"never", -1, 99, deadlock, store.ErrUnavailable, 1},
		{"another error", 4, 99, errors.New("EOF"), store.ErrUnavailable, 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &Store{config: Config{Retries: k.retries}, dialect: dialects[MySQL]}
			calls, begin := 0, time.Now()
			err := s.do(t.Context(), "save", once, func(conn) error {
				if calls++; calls <= k.failed {
					return k.err
				}
				return nil
			})
			if calls != k.calls || !errors.Is(err, k.want) {
				t.Errorf("%s: got %d calls and %v, want %d and %v", k.name, calls, err, k.calls, k.want)
			}
			if d := time.Since(begin); d > 5*lastWait {
				t.Errorf("%s: waited %v", k.name, d)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s := &Store{config: Config{Retries: 1 << 30}, dialect: dialects[MySQL]}
		calls := 0
		err := s.do(ctx, "save", once, func(conn) error {
			if calls++; calls == 3 {
				cancel()
			}
			return deadlock
		})
		if calls != 3 || !errors.Is(err, context.Canceled) {
			t.Errorf("got %d calls and %v, want 3 and %v", calls, err, context.Canceled)
		}
	})
}
