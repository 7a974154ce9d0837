// Package storestest gives tests a fresh database of each kind, by its address.
package storestest

import (
	"net/url"
	"path/filepath"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/qsessions/qsessions/testserver"
)

// Each runs f as a parallel subtest over an empty database of each kind. The package's TestMain must call
// [testserver.Run].
func Each(t *testing.T, f func(t *testing.T, address string)) {
	t.Helper()
	for _, db := range []struct {
		name    string
		address func(testing.TB) string
	}{
		{"SQLite", SQLite}, {"PostgreSQL", Postgres}, {"MariaDB", MariaDB},
	} {
		t.Run(db.name, func(t *testing.T) {
			t.Parallel()
			f(t, db.address(t))
		})
	}
}

// EachFront is Each, with the addresses of a database and of a cache in front of it, which is "" for none.
func EachFront(t *testing.T, f func(t *testing.T, address, cache string)) {
	t.Helper()
	Each(t, func(t *testing.T, address string) { f(t, address, "") })
	t.Run("SQLite behind memcached", func(t *testing.T) {
		t.Parallel()
		f(t, SQLite(t), "memcached://"+testserver.Memcached(t).Addr)
	})
	t.Run("PostgreSQL behind Redis", func(t *testing.T) {
		t.Parallel()
		f(t, Postgres(t), "redis://"+testserver.Redis(t).Addr)
	})
}

// SQLite returns the address of a file that is not there yet.
func SQLite(tb testing.TB) string { return "sqlite:" + filepath.Join(tb.TempDir(), "sessions.db") }

// Postgres returns the address of an empty database.
func Postgres(tb testing.TB) string { return testserver.Postgres(tb).Database(tb) }

// MariaDB returns the address of an empty database.
func MariaDB(tb testing.TB) string {
	c, err := mysql.ParseDSN(testserver.MariaDB(tb).Database(tb))
	if err != nil {
		tb.Fatal("the address of the test server is malformed")
	}
	u := url.URL{Scheme: "mysql", User: url.UserPassword(c.User, c.Passwd), Host: c.Addr, Path: "/" + c.DBName}
	return u.String()
}
