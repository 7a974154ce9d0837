package stores

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	memcachestore "github.com/qsessions/qsessions/backend/memcache"
	rueidisstore "github.com/qsessions/qsessions/backend/rueidis"
	"github.com/qsessions/qsessions/core/cacheddb"
	"github.com/qsessions/qsessions/core/store"
)

// A CacheAddress says which cache, and how to reach it. It may hold a password; its String does not.
type CacheAddress struct {
	redis     string   // a URL
	memcached []string // host:port each
	name      string
}

// String returns the address in short, without password and options.
func (a CacheAddress) String() string { return a.name }

// ParseCache reads one of
//
//	redis://user:password@host:6379/0    (rediss:// for TLS; see rueidisstore.OpenCache for Sentinel and Cluster)
//	memcached://host:11211,host2:11211
//
// An error says what is wrong, and shows nothing that may be a password.
func ParseCache(address string) (CacheAddress, error) {
	name, rest, _ := strings.Cut(address, "://")
	switch name {
	case "redis", "rediss":
		u, _, err := parseURL(address)
		if err != nil {
			return CacheAddress{}, errors.New("the cache address is not a valid URL: want redis://user:password@host:6379/0, with special characters percent-encoded")
		}
		if u.Host == "" {
			return CacheAddress{}, errors.New("the cache address has no host: want redis://host:6379")
		}
		return CacheAddress{redis: address, name: short(name, u)}, nil
	case "memcached":
		var servers []string
		for server := range strings.SplitSeq(strings.TrimSuffix(rest, "/"), ",") {
			u, err := url.Parse("memcached://" + server)
			if err != nil || u.Hostname() == "" || u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "" {
				return CacheAddress{}, errors.New("the cache address is malformed: want memcached://host:11211, or several hosts with commas between them")
			}
			if u.Port() == "" {
				u.Host = strings.TrimSuffix(u.Host, ":") + ":11211"
			}
			servers = append(servers, u.Host)
		}
		return CacheAddress{memcached: servers, name: "memcached://" + strings.Join(servers, ",")}, nil
	}
	return CacheAddress{}, errors.New("the cache address begins with none of redis://, rediss:// and memcached://")
}

// Front puts the cache before db. Copies bear the namespace. Timeout bounds each call of the cache; 0 is the default of each
// package. It returns how to close the cache alone.
func (a CacheAddress) Front(ctx context.Context, db store.Indexed, namespace string, timeout time.Duration, log *slog.Logger) (*cacheddb.Store, func() error, error) {
	var cache interface {
		store.Cache
		Close() error
	}
	var err error
	if a.redis != "" {
		cache, err = rueidisstore.OpenCache(ctx, a.redis, rueidisstore.CacheConfig{Timeout: timeout, Logger: log})
	} else {
		cache, err = memcachestore.OpenCache(ctx, a.memcached, memcachestore.CacheConfig{Timeout: timeout})
	}
	if err != nil {
		return nil, nil, fmt.Errorf("the cache: %w", err)
	}
	s, err := cacheddb.New(cache, db, cacheddb.Config{Namespace: namespace, Timeout: timeout, Logger: log})
	if err != nil {
		return nil, nil, errors.Join(err, cache.Close())
	}
	return s, cache.Close, nil
}
