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

	"github.com/qsessions/qsessions/adapters/nethttp"
	memcachestore "github.com/qsessions/qsessions/backend/memcache"
	rueidisstore "github.com/qsessions/qsessions/backend/rueidis"
	sqlxstore "github.com/qsessions/qsessions/backend/sqlx"
	"github.com/qsessions/qsessions/core/cacheddb"
	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/store"
	"github.com/qsessions/qsessions/testserver"
	"github.com/qsessions/qsessions/testserver/faultproxy"
)

// What is bounded by freshness must end within a scenario, so everything is faster than its default.
const (
	freshness  = 1500 * time.Millisecond
	skew       = 250 * time.Millisecond
	touchEvery = 500 * time.Millisecond
	processes  = 2
	dbConns    = 16 // of each
)

// bound is for how long a copy that could not be deleted may be used.
const bound = freshness + skew

// A world is the servers and the processes of one scenario.
type world struct {
	cache, db   *testserver.Server  // nil where there is a cluster instead
	cacheSet    *testserver.Cluster // Redis Cluster or Sentinel
	dbSet       *testserver.Cluster // Galera
	processes   []*process
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

// A Pair is a kind of cache and a kind of database.
type Pair struct{ Cache, Database testserver.Kind }

// String is both names.
func (p Pair) String() string { return string(p.Cache) + " + " + string(p.Database) }

func newWorld(ctx context.Context, s Scenario, p Pair) (_ *world, err error) {
	w := &world{payload: s.payload}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.close())
		}
	}()
	if err := w.startCache(ctx, p.Cache, testserver.Options{Args: s.cacheArgs}); err != nil {
		return nil, err
	}
	if p.Database == testserver.KindGalera {
		w.dbSet, err = testserver.StartGalera(ctx, testserver.Options{Args: []string{"--wsrep-sync-wait=1"}})
		if err != nil {
			return nil, err
		}
		w.closeServer = append(w.closeServer, w.dbSet.Stop)
		err = createDatabase(ctx, w.dbSet.Nodes[0])
	} else {
		if w.db, err = testserver.Start(ctx, p.Database, testserver.Options{}); err != nil {
			return nil, err
		}
		w.closeServer = append(w.closeServer, w.db.Stop)
		err = createDatabase(ctx, w.db)
	}
	if err != nil {
		return nil, err
	}
	for i := range processes {
		process, err := w.newProcess(ctx, s, p, i)
		if err != nil {
			return nil, err
		}
		w.processes = append(w.processes, process)
	}
	return w, nil
}

func (w *world) startCache(ctx context.Context, kind testserver.Kind, o testserver.Options) (err error) {
	switch kind {
	case testserver.KindRedisCluster:
		w.cacheSet, err = testserver.StartRedisCluster(ctx, o)
	case testserver.KindRedisSentinel:
		w.cacheSet, err = testserver.StartRedisSentinel(ctx, o)
	default:
		w.cache, err = testserver.Start(ctx, kind, o)
	}
	switch {
	case err != nil:
		return err
	case w.cacheSet != nil:
		w.closeServer = append(w.closeServer, w.cacheSet.Stop)
	default:
		w.closeServer = append(w.closeServer, w.cache.Stop)
	}
	return nil
}

func (w *world) newProcess(ctx context.Context, s Scenario, p Pair, i int) (_ *process, err error) {
	n := new(process)
	defer func() {
		if err != nil {
			err = errors.Join(err, n.end())
		}
	}()
	cache, err := n.connectCache(ctx, w)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.Cache, err)
	}
	db, err := n.connectDB(ctx, w, i)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.Database, err)
	}
	if i == 0 {
		if err := db.Migrate(ctx); err != nil {
			return nil, err
		}
	}
	var behind store.Indexed = db
	if s.spoil != nil {
		cache, behind = s.spoil(cache, db)
	}
	if n.front, err = cacheddb.New(cache, behind, cacheddb.Config{Freshness: freshness, Skew: skew, Retry: 300 * time.Millisecond}); err != nil {
		return nil, err
	}
	n.sessions, err = session.New(n.front, session.Config{
		Policy:       session.Policy{TouchEvery: touchEvery},
		Cookie:       session.Cookie{Insecure: true},
		StoreTimeout: time.Second,
		Logger:       slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return nil, err
	}
	n.handler = n.routes(w.payload)
	return n, nil
}

func (n *process) connectCache(ctx context.Context, w *world) (store.Cache, error) {
	if w.cacheSet != nil {
		c, err := rueidisstore.OpenCache(ctx, w.cacheSet.DSN, rueidisstore.CacheConfig{})
		if err != nil {
			return nil, err
		}
		n.close = append(n.close, c.Close)
		return c, nil
	}
	var err error
	if n.cacheProxy, err = faultproxy.New(w.cache.Addr); err != nil {
		return nil, err
	}
	n.close = append(n.close, func() error { n.cacheProxy.Close(); return nil })
	var c interface {
		store.Cache
		io.Closer
	}
	if w.cache.Kind == testserver.KindMemcached {
		c, err = memcachestore.OpenCache(ctx, []string{n.cacheProxy.Addr()}, memcachestore.CacheConfig{})
	} else {
		c, err = rueidisstore.OpenCache(ctx, "redis://"+n.cacheProxy.Addr(), rueidisstore.CacheConfig{})
	}
	if err != nil {
		return nil, err
	}
	n.close = append(n.close, c.Close)
	return c, nil
}

