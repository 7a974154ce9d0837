// Package rueidisstore keeps copies of sessions in Redis in front of a database, or the sessions themselves in Redis alone.
// It works with one server, behind Sentinel, and in a Cluster.
//
// A [Cache] is a store.Cache of core, the fast half of package cacheddb:
//
//	cache, err := rueidisstore.OpenCache(ctx, "redis://localhost:6379", rueidisstore.CacheConfig{})
//	...
//	both, err := cacheddb.New(cache, db, cacheddb.Config{})
//	...
//	sessions, err := session.New(both, session.Config{})
//
// A [Store] is a store.Indexed, for applications that have Redis and no database:
//
//	db, err := rueidisstore.Open(ctx, "redis://localhost:6379", rueidisstore.Config{})
//
// [NewCache] and [New] do the same over a rueidis.Client that the application has.
//
// # What it asks of the server
//
// Redis 6 or later, or what speaks like it, and scripts. From Redis 7 on a cache reads with one native command (SET with
// NX and GET), before that with a script. A user with an ACL needs GET, GETRANGE, SET, UNLINK, EXISTS, EVALSHA, EVAL,
// and what the client asks by itself: HELLO, CLIENT, PING, in a Cluster CLUSTER and ASKING, behind Sentinel ROLE. A store
// needs all of these but EXISTS, and GETEX, PTTL, PEXPIRE, ZADD, ZREM, ZRANGEBYLEX, ZREVRANGEBYLEX, SCAN and ROLE. [Open] and [New]
// refuse a user who lacks one of them. INFO tells them whether the server evicts; without that right a warning is logged.
//
// # What holds, and what does not
//
//   - A cache may evict, restart and lose everything: no user is signed out. A server for copies alone needs no persistence,
//     and should have a maxmemory-policy that evicts, such as allkeys-lru.
//   - A cache whose primary fails over to a replica that had not heard of the latest deletions may answer with copies that
//     were deleted, until they are too old for package cacheddb. So may a server that was restored from a snapshot.
//   - What another application puts under the keys of a cache is no copy, is removed, and never an error. Nor is what
//     somebody makes up on purpose, as package cacheddb authenticates copies. The records of a store are not: anyone who can write
//     to its server can make sessions, as with any database.
//   - A store is as durable as Redis is, and must not evict. See [Store].
//
// # Failovers behind one name
//
// Where a name, a virtual address or a proxy leads to another server after a failover, connections to the former primary
// may live on, and it may have become a replica. A server that says that it is not the one to ask, READONLY, MASTERDOWN,
// LOADING or NOREPLICAS, has done nothing, so each operation leaves it for a new connection and asks once more, within
// the same call. One that is full (OOM) or cannot save (MISCONF) is the right one, and its refusal is the answer.
//
// A replica would answer reads, with what it had when it last heard from its primary. No read of a [Store] is answered by
// one: it uses commands that replicas refuse, or asks for the role in the same round trip. A [Cache] is asked with such a
// command too, and with ClientSide each time that a process takes a copy of its own.
//
// In a Cluster and behind Sentinels the client finds the primary itself; a refusal makes it ask the Sentinels at once.
//
// # Connections
//
// The clients that this package opens have one connection to a server: commands of all goroutines share it, and with it the
// system calls. A server that hangs is given up after some 4 seconds; a lost connection is made again by the next call, at
// most twenty times in a second while that fails. A read whose connection was lost is sent again, once; a write of a Store
// is not, as it may have been done: that is [store.ErrUnavailable], with an outcome that is unknown. Deletes of copies are
// sent again.
//
// No call outlasts its context by more than a moment, whether that has a deadline or is canceled, and whatever the server,
// the network or the client does. Without a deadline a call ends after the Timeout of the configuration.
//
// # A client of the application's
//
// [New] and [NewCache] go by a client that the application has, and differ in this:
//
//   - Each call is made in a goroutine of its own, as nothing is known of the connections: that costs a microsecond.
//   - When a server has refused a call, the call is made again over a connection of the client's pool for blocking commands,
//     and QUIT is sent over one of its shared connections, to be rid of that. A client with several (PipelineMultiplex) may
//     keep others to the former primary, which cost a second round trip each time until they are gone. What the application
//     does over the connection at that moment fails.
//   - The client must not read from replicas, and have no ConnLifetime, which repeats commands that may be done already.
package rueidisstore
