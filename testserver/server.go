package testserver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/qsessions/qsessions/testserver/internal/loopback"
)

// Kind names the program a [Server] runs.
type Kind string

// The kinds of server that Start starts.
const (
	KindPostgres  Kind = "PostgreSQL"
	KindMariaDB   Kind = "MariaDB"
	KindRedis     Kind = "Redis"
	KindMemcached Kind = "memcached"
)

// Options says how [Start] starts a server. The zero value suits tests of function.
type Options struct {
	// Durable makes PostgreSQL and MariaDB flush every commit to the disk, as they do in production. Benchmarks want
	// it. Without it a commit is as fast as memory; it survives a Kill, but not a crash of the machine.
	Durable bool
	// Args are given to the server after this package's own, and win over them: {"-m", "1"} is a memcached that is soon
	// full, {"--maxmemory", "8mb", "--maxmemory-policy", "allkeys-lru"} a Redis that evicts. Start copies them. A server
	// of the environment does not get them.
	Args []string
}

// Server is one server. It is safe for concurrent use.
type Server struct {
	Kind    Kind
	Addr    string // host:port
	DSN     string // PostgreSQL: a URL; MariaDB: the form of go-sql-driver/mysql; otherwise equal to Addr
	Version string // as the server itself says, such as "15.18"; empty when it could not be asked

	prog  program
	path  string // the program that runs
	args  []string
	first []string         // further ones, until it has started
	ports []*loopback.Port // kept until Stop
	dir   string           // empty for a server of the environment
	lock  *os.File         // held while dir is in use

	mu      sync.Mutex // held while the server changes between running, paused, ended and stopped
	proc    *process   // nil for a server of the environment
	paused  bool
	stopped bool
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
	// configure writes the files of a server that is told its port there; may be nil.
	configure func(s *Server, port string) error
	args      func(s *Server, port string, opts Options) []string
	first     []string // arguments of the first launch alone
	dsn       func(addr string) string
	addr      func(dsn string) (string, error)
	sql       func(ctx context.Context, dsn, statement string) (string, error) // nil for Redis and memcached
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
	if k == KindPgBouncer {
		return program{}, errors.New("testserver: StartPgBouncer starts a PgBouncer")
	}
	return program{}, fmt.Errorf("testserver: unknown kind %q", string(k))
}

const (
	startAttempts = 5 // a stranger may take the free port first
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
	return startOrConnect(ctx, p, opts)
}

func startOrConnect(ctx context.Context, p program, opts Options) (*Server, error) {
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
	s := &Server{Kind: p.kind, DSN: dsn, Addr: addr, prog: p}
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
	s := &Server{Kind: p.kind, prog: p, path: path}
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
		if s.path, err = p.server(path); err != nil {
			return nil, err
		}
	}
	for range startAttempts {
		s.first = p.first
		var port *loopback.Port
		if port, err = takePort(); err != nil {
			return nil, err
		}
		s.ports = append(s.ports, port) // with those of earlier attempts: a stranger has them
		s.Addr = "127.0.0.1:" + port.Number
		s.DSN = p.dsn(s.Addr)
		if p.configure != nil {
			if err = p.configure(s, port.Number); err != nil {
				return nil, fmt.Errorf("%s: %w", p.kind, err)
			}
		}
		s.args = append(p.args(s, port.Number, opts), opts.Args...)
		if s.Version, err = s.launch(ctx); err == nil {
			return s, nil
		}
		if ctx.Err() != nil {
			break
		}
	}
	return nil, fmt.Errorf("%s does not start: %w\n%s", p.kind, err, logTail(s.dir))
}

// launch runs the program and returns its version when it answers; otherwise nothing runs.
func (s *Server) launch(ctx context.Context) (version string, err error) {
	proc, err := startProcess(s.path, slices.Concat(s.args, s.first), s.dir, s.prog.stop)
	if err != nil {
		return "", err
	}
	s.proc, s.paused = proc, false
	if version, err = s.await(ctx); err != nil {
		s.proc.kill()
		return "", err
	}
	s.first = nil
	return version, nil
}

// await returns when the server answers and is the one started here: a stranger may have taken the port.
func (s *Server) await(ctx context.Context) (string, error) {
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for {
		version, proof, err := s.prog.probe(ctx, s)
		if _, ok := errors.AsType[*MissingError](err); ok {
			return "", err
		}
		if err == nil && proof == s.prog.proof(s) {
			return version, nil
		}
		if err == nil {
			err = fmt.Errorf("another server answers at %s", s.Addr)
		}
		select {
		case <-s.proc.done:
			return "", errors.New("it ended at once")
		case <-ctx.Done():
			return "", fmt.Errorf("%w; the last attempt to reach it: %w", ctx.Err(), err)
		case <-ticker.C:
		}
	}
}

// data is the data directory of PostgreSQL and MariaDB.
func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// Stop ends the server, also a paused one, and removes its directory. It returns when the process is gone, which takes
// ten seconds at most. It does nothing for a server of the environment, or when called again.
func (s *Server) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped || s.dir == "" {
		return
	}
	s.stopped = true
	if s.proc != nil {
		s.end()
	}
	os.RemoveAll(s.dir)
	s.lock.Close()
	for _, port := range s.ports {
		port.Release()
	}
}

// Database makes an empty database, drops it when the test ends, and returns its DSN. It needs the server's own client
// program (psql, mariadb), which comes with the server, and fails the test for Redis and memcached.
func (s *Server) Database(tb testing.TB) string {
	tb.Helper()
	if s.prog.sql == nil {
		tb.Fatalf("testserver: %s has no databases; use a key prefix of your own", s.Kind)
	}
	name := databaseName()
	if _, err := s.prog.sql(tb.Context(), s.DSN, "CREATE DATABASE "+name); err != nil {
		tb.Fatalf("testserver: %v", err)
	}
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(tb.Context()), startTimeout)
		defer cancel()
		drop := "DROP DATABASE " + name
		if s.Kind != KindMariaDB {
			drop += " WITH (FORCE)" // a connection the test left open would refuse it
		}
		if _, err := s.prog.sql(ctx, s.DSN, drop); err != nil {
			tb.Errorf("testserver: %v", err)
		}
	})
	if s.Kind == KindMariaDB {
		return mysqlDatabase(s.DSN, name)
	}
	return postgresDatabase(s.DSN, name)
}
