package cacheddb

import "sync/atomic"

// Stats counts what a [Store] did since it was made.
type Stats struct {
	Hits     uint64 // loads that a copy answered
	Misses   uint64 // loads that found no copy
	Stale    uint64 // loads that found a copy that is too old, or whose session had expired by it
	Bad      uint64 // loads that found what is no copy of this session: damaged, forged, foreign, of another version, key or namespace
	Bypassed uint64 // loads that did not use the copy, as the cache could not be told of a write
	Fresh    uint64 // loads that asked for the database's answer
	Stored   uint64 // copies that were stored
	Refused  uint64 // copies that were not stored, as something had happened to the slot
	TooLarge uint64 // copies that the cache could not take
	Failed   uint64 // calls of the cache that failed
	Skipped  uint64 // calls of the cache that were not made while it does not answer, and copies not used or made while the key is not known
	Untold   uint64 // sessions written or removed of which the cache could not be told
	Open     bool   // the cache does not answer and is left alone
}

type counters struct {
	hits, misses, stale, bad, bypassed, fresh, stored, refused, tooLarge, failed, skipped, untold atomic.Uint64
}

// Stats returns the counts. They need not be of one moment.
func (s *Store) Stats() Stats {
	c := &s.count
	return Stats{
		Hits: c.hits.Load(), Misses: c.misses.Load(), Stale: c.stale.Load(), Bad: c.bad.Load(), Bypassed: c.bypassed.Load(),
		Fresh: c.fresh.Load(), Stored: c.stored.Load(), Refused: c.refused.Load(), TooLarge: c.tooLarge.Load(),
		Failed: c.failed.Load(), Skipped: c.skipped.Load(), Untold: c.untold.Load(), Open: s.breaker.open(),
	}
}
