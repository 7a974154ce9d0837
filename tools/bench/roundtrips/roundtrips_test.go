package roundtrips_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/qsessions/qsessions/testserver"
	"github.com/qsessions/qsessions/tools/bench/caches"
	"github.com/qsessions/qsessions/tools/bench/caches/cachestest"
	"github.com/qsessions/qsessions/tools/bench/roundtrips"
	"github.com/qsessions/qsessions/tools/bench/stores"
	"github.com/qsessions/qsessions/tools/bench/stores/benchtest"
)

func TestMain(m *testing.M) { os.Exit(testserver.Run(m)) }

// want is what each operation costs, as round trips + statements; "" is one that there is not.
var want = []struct{ operation, sql, redisAndSQL, memcachedAndSQL, redis, memcached string }{
	{"read, fresh copy", "0+1", "1+0", "1+0", "1+0", "1+0"},
	{"100 reads, fresh copy", "0+100", "100+0", "100+0", "100+0", "100+0"},
	{"read, stale copy", "", "2+1", "2+1", "", ""},
	{"read, miss", "0+1", "2+1", "4+1", "1+0", "1+0"},
	{"read, no such session", "0+1", "1+1", "3+1", "1+0", "1+0"},
	{"authoritative read", "0+1", "2+1", "2+1", "1+0", "1+0"},
	{"authoritative read, miss", "0+1", "2+1", "4+1", "1+0", "1+0"},
	{"save after a hit", "0+1", "1+1", "1+1", "1+0", "1+0"},
	{"touch after a hit", "0+1", "1+1", "1+1", "1+0", "1+0"},
	{"save after a miss", "0+1", "1+1", "1+1", "1+0", "1+0"},
	{"touch after a miss", "0+1", "1+1", "1+1", "1+0", "1+0"},
	{"save, refused", "", "2+1", "2+1", "", ""},
	{"touch, refused", "", "2+1", "2+1", "", ""},
	{"save with a conflict", "0+3", "3+3", "3+3", "3+0", "4+0"},
	{"save with 2 conflicts", "0+5", "5+5", "5+5", "5+0", "7+0"},
	{"create, anonymous", "0+1", "0+1", "0+1", "1+0", "1+0"},
	{"login, new session", "0+2", "0+2", "0+2", "3+0", "1+0"},
	{"login, anonymous session", "0+2", "1+2", "1+2", "3+0", "1+0"},
	{"login with a cap", "0+3", "0+3", "0+3", "5+0", ""},
	{"login with a cap, over", "0+4", "1+4", "1+4", "6+0", ""},
	{"logout", "0+1", "1+1", "1+1", "1+0", "1+0"},
	{"revoke one", "0+2", "3+2", "3+2", "2+0", "2+0"},
	{"list of 3", "0+1", "0+1", "0+1", "2+0", ""},
	{"revoke user with 3", "0+4", "1+4", "3+4", "5+0", ""},
	{"the same by DeleteUser of the store, 3", "0+3", "1+3", "3+3", "3+0", ""},
	{"list of 250", "0+1", "0+1", "0+1", "4+0", ""},
	{"revoke user with 250", "0+4", "3+4", "250+4", "9+0", ""},
	{"the same by DeleteUser of the store, 250", "0+3", "3+3", "250+3", "5+0", ""},
	{"sweep, a batch", "0+2", "0+2", "0+2", "", ""},
	{"sweep, nothing left", "0+2", "0+2", "0+2", "", ""},
}

// TestRoundTrips: a fresh copy is read without the database, and everything else costs what docs/measurements.md says.
func TestRoundTrips(t *testing.T) {
	t.Parallel()
	for _, cache := range []string{"", caches.Redis, caches.Memcached} {
		for _, name := range []string{"", stores.SQLite, stores.Postgres, stores.MariaDB} {
			if cache == "" && name == "" {
				continue
			}
			t.Run(fmt.Sprintf("cache %s, database %s", cache, name), func(t *testing.T) {
				t.Parallel()
				var c *caches.Cache
				var db *stores.Store
				if cache != "" {
					c = cachestest.Open(t, cache)
				}
				if name != "" {
					db = benchtest.Open(t, name)
				}
				lines, err := roundtrips.Run(t.Context(), c, db)
				if err != nil {
					t.Fatal(err)
				}
				got := map[string]string{}
				for _, l := range lines {
					got[l.Operation] = fmt.Sprintf("%d+%d", l.Cache, l.Database)
				}
				for _, w := range want {
					want := map[string]string{"": w.sql, caches.Redis: w.redisAndSQL, caches.Memcached: w.memcachedAndSQL}[cache]
					if name == "" {
						want = map[string]string{caches.Redis: w.redis, caches.Memcached: w.memcached}[cache]
					}
					if got[w.operation] != want {
						t.Errorf("%s: %s, want %s", w.operation, got[w.operation], want)
					}
					delete(got, w.operation)
				}
				if len(got) > 0 {
					t.Errorf("nobody asked for %v", got)
				}
			})
		}
	}
}
