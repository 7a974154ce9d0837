package sqlxstore

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

func TestDSN(t *testing.T) {
	direct := Config{NoPrepare: true}
	users := Config{User: UserColumn{References: "users(id)"}}
	for _, k := range []struct {
		driver, dsn string
		c           Config
		want        string
	}{
		{"postgres", "postgres://u:p@h/db", Config{}, "postgres://u:p@h/db?connect_timeout=10"},
		{"postgres", "postgresql://h/db?sslmode=disable", direct, "postgresql://h/db?sslmode=disable&connect_timeout=10&binary_parameters=yes"},
		{"postgres", "postgres://h/?connect_timeout=3&binary_parameters=no", direct, "postgres://h/?connect_timeout=3&binary_parameters=no"},
		{"postgres", "host=h password='a b'", direct, "binary_parameters=yes connect_timeout=10 host=h password='a b'"},
		{"postgres", "host=h password=", Config{}, "connect_timeout=10 host=h password="},
		{"postgres", "host=h connect_timeout = 3", Config{}, "host=h connect_timeout = 3"},
		{"postgres", "", Config{}, "connect_timeout=10 "},
		{"pgx", "postgres://h/db", direct, "postgres://h/db?connect_timeout=10&default_query_exec_mode=exec"},
		{"pgx", "host=h default_query_exec_mode=simple_protocol", direct, "connect_timeout=10 host=h default_query_exec_mode=simple_protocol"},
		{"pgx", "registeredConnConfig0", direct, "registeredConnConfig0"},
		{"sqlite", "/var/lib/a b#%.db", Config{}, "file:/var/lib/a b%23%25.db?_pragma=busy_timeout%285000%29&_pragma=journal_mode%28WAL%29&_pragma=synchronous%28NORMAL%29&_txlock=immediate"},
		{"sqlite", "file:x.db?_pragma=busy_timeout(1)&_pragma=JOURNAL_MODE=delete&_pragma=synchronous(2)&_txlock=deferred", users, "file:x.db?_pragma=busy_timeout%281%29&_pragma=JOURNAL_MODE%3Ddelete&_pragma=synchronous%282%29&_pragma=foreign_keys%281%29&_txlock=deferred"},
		{"sqlite3", "x.db", Config{}, "file:x.db?_busy_timeout=5000&_journal_mode=WAL&_synchronous=NORMAL&_txlock=immediate"},
		{"sqlite3", "x.db?_timeout=1&_journal=OFF&_sync=2&_fk=0", users, "file:x.db?_fk=0&_journal=OFF&_sync=2&_timeout=1&_txlock=immediate"},
	} {
		got, err := driverKinds[k.driver].dsn(k.dsn, &k.c)
		if err != nil || got != k.want {
			t.Errorf("%s %q:\n got %q, %v\nwant %q", k.driver, k.dsn, got, err, k.want)
		}
	}
}

func TestDSNMemory(t *testing.T) {
	for _, driver := range []string{"sqlite", "sqlite3"} {
		for _, dsn := range []string{"", ":memory:", "file::memory:", "file::memory:?cache=shared", "file:x?mode=memory", "file:x?vfs=memdb", "file:?_txlock=deferred"} {
			if got, err := driverKinds[driver].dsn(dsn, &Config{}); err == nil {
				t.Errorf("%s %q: no error, got %q", driver, dsn, got)
			}
		}
	}
}

func TestMySQLConfig(t *testing.T) {
	c, err := mysqlConfig("u:p@tcp(h:1)/db", &Config{})
	if err != nil {
		t.Fatal(err)
	}
	if c.Timeout != 10*time.Second || c.ReadTimeout != 30*time.Second || c.WriteTimeout != 30*time.Second || c.InterpolateParams || c.ClientFoundRows {
		t.Errorf("got %+v", c)
	}
	c, err = mysqlConfig("u:p@tcp(h:1)/db?timeout=1s&readTimeout=0&clientFoundRows=true&collation=utf8mb4_bin", &Config{NoPrepare: true})
	if err != nil {
		t.Fatal(err)
	}
	if c.Timeout != time.Second || c.ReadTimeout != 0 || c.WriteTimeout != 30*time.Second || !c.InterpolateParams || !c.ClientFoundRows || c.Collation != "utf8mb4_bin" {
		t.Errorf("got %+v", c)
	}
	for dsn, want := range map[string]string{
		"/db": "charset=utf8mb4", "/db?charset=latin1": "charset=latin1", "/db?collation=latin1_bin": "charset=latin1", "/db?interpolateParams=false": "",
	} {
		c, err := mysqlConfig(dsn, &Config{NoPrepare: true})
		if err != nil || !strings.Contains(c.FormatDSN(), want) || want == "" && strings.Contains(c.FormatDSN(), "charset") {
			t.Errorf("%s: got %v, %v, want %s", dsn, c.FormatDSN(), err, want)
		}
	}
	for _, dsn := range []string{"/db?charset=utf8mb4,GBK", "/db?charset=sjis", "/db?collation=big5_chinese_ci", "/db?interpolateParams=false&charset=gbk", "/db?charset=nosuch"} {
		for _, c := range []Config{{}, {NoPrepare: true}} {
			if _, err := mysqlConfig(dsn, &c); err == nil {
				t.Errorf("%s: no error", dsn)
			}
		}
	}
}

