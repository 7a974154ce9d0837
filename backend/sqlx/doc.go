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
// Every statement names a key, also for servers with sql_safe_updates. No error of [Open] has a part of a password, and a new SQLite
// file is for its owner alone. The rights that a role needs to migrate, and to run, are in docs/grants.md of the repository.
//
// On MySQL and MariaDB the client charset of the connections must be one in which escaping is safe: utf8mb4, which is the driver's
// default, or another one but big5, cp932, gb18030, gb2312, gbk and sjis. [Open] sets it on each connection where the driver escapes.
// [New] asks one connection of the pool, so a pool must set up all of them alike.
//
// # What holds, and what does not
//
//   - A revocation is as durable as a commit of the database is. With asynchronous replication, synchronous_commit=off or
//     innodb_flush_log_at_trx_commit=2, a failover or a crash may bring back what was revoked just before.
//   - Every statement must reach the primary. A server that accepts no writes, a replica or a primary of before a failover,
//     answers no read either: a revoked session would be found there. Such a server is an outage
//     ([store.ErrUnavailable]), also in maintenance. A proxy that sends reads to replicas is not supported. On MySQL and MariaDB the role must not have
//     SUPER, READ ONLY ADMIN or CONNECTION_ADMIN: for such a one a server that is read-only accepts writes, which the new primary never
//     sees.
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
//   - A call that finds its connection reset, the server behind it read-only, or its prepared statement refused, is tried a
//     second time at once, on a connection that works. After a failover behind one name no pooled connection keeps the
//     store at the old server. A write that may have been executed is not repeated: its outcome is unknown, and the error
//     matches [store.ErrUnavailable]. With several hosts in a DSN of PostgreSQL, add target_session_attrs=read-write.
//   - No call outlives its context by more than a moment, also where the network swallows packets. pgx and the drivers of MySQL and
//     modernc.org/sqlite see to that themselves. For others, lib/pq among them, a call waits in a goroutine beside the driver,
//     which costs about a microsecond. Open also closes the connections of lib/pq that hang; over a pool of yours ([New]) they are
//     taken until TCP gives them up, so give that pool a bound (SetMaxOpenConns) and its DSN a connect_timeout. Above 8192 such calls,
//     others fail at once.
//   - A pooler that gives connections to other clients between statements, such as PgBouncer in transaction mode, needs
//     Config.NoPrepare. Open then sets the driver's option. With New it is yours: default_query_exec_mode=exec (or
//     simple_protocol) for pgx, binary_parameters=yes for lib/pq. Both functions refuse a pooler that loses prepared statements, and
//     NoPrepare without the option, as far as they can see it: pgx's describe_exec is as wrong, and looks right.
//     PgBouncer itself needs ignore_startup_parameters=extra_float_digits for lib/pq, and server_login_retry=1: its default
//     makes a restart of PostgreSQL last 15 seconds for users.
//   - A context that ends stops the statement on PostgreSQL and SQLite. MySQL is not told: the statement may still run to
//     its end, which does no harm, as every one of them is conditional or may be repeated.
package sqlxstore
