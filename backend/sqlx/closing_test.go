package sqlxstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

// A deadDriver connects, and answers nothing in time.
type deadDriver struct{}

func (deadDriver) Open(string) (driver.Conn, error)               { return deadConn{}, nil }
func (d deadDriver) Connect(context.Context) (driver.Conn, error) { return deadConn{}, nil }
func (d deadDriver) Driver() driver.Driver                        { return d }

type deadConn struct{}

func (deadConn) Prepare(string) (driver.Stmt, error) { return nil, errors.New("none") }
func (deadConn) Close() error                        { return nil }
func (deadConn) Begin() (driver.Tx, error)           { return nil, errors.New("none") }
func (deadConn) QueryContext(ctx context.Context, _ string, _ []driver.NamedValue) (driver.Rows, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// TestCloseBesideTimeouts: RPT-8. Close beside calls whose time is over is no race, and all of them return.
func TestCloseBesideTimeouts(t *testing.T) {
	for i := range 50 {
		d, err := dialectOf(Postgres)
		if err != nil {
			t.Fatal(err)
		}
		c, err := Config{NoPrepare: true, Dialect: Postgres}.withDefaults()
		if err != nil {
			t.Fatal(err)
		}
		q, err := newStatements(d, &c)
		if err != nil {
			t.Fatal(err)
		}
		s := &Store{db: sql.OpenDB(deadDriver{}), config: c, dialect: d, names: d.names(&c), q: q, owned: true, idleTime: time.Minute}
		s.waits = i%2 == 1
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if _, err := s.Cutoff(ctx, "ann"); err == nil {
					t.Error("no error")
				}
			})
		}
		for range 2 {
			wg.Go(func() {
				<-ctx.Done()
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		cancel()
	}
}

// TestRenewals: RPT-3. A server that refuses a statement for a year, however often it is prepared, has few of them to keep.
func TestRenewals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var q statement
		for range 365 * 24 {
			stmt := &sql.Stmt{}
			q.stmt.CompareAndSwap(nil, stmt)
			q.renew(q.stmt.Load())
			time.Sleep(time.Hour)
		}
		if n := len(q.retired); n < 5 || n > 30 {
			t.Errorf("it was prepared %d times", n)
		}
	})
}

// TestStalled: RPT-8. Calls whose driver does not come back have a bound: above it, others fail at once, and below it they go on.
func TestStalled(t *testing.T) {
	s := &Store{db: sql.OpenDB(deadDriver{}), dialect: dialects[Postgres], waits: true}
	defer s.db.Close()
	hang := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	s.beside.Store(maxBeside - 1)
	left := make(chan error)
	go func() {
		left <- s.do(ctx, "load", repeatable, func(conn) error {
			cancel()
			<-hang
			return nil
		})
	}()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	if err := s.do(t.Context(), "load", repeatable, func(conn) error { return nil }); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("above the bound: got %v, want %v", err, store.ErrUnavailable)
	}
	close(hang)
	for s.beside.Load() >= maxBeside {
		runtime.Gosched()
	}
	if err := s.do(t.Context(), "load", repeatable, func(conn) error { return nil }); err != nil {
		t.Errorf("below the bound: %v", err)
	}
}
