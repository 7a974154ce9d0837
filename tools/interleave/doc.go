// Package interleave runs session.Manager over cacheddb.Store, the code that applications use, through all interleavings
// of two or three operations.
//
// The database and the cache are fakes in memory with the semantics of SQL, memcached and Redis. Each of their commands is
// a step: the operation that calls it stops, and goes on when a scheduler says so, so that one goroutine runs at a time
// and the scheduler decides everything. [Explore] enumerates the schedules depth first: it runs one to its end, goes back
// to the last place where another choice is left, and replays the choices up to there in a new world. On top of the steps
// it chooses, at most once in a schedule, a fault: a command that fails without effect, one that fails and has its effect
// at any later moment, a process that dies, a copy that is evicted, a cache that restarts, time that passes.
//
// Schedules that differ only in the order of steps which do not touch the same thing have the same outcome; one of each is
// run. What decides is what a step did touch (sleep sets with conditional independence: Godefroid, Partial-Order Methods
// for the Verification of Concurrent Systems, 1996, chapter 5). The order of an operation's end and of another one's begin
// counts too, since the promises are about operations that begin after others have returned.
//
// After each schedule loads are made through both processes, and everything is compared with the invariants:
//
//	I1   after a nil revocation every load that starts later is refused; after a PendingError an authoritative one at
//	     once, and every one after EffectiveBy
//	I2   what was acknowledged is in the record, once
//	I3   nothing that was removed comes back
//	I4   a live session is accepted, whatever the cache does, and faults of the cache reach no one
//	I5   a fault of the database is ErrUnavailable: no one is taken for anonymous, no cookie is cleared
//	I6   no login survives a RevokeUser, or a RevokeOthers of another session, that began after it
//	I7   what is written to the cache without the key says nothing: no load and no row has its user
//	T1   a token is handed out by the winner of a compare-and-set alone: one at most for each exchange, and none to a client
//	     that comes with a token which is over; behind the save that replaces a token, none that came before it saves
//	T2   the first token shown wins: behind it the others are open for Grace, and in time where the cache could not be told;
//	     a token with two successors out is worn
//	T3   no client is signed out by an exchange whose answer is lost, nor by losing the compare-and-set
//	T4   a login never joins another one's session: it has a session of its own, its own proof, and the values as it read
//	     them, without those that were saved after the other login
//	T5   an end that was asked for, by Logout or RevokeOthers, holds although the response fails
//	RYW  a load that starts after a save returned sees what it saved; where the cache could not be told, in time
package interleave
