package memory

import (
	"time"

	"github.com/qsessions/qsessions/core/store"
)

// slotBytes is what a slot needs beside its copy, measured where maps have just grown, and what sizes are rounded up by.
const slotBytes = 256

// sample is of how many slots evict takes the oldest.
const sample = 8

// set replaces what is in the slot of id. The caller holds the lock of sh.
func (c *Cache) set(sh *cacheShard, id store.ID, s slot) {
	if sh.slots == nil {
		sh.slots = map[store.ID]slot{}
	}
	if old, ok := sh.slots[id]; ok {
		c.used.add(0, int64(len(s.copy)-len(old.copy)))
	} else {
		c.used.add(1, slotBytes+int64(len(s.copy)))
	}
	sh.slots[id] = s
}

// drop empties the slot of id. The caller holds the lock of sh.
func (c *Cache) drop(sh *cacheShard, id store.ID) {
	if old, ok := sh.slots[id]; ok {
		delete(sh.slots, id)
		c.used.add(-1, -slotBytes-int64(len(old.copy)))
	}
}

// evict drops slots until the cache is within its bounds, but not the one with the ticket keep. It goes round the
// shards and holds up one at a time. The caller holds no lock.
func (c *Cache) evict(keep store.Ticket, now time.Time) {
	for idle := 0; idle < shardCount && c.over(); idle++ {
		if c.evictFrom(&c.shards[c.hand.Add(1)%shardCount], keep, now) {
			idle = -1 // there may be more of them
		}
	}
}

// evictFrom drops a slot that has ended, or the oldest of a sample. The order of a map is random enough for that.
func (c *Cache) evictFrom(sh *cacheShard, keep store.Ticket, now time.Time) bool {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	var victim store.ID
	var age uint64
	latest, n := c.ticket.Load(), 0
	for id, s := range sh.slots {
		if s.ticket == keep {
			continue
		}
		if !s.live(now) {
			victim, n = id, n+1
			break
		}
		if a := latest - uint64(s.ticket); n == 0 || a > age { // right beyond zero as well
			victim, age = id, a
		}
		if n++; n == sample {
			break
		}
	}
	if n > 0 {
		c.drop(sh, victim)
	}
	return n > 0
}

func (c *Cache) over() bool {
	return c.used.records.Load() > c.maxEntries() || c.used.bytes.Load() > c.maxBytes()
}

func (c *Cache) maxEntries() int64 {
	if c.config.MaxEntries == 0 {
		return DefaultCacheEntries
	}
	return int64(c.config.MaxEntries)
}

func (c *Cache) maxBytes() int64 {
	if c.config.MaxBytes == 0 {
		return DefaultCacheBytes
	}
	return c.config.MaxBytes
}
