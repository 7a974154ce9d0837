// Package memcachestore keeps sessions in memcached: a [Cache] for the copies in front of a database, and a [Store] for
// sessions that may be lost.
//
//	db, err := sqlxstore.Open(ctx, "postgres", dsn, sqlxstore.Config{})
//	...
//	cache, err := memcachestore.OpenCache(ctx, []string{"cache1:11211", "cache2:11211"}, memcachestore.CacheConfig{})
//	...
//	both, err := cacheddb.New(cache, db, cacheddb.Config{})
//	...
//	sessions, err := session.New(both, session.Config{})
//
// It speaks the classic text protocol, by gomemcache. A read that finds a copy is one round trip, one that does not is
// three: gets, add of a lease, gets. Every change is a cas or a delete.
//
// # Servers
//
// Each id has its place on one server, by rendezvous hashing of the servers' names as they are configured: so every
// process must name them alike, in any order. A server that is added takes its share of the ids; one that is removed
// leaves its share to the others. A server that does not answer fails the calls for its ids. Its ids go nowhere else, as
// they would find old copies when they came back: in front of a database that is a slower read, not an outage.
//
// So empty a server before it is named again, and let processes that name different servers, or know different addresses
// of one, not run side by side for long: what one of them deletes another may still find. In front of a database that
// lasts no longer than a copy is fresh, but no store.PendingError says so.
//
// Name the servers themselves. A proxy (mcrouter, twemproxy), a load balancer or a name for several servers is not
// supported: tickets are told apart from those of a server's earlier life by the connection that they came over.
// Servers must give CAS ids, as they do without their option -C.
//
// Keep others away: loopback, a private network, or TLS by Dial. Anyone who can read a server sees sessions' data, though
// nothing that opens a session. Anyone who can write to it can end the sessions of a [Store] and make up some of any user, as
// records bear a checksum against accidents and no more. Copies in front of a database are authenticated, and encrypted with
// cacheddb.Config.Keys: there nothing is made up, and what is left is said in package cacheddb.
//
// # Calls
//
// A call has one deadline, the Timeout of the configuration or that of its context, whichever is earlier, also where the
// context has none, where the network swallows what is sent, and where Dial does not return. A context that is canceled in
// the middle of a call ends it within a tenth of a second. Connections that a restarted server has left behind cost no failed
// call: what may be repeated is, once, and before anything else the connection is looked at.
//
// # What does not hold for a Store
//
//   - No list, no revoke-all, no cut-off: it is no store.Indexed, and the session manager answers errors.ErrUnsupported
//     where it needs one. A restart or eviction signs out. So does a record that was damaged, as there is no database to ask.
//   - A server removes what has ended, a minute late, and what it has no room for. It must have room for all sessions.
//   - Create after Delete of the same id succeeds. The session manager never uses an id twice; but a server that was
//     stopped may carry out a Create after its caller was told of a failure. Nobody has the secret of that record.
//   - A record ends by the server's clock if that is more than thirty days ahead, else by how long it has left.
package memcachestore
