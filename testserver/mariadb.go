package testserver

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"syscall"
)

const mariadbPackage = "mariadb-server"

func mariadb() program {
	return program{
		kind: KindMariaDB,
		env:  "QSESSIONS_TEST_MYSQL",
		name: "mariadbd",
		deb:  mariadbPackage,
		stop: syscall.SIGTERM, // it does not end at SIGINT
		prepare: func(ctx context.Context, s *Server, _ string) error {
			path, err := lookPath("mariadb-install-db")
			if err != nil {
				return &MissingError{Kind: KindMariaDB, Program: "mariadb-install-db", Package: mariadbPackage}
			}
			return runTool(ctx, s.dir, path, append([]string{
				"--no-defaults", // the first option, or /etc/mysql is read
				"--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve",
				"--skip-log-bin", "--datadir=" + s.data(),
				"--tmpdir=" + s.dir, // a server that starts removes the temporary tables of any other
			}, mariadbSmall(Options{})...)...)
		},
		args: func(s *Server, port string, opts Options) []string {
			return append([]string{
				"--no-defaults",
				"--datadir=" + s.data(),
				"--socket=server.sock", // in the data directory; a full path may be too long for a socket
				"--pid-file=" + filepath.Join(s.dir, "pid"),
				"--tmpdir=" + s.dir,
				"--port=" + port, "--bind-address=127.0.0.1",
				"--skip-name-resolve", "--skip-log-bin",
				"--character-set-server=utf8mb4", "--collation-server=utf8mb4_general_ci",
				"--max-connections=200",
			}, mariadbSmall(opts)...)
		},
		dsn: func(addr string) string { return "root@tcp(" + addr + ")/" },
		addr: func(dsn string) (string, error) {
			d, err := parseMySQL(dsn)
			return d.addr, err
		},
		sql: mysql,
		probe: func(ctx context.Context, s *Server) (version, proof string, err error) {
			answer, err := mysql(ctx, s.DSN, "SELECT @@version, @@datadir")
			if err != nil {
				return "", "", err
			}
			version, proof, _ = strings.Cut(answer, "\t")
			version, _, _ = strings.Cut(version, "-") // the rest names the distribution's build
			return version, filepath.Clean(proof), nil
		},
		proof: (*Server).data,
	}
}

// mariadbSmall makes a server that starts fast and needs little memory.
func mariadbSmall(opts Options) []string {
	args := []string{"--innodb-log-file-size=4M", "--innodb-buffer-pool-size=32M", "--performance-schema=OFF"}
	if opts.Durable {
		return []string{"--performance-schema=OFF", "--innodb-flush-log-at-trx-commit=1"}
	}
	return append(args, "--innodb-flush-method=nosync",
		"--innodb-flush-log-at-trx-commit=2") // at 0, a kill loses what was committed in the last second
}

func mysql(ctx context.Context, dsn, statement string) (string, error) {
	path, err := lookPath("mariadb")
	if err != nil {
		return "", &MissingError{Kind: KindMariaDB, Program: "mariadb", Package: mariadbPackage}
	}
	d, err := parseMySQL(dsn)
	if err != nil {
		return "", err
	}
	args := []string{"--no-defaults", "--batch", "--skip-column-names", "--user=" + d.user, "--database=" + d.database}
	if d.network == "unix" {
		args = append(args, "--socket="+d.addr)
	} else {
		host, port, err := net.SplitHostPort(d.addr)
		if err != nil {
			return "", err
		}
		args = append(args, "--protocol=tcp", "--host="+host, "--port="+port)
	}
	return runClient(ctx, path, []string{"MYSQL_PWD=" + d.password}, append(args, "--execute="+statement)...)
}

// mysqlDSN is what a client program needs of a DSN of go-sql-driver/mysql:
// [user[:password]@][network[(address)]]/[database][?parameters].
type mysqlDSN struct {
	user, password, network, addr, database string
}

func parseMySQL(dsn string) (mysqlDSN, error) {
	rest, _, _ := strings.Cut(dsn, "?")
	slash := strings.LastIndexByte(rest, '/')
	if slash < 0 {
		return mysqlDSN{}, errors.New("a MySQL address without a slash")
	}
	d := mysqlDSN{database: rest[slash+1:]}
	rest = rest[:slash]
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		d.user, d.password, _ = strings.Cut(rest[:at], ":")
		rest = rest[at+1:]
	}
	d.network, d.addr, _ = strings.Cut(strings.TrimSuffix(rest, ")"), "(")
	if d.addr == "" {
		d.addr = "127.0.0.1:3306"
	}
	return d, nil
}

func mysqlDatabase(dsn, name string) string {
	head, params, found := strings.Cut(dsn, "?")
	head = head[:strings.LastIndexByte(head, '/')+1] + name
	if found {
		return head + "?" + params
	}
	return head
}
