package itest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/qsessions/qsessions/backend/memcache"
	"github.com/qsessions/qsessions/conformance/cachetest"
	"github.com/qsessions/qsessions/conformance/storetest"
	"github.com/qsessions/qsessions/core/cacheddb"
	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/testserver"
)

// storeSuite is the suite's configuration; each case has keys of its own.
func storeSuite(t testing.TB) storetest.Config {
	addr := testserver.Memcached(t).Addr
	return storetest.Config{
		MaxData: 1<<20 - 4<<10,
		Open: func(ctx context.Context) (storetest.Fixture, error) {
			s, err := memcachestore.Open(ctx, []string{addr}, memcachestore.Config{Prefix: prefix(), Timeout: patience})
			if err != nil {
				return storetest.Fixture{}, err
			}
			return storetest.Fixture{Store: s, Close: s.Close}, nil
		},
	}
}

func TestStoreContract(t *testing.T) { storetest.Run(t, storeSuite(t)) }

func FuzzStoreContract(f *testing.F) { storetest.Fuzz(f, storeSuite(f)) }

// TestCacheContract gives each case a server of its own, as some restart it.
func TestCacheContract(t *testing.T) {
	start(t) // skips or fails where there can be none
	cachetest.Run(t, cachetest.Config{
		Shared:     true,
		Namespaces: true,
		Restarts:   true,
		Parallel:   true,
		MaxCopy:    1<<20 - 1<<10,
		Open: func(ctx context.Context) (cachetest.Fixture, error) {
			server, err := testserver.Start(ctx, testserver.KindMemcached, testserver.Options{})
			if err != nil {
				return cachetest.Fixture{}, err
			}
			var clients [3]*memcachestore.Cache
			for i, prefix := range []string{"p:", "p:", "other:"} {
				c := memcachestore.CacheConfig{Prefix: prefix, Timeout: patience}
				if clients[i], err = memcachestore.OpenCache(ctx, []string{server.Addr}, c); err != nil {
					server.Stop()
					return cachetest.Fixture{}, err
				}
			}
			return cachetest.Fixture{
				Cache: clients[0], Second: clients[1], Other: clients[2],
				Restart: func(ctx context.Context) error { return errors.Join(server.Kill(), server.Restart(ctx)) },
				Close: func() error {
					err := server.Kill() // to stop takes it a second
					server.Stop()
					return errors.Join(err, clients[0].Close(), clients[1].Close(), clients[2].Close())
				},
			}, nil
		},
	})
}

// TestCachedContract: a cache in front of a database is a store.
func TestCachedContract(t *testing.T) {
	addr := testserver.Memcached(t).Addr
	storetest.Run(t, storetest.Config{
		Indexed: true,
		Cached:  true,
		Open: func(ctx context.Context) (storetest.Fixture, error) {
			c := memcachestore.CacheConfig{Prefix: prefix(), Timeout: patience}
			cache, err := memcachestore.OpenCache(ctx, []string{addr}, c)
			if err != nil {
				return storetest.Fixture{}, err
			}
			db := new(memory.Store)
			s, err := cacheddb.New(cache, db, cacheddb.Config{Timeout: 5 * time.Second})
			return storetest.Fixture{Store: s, Behind: db, Close: cache.Close}, err
		},
	})
}
