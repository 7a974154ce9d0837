// Package pairs tests every cache in front of every database.
package pairs

import (
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	sqlxstore "github.com/qsessions/qsessions/backend/sqlx"
	"github.com/qsessions/qsessions/conformance/storetest"
	"github.com/qsessions/qsessions/core/cacheddb"
	"github.com/qsessions/qsessions/testserver"
	"github.com/qsessions/qsessions/tools/bench/caches"
	"github.com/qsessions/qsessions/tools/bench/caches/cachestest"
	"github.com/qsessions/qsessions/tools/bench/stores"
	"github.com/qsessions/qsessions/tools/bench/stores/benchtest"
)

func TestMain(m *testing.M) { os.Exit(testserver.Run(m)) }

// The pairs that there are, but for memory: package storetest has that one. The clients of these caches keep no copies of
// their own, so that what another process has changed is seen at once.
var (
	exact     = []string{caches.Memcached, caches.Redis, caches.RedisCluster}
	databases = []string{stores.SQLite, stores.Postgres, stores.MariaDB}
)

// TestContract: a database behind a cache keeps the contract of stores. The pairs run side by side, as most of the time
// they wait.
func TestContract(t *testing.T) {
	t.Parallel()
	var wg sync.WaitGroup
	for _, cache := range exact {
		for _, name := range databases {
			config := suite(t, cachestest.Open(t, cache), benchtest.Open(t, name))
			wg.Go(func() {
				if err := storetest.Check(t.Context(), config); err != nil {
					t.Errorf("%s and %s: %v", cache, name, err)
				}
			})
		}
	}
	wg.Wait()
}

func suite(t *testing.T, c *caches.Cache, db *stores.Store) storetest.Config {
	cache, closeCache, err := c.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := closeCache(); err != nil {
			t.Error(err)
		}
	})
	var n atomic.Int64
	config := storetest.Config{Indexed: true, Cached: true, Rounds: 8, Open: func(ctx context.Context) (storetest.Fixture, error) {
		own := fmt.Sprintf("s%d", n.Add(1)) // the suite uses some ids again
		behind, err := sqlxstore.New(ctx, db.Raw, sqlxstore.Config{Table: own})
		if err != nil {
			return storetest.Fixture{}, err
		}
		if err := behind.Migrate(ctx); err != nil {
			return storetest.Fixture{}, err
		}
		s, err := cacheddb.New(cache, behind, cacheddb.Config{Namespace: own, Timeout: caches.Timeout})
		return storetest.Fixture{Store: s, Behind: behind, Close: behind.Close}, err
	}}
	if db.Name == stores.MariaDB {
		config.MaxData = 15 << 20
	}
	return config
}
