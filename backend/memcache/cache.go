package memcachestore

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/bradfitz/gomemcache/memcache"

	"github.com/qsessions/qsessions/core/store"
)

// A Cache is a store.Cache on memcached. It is made by [OpenCache], and safe for concurrent use. A ticket is good for the
// Cache that gave it.
type Cache struct {
	c *cluster
}

var _ store.Cache = (*Cache)(nil)

// An item's flags tell a lease from a copy, whatever bytes the copy has. Anything else in a slot is the caller's to judge.
const (
	leaseFlags uint32 = 0x71736c31 // qsl1
	copyFlags  uint32 = 0x71736331 // qsc1

	leaseSeconds = 5
)

// OpenCache returns a cache on servers, each "host:port" or the absolute path of a unix socket. Each id has its place on one of
// them, whatever their order. A name is looked up now, to find mistakes, and again for each connection; it must stand for
// one server. No server is asked, and a name that cannot be looked up now is no error, as the application works without
// its cache and must be able to start: a server that is down fails the calls for its ids, and no others. The lookups take
// no longer than two seconds, or ctx.
func OpenCache(ctx context.Context, servers []string, config CacheConfig) (*Cache, error) {
	c, err := openCluster(ctx, servers, Config(config), 100*time.Millisecond, "c1:")
	if err != nil {
		return nil, err
	}
	return &Cache{c}, nil
}

// Close closes all connections. Every call that comes later fails with an error that matches [store.ErrUnavailable].
func (c *Cache) Close() error { return c.c.close() }

// Get implements [store.Cache]: in one round trip where there is a copy or somebody else's lease, else in three. A server
// that has no room for a lease, as it may not evict (option -M), is [store.ErrTooLarge].
func (c *Cache) Get(ctx context.Context, id store.ID) ([]byte, store.Ticket, error) {
	if err := ctx.Err(); err != nil {
		return nil, 0, c.c.fail(ctx, "get", err)
	}
	s, key, until := c.c.pick(id), c.c.key(id), c.c.until(ctx)
	it, dials, err := s.get(ctx, until, key)
	var nonce []byte
	if errors.Is(err, memcache.ErrCacheMiss) {
		nonce = make([]byte, 16)
		_, _ = rand.Read(nonce) // never fails since Go 1.24
		// Sent twice it is the same lease; the get tells whose lease it is.
		err = s.add(ctx, until, &memcache.Item{Key: key, Value: nonce, Flags: leaseFlags, Expiration: leaseSeconds}, true)
		if err == nil || errors.Is(err, memcache.ErrNotStored) {
			it, dials, err = s.get(ctx, until, key)
		}
		if errors.Is(err, memcache.ErrCacheMiss) {
			return nil, 0, nil // deleted or evicted meanwhile
		}
		if full(err) {
			return nil, 0, fmt.Errorf("memcachestore: get: %w: the server is out of memory", store.ErrTooLarge)
		}
	}
	if err != nil {
		return nil, 0, c.c.fail(ctx, "get", err)
	}
	t := store.Ticket(ticket(it.CasID, dials))
	if it.Flags != leaseFlags {
		return it.Value, t, nil
	}
	if nonce == nil || !bytes.Equal(it.Value, nonce) {
		return nil, 0, nil
	}
	return nil, t, nil
}

// Put implements [store.Cache], in one round trip. A copy may have CacheConfig.MaxItem bytes less 1 KiB. It is kept for at
// most thirty days.
func (c *Cache) Put(ctx context.Context, id store.ID, t store.Ticket, copy []byte, ttl time.Duration) error {
	if err := ctx.Err(); err != nil {
		return c.c.fail(ctx, "put", err)
	}
	if len(copy) > c.c.maxSize {
		return store.ErrTooLarge
	}
	if t == 0 {
		return store.ErrConflict
	}
	// Not for longer than what is counted from now: a date would go by the server's clock, and there is none after 2038.
	it := memcache.Item{Key: c.c.key(id), Value: copy, Flags: copyFlags, Expiration: expiration(min(ttl, maxRelative*time.Second), time.Now())}
	err := c.c.pick(id).cas(ctx, c.c.until(ctx), &it, uint64(t))
	switch {
	case err == nil:
		return nil
	case errors.Is(err, memcache.ErrCASConflict), errors.Is(err, memcache.ErrCacheMiss), errors.Is(err, errNoConn):
		return store.ErrConflict
	case full(err):
		return fmt.Errorf("memcachestore: put: %w: the server is out of memory", store.ErrTooLarge)
	}
	return c.c.fail(ctx, "put", err)
}

// Delete implements [store.Cache], in one round trip for each id, sixteen at a time. It tells every server that answers,
// also when another does not.
func (c *Cache) Delete(ctx context.Context, ids ...store.ID) error { return c.c.remove(ctx, ids) }
