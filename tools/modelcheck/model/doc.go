// Package model checks the protocol of cached_db: a cache of copies under tickets in front of a database.
//
// It knows one session: its row, its slot in the cache, and processes that load, save, touch, rotate, log in and revoke.
// Each call of the database or the cache is one step of one process, and [Check] tries all interleavings of all steps,
// the shortest first, so that what it finds is a shortest counterexample. Beside the processes the world acts: copies are
// evicted, calls are lost or run late, servers restart, time passes.
//
// A [Variant] says who takes part and what the world may do. Its zero mistakes are the protocol as it is meant; each
// mistake is one thing done differently, and must break the invariant that the table of variants names for it.
//
// Any number of loads, evictions and lost calls is covered: a process that is done begins anew, and nothing counts. What
// counts is bounded: saves, touches, logins, revocations and the clock.
package model
