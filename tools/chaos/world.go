package chaos

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	sqlxstore "github.com/qsessions/qsessions/backend/sqlx"
	"github.com/qsessions/qsessions/core/cacheddb"
	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/store"
	"github.com/qsessions/qsessions/testserver"
	"github.com/qsessions/qsessions/testserver/faultproxy"
)

// What is bounded by freshness must end within a scenario, so everything is faster than its default.
const (
	freshness    = 1500 * time.Millisecond
	skew         = 250 * time.Millisecond
	touchEvery   = 500 * time.Millisecond
	storeTimeout = time.Second
	processes    = 2
	dbConns      = 16 // of each
)

// bound is for how long a copy that could not be deleted may be used.
const bound = freshness + skew

// A world is the servers and the processes of one scenario.
type world struct {
	pair        Pair
	cache, db   *testserver.Server  // nil where there is a cluster instead
	pooler      *testserver.Server  // PgBouncer in front of db
	cacheSet    *testserver.Cluster // Redis Cluster or Sentinel, or a pair
	dbSet       *testserver.Cluster // Galera, or a pair
	processes   []*process
	tally       *tally
	watch       *watch
	payload     string // goes along with every session
	closeServer []func()
}

// A process is what one process of an application has.
type process struct {
	cacheProxy, dbProxy *faultproxy.Proxy // cacheProxy is nil before a cluster, whose nodes name each other's addresses
	front               *cacheddb.Store
	sessions            *session.Manager
	handler             http.Handler
	close               []func() error
}

func newWorld(ctx context.Context, s Scenario, p Pair) (_ *world, err error) {
	w := &world{pair: p, tally: newTally(), watch: newWatch(), payload: s.payload}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.close())
		}
	}()
	if err := w.startCache(ctx, testserver.Options{Args: s.cacheArgs}); err != nil {
		return nil, err
	}
	if err := w.startDB(ctx); err != nil {
		return nil, err
	}
	for i := range processes {
		process, err := w.newProcess(ctx, s, i)
		if err != nil {
			return nil, err
		}
		w.processes = append(w.processes, process)
	}
	return w, nil
}

func (w *world) newProcess(ctx context.Context, s Scenario, i int) (_ *process, err error) {
	n := new(process)
	defer func() {
		if err != nil {
			err = errors.Join(err, n.end())
		}
	}()
	cache, err := n.connectCache(ctx, w)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", w.pair.Cache, err)
	}
	db, err := n.connectDB(ctx, w, i, s.open)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", w.pair.Database, err)
	}
	if m, ok := db.(sqlStore); ok && i == 0 {
		if err := m.Migrate(ctx); err != nil {
			return nil, err
		}
	}
	var behind store.Indexed = db
	if s.spoil != nil {
		cache, behind = s.spoil(cache, db)
	}
	n.front, err = cacheddb.New(watchedCache{cache, w.watch}, watchDB(behind.(kept), w.watch),
		cacheddb.Config{Freshness: freshness, Skew: skew, Retry: 300 * time.Millisecond})
	if err != nil {
		return nil, err
	}
	n.sessions, err = session.New(watchFront(n.front, w.watch), session.Config{
		Policy:       session.Policy{TouchEvery: touchEvery},
		Cookie:       session.Cookie{Insecure: true},
		StoreTimeout: storeTimeout,
		Logger:       slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return nil, err
	}
	n.handler = n.routes(w.payload)
	return n, nil
}

// A sqlStore is a database of SQL.
type sqlStore interface {
	kept
	io.Closer
	Migrate(context.Context) error
}

func openDB(ctx context.Context, driver, dsn string) (sqlStore, error) {
	return sqlxstore.Open(ctx, driver, dsn, sqlxstore.Config{MaxOpenConns: dbConns})
}

func (n *process) end() error {
	var errs []error
	for i := len(n.close) - 1; i >= 0; i-- {
		errs = append(errs, n.close[i]())
	}
	n.close = nil
	return errors.Join(errs...)
}

// proxies returns those of the process that there are.
func (n *process) proxies() (all []*faultproxy.Proxy) {
	for _, p := range []*faultproxy.Proxy{n.cacheProxy, n.dbProxy} {
		if p != nil {
			all = append(all, p)
		}
	}
	return all
}

// heal ends every fault of the network.
func (w *world) heal() error {
	var errs []error
	for _, n := range w.processes {
		for _, p := range n.proxies() {
			p.DropReplies(false)
			p.DropRequests(false)
			p.Hold(false)
			p.SetLatency(0)
			errs = append(errs, p.Blackhole(false), p.Mend())
		}
	}
	return errors.Join(errs...)
}

func (w *world) close() error {
	var errs []error
	for _, n := range w.processes {
		errs = append(errs, n.end())
	}
	w.processes = nil
	for i := len(w.closeServer) - 1; i >= 0; i-- {
		w.closeServer[i]()
	}
	w.closeServer = nil
	return errors.Join(errs...)
}

// version says what ran.
func (w *world) version() string {
	one := func(s *testserver.Server, c *testserver.Cluster) string {
		if c != nil {
			return string(c.Kind) + " " + cmp.Or(c.Version, c.Nodes[0].Version)
		}
		return string(s.Kind) + " " + s.Version
	}
	db := one(w.db, w.dbSet)
	if w.pooler != nil {
		db = one(w.pooler, nil) + ", " + db
	}
	if w.pair.Driver != "" {
		db += " by " + w.pair.Driver
	}
	return one(w.cache, w.cacheSet) + " + " + db
}
