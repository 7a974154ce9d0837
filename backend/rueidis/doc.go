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
// needs those of its index besides.
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
// # Connections
//
// The clients that this package opens have one connection to a server: commands of all goroutines share it, and with it the
// system calls. A server that hangs is given up after some 4 seconds; until then a call waits for no longer than its
// deadline and that of one attempt to connect, as long as fewer than four thousand calls are under way.
package rueidisstore
