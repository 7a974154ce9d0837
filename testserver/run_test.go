package testserver

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestShared wants one server for two tests of a process.
func TestShared(t *testing.T) {
	if first, second := Redis(t), Redis(t); first != second {
		t.Errorf("got servers at %s and %s", first.Addr, second.Addr)
	}
}

// TestMissing runs a test without the server it needs: it fails in CI; elsewhere it is skipped and the report names it.
func TestMissing(t *testing.T) {
	for _, ci := range []string{"true", ""} {
		t.Run("CI="+ci, func(t *testing.T) {
			t.Parallel()
			report := filepath.Join(t.TempDir(), "report")
			if err := os.WriteFile(report, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := helper(t, "^TestShared$")
			cmd.Env = append(cmd.Environ(), "PATH=/nonexistent", "CI="+ci, "QSESSIONS_TEST_REDIS=", reportEnv+"="+report)
			output, err := cmd.CombinedOutput()
			if failed := err != nil; failed != (ci == "true") {
				t.Errorf("failed: %v\n%s", failed, output)
			}
			if !strings.Contains(string(output), "needs package redis-server") {
				t.Errorf("the output does not name the package:\n%s", output)
			}
			written, err := os.ReadFile(report)
			if err != nil {
				t.Fatal(err)
			}
			want := "did NOT run TestShared: needs package redis-server\n"
			if ci == "true" {
				want = ""
			}
			if got := string(written); !strings.HasSuffix(got, want) || want == "" && got != "" {
				t.Errorf("got the report %q, want it to end in %q", got, want)
			}
		})
	}
}

// TestUsed wants the versions of the servers that were used in the report.
func TestUsed(t *testing.T) {
	version := Redis(t).Version
	var r registry
	r.start()
	r.get(t, KindRedis)
	if got, want := r.end(), "used Redis "+version; !strings.Contains(got, want) {
		t.Errorf("got %q, want it to contain %q", got, want)
	}
	r.start()
	for _, kind := range []Kind{KindRedisCluster, KindRedisSentinel, KindGalera} {
		r.servers[kind] = func() (resource, error) { return &Cluster{Kind: kind, Version: "1.2"}, nil }
	}
	want := "used MariaDB Galera 1.2, Redis Cluster 1.2, Redis Sentinel 1.2\n"
	if got := r.end(); !strings.HasSuffix(got, want) {
		t.Errorf("got %q, want it to end in %q", got, want)
	}
}

// TestAddresses reads and changes the addresses of servers.
func TestAddresses(t *testing.T) {
	for _, row := range []struct {
		dsn, database string
		want          mysqlDSN
	}{
		{"root@tcp(127.0.0.1:3307)/", "root@tcp(127.0.0.1:3307)/x", mysqlDSN{"root", "", "tcp", "127.0.0.1:3307", ""}},
		{"u:p/@:w@tcp(h:1)/db?tls=false", "u:p/@:w@tcp(h:1)/x?tls=false", mysqlDSN{"u", "p/@:w", "tcp", "h:1", "db"}},
		{"u@unix(/run/s.sock)/db", "u@unix(/run/s.sock)/x", mysqlDSN{"u", "", "unix", "/run/s.sock", "db"}},
		{"/", "/x", mysqlDSN{addr: "127.0.0.1:3306"}},
	} {
		if got, err := parseMySQL(row.dsn); got != row.want || err != nil {
			t.Errorf("parseMySQL(%q) = %+v, %v, want %+v", row.dsn, got, err, row.want)
		}
		if got := mysqlDatabase(row.dsn, "x"); got != row.database {
			t.Errorf("mysqlDatabase(%q) = %q, want %q", row.dsn, got, row.database)
		}
	}
	if _, err := parseMySQL("no slash"); err == nil {
		t.Error("parseMySQL accepts an address without a slash")
	}
	got := postgresDatabase("postgres://u:p@h:1/db?sslmode=disable", "x")
	if want := "postgres://u:p@h:1/x?sslmode=disable"; got != want {
		t.Errorf("postgresDatabase gives %q, want %q", got, want)
	}
	for dsn, want := range map[string]string{"postgres://u@h:1/db": "h:1", "postgres://h/db": "h:5432"} {
		if got, err := postgres().addr(dsn); got != want || err != nil {
			t.Errorf("the address of %q is %q, %v, want %q", dsn, got, err, want)
		}
	}
}
