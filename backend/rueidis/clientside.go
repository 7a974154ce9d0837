package rueidisstore

import (
	"bytes"
	"context"
	"encoding/binary"
	"sync/atomic"

	"github.com/redis/rueidis"

	"github.com/qsessions/qsessions/core/store"
)

// nearSlots is how many ids a process remembers to have seen a copy of: somewhat more than 32 MiB of copies.
const nearSlots = 1 << 15

// near remembers the ids of which there was a copy a moment ago. Only those are asked for by client-side caching, which
// would otherwise remember each id that somebody has made up, and would make a miss cost two round trips. It forgets, and
// may take one id for another: both cost a round trip at most.
type near struct {
	ids [nearSlots]atomic.Uint64
}

// tail is the random part of an id.
func tail(id store.ID) uint64 { return binary.BigEndian.Uint64(id[8:]) }

func (n *near) slot(id store.ID) *atomic.Uint64 { return &n.ids[tail(id)%nearSlots] }

func (n *near) has(id store.ID) bool { return n.slot(id).Load() == tail(id) }

func (n *near) add(id store.ID) { n.slot(id).Store(tail(id)) }

func (n *near) drop(id store.ID) { n.slot(id).CompareAndSwap(tail(id), 0) }

// getNear returns a copy of this process's own or, when it has none, one that the server gives it and then watches over.
// That one may come from a replica, which would answer for ever: so the caller asks the server once more, by what a replica
// refuses, and the copy is good for the next calls. The ticket is zero if there was no copy, or an error.
func (c *Cache) getNear(ctx context.Context, key string) (copy []byte, t store.Ticket, own bool) {
	p, err := c.link.peer(ctx)
	if err != nil {
		return nil, 0, false
	}
	// Static: it asks for no TTL, as a copy says itself until when it may be used.
	result := p.doCache(ctx, p.client.B().Get().Key(key).Cache().ToStaticTTL(), c.config.ClientSide)
	slot, err := result.AsBytes()
	if err != nil || result.CachePTTL() == 0 { // another call has asked, and the answer was under way for too long
		return nil, 0, false
	}
	copy, t, _ = parseSlot(slot)
	if !result.IsCacheHit() || t == 0 {
		return nil, t, false
	}
	return bytes.Clone(copy), t, true // the slot stays with the client, for all that ask after
}

// fence is a command without effect. With one connection its answer comes after the news of what was sent before it: then
// this process has dropped its own copy of the key.
func fence(b rueidis.Builder, key string) rueidis.Completed {
	return b.Exists().Key(key).Build()
}
