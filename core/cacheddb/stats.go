package cacheddb

import "sync/atomic"

// Stats counts what a [Store] did since it was made. A load is one of Hits, Misses, Stale, Bad, Bypassed and Fresh, or was
// Skipped or Failed to ask the cache and is one of Misses besides.
//
// What to watch: Open, and FailedPuts, FailedDeletes, TooLarge and Untold that go on growing. A cache that cannot be
// written is no error to any request; every session is then read from the database.
type Stats struct {
	Hits     uint64 // loads that a copy answered
	Misses   uint64 // loads that found no copy
	Stale    uint64 // loads that found a copy that is too old, or whose session had expired by it
	Bad      uint64 // loads that found what is no copy of this session: damaged, forged, foreign, of another version, key or namespace
	Bypassed uint64 // loads that did not use the copy, as the cache could not be told of a write
	Fresh    uint64 // loads that asked for the database's answer
	Stored   uint64 // copies that were stored
	Refused  uint64 // copies that were not stored, as something had happened to the slot: no fault
	TooLarge uint64 // copies and leases that the cache had no room for: too large, or its memory is full
	Failed   uint64 // calls of the cache that failed: it did not answer, or refused; the next two are among them
	// FailedPuts counts copies that could not be stored, and FailedDeletes calls that should have removed copies. A cache
	// whose reads succeed while these grow is read-only.
	FailedPuts, FailedDeletes uint64
	Skipped                   uint64 // calls of the cache that were not made while it does not answer, and copies not used or made while the key is not known
	Untold                    uint64 // sessions written or removed of which the cache could not be told: each removal among them was a *store.PendingError
	Open                      bool   // the cache does not answer and is left alone; its reads decide that, and its writes
}

type counters struct {
	hits, misses, stale, bad, bypassed, fresh, stored, refused, tooLarge, failed, failedPuts, failedDeletes, skipped, untold atomic.Uint64
}

// Stats returns the counts. They need not be of one moment.
func (s *Store) Stats() Stats {
	c := &s.count
	return Stats{
		Hits: c.hits.Load(), Misses: c.misses.Load(), Stale: c.stale.Load(), Bad: c.bad.Load(), Bypassed: c.bypassed.Load(),
		Fresh: c.fresh.Load(), Stored: c.stored.Load(), Refused: c.refused.Load(), TooLarge: c.tooLarge.Load(),
		Failed: c.failed.Load(), FailedPuts: c.failedPuts.Load(), FailedDeletes: c.failedDeletes.Load(), Skipped: c.skipped.Load(), Untold: c.untold.Load(), Open: s.breaker.open(),
	}
}
