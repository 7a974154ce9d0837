package testserver

import (
	"context"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

const postgresPackage = "postgresql"

func postgres() program {
	return program{
		kind: KindPostgres,
		env:  "QSESSIONS_TEST_POSTGRES",
		name: "initdb",
		deb:  postgresPackage,
		stop: syscall.SIGINT, // the fast shutdown; at SIGTERM it waits for its clients to leave
		prepare: func(ctx context.Context, s *Server, path string) error {
			return runTool(ctx, s.dir, path, "-D", s.data(), "-U", "postgres", "-A", "trust", "-E", "UTF8",
				"--locale=C", "--no-sync", "--no-instructions")
		},
		server: func(initdb string) (string, error) {
			// Beside initdb itself: a link to it in PATH says nothing about its neighbors.
			initdb, err := filepath.EvalSymlinks(initdb)
			return filepath.Join(filepath.Dir(initdb), "postgres"), err
		},
		args: func(s *Server, port string, opts Options) []string {
			settings := []string{
				"listen_addresses=127.0.0.1",
				"unix_socket_directories=", // a socket's path may be too long
				"max_connections=200",
				"shared_buffers=64MB",
			}
			if !opts.Durable {
				// Not synchronous_commit=off: a kill would lose what was committed just before.
				settings = append(settings, "fsync=off", "full_page_writes=off")
			}
			args := []string{"-D", s.data(), "-p", port}
			for _, setting := range settings {
				args = append(args, "-c", setting)
			}
			return args
		},
		dsn: func(addr string) string { return "postgres://postgres@" + addr + "/postgres?sslmode=disable" },
		addr: func(dsn string) (string, error) {
			u, err := url.Parse(dsn)
			if err != nil {
				return "", err
			}
			if u.Port() == "" {
				return net.JoinHostPort(u.Hostname(), "5432"), nil
			}
			return u.Host, nil
		},
		sql: psql,
		probe: func(ctx context.Context, s *Server) (version, proof string, err error) {
			answer, err := psql(ctx, s.DSN, "SELECT current_setting('server_version')")
			if err != nil {
				return "", "", err
			}
			version, _, _ = strings.Cut(answer, " ") // the rest names the distribution's build
			if s.dir != "" {                         // an ordinary role of another server may not ask for it
				proof, err = psql(ctx, s.DSN, "SELECT current_setting('data_directory')")
			}
			return version, proof, err
		},
		proof: (*Server).data,
	}
}

func psql(ctx context.Context, dsn, statement string) (string, error) {
	path, err := lookPath("psql")
	if err != nil {
		return "", &MissingError{Kind: KindPostgres, Program: "psql", Package: postgresPackage}
	}
	// Debian's psql in PATH is a slow wrapper around the one beside initdb.
	if initdb, err := lookPath("initdb"); err == nil {
		if initdb, err = filepath.EvalSymlinks(initdb); err == nil {
			if beside := filepath.Join(filepath.Dir(initdb), "psql"); isFile(beside) {
				path = beside
			}
		}
	}
	return runClient(ctx, path, nil, "-X", "-q", "-A", "-t", "-w", "-v", "ON_ERROR_STOP=1", "-d", dsn, "-c", statement)
}

func postgresDatabase(dsn, name string) string {
	u, err := url.Parse(dsn)
	if err != nil {
		return dsn // psql has accepted it, so it is one
	}
	u.Path = "/" + name
	return u.String()
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
