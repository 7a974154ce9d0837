package testserver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// Kind names the program a [Server] runs.
type Kind string

// The kinds of server this package starts.
const (
	KindPostgres  Kind = "PostgreSQL"
	KindMariaDB   Kind = "MariaDB"
	KindRedis     Kind = "Redis"
	KindMemcached Kind = "memcached"
)

// Options says how [Start] starts a server. The zero value suits tests of function.
type Options struct {
	// Durable makes PostgreSQL and MariaDB flush every commit to the disk, as they do in production. Benchmarks want
	// it. Without it a commit is as fast as memory, and a crash of the machine may lose it.
	Durable bool
}

// Server is one running server. It is safe for concurrent use.
type Server struct {
	Kind    Kind
	Addr    string // host:port
	DSN     string // PostgreSQL: a URL; MariaDB: the form of go-sql-driver/mysql; otherwise equal to Addr
	Version string // as the server itself says, such as "15.18"; empty when it could not be asked

	sql  func(ctx context.Context, dsn, statement string) (string, error) // nil for Redis and memcached
	dir  string                                                           // empty for a server of the environment
	lock *os.File                                                         // held while dir is in use
	proc *process
	stop sync.Once
}

// MissingError says that a program is not installed.
type MissingError struct {
	Kind    Kind
	Program string // what was looked for
	Package string // the Debian package that has it
}

// Error names the program and the package.
func (e *MissingError) Error() string {
	return fmt.Sprintf("%s: %s is not installed, it needs package %s", e.Kind, e.Program, e.Package)
}

// program is what differs between the kinds.
type program struct {
	kind    Kind
	env     string // variable with the address of a server to use instead
	name    string // what is looked for
	deb     string
	stop    os.Signal
	prepare func(ctx context.Context, s *Server, path string) error // makes the data directory; may be nil
	server  func(path string) (string, error)                       // the server, where it is not name itself; may be nil
	args    func(s *Server, port string, opts Options) []string
	dsn     func(addr string) string
	addr    func(dsn string) (string, error)
	sql     func(ctx context.Context, dsn, statement string) (string, error)
	// probe asks the server for its version, and for what proves that it is the one started here: its process id or
	// its data directory.
	probe func(ctx context.Context, s *Server) (version, proof string, err error)
	proof func(s *Server) string
}

func (k Kind) program() (program, error) {
	switch k {
	case KindPostgres:
		return postgres(), nil
	case KindMariaDB:
		return mariadb(), nil
	case KindRedis:
		return redis(), nil
	case KindMemcached:
		return memcached(), nil
	}
	return program{}, fmt.Errorf("testserver: unknown kind %q", string(k))
}

const (
	startAttempts = 5 // another process may take the free port first
	startTimeout  = time.Minute
	stopTimeout   = 10 * time.Second
)

// Start starts a server, or connects to the one the environment names, and returns when it answers. The context bounds
// the start alone, which takes a minute at most. It fails with a [*MissingError] when the program is not installed.
//
// The caller ends the server with Stop. It also ends when this process does, however that happens (on Linux).
func Start(ctx context.Context, kind Kind, opts Options) (*Server, error) {
	p, err := kind.program()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if dsn := os.Getenv(p.env); dsn != "" {
		s, err := connect(ctx, p, dsn)
		if err != nil {
			return nil, fmt.Errorf("testserver: the server of %s: %w", p.env, err)
		}
		return s, nil
	}
	s, err := start(ctx, p, opts)
	if err != nil {
		return nil, fmt.Errorf("testserver: %w", err)
	}
	return s, nil
}

func connect(ctx context.Context, p program, dsn string) (*Server, error) {
	addr, err := p.addr(dsn)
	if err != nil {
		return nil, err
	}
	s := &Server{Kind: p.kind, DSN: dsn, Addr: addr, sql: p.sql}
	if s.Version, _, err = p.probe(ctx, s); err != nil {
		if _, ok := errors.AsType[*MissingError](err); !ok {
			return nil, err
		}
	}
	return s, nil
}

func start(ctx context.Context, p program, opts Options) (_ *Server, err error) {
	path, err := lookPath(p.name)
	if err != nil {
		return nil, &MissingError{Kind: p.kind, Program: p.name, Package: p.deb}
	}
	s := &Server{Kind: p.kind, sql: p.sql}
	defer func() {
		if err != nil {
			s.Stop()
		}
	}()
	if s.dir, s.lock, err = makeDir(); err != nil {
		return nil, err
	}
	if p.prepare != nil {
		if err := p.prepare(ctx, s, path); err != nil {
			return nil, fmt.Errorf("%s: %w", p.kind, err)
		}
	}
	if p.server != nil {
		if path, err = p.server(path); err != nil {
			return nil, err
		}
	}
	for range startAttempts {
		var port string
		if port, err = freePort(); err != nil {
			return nil, err
		}
		s.Addr = "127.0.0.1:" + port
		s.DSN = p.dsn(s.Addr)
		if s.proc, err = startProcess(path, p.args(s, port, opts), s.dir, p.stop); err != nil {
			return nil, err
		}
		if err = s.await(ctx, p); err == nil {
			return s, nil
		}
		s.proc.end()
		if ctx.Err() != nil {
			break
		}
	}
	return nil, fmt.Errorf("%s does not start: %w\n%s", p.kind, err, logTail(s.dir))
}

// await returns when the server answers and is the one started here: a stranger may have taken the port.
func (s *Server) await(ctx context.Context, p program) error {
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	var last error
	for {
		version, proof, err := p.probe(ctx, s)
		if _, ok := errors.AsType[*MissingError](err); ok {
			return err
		}
		if err == nil && proof == p.proof(s) {
			s.Version = version
			return nil
		}
		if err == nil {
			err = fmt.Errorf("another server answers at %s", s.Addr)
		}
		last = err
		select {
		case <-s.proc.done:
			return errors.New("it ended at once")
		case <-ctx.Done():
			return fmt.Errorf("%w; the last attempt to reach it: %w", ctx.Err(), last)
		case <-ticker.C:
		}
	}
}

// data is the data directory of PostgreSQL and MariaDB.
func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// Stop ends the server and removes its directory. It returns when the process is gone, which takes ten seconds at most.
// It does nothing for a server of the environment, or when called again.
func (s *Server) Stop() {
	s.stop.Do(func() {
		if s.proc != nil {
			s.proc.end()
		}
		if s.dir != "" {
			os.RemoveAll(s.dir)
			s.lock.Close()
		}
	})
}

// Database makes an empty database, drops it when the test ends, and returns its DSN. It needs the server's own client
// program (psql, mariadb), which comes with the server, and fails the test for Redis and memcached.
func (s *Server) Database(tb testing.TB) string {
	tb.Helper()
	if s.sql == nil {
		tb.Fatalf("testserver: %s has no databases; use a key prefix of your own", s.Kind)
	}
	name := databaseName()
	if _, err := s.sql(tb.Context(), s.DSN, "CREATE DATABASE "+name); err != nil {
		tb.Fatalf("testserver: %v", err)
	}
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(tb.Context()), startTimeout)
		defer cancel()
		drop := "DROP DATABASE " + name
		if s.Kind == KindPostgres {
			drop += " WITH (FORCE)" // a connection the test left open would refuse it
		}
		if _, err := s.sql(ctx, s.DSN, drop); err != nil {
			tb.Errorf("testserver: %v", err)
		}
	})
	if s.Kind == KindPostgres {
		return postgresDatabase(s.DSN, name)
	}
	return mysqlDatabase(s.DSN, name)
}
