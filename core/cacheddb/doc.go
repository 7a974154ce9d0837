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
//     reads of the database, and no user is signed out. While the database cannot be asked, fresh copies go on to answer.
//   - Nothing that a cache holds becomes a session, a user or a level: a copy is used only if this deployment has made it,
//     for this namespace, this session and until this time.
//
// # Who can do harm in the cache
//
// Copies are authenticated (AES-256-GMAC, NIST SP 800-38D) with a key that the database keeps as a [store.Keeper], which is made when
// it is first needed and read by every process. No configuration is needed, and none is forgotten: [New] refuses a database
// that keeps no key, unless it is given Config.Keys or told Config.Unauthenticated. RotateKey of the database's package,
// with the name [KeyName], replaces the key: all copies are then void, and each process learns of it within five minutes, or
// at the first copy with the new key.
//
// Anyone who can write to the cache on purpose can
//
//   - drop copies, and so make every load one of the database;
//   - put a genuine old copy back: a session that was revoked is then accepted, and a session has the data, the level and
//     the user that it had, for as long as that copy is fresh: Freshness plus Skew after it was made. An authoritative load
//     (LoadFresh, and so every Require with a MaxAge or a Level) is exact, and no save that began with such a copy undoes
//     anything, as the database compares versions.
//
// Anyone who can read the cache sees users, addresses, User-Agents and values, though no token: Config.Keys encrypts copies with
// AES-256-GCM, and takes the place of the database's key. (Values alone are hidden by session.Config.Keys as well.)
//
// # Keys in a fleet
//
// Instances that differ in their configuration may run side by side, as long as they are no more than one step apart: so
// a step is done when every instance has restarted. A copy that an instance cannot read is a miss, and is replaced by its
// own: that costs a read of the database, and never a session or an error. In these orders there is none even of that:
//
//	rotate the key A to B       Keys: A       → A, B         → B, A         → B
//	turn encryption on          Keys: none    → A            → A            → A
//	                            Plain:          PlainWritten   PlainRead      PlainRefused
//	turn it off                 the same, backwards
//
// An instance may be taken back by one step as well. The last step of each can wait until Freshness and Skew have passed:
// until then there are copies of before, which are misses if it comes at once.
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
