package itest

import (
	"errors"
	"strings"
	"testing"
	"time"

	rueidisstore "github.com/qsessions/qsessions/backend/rueidis"
	"github.com/qsessions/qsessions/core/store"
	"github.com/qsessions/qsessions/testserver"
)

// TestCacheUser: a user with an ACL needs what the package documentation says, and sees the keys of its prefix alone.
func TestCacheUser(t *testing.T) {
	p := prefix()
	allow := func(t *testing.T, addr, more string) {
		side := client(t, "redis://"+addr)
		words := strings.Fields("ACL SETUSER app on >pass +get +getrange +set +unlink +exists +evalsha +eval +hello +client +ping")
		command(t, side.Nodes()[addr], append(append(words, "~"+p+"*"), strings.Fields(more)...)...)
	}
	use := func(t *testing.T, url string) {
		each(t, func(t *testing.T, conf rueidisstore.CacheConfig) {
			conf.Prefix = p
			c := openCache(t, url, conf)
			if c.Lag() != conf.ClientSide {
				t.Error("client-side caching is off")
			}
			for range 20 { // on all nodes
				id := newID()
				fill(t, c, id, "copy")
				keep(t, c, id, "copy")
				if err := c.Put(t.Context(), id, hit(t, c, id, "copy"), []byte("new"), time.Hour); err != nil {
					t.Fatal(err)
				}
				remove(t, c, id)
			}
			conf.Prefix = prefix()
			other := openCache(t, url, conf)
			if _, _, err := other.Get(t.Context(), newID()); !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), "NOPERM") {
				t.Errorf("Get under another prefix: got %v, want NOPERM", err)
			}
		})
	}
	t.Run("single", func(t *testing.T) {
		s := ownRedis(t)
		allow(t, s.Addr, "")
		use(t, "redis://app:pass@"+s.Addr)
		old := &proxy{rewrite: oldServer}
		startProxy(t, old, s.Addr)
		use(t, "redis://app:pass@"+old.addr)
	})
	t.Run("cluster", func(t *testing.T) {
		s := ownCluster(t)
		for _, addr := range s.Addrs() {
			allow(t, addr, "+cluster +asking")
		}
		use(t, "redis://app:pass@"+s.Addrs()[0])
	})
}

// ownCluster starts a Cluster for one test.
func ownCluster(t *testing.T, args ...string) *testserver.Cluster {
	t.Helper()
	testserver.RedisCluster(t) // skips where there can be none
	s, err := testserver.StartRedisCluster(t.Context(), testserver.Options{Args: args})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}
