// Package cachestest connects to the measured caches in tests.
package cachestest

import (
	"testing"

	"github.com/qsessions/qsessions/core/cacheddb"
	"github.com/qsessions/qsessions/core/store"
	"github.com/qsessions/qsessions/testserver"
	"github.com/qsessions/qsessions/tools/bench/caches"
)

// Open opens the cache of that name, on the servers of the test process. The package's TestMain must call
// [testserver.Run].
func Open(tb testing.TB, name string) *caches.Cache {
	tb.Helper()
	var addr, version string
	switch name {
	case caches.Memcached:
		s := testserver.Memcached(tb)
		addr, version = s.Addr, s.Version
	case caches.Redis, caches.ClientSide:
		s := testserver.Redis(tb)
		addr, version = s.Addr, s.Version
	case caches.RedisCluster:
		c := testserver.RedisCluster(tb)
		addr, version = c.DSN, c.Version
	}
	c, err := caches.Open(name, addr, version)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// Front returns db behind a client of its own of the cache, which is closed when the test ends.
func Front(tb testing.TB, c *caches.Cache, db store.Indexed) *cacheddb.Store {
	tb.Helper()
	s, closeCache, err := c.Front(tb.Context(), db)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := closeCache(); err != nil {
			tb.Error(err)
		}
	})
	return s
}
