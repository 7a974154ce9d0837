package caches

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"time"

	"github.com/redis/rueidis"

	memcachestore "github.com/qsessions/qsessions/backend/memcache"
	rueidisstore "github.com/qsessions/qsessions/backend/rueidis"
	"github.com/qsessions/qsessions/core/store"
)

// Store returns a store that has the cache's server alone, and how to close it.
func (c *Cache) Store(ctx context.Context) (store.Store, func() error, error) {
	const timeout = 5 * time.Second
	switch c.Name {
	case Memcached:
		s, err := memcachestore.Open(ctx, []string{c.addr}, memcachestore.Config{Prefix: c.prefix, Timeout: timeout, Dial: c.Dial})
		if err != nil {
			return nil, nil, err
		}
		return s, s.Close, nil
	case Redis, RedisCluster:
		s, err := rueidisstore.Open(ctx, c.addr, rueidisstore.Config{Prefix: c.prefix, Timeout: timeout, Option: c.option})
		if err != nil {
			return nil, nil, err
		}
		return s, s.Close, nil
	}
	return nil, nil, fmt.Errorf("there is no store on %s alone", c.Name)
}

// option has the clients of Redis dial by Dial.
func (c *Cache) option(o *rueidis.ClientOption) {
	if c.Dial == nil {
		return
	}
	o.Dialer.KeepAlive = time.Hour // no pings
	o.DialCtxFn = func(ctx context.Context, addr string, _ *net.Dialer, _ *tls.Config) (net.Conn, error) {
		return c.Dial(ctx, "tcp", addr)
	}
}
