package sqlxstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A countedDriver connects to a server that does not answer now and then, and counts connections that are used when closed.
type countedDriver struct{ misused, closed *atomic.Int64 }

func (d countedDriver) Open(string) (driver.Conn, error) { return &countedConn{driver: d}, nil }
func (d countedDriver) Connect(context.Context) (driver.Conn, error) {
	return &countedConn{driver: d}, nil
}
func (d countedDriver) Driver() driver.Driver { return d }

type countedConn struct {
	deadConn
	driver countedDriver
	ended  atomic.Bool
	busy   atomic.Bool
}

func (c *countedConn) Close() error {
	time.Sleep(time.Millisecond) // pgx says goodbye
	c.ended.Store(true)
	c.driver.closed.Add(1)
	if c.busy.Load() {
		c.driver.misused.Add(1)
	}
	return nil
}

func (c *countedConn) QueryContext(ctx context.Context, _ string, _ []driver.NamedValue) (driver.Rows, error) {
	c.busy.Store(true)
	defer c.busy.Store(false)
	if c.ended.Load() {
		c.driver.misused.Add(1)
	}
	if rand.N(50) == 0 {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	time.Sleep(rand.N(100 * time.Microsecond))
	return nil, errors.New("none")
}

// TestDropIdle: RPT-8. Idle connections are closed after a call that was not answered, while other calls go on.
func TestDropIdle(t *testing.T) {
	var misused, closed atomic.Int64
	db := sql.OpenDB(countedDriver{&misused, &closed})
	defer db.Close()
	db.SetMaxOpenConns(16)
	db.SetMaxIdleConns(16)
	db.SetConnMaxIdleTime(time.Minute)
	s := &Store{db: db, config: Config{NoPrepare: true, Dialect: Postgres}, dialect: dialects[Postgres], idleTime: time.Minute}
	end := time.Now().Add(time.Second)
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			for time.Now().Before(end) {
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
				s.dropped.Store(0)
				if err := s.do(ctx, "load", once, func(c conn) error {
					_, err := c.queryText(ctx, "SELECT 1")
					return err
				}); err == nil {
					t.Error("no error")
				}
				cancel()
			}
		})
	}
	wg.Wait()
	if misused.Load() > 0 || closed.Load() == 0 {
		t.Errorf("%d connections were used when closed, %d were closed", misused.Load(), closed.Load())
	}
}
