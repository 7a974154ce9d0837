package interleave

import (
	"maps"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

// lease is how long a lease lasts.
const lease = 5 * time.Second

// A Cache names the semantics of a cache.
type Cache uint8

// The caches.
const (
	Memcached Cache = iota // classic protocol: a lease takes three commands, each a step
	Redis                  // each verb is one atomic step
)

// String returns the name.
func (c Cache) String() string { return [...]string{"memcached", "Redis"}[c] }

// first is the first command of a Get, but for its effect.
func (c Cache) first() command { return command{cache: true, writes: c == Redis} }

func (c Cache) open(s *slots) store.Cache {
	if c == Redis {
		return redis{s}
	}
	return memcached{s}
}

// slots are the memory of a cache.
type slots struct {
	s      *scheduler
	id     store.ID // of the session that the operations are about
	items  map[store.ID]item
	random uint64 // the latest nonce: counted, and yet as good as a random one
	cas    uint64 // memcached's counter, which begins anew with the server
	epoch  uint64 // one more with each restart
}

// An item is a copy, or a lease if copy is nil.
type item struct {
	copy  []byte
	stamp uint64 // tells this state of the slot from others
	owner uint64 // of a lease, in memcached: tells whose it is
	until time.Time
}

func (c *slots) get(id store.ID) (item, bool) {
	i, ok := c.items[id]
	return i, ok && time.Now().Before(i.until)
}

func (c *slots) object(id store.ID) object {
	if id == c.id {
		return slotS
	}
	return slotOther
}

func (c *slots) nonce() uint64 {
	c.random++
	return c.random
}

// remove empties slots.
func (c *slots) remove(ids ...store.ID) (f footprint) {
	for _, id := range ids {
		if _, ok := c.get(id); ok {
			f.wrote |= c.object(id)
		}
		f.read |= c.object(id)
		delete(c.items, id)
	}
	return f
}

func (c *slots) occupied() bool {
	_, ok := c.get(c.id)
	return ok
}

func (c *slots) evict() footprint { return c.remove(c.id) }

func (c *slots) restart() footprint {
	clear(c.items)
	c.cas = 0
	c.epoch++
	return footprint{wrote: slotS | slotOther}
}

func (c *slots) snapshot() *slots {
	n := *c
	n.items = maps.Clone(c.items)
	return &n
}
