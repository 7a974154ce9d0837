package chaos

import (
	"context"
	"io"

	memcachestore "github.com/qsessions/qsessions/backend/memcache"
	rueidisstore "github.com/qsessions/qsessions/backend/rueidis"
	"github.com/qsessions/qsessions/core/store"
	"github.com/qsessions/qsessions/testserver"
	"github.com/qsessions/qsessions/testserver/faultproxy"
)

// A Pair is a kind of cache and a kind of database, with the driver that asks it.
type Pair struct {
	Cache, Database testserver.Kind
	Driver          string // of PostgreSQL: pgx, or postgres, which is lib/pq; empty for others
}

// String is all names.
func (p Pair) String() string {
	s := string(p.Cache) + " + " + string(p.Database)
	if p.Driver != "" {
		s += " by " + p.Driver
	}
	return s
}

// isPostgres reports whether the kind is asked as PostgreSQL is.
func isPostgres(k testserver.Kind) bool {
	return k == testserver.KindPostgres || k == testserver.KindPostgresPair || k == testserver.KindPgBouncer
}

// isPair reports whether the kind is a primary and a replica.
func isPair(k testserver.Kind) bool {
	return k == testserver.KindPostgresPair || k == testserver.KindMariaDBPair || k == testserver.KindRedisPair
}

func (w *world) startCache(ctx context.Context, o testserver.Options) (err error) {
	switch kind := w.pair.Cache; {
	case kind == testserver.KindRedisCluster:
		w.cacheSet, err = testserver.StartRedisCluster(ctx, o)
	case kind == testserver.KindRedisSentinel:
		w.cacheSet, err = testserver.StartRedisSentinel(ctx, o)
	case isPair(kind):
		w.cacheSet, err = testserver.StartPair(ctx, kind, o)
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

func (w *world) startDB(ctx context.Context) (err error) {
	kind := w.pair.Database
	switch {
	case kind == testserver.KindGalera:
		w.dbSet, err = testserver.StartGalera(ctx, testserver.Options{Args: []string{"--wsrep-sync-wait=1"}})
	case isPair(kind):
		w.dbSet, err = testserver.StartPair(ctx, kind, testserver.Options{})
	case kind == testserver.KindPgBouncer:
		w.db, err = testserver.Start(ctx, testserver.KindPostgres, testserver.Options{})
	default:
		w.db, err = testserver.Start(ctx, kind, testserver.Options{})
	}
	if err != nil {
		return err
	}
	if w.dbSet != nil {
		w.closeServer = append(w.closeServer, w.dbSet.Stop)
	} else {
		w.closeServer = append(w.closeServer, w.db.Stop)
	}
	switch kind {
	case testserver.KindGalera:
		return createDatabase(ctx, w.dbSet.Nodes[0])
	case testserver.KindMariaDB:
		return createDatabase(ctx, w.db)
	case testserver.KindPgBouncer:
		if w.pooler, err = testserver.StartPgBouncer(ctx, w.db, testserver.Options{}); err != nil {
			return err
		}
		w.closeServer = append(w.closeServer, w.pooler.Stop)
	}
	return nil
}

func (n *process) proxy(addr string) (*faultproxy.Proxy, error) {
	p, err := faultproxy.New(addr)
	if err == nil {
		n.close = append(n.close, func() error { p.Close(); return nil })
	}
	return p, err
}

func (n *process) connectCache(ctx context.Context, w *world) (store.Cache, error) {
	var c interface {
		store.Cache
		io.Closer
	}
	var err error
	switch {
	case w.cacheSet != nil && !isPair(w.pair.Cache):
		c, err = rueidisstore.OpenCache(ctx, w.cacheSet.DSN, rueidisstore.CacheConfig{})
	default:
		server := w.cache
		if server == nil {
			server = w.cacheSet.Nodes[0]
		}
		if n.cacheProxy, err = n.proxy(server.Addr); err != nil {
			return nil, err
		}
		if server.Kind == testserver.KindMemcached {
			c, err = memcachestore.OpenCache(ctx, []string{n.cacheProxy.Addr()}, memcachestore.CacheConfig{})
		} else {
			c, err = rueidisstore.OpenCache(ctx, "redis://"+n.cacheProxy.Addr(), rueidisstore.CacheConfig{})
		}
	}
	if err != nil {
		return nil, err
	}
	n.close = append(n.close, c.Close)
	return c, nil
}

// connectDB opens the database by way of a proxy. The processes have a node each of Galera.
func (n *process) connectDB(ctx context.Context, w *world, i int, open opener) (kept, error) {
	var dsn, addr string
	switch kind := w.pair.Database; {
	case w.pooler != nil:
		dsn, addr = w.pooler.DSN, w.pooler.Addr
	case isPair(kind):
		dsn, addr = w.dbSet.DSN, w.dbSet.Nodes[0].Addr
	case w.dbSet != nil:
		dsn, addr = w.dbSet.Nodes[i].DSN, w.dbSet.Nodes[i].Addr
	default:
		dsn, addr = w.db.DSN, w.db.Addr
	}
	var err error
	if n.dbProxy, err = n.proxy(addr); err != nil {
		return nil, err
	}
	if k := w.pair.Database; k == testserver.KindRedis || k == testserver.KindRedisPair {
		db, err := rueidisstore.Open(ctx, "redis://"+n.dbProxy.Addr(), rueidisstore.Config{})
		if err != nil {
			return nil, err
		}
		n.close = append(n.close, db.Close)
		return db, nil
	}
	driver, dsn, err := through(w.pair, dsn, n.dbProxy.Addr())
	if err != nil {
		return nil, err
	}
	if open == nil {
		open = openDB
	}
	db, err := open(ctx, driver, dsn)
	if err != nil {
		return nil, err
	}
	n.close = append(n.close, db.Close)
	return db, nil
}
