package testserver

import (
	"errors"
	"os"
	"testing"
)

// TestPgBouncer uses the shared pooler, and then one of its own over restarts of it and of the server behind.
func TestPgBouncer(t *testing.T) {
	shared := PgBouncer(t)
	if shared != PgBouncer(t) || shared.Version == "" {
		t.Errorf("got %+v", shared)
	}
	first, second := shared.Database(t), shared.Database(t)
	for _, dsn := range []string{first, second} {
		if _, err := psql(t.Context(), dsn, "CREATE TABLE t (a int)"); err != nil {
			t.Error(err)
		}
	}

	server := own(t, KindPostgres, Options{})
	s, err := StartPgBouncer(t.Context(), server, Options{Args: []string{"default_pool_size=3"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	ask := func() {
		t.Helper()
		if answer, err := psql(t.Context(), s.DSN, "SELECT current_setting('port')"); err != nil || "127.0.0.1:"+answer != server.Addr {
			t.Errorf("got port %q, %v, want that of %s", answer, err, server.Addr)
		}
	}
	ask()
	for _, restart := range []*Server{s, server} {
		if err := errors.Join(restart.Kill(), restart.Restart(t.Context())); err != nil {
			t.Fatal(err)
		}
		ask()
	}
	text, err := os.ReadFile(s.ini())
	if err != nil {
		t.Fatal(err)
	}
	if want := "default_pool_size=3\n"; len(text) < len(want) || string(text[len(text)-len(want):]) != want {
		t.Errorf("Args did not reach the configuration:\n%s", text)
	}
	t.Run("environment", func(t *testing.T) {
		t.Setenv("QSESSIONS_TEST_PGBOUNCER", s.DSN)
		again, err := StartPgBouncer(t.Context(), server, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if again.proc != nil || again.Addr != s.Addr || again.DSN != s.DSN {
			t.Errorf("got another one at %s, want %s", again.Addr, s.Addr)
		}
	})
	if _, err := StartPgBouncer(t.Context(), s, Options{}); err == nil {
		t.Error("got a PgBouncer in front of a PgBouncer")
	}
}
