package itest

import (
	"context"
	"errors"
	"testing"

	rueidisstore "github.com/qsessions/qsessions/backend/rueidis"
	"github.com/qsessions/qsessions/conformance/cachetest"
	"github.com/qsessions/qsessions/testserver"
)

// deployments are the kinds of Redis, by the URL of one that the tests share.
var deployments = map[string]func(tb testing.TB) string{
	"single":   redisURL,
	"cluster":  func(tb testing.TB) string { return testserver.RedisCluster(tb).DSN },
	"sentinel": func(tb testing.TB) string { return testserver.RedisSentinel(tb).DSN },
}

// TestCacheContract certifies the cache on each deployment. On a single server each case has its own, as some restart
// it. With client-side caching another process hears of a Delete only after a while: then it is certified for one process.
func TestCacheContract(t *testing.T) {
	for name, url := range deployments {
		for mode, conf := range modes {
			t.Run(name+" "+mode, func(t *testing.T) {
				shared := url(t) // skips or fails where there can be none
				conf.Timeout, conf.MaxCopy = busy, 1<<20
				single := name == "single"
				cachetest.Run(t, cachetest.Config{
					Shared:     conf.ClientSide == 0,
					Namespaces: true,
					Restarts:   single,
					Parallel:   true,
					MaxCopy:    conf.MaxCopy,
					Open: func(ctx context.Context) (cachetest.Fixture, error) {
						if single {
							return openRestartable(ctx, conf)
						}
						return openFixture(ctx, shared, conf)
					},
				})
			})
		}
	}
}

// openRestartable is openFixture on a server of its own.
func openRestartable(ctx context.Context, conf rueidisstore.CacheConfig) (cachetest.Fixture, error) {
	s, err := testserver.Start(ctx, testserver.KindRedis, testserver.Options{})
	if err != nil {
		return cachetest.Fixture{}, err
	}
	f, err := openFixture(ctx, "redis://"+s.Addr, conf)
	if err != nil {
		s.Stop()
		return f, err
	}
	closeClients := f.Close
	f.Close = func() error { defer s.Stop(); return closeClients() }
	f.Restart = func(ctx context.Context) error { return errors.Join(s.Kill(), s.Restart(ctx)) }
	return f, nil
}

// openFixture opens two clients of one cache, if the other may hear of everything at once, and one of another cache.
func openFixture(ctx context.Context, url string, conf rueidisstore.CacheConfig) (f cachetest.Fixture, err error) {
	var open []*rueidisstore.Cache
	f.Close = func() (err error) {
		for _, c := range open {
			err = errors.Join(err, c.Close())
		}
		return err
	}
	one := prefix()
	for _, p := range []string{one, one, prefix()} {
		conf.Prefix = p
		c, err := rueidisstore.OpenCache(ctx, url, conf)
		if err != nil {
			return f, errors.Join(err, f.Close())
		}
		open = append(open, c)
	}
	f.Cache, f.Other = open[0], open[2]
	if conf.ClientSide == 0 {
		f.Second = open[1]
	}
	return f, nil
}
