// Package caches connects to the caches that are measured and tested behind a database.
package caches

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	memcachestore "github.com/qsessions/qsessions/backend/memcache"
	rueidisstore "github.com/qsessions/qsessions/backend/rueidis"
	"github.com/qsessions/qsessions/core/cacheddb"
	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/store"
	"github.com/qsessions/qsessions/testserver"
)

// The names of the caches.
const (
	Memory       = "memory"
	Memcached    = "memcached"
	Redis        = "Redis"
	ClientSide   = "Redis, client-side"
	RedisCluster = "Redis Cluster"
)

// Names lists them all.
func Names() []string { return []string{Memory, Memcached, Redis, ClientSide, RedisCluster} }

// A Cache is a cache that any number of processes can connect to.
type Cache struct {
	Name    string
	Version string // of the server; "" for memory

	// Dial opens the connections of clients, if it is set, and only their calls use them.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)

	addr   string // of memcached: host:port; of Redis: a URL
	prefix string
	memory memory.Cache
	stop   func()
}

// Start starts the cache of this name, with the server that it needs. Stop ends it.
func Start(ctx context.Context, name string) (*Cache, error) {
	kind := testserver.KindRedis
	switch name {
	case Memory:
		return Open(name, "", "")
	case RedisCluster:
		cluster, err := testserver.StartRedisCluster(ctx, testserver.Options{})
		if err != nil {
			return nil, err
		}
		return stopping(cluster.Stop)(Open(name, cluster.DSN, cluster.Version))
	case Memcached:
		kind = testserver.KindMemcached
	}
	server, err := testserver.Start(ctx, kind, testserver.Options{})
	if err != nil {
		return nil, err
	}
	return stopping(server.Stop)(Open(name, server.Addr, server.Version))
}

func stopping(stop func()) func(*Cache, error) (*Cache, error) {
	return func(c *Cache, err error) (*Cache, error) {
		if err != nil {
			stop()
			return nil, err
		}
		c.stop = stop
		return c, nil
	}
}

// Open is the cache of this name at an address: host:port, or the URL of a Cluster. It has a prefix of its own.
func Open(name, addr, version string) (*Cache, error) {
	c := &Cache{Name: name, Version: version, prefix: "measure-" + rand.Text()[:10] + ":"}
	switch name {
	case Memory:
	case Memcached, RedisCluster:
		c.addr = addr
	case Redis, ClientSide:
		c.addr = "redis://" + addr
	default:
		return nil, fmt.Errorf("there is no cache %q", name)
	}
	return c, nil
}

// String is the name with the version.
func (c *Cache) String() string {
	if c.Version == "" {
		return c.Name
	}
	server, how, _ := strings.Cut(c.Name, ",")
	if how != "" {
		how = "," + how
	}
	return server + " " + c.Version + how
}

// Stop ends the server, if Start has started one.
func (c *Cache) Stop() {
	if c.stop != nil {
		c.stop()
	}
}

// Timeout bounds each call of a cache. It is the most that there may be: what is measured must not depend on a pause of
// the machine.
const Timeout = 5 * time.Second

// Connect returns a client of its own, as another process has it, and how to close it. Timeout bounds each call.
func (c *Cache) Connect(ctx context.Context) (store.Cache, func() error, error) {
	switch c.Name {
	case Memory:
		return &c.memory, func() error { return nil }, nil
	case Memcached:
		m, err := memcachestore.OpenCache(ctx, []string{c.addr}, memcachestore.CacheConfig{Prefix: c.prefix, Timeout: Timeout, Dial: c.Dial})
		if err != nil {
			return nil, nil, err
		}
		return m, m.Close, nil
	}
	config := rueidisstore.CacheConfig{Prefix: c.prefix, Timeout: Timeout, Option: c.option}
	if c.Name == ClientSide {
		config.ClientSide = 5 * time.Second
	}
	r, err := rueidisstore.OpenCache(ctx, c.addr, config)
	if err != nil {
		return nil, nil, err
	}
	return r, r.Close, nil
}

// Front returns db behind a client of its own of the cache.
func (c *Cache) Front(ctx context.Context, db store.Indexed) (_ *cacheddb.Store, closeCache func() error, err error) {
	cache, closeCache, err := c.Connect(ctx)
	if err != nil {
		return nil, nil, err
	}
	s, err := cacheddb.New(cache, db, cacheddb.Config{Timeout: Timeout})
	if err != nil {
		return nil, nil, errors.Join(err, closeCache())
	}
	return s, closeCache, nil
}
