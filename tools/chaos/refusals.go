package chaos

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	sqlxstore "github.com/qsessions/qsessions/backend/sqlx"
	"github.com/qsessions/qsessions/testserver/faultproxy"
)

// swallow is a network that carries nothing, and says nothing.
func swallow(p *faultproxy.Proxy) { _ = p.Blackhole(true) }

// demote has the replica of the database take over, and gives it the name. The connections that there are stay with the old
// primary, which lives on, read-only, with what it had.
func demote(ctx context.Context, w *world) error {
	primary, err := w.dbSet.Switchover(context.WithoutCancel(ctx))
	if err != nil {
		return err
	}
	for _, n := range w.processes {
		n.dbProxy.SetTarget(primary.Addr)
	}
	w.tally.mend()
	return wait(ctx, w)
}

// misname gives the name of the database to its standby for a while, and then back: the connections that were made
// meanwhile stay with the standby.
func misname(ctx context.Context, w *world) error {
	for i, addr := range []string{w.dbSet.Nodes[1].Addr, w.dbSet.Nodes[0].Addr} {
		for _, n := range w.processes {
			n.dbProxy.SetTarget(addr)
			if i == 0 {
				n.dbProxy.Reset()
			}
		}
		if i == 0 {
			pause(ctx, 500*time.Millisecond)
		}
	}
	w.tally.mend()
	return wait(ctx, w)
}

// demoteCache is demote for the cache, whose old primary follows the new one.
func demoteCache(ctx context.Context, w *world) error {
	primary, err := w.cacheSet.Switchover(context.WithoutCancel(ctx))
	if err != nil {
		return err
	}
	for _, n := range w.processes {
		n.cacheProxy.SetTarget(primary.Addr)
	}
	w.tally.mend()
	return wait(ctx, w)
}

// readOnlyCache leads the processes to a cache that answers reads and refuses writes.
func readOnlyCache(ctx context.Context, w *world) error {
	lead := func(i int) {
		for _, n := range w.processes {
			n.cacheProxy.SetTarget(w.cacheSet.Nodes[i].Addr)
			n.cacheProxy.Reset()
		}
	}
	w.tally.mend()
	lead(1)
	err := wait(ctx, w)
	lead(0)
	return err
}

// refusePrepare is a server whose other clients have prepared as many statements as it allows, when the connections are
// lost and all statements must be prepared again.
func refusePrepare(ctx context.Context, w *world) error {
	after := context.WithoutCancel(ctx)
	const limit = "SET GLOBAL max_prepared_stmt_count = %d"
	if err := administer(after, w.db, fmt.Sprintf(limit, 0)); err != nil {
		return err
	}
	for _, n := range w.processes {
		n.dbProxy.Reset()
	}
	w.tally.mend()
	return errors.Join(wait(ctx, w), administer(after, w.db, fmt.Sprintf(limit, 16382)))
}

// alter changes the type of a column that prepared statements return, to and fro.
func alter(ctx context.Context, w *world) error {
	after := context.WithoutCancel(ctx)
	w.tally.mend()
	for ctx.Err() == nil {
		for _, kind := range []string{"varchar(4000)", "text"} {
			if err := administer(after, w.db, "ALTER TABLE qsessions ALTER COLUMN user_agent TYPE "+kind); err != nil {
				return err
			}
			pause(ctx, 200*time.Millisecond)
		}
	}
	return nil
}

// restartPooler kills the pooler and the server behind it in turn.
func restartPooler(ctx context.Context, w *world) error {
	after := context.WithoutCancel(ctx)
	for ctx.Err() == nil {
		pause(ctx, 200*time.Millisecond)
		if err := errors.Join(w.pooler.Kill(), w.pooler.Restart(after)); err != nil {
			return err
		}
		pause(ctx, 200*time.Millisecond)
		if err := errors.Join(w.db.Kill(), w.db.Restart(after)); err != nil {
			return err
		}
	}
	return nil
}

// openPooled opens a database behind a pooler.
func openPooled(ctx context.Context, driver, dsn string) (sqlStore, error) {
	return sqlxstore.Open(ctx, driver, dsn, sqlxstore.Config{MaxOpenConns: dbConns, NoPrepare: true})
}

// newPooled does so with a pool that the application has, and with the option of the driver that the documentation asks for.
func newPooled(ctx context.Context, driver, dsn string) (sqlStore, error) {
	option := map[string]string{pgx: "default_query_exec_mode=exec", libpq: "binary_parameters=yes"}[driver]
	db, err := sql.Open(driver, dsn+map[bool]string{true: "&", false: "?"}[strings.Contains(dsn, "?")]+option)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(dbConns)
	db.SetMaxIdleConns(dbConns)
	s, err := sqlxstore.New(ctx, db, sqlxstore.Config{NoPrepare: true})
	if err != nil {
		_ = db.Close()
		return nil, err
	}
	return lent{s, db}, nil
}

// A lent store does not own its pool.
type lent struct {
	*sqlxstore.Store
	db *sql.DB
}

func (l lent) Close() error { return errors.Join(l.Store.Close(), l.db.Close()) }
