package chaos

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/qsessions/qsessions/core/store"
	"github.com/qsessions/qsessions/testserver"
	"github.com/qsessions/qsessions/testserver/faultproxy"
)

// A Scenario is a fault. It lasts as long as its context, and is over when during returns.
type Scenario struct {
	ID   string // of the list of faults in docs/security.md
	Name string

	during    func(context.Context, *world) error
	caches    []testserver.Kind // on which it makes sense; nil: Redis and memcached
	databases []testserver.Kind // nil: PostgreSQL and MariaDB
	drivers   []string          // of PostgreSQL; nil: pgx
	pairs     []Pair            // instead of all those
	open      opener            // how the database is opened; nil: openDB
	cacheArgs []string
	payload   string        // goes along with every session, to fill the cache
	back      time.Duration // a cache that is set back makes every revocation bounded by it
	settle    time.Duration // how long the servers may take to be back
	recover   time.Duration // for how long requests may fail that the servers could answer; 0: not judged
	full      bool          // left out of the short form
	every     bool          // on every pair in the short form too

	// spoil breaks what is tested, so that a test sees that it is noticed.
	spoil func(store.Cache, store.Indexed) (store.Cache, store.Indexed)
}

// An opener opens a database of SQL.
type opener func(ctx context.Context, driver, dsn string) (sqlStore, error)

// The drivers of PostgreSQL.
const (
	pgx   = "pgx"
	libpq = "postgres"
)

var bothDrivers = []string{pgx, libpq}

var (
	keyValue = []testserver.Kind{testserver.KindRedis, testserver.KindMemcached}
	onRedis  = keyValue[:1]
	onSQL    = []testserver.Kind{testserver.KindPostgres, testserver.KindMariaDB}
)

// Pairs returns what the scenario runs on.
func (s Scenario) Pairs() (pairs []Pair) {
	if s.pairs != nil {
		return s.pairs
	}
	caches, databases, drivers := s.caches, s.databases, s.drivers
	if caches == nil {
		caches = keyValue
	}
	if databases == nil {
		databases = onSQL
	}
	if drivers == nil {
		drivers = bothDrivers[:1]
	}
	for _, c := range caches {
		for _, d := range databases {
			if !isPostgres(d) {
				pairs = append(pairs, Pair{Cache: c, Database: d})
				continue
			}
			for _, driver := range drivers {
				pairs = append(pairs, Pair{c, d, driver})
			}
		}
	}
	return pairs
}

// Short returns what the scenario runs on in the short form, where it is the i-th: one pair, another one for each scenario.
func (s Scenario) Short(i int) []Pair {
	pairs := s.Pairs()
	switch {
	case s.full:
		return nil
	case s.every:
		return pairs
	}
	return pairs[i%len(pairs):][:1]
}