func (n *process) connectDB(ctx context.Context, w *world, i int) (*sqlxstore.Store, error) {
	server := w.db
	if server == nil {
		server = w.dbSet.Nodes[i]
	}
	var err error
	if n.dbProxy, err = faultproxy.New(server.Addr); err != nil {
		return nil, err
	}
	n.close = append(n.close, func() error { n.dbProxy.Close(); return nil })
	driver, dsn, err := through(server, n.dbProxy.Addr())
	if err != nil {
		return nil, err
	}
	db, err := openDB(ctx, driver, dsn)
	if err != nil {
		return nil, err
	}
	n.close = append(n.close, db.Close)
	return db, nil
}

func openDB(ctx context.Context, driver, dsn string) (*sqlxstore.Store, error) {
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

// routes is the application.
func (n *process) routes(payload string) http.Handler {
	mw := nethttp.New(n.sessions, nethttp.Config{Error: func(rw http.ResponseWriter, _ *http.Request, err error) {
		code := http.StatusInternalServerError
		switch {
		case errors.Is(err, session.ErrUnavailable):
			code = http.StatusServiceUnavailable
		case errors.Is(err, session.ErrRevoked), errors.Is(err, session.ErrUnauthenticated):
			code = http.StatusUnauthorized
		}
		rw.WriteHeader(code)
	}})
	mux := http.NewServeMux()
	signedIn := func(f func(http.ResponseWriter, *http.Request, session.Session)) http.Handler {
		return mw.With(func(rw http.ResponseWriter, r *http.Request, s session.Session) {
			if s.User() == "" {
				rw.WriteHeader(http.StatusUnauthorized)
				return
			}
			f(rw, r, s)
		})
	}
	mux.Handle("/read", signedIn(func(rw http.ResponseWriter, _ *http.Request, s session.Session) {
		fmt.Fprintln(rw, s.User(), values[0].Get(s), values[1].Get(s))
	}))
	mux.Handle("/write", signedIn(func(rw http.ResponseWriter, r *http.Request, s session.Session) {
		var key, n, before int
		if _, err := fmt.Sscan(r.Header.Get("Write"), &key, &n); err != nil {
			rw.WriteHeader(http.StatusBadRequest)
			return
		}
		values[key].Update(s, func(old int) int { before = old; return n }) // the last time on what is replaced
		if err := s.Save(r.Context()); err != nil {
			mw.Error(rw, r, err)
			return
		}
		fmt.Fprintln(rw, before)
	}))
	mux.Handle("/login", mw.With(func(rw http.ResponseWriter, r *http.Request, s session.Session) {
		s.Login(r.Header.Get("User"))
		session.Key[string]("payload").Set(s, payload)
		if err := s.Save(r.Context()); err != nil {
			mw.Error(rw, r, err)
			return
		}
		fmt.Fprintln(rw, s.ID())
	}))
	mux.Handle("/logout", signedIn(func(rw http.ResponseWriter, r *http.Request, s session.Session) {
		s.Logout()
		err := s.Save(r.Context())
		if by := effectiveBy(err); !by.IsZero() {
			fmt.Fprintln(rw, "pending", by.UnixMicro())
		} else if err != nil {
			mw.Error(rw, r, err)
		}
	}))
	return mw.Handler(mux)
}

// values are what the writers of a session count up, each its own.
var values = [2]session.Key[int]{"left", "right"}

// effectiveBy is zero unless err is a [session.PendingError].
func effectiveBy(err error) time.Time {
	if p, ok := errors.AsType[*session.PendingError](err); ok {
		return p.EffectiveBy
	}
	return time.Time{}
}

// heal ends every fault of the network.
func (w *world) heal() error {
	var errs []error
	for _, n := range w.processes {
		for _, p := range []*faultproxy.Proxy{n.cacheProxy, n.dbProxy} {
			if p == nil {
				continue
			}
			p.DropReplies(false)
			p.DropRequests(false)
			p.Hold(false)
			p.SetLatency(0)
			errs = append(errs, p.Mend())
		}
	}
	return errors.Join(errs...)
}

func (w *world) close() error {
	var errs []error
	for _, n := range w.processes {
		errs = append(errs, n.end())
	}
	for i := len(w.closeServer) - 1; i >= 0; i-- {
		w.closeServer[i]()
	}
	return errors.Join(errs...)
}

// version says what ran.
func (w *world) version() string {
	cache, db := "", ""
	if w.cacheSet != nil {
		cache = string(w.cacheSet.Kind) + " " + w.cacheSet.Version
	} else {
		cache = string(w.cache.Kind) + " " + w.cache.Version
	}
	if w.dbSet != nil {
		db = string(w.dbSet.Kind) + " " + cmp.Or(w.dbSet.Version, w.dbSet.Nodes[0].Version)
	} else {
		db = string(w.db.Kind) + " " + w.db.Version
	}
	return cache + " + " + db
}
