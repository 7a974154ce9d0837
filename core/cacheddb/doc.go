// Package cacheddb puts a volatile cache in front of a database: Django's cached_db, without its races. A fresh copy
// answers a load without the database; only the database accepts a write, and only the database says no.
//
//	both, err := cacheddb.New(cache, db, cacheddb.Config{})
//	sessions, err := session.New(both, session.Config{})
//
// # What holds
//
//   - A copy is stored only under a ticket that was taken before the database was read, and only while nothing has
//     happened to its slot since. A read that began before a revocation cannot put the session back.
//   - A write goes to the database first. Then the writer replaces the copy that it has seen, or else deletes what is
//     there. It never fills an empty slot.
//   - Every copy says until when it may be used: Config.Freshness after the database was asked. A touch renews it, as it
//     proves the copy current, so Freshness should be at least twice the interval of touches
//     (session.Policy.TouchEvery): then a busy session is never read from the database again.
//   - A removal is done in the database first. If the cache cannot be told of it, Delete and DeleteUser return a
//     [store.PendingError]: nobody uses a copy after its EffectiveBy.
//   - The cache may be slow, stopped, empty, full, or answer anything at all, such as another session's copy. That costs
//     reads of the database, and nobody is signed out. While the database cannot be asked, fresh copies go on to answer.
//
// Copies bear a checksum, against accidents. Whoever can write to the cache on purpose could make one up, and whoever can
// read it sees sessions' data, though no token: Config.Keys encrypts and authenticates copies, each bound to its session.
//
// # What does not hold
//
// A cache that goes back to older data (a promoted replica, a snapshot that was restored) may bring back the copy of a
// removed session until it is Freshness plus Skew old. So long other processes may also go on with what was there before a
// write whose process could not tell the cache, or did not get the database's answer: with data that has changed, and with
// a token that was replaced.
//
// A process that changes the database without the cache tells nobody. Neither does a database that removes sessions with
// their user: they are accepted for as long, and RevokeUser does not find them any more. Call it first.
//
// Loads must reach the primary of a replicated database, not a replica.
package cacheddb