// Scenarios returns all of them.
func Scenarios() []Scenario {
	large := strings.Repeat("x", 16<<10)
	return []Scenario{
		{ID: "none", Name: "no fault", during: wait},
		{ID: "FLT-1", Name: "cache killed, restarted empty", during: func(ctx context.Context, w *world) error {
			return errors.Join(w.cache.Kill(), wait(ctx, w), w.cache.Restart(context.WithoutCancel(ctx)))
		}},
		{ID: "FLT-2", Name: "cache stopped, resumed", during: func(ctx context.Context, w *world) error {
			return errors.Join(w.cache.Pause(), wait(ctx, w), w.cache.Resume())
		}},
		{ID: "FLT-3", Name: "cache replies lost", during: onProxies(cacheProxy, func(p *faultproxy.Proxy) { p.DropReplies(true) })},
		{ID: "FLT-3b", Name: "cache replies end in the middle", during: cutReplies},
		{ID: "FLT-4", Name: "cache cut off from one process", during: func(ctx context.Context, w *world) error {
			w.processes[0].cacheProxy.Cut()
			return errors.Join(wait(ctx, w), w.heal())
		}},
		{ID: "FLT-5", Name: "cache full: memcached -m 1", during: wait, caches: keyValue[1:], cacheArgs: []string{"-m", "1", "-I", "512k"}, payload: large},
		{ID: "FLT-5b", Name: "cache full: Redis noeviction", during: wait, caches: onRedis, cacheArgs: maxMemory("noeviction"), payload: large},
		{ID: "FLT-5c", Name: "cache full: Redis allkeys-lru", during: wait, caches: onRedis, cacheArgs: maxMemory("allkeys-lru"), payload: large},
		{ID: "FLT-5d", Name: "cache full: Redis volatile-ttl", during: wait, caches: onRedis, cacheArgs: maxMemory("volatile-ttl"), payload: large},
		{ID: "FLT-6", Name: "cache flips bytes, swaps values", during: corrupt, caches: onRedis},
		{ID: "FLT-7", Name: "Redis restored from an old backup", during: restore, caches: onRedis, back: bound},
		{ID: "FLT-7b", Name: "Redis replica promoted by Sentinel", during: failover, caches: []testserver.Kind{testserver.KindRedisSentinel},
			databases: onSQL[:1], back: bound, settle: time.Minute},
		{ID: "FLT-7c", Name: "Redis Cluster: a master killed", during: failover, caches: []testserver.Kind{testserver.KindRedisCluster},
			databases: onSQL[:1], back: bound, settle: time.Minute},
		{ID: "FLT-10", Name: "database killed in commits, again and again", during: killDatabase, drivers: bothDrivers, settle: 10 * time.Second},
		{ID: "FLT-10b", Name: "Galera: a node killed in commits", during: killNode, caches: onRedis,
			databases: []testserver.Kind{testserver.KindGalera}, settle: time.Minute, full: true},
		{ID: "FLT-11", Name: "database stopped, resumed", during: func(ctx context.Context, w *world) error {
			return errors.Join(w.db.Pause(), wait(ctx, w), w.db.Resume())
		}, drivers: bothDrivers, settle: 10 * time.Second},
		{ID: "FLT-12", Name: "database replies lost after commit", during: onProxies(dbProxy, func(p *faultproxy.Proxy) { p.DropReplies(true) }), drivers: bothDrivers, settle: 10 * time.Second},
		{ID: "FLT-15", Name: "database demoted behind one name", during: demote, pairs: []Pair{
			{testserver.KindRedis, testserver.KindPostgresPair, pgx}, {testserver.KindRedis, testserver.KindPostgresPair, libpq},
			{testserver.KindRedis, testserver.KindMariaDBPair, ""}, {testserver.KindMemcached, testserver.KindRedisPair, ""},
		}, settle: 10 * time.Second, recover: time.Second, every: true},
		{ID: "FLT-15b", Name: "the database's name leads to a standby", during: misname, caches: onRedis,
			databases: []testserver.Kind{testserver.KindPostgresPair}, drivers: bothDrivers, settle: 10 * time.Second, recover: time.Second},
		{ID: "FLT-15c", Name: "cache demoted behind one name", during: demoteCache, caches: []testserver.Kind{testserver.KindRedisPair},
			databases: onSQL[:1], back: bound, recover: time.Second},
		{ID: "RPT-3", Name: "MariaDB refuses to prepare statements", during: refusePrepare, caches: onRedis, databases: onSQL[1:],
			settle: 10 * time.Second, recover: time.Second},
		{ID: "RPT-3b", Name: "a column's type changes, again and again", during: alter, caches: onRedis, databases: onSQL[:1],
			drivers: bothDrivers, settle: 10 * time.Second, recover: 500 * time.Millisecond},
		{ID: "RPT-6", Name: "cache refuses writes", during: readOnlyCache, caches: []testserver.Kind{testserver.KindRedisPair},
			databases: onSQL[:1], recover: 500 * time.Millisecond},
		{ID: "RPT-8", Name: "the network to the database swallows packets", during: onProxies(dbProxy, swallow), pairs: []Pair{
			{testserver.KindRedis, testserver.KindPostgres, pgx}, {testserver.KindRedis, testserver.KindPostgres, libpq},
			{testserver.KindRedis, testserver.KindMariaDB, ""}, {testserver.KindMemcached, testserver.KindRedis, ""},
		}, settle: 10 * time.Second, every: true},
		{ID: "RPT-8b", Name: "the network to the cache swallows packets", during: onProxies(cacheProxy, swallow), databases: onSQL[:1]},
		{ID: "RPT-9", Name: "PgBouncer and server restarted, Open", during: restartPooler, caches: onRedis,
			databases: []testserver.Kind{testserver.KindPgBouncer}, drivers: bothDrivers, open: openPooled, settle: 10 * time.Second, recover: time.Second},
		{ID: "RPT-9b", Name: "PgBouncer and server restarted, New", during: restartPooler, caches: onRedis,
			databases: []testserver.Kind{testserver.KindPgBouncer}, drivers: bothDrivers, open: newPooled, settle: 10 * time.Second, recover: time.Second},
		{ID: "FLT-20", Name: "cache and database cut off", during: onProxies(bothProxies, (*faultproxy.Proxy).Cut), settle: 10 * time.Second},
		{ID: "FLT-27", Name: "soak: one fault after the other", during: soak, settle: 10 * time.Second},
	}
}

func maxMemory(policy string) []string {
	return []string{"--maxmemory", "3mb", "--maxmemory-policy", policy}
}

func wait(ctx context.Context, _ *world) error {
	<-ctx.Done()
	return nil
}

// pause waits for a part of a scenario.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

func cacheProxy(n *process) []*faultproxy.Proxy  { return []*faultproxy.Proxy{n.cacheProxy} }
func dbProxy(n *process) []*faultproxy.Proxy     { return []*faultproxy.Proxy{n.dbProxy} }
func bothProxies(n *process) []*faultproxy.Proxy { return slices.Concat(cacheProxy(n), dbProxy(n)) }

// onProxies is a fault of the network around every process.
func onProxies(which func(*process) []*faultproxy.Proxy, fault func(*faultproxy.Proxy)) func(context.Context, *world) error {
	return func(ctx context.Context, w *world) error {
		for _, n := range w.processes {
			for _, p := range which(n) {
				fault(p)
			}
		}
		return errors.Join(wait(ctx, w), w.heal())
	}
}

// cutReplies ends connections in the middle of replies, after another number of bytes each time: a client that went on with
// such a connection would take one answer for another.
func cutReplies(ctx context.Context, w *world) error {
	for i := int64(1); ctx.Err() == nil; i++ {
		for _, n := range w.processes {
			n.cacheProxy.CutReplies(i * 37 % 5000)
		}
		pause(ctx, 10*time.Millisecond)
	}
	for _, n := range w.processes {
		n.cacheProxy.CutReplies(-1)
	}
	return w.heal()
}
