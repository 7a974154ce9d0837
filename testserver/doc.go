// Package testserver starts throwaway PostgreSQL, MariaDB, Redis and memcached servers for tests and benchmarks, clusters
// and replicated pairs of them, and PgBouncer in front: on free loopback ports, in temporary directories, as root or not, and ends exactly those.
//
// A test package hands its run to [Run] and then asks for servers where it needs them. One server of a kind is shared
// by all tests of the process, and starts when the first of them asks:
//
//	func TestMain(m *testing.M) { os.Exit(testserver.Run(m)) }
//
//	func TestQuery(t *testing.T) {
//		dsn := testserver.Postgres(t).Database(t) // a fresh database, dropped when t ends
//		...
//	}
//
// A test whose server program is missing fails where the environment has CI=true. Elsewhere it is skipped, and Run
// names it and the Debian package at the end.
//
// Where one of these is set, that server is used and none is started:
//
//	QSESSIONS_TEST_POSTGRES    postgres://user:password@host:port/database?sslmode=disable
//	QSESSIONS_TEST_MYSQL       user:password@tcp(host:port)/database
//	QSESSIONS_TEST_REDIS       host:port
//	QSESSIONS_TEST_MEMCACHED   host:port
//	QSESSIONS_TEST_PGBOUNCER   as QSESSIONS_TEST_POSTGRES, in transaction mode
//
// None names a cluster or a pair: their tests are about their faults.
//
// Commands and benchmarks use [Start] and [Server.Stop], and so does a test that harms a server: [Server.Kill],
// [Server.Pause], [Server.Restart], [Server.Restore] and the rest work on a server of its own, and on each one of a
// [Cluster]. What happens to messages on their way is the business of package faultproxy.
//
//	cache, err := testserver.Start(ctx, testserver.KindRedis, testserver.Options{})
//	...
//	defer cache.Stop()
//	cache.Kill()
//	...                      // the cache is gone
//	err = cache.Restart(ctx) // it is back, at the same address, empty
package testserver
