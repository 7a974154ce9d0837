package sqlxstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

// The first wait before a repetition is random up to the first bound; the bound doubles up to the second.
const (
	firstWait = 4 * time.Millisecond
	lastWait  = 250 * time.Millisecond
)

// A repeat says whether an operation may run once more after a connection was lost in it, when it may have been executed.
type repeat bool

const (
	once       repeat = false // its outcome is unknown then
	repeatable repeat = true
)

// do runs an operation, again where the database gave it up in favor of another one: then it has changed nothing. f leaves
// its results in variables of the caller, who must not look at them if do returns an error: f may still be running.
func (s *Store) do(ctx context.Context, op string, again repeat, f func(conn) error) error {
	if s.closed.Load() {
		return fmt.Errorf("sqlxstore: %s: %w: the store is closed", op, store.ErrUnavailable)
	}
	bound := firstWait
	for left := s.config.Retries; ; left-- {
		if err := ctx.Err(); err != nil {
			return s.dialect.fail(ctx, op, err)
		}
		err := s.try(ctx, again, f)
		if err == nil {
			return nil
		}
		if f := s.dialect.classify(err); errors.Is(ctx.Err(), context.DeadlineExceeded) && (f.kind == lost || f == fault{}) {
			s.dropIdle()
		}
		if left <= 0 || s.dialect.classify(err).kind != retryable || !wait(ctx, rand.N(bound)) {
			return s.dialect.fail(ctx, op, err)
		}
		bound = min(2*bound, lastWait)
	}
}

// try runs f on a connection of the pool, and a second time where that one has a fault that others need not have: the
// server does not accept its prepared statements, no longer accepts writes, or is not reached. In the last case f has to
// be repeatable, or the driver has to know that nothing was sent.
func (s *Store) try(ctx context.Context, again repeat, f func(conn) error) error {
	err := s.run(ctx, f, conn{s: s})
	if err == nil || ctx.Err() != nil {
		return err
	}
	return s.tryAgain(ctx, again, f, err)
}

// maxBeside is how many calls may be with the driver, those included whose callers have left: over a pool without a bound, on a
// network that swallows packets, they would grow in number until TCP gives up.
const maxBeside = 1 << 13

var errStalled = errors.New("too many calls wait for the database")

// run runs f, and returns when ctx ends.
func (s *Store) run(ctx context.Context, f func(conn) error, c conn) error {
	if !s.waits {
		return f(c) // without a closure
	}
	if s.beside.Add(1) > maxBeside {
		s.beside.Add(-1)
		return errStalled
	}
	return await(ctx, true, func() error {
		defer s.beside.Add(-1)
		return f(c)
	})
}

// maxTexts is how often an operation goes as a text: pgx prepares that too, and a change of the table may come in between.
const maxTexts = 3

// tryAgain runs f on a connection without the fault of err, or returns err.
func (s *Store) tryAgain(ctx context.Context, again repeat, f func(conn) error, err error) error {
	switch s.dialect.classify(err).kind {
	case refused:
		for range maxTexts {
			if err = s.run(ctx, f, conn{s: s, text: true}); err == nil || ctx.Err() != nil || s.dialect.classify(err).kind != refused {
				break
			}
		}
		return err
	case lost:
		if again == once && !unsent(err) {
			return err
		}
	case demoted:
	default:
		return err
	}
	return s.run(ctx, func(conn) error {
		c, err := s.fresh(ctx)
		if err != nil {
			return err
		}
		defer c.Close()
		return f(conn{s: s, only: c})
	}, conn{})
}

// minDrop is the least time between two calls of dropIdle that close connections: a server that is slow is not to make
// all of them anew again and again.
const minDrop = 5 * time.Second

// dropIdle closes the idle connections of a pool that is the store's, after a call that the server has not answered in time: on a
// host that is gone each of them would make another call wait for its deadline. A goroutine of the pool's closes them, as pgx
// waits for an answer then. (SetMaxIdleConns would close connections that are in use: it goes through a slice that the
// pool has begun to fill again.)
func (s *Store) dropIdle() {
	now, last := time.Now().UnixNano(), s.dropped.Load()
	if s.idleTime == 0 || now-last < int64(minDrop) || !s.dropped.CompareAndSwap(last, now) {
		return
	}
	s.db.SetConnMaxIdleTime(1)
	t := time.NewTicker(answerTime / 50)
	defer t.Stop()
	for range 25 { // until that goroutine has taken them
		if <-t.C; s.db.Stats().Idle == 0 {
			break
		}
	}
	s.db.SetConnMaxIdleTime(s.idleTime)
}

// fresh returns a connection to a server that answers, and accepts writes. It closes those of the pool on which none does: after
// a failover, all that were made before it.
func (s *Store) fresh(ctx context.Context) (*sql.Conn, error) {
	began := time.Now()
	stats := s.db.Stats()
	left := stats.OpenConnections
	if stats.MaxIdleClosed > 0 { // there may be a pool beneath, such as pgx's, which database/sql does not see
		left = max(left, hiddenConns)
	}
	for ; ; left-- {
		c, err := s.db.Conn(ctx)
		if err != nil {
			return nil, err
		}
		var one int
		if err = c.QueryRowContext(ctx, "SELECT 1 WHERE 1 = 1"+s.dialect.primary).Scan(&one); err == nil {
			return c, nil
		}
		kind, last := s.dialect.classify(err).kind, left <= 0
		if kind == demoted && s.dialect.end != "" {
			switch ended, young := s.end(ctx, c, time.Since(began)); {
			case young:
				last = true
			case ended && left > -maxEnded:
				last = false
			}
		}
		_ = c.Raw(func(any) error { return driver.ErrBadConn })
		_ = c.Close()
		if last || kind != lost && kind != demoted {
			return nil, err
		}
	}
}

// hiddenConns is how many connections a pool beneath that of database/sql is expected to have.
const hiddenConns = 32

// maxEnded bounds how many connections one call makes the server end.
const maxEnded = 1000

// end makes the server end a connection that is older than age: closed by database/sql alone, those of a pool of pgx's go back into
// that, and those of a pooler stay with it. It reports which of the two the connection is, if the server tells.
func (s *Store) end(ctx context.Context, c *sql.Conn, age time.Duration) (ended, young bool) {
	n, err := affected(c.ExecContext(ctx, fmt.Sprintf(s.dialect.end, age.Milliseconds()+1)))
	if err != nil {
		return s.dialect.classify(err).kind == lost, false
	}
	return n > 0, n == 0
}

// wait reports whether d has passed before ctx was done.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
