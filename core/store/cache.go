package store

import (
	"context"
	"time"
)

// A Cache keeps copies of records in front of a database, and may lose them at any time. Package cacheddb makes a [Store]
// of a Cache and a database; package cachetest of the conformance module verifies a Cache, sentence by sentence.
//
// Each ID has a slot, which is empty, leased or full. Copies are opaque: a cache neither reads nor changes them. It has
// no say in what is true, so it may answer anything at all, and the caller checks what it gets. What it must be right
// about is [Cache.Put].
//
// As with a store, every method is safe for concurrent use, honors ctx, neither modifies nor keeps a slice that it was
// given, and hands out none that it keeps. An error other than those named here means that the cache could not be
// asked, and that the outcome of Put and Delete is unknown. No error text holds a part of a copy.
//
// A cache whose clients keep copies of their own has another method, Lag() time.Duration: for how long, at most, a client
// may answer with a copy that another one has replaced or deleted. Whoever wraps such a cache passes it on.
type Cache interface {
	// Get returns the copy of id, or nil where there is none, and a ticket for what it found in the slot. On an empty slot
	// that ticket is a lease, which Get puts there, and which ends by itself after about 5 seconds. Where another Get has
	// put a lease that has not ended, copy is nil and the ticket is zero. No two states of a slot ever have the same
	// ticket: not two leases of one client, and none before and after a restart of the cache. Get prolongs nothing. A cache
	// that has no room for the lease may return [ErrTooLarge]: there is no copy, and the slot is still empty.
	Get(ctx context.Context, id ID) (copy []byte, t Ticket, err error)

	// Put stores copy for ttl if nothing at all has happened to the slot since Get gave t; else it changes nothing and
	// returns [ErrConflict], as it does for a zero t. So it never fills an empty slot, and a ticket works once. A copy that
	// the cache cannot take is [ErrTooLarge], and changes nothing. A caller tries no Put twice, and neither does a cache.
	// ttl is for cleaning up only: a cache may drop a copy sooner, and keeps none much longer. It is more than zero.
	Put(ctx context.Context, id ID, t Ticket, copy []byte, ttl time.Duration) error

	// Delete empties slots, leases included: after it no ticket from before is of use. Empty slots are no error.
	Delete(ctx context.Context, ids ...ID) error
}

// A Ticket stands for one state of one slot of a [Cache]; zero stands for none. What is in it is the cache's own business.
type Ticket uint64
