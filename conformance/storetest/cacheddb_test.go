package storetest_test

import (
	"context"
	"testing"
	"time"

	"github.com/qsessions/qsessions/conformance/storetest"
	"github.com/qsessions/qsessions/core/cacheddb"
	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/store"
)

// cachedDB is cacheddb over a database and a cache in memory. A call of the cache may take long, as the machine may.
func cachedDB(cache func() store.Cache, c cacheddb.Config) storetest.Config {
	c.Timeout = 5 * time.Second
	return storetest.Config{Indexed: true, Cached: true, Open: func(context.Context) (storetest.Fixture, error) {
		db := new(memory.Store)
		s, err := cacheddb.New(cache(), db, c)
		return storetest.Fixture{Store: s, Behind: db}, err
	}}
}

func inCache() store.Cache { return new(memory.Cache) }

func TestCachedDB(t *testing.T) { storetest.Run(t, cachedDB(inCache, cacheddb.Config{})) }

func TestCachedDBWithKeys(t *testing.T) {
	storetest.Run(t, cachedDB(inCache, cacheddb.Config{Namespace: "a", Keys: [][]byte{make([]byte, 32)}}))
}

func FuzzCachedDB(f *testing.F) { storetest.Fuzz(f, cachedDB(inCache, cacheddb.Config{})) }
