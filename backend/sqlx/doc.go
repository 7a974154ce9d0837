// Package sqlxstore keeps sessions in PostgreSQL, MySQL, MariaDB or SQLite. A [Store] is a store.Indexed of core: it
// lists, removes a user's sessions and sweeps.
//
//	import _ "github.com/jackc/pgx/v5/stdlib"
//
//	db, err := sqlxstore.Open(ctx, "pgx", dsn, sqlxstore.Config{})
//	...
//	err = db.Migrate(ctx) // as often as you like
//	...
//	sessions, err := session.New(db, session.Config{})
//
// [New] does the same over a *sql.DB that the application has. The application imports its driver: pgx's
// database/sql driver or lib/pq, modernc.org/sqlite or mattn/go-sqlite3. MySQL's is imported here.
//
// # What it asks of the database
//
// Every operation is one statement or a few, each committed by itself, and no transaction: so any isolation level will
// do, any pooler (see Config.NoPrepare), a cluster that has one order of commits, and a pool of one connection.
// Conditions on the version take the place of locks. Times are whole microseconds in 64-bit integers: no time zone, no
// rounding, no end in 2038.
//
// On PostgreSQL a touch changes no column that has an index, so that it is a heap-only update. For that a row has the
// hour in which it may be swept, and no index has the time.
//
// # What holds, and what does not
//
//   - A revocation is as durable as a commit of the database is. With asynchronous replication, synchronous_commit=off or
//     innodb_flush_log_at_trx_commit=2, a failover or a crash may bring back what was revoked just before.
//   - Every statement must reach the primary. A proxy that sends reads to a replica is not supported: a revoked session
//     would be found there.
//   - A Galera cluster that is used through several nodes needs wsrep_sync_wait=1. Otherwise a node may answer with what
//     was there before, for a moment: a new session is not found, and one that was revoked is.
//   - MySQL Group Replication with several primaries needs group_replication_consistency=BEFORE or AFTER. Otherwise a
//     login may survive the removal of all of the user's sessions.
//   - With User.References, a user that is deleted in the database takes the sessions along. A cache in front does not
//     hear of that, and accepts its copies until they are too old. Revoke the user's sessions first, then delete the
//     user: afterwards there is nothing left to find.
//   - With User.References on MySQL and MariaDB, a login waits while a transaction of yours holds the row of that user.
//     Commit before you write the response. PostgreSQL does not wait.
//   - MySQL keeps at most 16 MiB of data a session, and no more than max_allowed_packet; the others 256 MiB. A larger
//     record is refused with store.ErrTooLarge, and nothing is changed.
//   - A context that ends stops the statement on PostgreSQL and SQLite. MySQL is not told: the statement may still run to
//     its end, which does no harm, as every one of them is conditional or may be repeated.
package sqlxstore