// TestOpenPassword: whatever is wrong with a DSN, no error repeats its password.
func TestOpenPassword(t *testing.T) {
	const password = "s3cret%zz"
	for _, k := range []struct{ driver, dsn string }{
		{"mysql", "root:" + password + "/db"},
		{"mysql", "root:" + password + "@tcp(127.0.0.1:1)/db?timeout=x"},
		{"mysql", "root:" + password + "@nonet(127.0.0.1:1)/db"},
		{"mysql", "root:" + password + "@tcp(127.0.0.1:1)/db?timeout=200ms"},
		{"postgres", "postgres://u:" + password + "@h/db"},
		{"pgx", "postgres://u:" + password + "@h/db"},
		{"sqlite", password},
	} {
		_, err := Open(t.Context(), k.driver, k.dsn, Config{})
		if err == nil {
			t.Errorf("%s: no error", k.driver)
		} else if strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: the error has the password: %v", k.driver, err)
		}
		if kind := driverKinds[k.driver]; kind.dsn != nil {
			if _, err := kind.dsn(k.dsn, &Config{}); err != nil && strings.Contains(err.Error(), "s3cret") {
				t.Errorf("%s: the error has the password: %v", k.driver, err)
			}
		}
	}
	for _, dsn := range []string{
		"postgres://u:hunter22@h/db", "postgres://u:hunter%32%32@h/db", "host=h password=hunter22 user=u", "host=h password = 'hunter22'",
		"postgres://h/db?user=u&password=hunter22", "u:hunter22@tcp(h)/db",
	} {
		err := withoutPassword(fmt.Errorf("sqlxstore: open: %w: cannot parse %s with hunter22", store.ErrUnavailable, dsn), dsn)
		if strings.Contains(err.Error(), "hunter22") || strings.Contains(err.Error(), "hunter%32%32") || !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("%s: got %v", dsn, err)
		}
	}
	if err := withoutPassword(errors.New("open: abc"), "u:b@tcp(h)/db"); strings.Contains(err.Error(), "abc") {
		t.Errorf("a password of one letter shows: %v", err)
	}
	plain := errors.New("dial: refused")
	if err := withoutPassword(plain, "u:hunter22@tcp(h)/db"); err != plain {
		t.Errorf("got %v, want the error as it was", err)
	}
}

// TestOpenForeignDSN: RPT-47. A DSN that is another database's is refused at once, and the error says which form it should have,
// whether it has a password or not.
func TestOpenForeignDSN(t *testing.T) {
	forms := map[string]string{"pgx": "URL whose scheme is postgres", "mysql": "user:password@tcp(host:port)", "sqlite": "path of a file"}
	for _, k := range []struct{ driver, dsn string }{
		{"pgx", "root@tcp(127.0.0.1:1)/app"}, {"pgx", "root:hunter22@tcp(127.0.0.1:1)/app?parseTime=true"}, {"pgx", "app.db"},
		{"pgx", "mysql://root:hunter22@127.0.0.1:1/app?a=b"}, {"pgx", "redis://127.0.0.1:1"},
		{"mysql", "postgres://postgres@127.0.0.1:1/postgres?sslmode=disable"}, {"mysql", "mysql://root:hunter22@127.0.0.1:1/app"},
		{"mysql", "host=127.0.0.1 user=host password=hunter22"}, {"mysql", "app.db"},
		{"sqlite", "postgres://postgres@127.0.0.1:1/postgres"}, {"sqlite", "root@tcp(127.0.0.1:1)/app"},
	} {
		kind := driverKinds[k.driver]
		var err error
		if kind.dsn != nil { // the drivers are not here
			_, err = kind.dsn(k.dsn, &Config{})
		} else {
			_, err = Open(t.Context(), k.driver, k.dsn, Config{})
		}
		if err == nil || !strings.Contains(err.Error(), forms[k.driver]) || strings.Contains(err.Error(), "hunter22") {
			t.Errorf("%s %s: got %v, want the form %s", k.driver, k.dsn, err, forms[k.driver])
		}
	}
}

// TestOpenSilentServer: a server that accepts connections and does not greet, as PostgreSQL and Redis do to a client of
// MySQL, is given the time that the DSN has for connecting, and not that for an answer.
func TestOpenSilentServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, err = Open(t.Context(), "mysql", "root@tcp("+l.Addr().String()+")/db?timeout=50ms", Config{})
	if err == nil || !strings.Contains(err.Error(), "or is no MySQL server") || !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}

func TestOpenNoDriver(t *testing.T) {
	for driver, want := range map[string]string{"postgres": "github.com/lib/pq", "sqlite": "modernc.org/sqlite", "sqlite3": "go-sqlite3", "pgx": "pgx/v5/stdlib", "nosuch": "nosuch"} {
		_, err := Open(t.Context(), driver, "x", Config{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want it to name %s", driver, err, want)
		}
	}
}
