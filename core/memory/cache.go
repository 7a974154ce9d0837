package memory

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

// The bounds of a cache whose [CacheConfig] does not set them.
const (
	DefaultCacheEntries = 1 << 18
	DefaultCacheBytes   = 256 << 20
)

// leaseTime is how long a Get has for its Put.
const leaseTime = 5 * time.Second

// CacheConfig holds the bounds of a [Cache]. Its zero value has the defaults.
type CacheConfig struct {
	MaxEntries int   // copies and leases; default DefaultCacheEntries
	MaxBytes   int64 // copies and an estimate of what holds them; default DefaultCacheBytes
}

// A Cache keeps copies in memory, for one process. Its zero value is ready to use, with the default bounds. It is safe
// for concurrent use and must not be copied.
//
// Beyond its bounds it drops what has ended, then what is old. It starts no goroutine: a copy whose ttl has ended is not
// seen again, but takes up room until its slot is used or the room is needed.
type Cache struct {
	config CacheConfig
	used   usage
	seed   sync.Once
	ticket atomic.Uint64 // the latest; a later one is never the same
	hand   atomic.Uint32 // where evict goes on
	shards [shardCount]cacheShard
}

var _ store.Cache = (*Cache)(nil)

// A cacheShard holds the slots of some ids.
type cacheShard struct {
	mu    sync.RWMutex
	slots map[store.ID]slot // an empty slot is not there
}

// A slot is full, or leased if it has no copy.
type slot struct {
	copy   []byte // never modified, only replaced: a reader copies it without the lock
	ticket store.Ticket
	end    time.Time
}

// NewCache returns an empty cache. The error says which bound is negative.
func NewCache(c CacheConfig) (*Cache, error) {
	if c.MaxEntries < 0 || c.MaxBytes < 0 {
		return nil, fmt.Errorf("memory: negative bound: MaxEntries %d, MaxBytes %d", c.MaxEntries, c.MaxBytes)
	}
	return &Cache{config: c}, nil
}

// Get implements [store.Cache]. A lease ends after five seconds.
func (c *Cache) Get(ctx context.Context, id store.ID) ([]byte, store.Ticket, error) {
	if err := ctx.Err(); err != nil {
		return nil, 0, err
	}
	now := time.Now()
	sh := c.shardOf(id)
	sh.mu.RLock()
	s := sh.slots[id]
	sh.mu.RUnlock()
	if !s.live(now) {
		var leased bool
		if s, leased = c.lease(sh, id, now); leased {
			c.evict(s.ticket, now)
			return nil, s.ticket, nil
		}
	}
	if s.copy == nil {
		return nil, 0, nil
	}
	return ownBytes(s.copy), s.ticket, nil
}

// lease puts a lease into the slot, unless something has come into it meanwhile. It returns what is there then.
func (c *Cache) lease(sh *cacheShard, id store.ID, now time.Time) (s slot, leased bool) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if s = sh.slots[id]; s.live(now) {
		return s, false
	}
	s = slot{ticket: c.next(), end: now.Add(leaseTime)}
	c.set(sh, id, s)
	return s, true
}

// Put implements [store.Cache]. It fails with [store.ErrTooLarge] if copy could not be kept in an empty cache.
func (c *Cache) Put(ctx context.Context, id store.ID, t store.Ticket, copy []byte, ttl time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if slotBytes+int64(len(copy)) > c.maxBytes() {
		return store.ErrTooLarge
	}
	now := time.Now()
	s := slot{copy: ownBytes(copy), end: now.Add(ttl)}
	if !c.replace(id, t, &s, now) {
		return store.ErrConflict
	}
	c.evict(s.ticket, now)
	return nil
}

// replace gives s a ticket and puts it into the slot of id, if that still has the ticket t.
func (c *Cache) replace(id store.ID, t store.Ticket, s *slot, now time.Time) bool {
	sh := c.shardOf(id)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if old := sh.slots[id]; old.ticket != t || !old.live(now) { // no live slot has the zero ticket
		return false
	}
	s.ticket = c.next()
	c.set(sh, id, *s)
	return true
}

// Delete implements [store.Cache].
func (c *Cache) Delete(ctx context.Context, ids ...store.ID) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, id := range ids {
		sh := c.shardOf(id)
		sh.mu.Lock()
		c.drop(sh, id)
		sh.mu.Unlock()
	}
	return nil
}

// next returns a ticket that no slot of this cache has had. It counts from a random number, so that neither has one of
// the process before.
func (c *Cache) next() store.Ticket {
	c.seed.Do(func() { c.ticket.Store(rand.Uint64()) })
	for {
		if t := c.ticket.Add(1); t != 0 {
			return store.Ticket(t)
		}
	}
}

// live reports whether the slot is not empty. The zero slot is.
func (s slot) live(now time.Time) bool { return s.end.After(now) }

// ownBytes returns a copy of b that is not nil.
func ownBytes(b []byte) []byte { return append(make([]byte, 0, len(b)), b...) }

// shardOf spreads by a random byte of the id.
func (c *Cache) shardOf(id store.ID) *cacheShard { return &c.shards[id[15]%shardCount] }
