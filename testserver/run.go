package testserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Postgres returns the PostgreSQL server of this test process. It skips or fails the test where there can be none.
func Postgres(tb testing.TB) *Server { tb.Helper(); return shared.get(tb, KindPostgres) }

// MariaDB returns the MariaDB server of this test process. It skips or fails the test where there can be none.
func MariaDB(tb testing.TB) *Server { tb.Helper(); return shared.get(tb, KindMariaDB) }

// Redis returns the Redis server of this test process. It skips or fails the test where there can be none.
func Redis(tb testing.TB) *Server { tb.Helper(); return shared.get(tb, KindRedis) }

// Memcached returns the memcached server of this test process. It skips or fails the test where there can be none.
func Memcached(tb testing.TB) *Server { tb.Helper(); return shared.get(tb, KindMemcached) }

// reportEnv names a file to which reports are appended, because `go test` hides the output of a package that passes.
// Its name should be another each time: then no cached result hides a test that was skipped.
const reportEnv = "QSESSIONS_TEST_REPORT"

// Run runs the tests, ends the servers they started, and returns the exit code for TestMain. It then says on the
// standard error stream which servers were used and, for each missing package, which tests did not run. The same goes
// to the file that QSESSIONS_TEST_REPORT names.
func Run(m interface{ Run() int }) int {
	shared.start()
	code := m.Run()
	report := shared.end()
	if err := Report(report); err != nil {
		fmt.Fprintln(os.Stderr, "testserver:", err)
		code = max(code, 1)
	}
	return code
}

// shared holds the servers of this process. Only a package variable can serve every test of a process.
var shared registry

type registry struct {
	mu      sync.Mutex
	running bool
	servers map[Kind]func() (resource, error) // each starts its server or cluster at the first call
	missing map[string][]string               // Debian package -> tests that did not run
}

// resource is a [Server] or a [Cluster].
type resource interface {
	Stop()
	name() string // as the report has it
}

func (r *registry) start() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.running = true
	r.servers = map[Kind]func() (resource, error){}
	r.missing = map[string][]string{}
}

func (r *registry) get(tb testing.TB, kind Kind) *Server {
	tb.Helper()
	return r.resource(tb, kind).(*Server)
}

func (r *registry) cluster(tb testing.TB, kind Kind) *Cluster {
	tb.Helper()
	return r.resource(tb, kind).(*Cluster)
}

func (r *registry) startShared(kind Kind) (resource, error) {
	ctx := context.Background() // not the context of the test that happens to be first
	switch kind {
	case KindPgBouncer:
		server, err := r.starter(KindPostgres)()
		if err != nil {
			return nil, err
		}
		return StartPgBouncer(ctx, server.(*Server), Options{})
	case KindRedisCluster:
		return StartRedisCluster(ctx, Options{})
	case KindRedisSentinel:
		return StartRedisSentinel(ctx, Options{})
	case KindGalera:
		return StartGalera(ctx, Options{})
	}
	return Start(ctx, kind, Options{})
}

func (r *registry) resource(tb testing.TB, kind Kind) resource {
	tb.Helper()
	r.need(tb)
	s, err := r.starter(kind)()
	r.check(tb, err)
	return s
}

// need fails the test outside of Run.
func (r *registry) need(tb testing.TB) {
	tb.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.running {
		tb.Fatal("testserver: the package needs func TestMain(m *testing.M) { os.Exit(testserver.Run(m)) }")
	}
}

// starter returns what starts the server or cluster at the first call.
func (r *registry) starter(kind Kind) func() (resource, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	start := r.servers[kind]
	if start == nil {
		start = sync.OnceValues(func() (resource, error) { return r.startShared(kind) })
		r.servers[kind] = start
	}
	return start
}

// check skips or fails the test for the error of a start.
func (r *registry) check(tb testing.TB, err error) {
	tb.Helper()
	if missing, ok := errors.AsType[*MissingError](err); ok && os.Getenv("CI") != "true" {
		r.mu.Lock()
		r.missing[missing.Package] = append(r.missing[missing.Package], tb.Name())
		r.mu.Unlock()
		tb.Skipf("%v: apt-get install %s", err, missing.Package)
	}
	if err != nil {
		tb.Fatal(err)
	}
}

func (s *Server) name() string {
	name := strings.TrimSpace(string(s.Kind) + " " + s.Version)
	if s.dir == "" {
		name += " (at " + s.Addr + ")"
	}
	return name
}

func (c *Cluster) name() string { return string(c.Kind) + " " + c.Version }

// end stops the servers, all at once, and returns what Run has to say.
func (r *registry) end() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.running = false
	binary := strings.TrimSuffix(filepath.Base(os.Args[0]), ".test")
	var report strings.Builder
	var used []string
	var wg sync.WaitGroup
	for _, kind := range slices.Sorted(maps.Keys(r.servers)) {
		s, err := r.servers[kind]()
		if err != nil {
			continue
		}
		used = append(used, s.name())
		wg.Go(s.Stop)
	}
	wg.Wait()
	if len(used) > 0 {
		fmt.Fprintf(&report, "testserver: %s used %s\n", binary, strings.Join(used, ", "))
	}
	for _, pkg := range slices.Sorted(maps.Keys(r.missing)) {
		tests := slices.Compact(slices.Sorted(slices.Values(r.missing[pkg])))
		fmt.Fprintf(&report, "testserver: %s did NOT run %s: needs package %s\n", binary, strings.Join(tests, ", "), pkg)
	}
	return report.String()
}

// Report writes lines for whoever runs the tests to the standard error stream, and to the file that QSESSIONS_TEST_REPORT
// names, also where the package passes. It writes them at once, so that those of parallel test processes do not mix.
func Report(lines string) error {
	if lines == "" {
		return nil
	}
	if _, err := io.WriteString(os.Stderr, lines); err != nil {
		return err
	}
	path := os.Getenv(reportEnv)
	if path == "" {
		return nil
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	_, err = io.WriteString(f, lines)
	return errors.Join(err, f.Close())
}
