package testserver

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// KindPgBouncer is a connection pooler in front of a PostgreSQL server: see [StartPgBouncer].
const KindPgBouncer Kind = "PgBouncer"

const pgbouncerPackage = "pgbouncer"

// PgBouncer returns the PgBouncer of this test process, in front of the server that [Postgres] returns. It skips or
// fails the test where there can be none.
func PgBouncer(tb testing.TB) *Server {
	tb.Helper()
	Postgres(tb) // skips, or fails, without PostgreSQL
	return shared.get(tb, KindPgBouncer)
}

// StartPgBouncer starts a PgBouncer in transaction mode in front of a PostgreSQL server: a client has a connection of
// the server for one transaction, and another one for the next. Clients need no password; the server is asked with the
// user and the password of its DSN, so that one user alone may connect. The DSN of the result names the database of the
// server's. It uses the pooler that QSESSIONS_TEST_PGBOUNCER names, if that is set.
//
// Options.Args are lines of PgBouncer's configuration, such as "default_pool_size=2". The rest is as with [Start].
func StartPgBouncer(ctx context.Context, server *Server, opts Options) (*Server, error) {
	if server.Kind != KindPostgres {
		return nil, fmt.Errorf("testserver: PgBouncer is for PostgreSQL, not for %s", server.Kind)
	}
	p, err := pgbouncer(server.DSN, opts.Args)
	if err != nil {
		return nil, fmt.Errorf("testserver: the address of %s is not a URL", server.Kind)
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	return startOrConnect(ctx, p, Options{})
}

// pgbouncer is a PgBouncer in front of the server.
func pgbouncer(dsn string, settings []string) (program, error) {
	server, err := url.Parse(dsn)
	if err != nil {
		return program{}, err
	}
	addr, err := postgres().addr(dsn)
	if err != nil {
		return program{}, err
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return program{}, err
	}
	user := server.User.Username()
	password, _ := server.User.Password()
	through := func(addr, database string) string {
		u := url.URL{Scheme: "postgres", User: url.User(user), Host: addr, Path: database, RawQuery: "sslmode=disable"}
		return u.String()
	}
	return program{
		kind: KindPgBouncer,
		env:  "QSESSIONS_TEST_PGBOUNCER",
		name: "pgbouncer",
		deb:  pgbouncerPackage,
		stop: syscall.SIGTERM, // at SIGINT it waits for its clients to end their transactions
		configure: func(s *Server, listen string) error {
			users := fmt.Sprintf("%s %s\n", quoted(user), quoted(password))
			lines := append([]string{
				"[databases]",
				fmt.Sprintf("* = host=%s port=%s", host, port),
				"[pgbouncer]",
				"listen_addr=127.0.0.1", "listen_port=" + listen,
				"unix_socket_dir=",
				"auth_type=trust", "auth_file=" + s.users(), "admin_users=" + user,
				"pool_mode=transaction",
				"max_client_conn=1000", "default_pool_size=20",
				"ignore_startup_parameters=extra_float_digits", // which lib/pq sends
				"server_login_retry=0.1",                       // 15 s by default, in which clients wait
			}, settings...)
			for name, text := range map[string]string{s.users(): users, s.ini(): strings.Join(lines, "\n") + "\n"} {
				os.Remove(name) // that of an earlier attempt
				if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
					return err
				}
				if err := giveToServer(name); err != nil {
					return err
				}
			}
			return nil
		},
		args: func(s *Server, _ string, _ Options) []string { return []string{"-q", s.ini()} },
		dsn:  func(addr string) string { return through(addr, server.Path) },
		addr: postgres().addr,
		sql:  psql,
		probe: func(ctx context.Context, s *Server) (version, proof string, err error) {
			if s.dir == "" { // its console may not be open to the user
				_, err := psql(ctx, s.DSN, "SELECT 1")
				return "", "", err
			}
			console := through(s.Addr, "pgbouncer")
			if version, err = psql(ctx, console, "SHOW VERSION"); err != nil {
				return "", "", err
			}
			config, err := psql(ctx, console, "SHOW CONFIG")
			for line := range strings.Lines(config) { // key|value|default|changeable
				if rest, ok := strings.CutPrefix(line, "auth_file|"); ok {
					proof, _, _ = strings.Cut(rest, "|")
				}
			}
			return strings.TrimPrefix(version, "PgBouncer "), proof, err
		},
		proof: (*Server).users,
	}, nil
}

func (s *Server) users() string { return filepath.Join(s.dir, "users.txt") }
func (s *Server) ini() string   { return filepath.Join(s.dir, "pgbouncer.ini") }

// quoted is a word of PgBouncer's file of users.
func quoted(word string) string { return `"` + strings.ReplaceAll(word, `"`, `""`) + `"` }
