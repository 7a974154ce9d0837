package testserver

import (
	"context"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func redis() program {
	return program{
		kind: KindRedis,
		env:  "QSESSIONS_TEST_REDIS",
		name: "redis-server",
		deb:  "redis-server",
		stop: syscall.SIGTERM,
		args: func(s *Server, port string, _ Options) []string {
			return []string{"--port", port, "--bind", "127.0.0.1", "--dir", s.dir, "--save", "", "--appendonly", "no"}
		},
		dsn:  sameAddr,
		addr: checkAddr,
		probe: func(ctx context.Context, s *Server) (version, proof string, err error) {
			info, err := s.do(ctx, "INFO", "server")
			if err != nil {
				return "", "", err
			}
			return find(text(info), "redis_version:", "process_id:")
		},
		proof: (*Server).pid,
	}
}

func memcached() program {
	return program{
		kind: KindMemcached,
		env:  "QSESSIONS_TEST_MEMCACHED",
		name: "memcached",
		deb:  "memcached",
		stop: syscall.SIGTERM,
		args: func(_ *Server, port string, _ Options) []string {
			return []string{"-l", "127.0.0.1", "-p", port, "-U", "0", "-m", "64", "-t", "2"}
		},
		dsn:  sameAddr,
		addr: checkAddr,
		probe: func(ctx context.Context, s *Server) (version, proof string, err error) {
			stats, err := ask(ctx, s.Addr, "stats\r\nquit\r\n")
			if err != nil {
				return "", "", err
			}
			return find(stats, "STAT version ", "STAT pid ")
		},
		proof: (*Server).pid,
	}
}

func sameAddr(addr string) string { return addr }

func checkAddr(addr string) (string, error) {
	_, _, err := net.SplitHostPort(addr)
	return addr, err
}

func (s *Server) pid() string { return strconv.Itoa(s.proc.cmd.Process.Pid) }

// ask sends a command that ends the connection, and returns the answer.
func ask(ctx context.Context, addr, command string) (string, error) {
	dialer := net.Dialer{Timeout: patience}
	conn, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return "", err
	}
	if _, err := io.WriteString(conn, command); err != nil {
		return "", err
	}
	answer, err := io.ReadAll(conn)
	return string(answer), err
}

// find returns what follows the two labels in lines of the answer.
func find(answer, versionLabel, proofLabel string) (version, proof string, err error) {
	for line := range strings.Lines(answer) {
		line = strings.TrimSpace(line)
		if rest, ok := strings.CutPrefix(line, versionLabel); ok {
			version = rest
		}
		if rest, ok := strings.CutPrefix(line, proofLabel); ok {
			proof = rest
		}
	}
	if version == "" {
		return "", "", errors.New("the answer holds no version")
	}
	return version, proof, nil
}
