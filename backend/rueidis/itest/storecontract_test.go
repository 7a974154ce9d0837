package itest

import (
	"context"
	"testing"
	"time"

	rueidisstore "github.com/qsessions/qsessions/backend/rueidis"
	"github.com/qsessions/qsessions/conformance/storetest"
	"github.com/qsessions/qsessions/testserver"
)

// TestStoreContract: CVE-24, BAD-41, FLT-25. The contract's suite: each case has a prefix of its own on one server, and there is
// a MaxData.
func TestStoreContract(t *testing.T) {
	for name, url := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Run(t, suite(url(t)))
		})
	}
}

// servers are the ways in which Redis runs.
var servers = map[string]func(tb testing.TB) string{
	"single":   redisURL,
	"cluster":  func(tb testing.TB) string { tb.Helper(); return testserver.RedisCluster(tb).DSN },
	"sentinel": func(tb testing.TB) string { tb.Helper(); return testserver.RedisSentinel(tb).DSN },
}

// busy is for a machine that may be.
const busy = 10 * time.Second

func suite(url string) storetest.Config {
	return storetest.Config{
		Indexed: true,
		Keeper:  true,
		MaxData: 8 << 20,
		Open: func(ctx context.Context) (storetest.Fixture, error) {
			s, err := rueidisstore.Open(ctx, url, rueidisstore.Config{Prefix: prefix(), IndexAll: true, Timeout: busy})
			if err != nil {
				return storetest.Fixture{}, err
			}
			return storetest.Fixture{Store: s, Close: s.Close}, nil
		},
	}
}

func FuzzStoreContract(f *testing.F) { storetest.Fuzz(f, suite(redisURL(f))) }
