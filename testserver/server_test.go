package testserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"
)

func TestMain(m *testing.M) { os.Exit(Run(m)) }

var kinds = []Kind{KindPostgres, KindMariaDB, KindRedis, KindMemcached}

// TestStart starts each kind of server, and looks for what is left of it after Stop.
func TestStart(t *testing.T) {
	for _, kind := range kinds {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			shared.get(t, kind) // skips, or fails, without the program
			if p, _ := kind.program(); os.Getenv(p.env) != "" {
				t.Skip("the environment names a server")
			}
			s, err := Start(t.Context(), kind, Options{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(s.Stop)
			if s.Kind != kind || s.Version == "" || s.DSN == "" {
				t.Errorf("got Kind %q, Version %q, DSN %q", s.Kind, s.Version, s.DSN)
			}
			if host, _, err := net.SplitHostPort(s.Addr); err != nil || host != "127.0.0.1" {
				t.Errorf("Addr %q is not on the loopback", s.Addr)
			}
			tree := descendants(s.proc.cmd.Process.Pid)
			s.Stop()
			s.Stop() // does nothing
			for _, pid := range tree {
				if runs(pid) {
					t.Errorf("process %d still runs after Stop", pid)
				}
			}
			if _, err := os.Stat(s.dir); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the directory is still there after Stop: %v", err)
			}
			if conn, err := net.Dial("tcp", s.Addr); err == nil {
				conn.Close()
				t.Error("the port still answers after Stop")
			}
		})
	}
}

// TestStartAsOrdinaryUser runs TestStart and TestDatabase again as nobody.
func TestStartAsOrdinaryUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("this run is an ordinary user's already")
	}
	t.Parallel()
	uid, gid, err := serverIDs()
	if err != nil {
		t.Fatal(err)
	}
	cmd := helper(t, "^(TestStart|TestDatabase)$")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	cmd.Env = append(cmd.Environ(), "HOME=/nonexistent", "PATH=/usr/local/bin:/usr/bin:/bin")
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, output)
	}
}

// TestKilledProcess kills a test process that uses servers: they end, and the next start removes their directories.
func TestKilledProcess(t *testing.T) {
	t.Parallel()
	cmd := helper(t, "^TestHelperWaits$")
	cmd.Env = append(cmd.Environ(), helperEnv+"=1")
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var pids []int
	var dirs []string
	for {
		var pid int
		var dir string
		if _, err := fmt.Fscanln(output, &pid, &dir); err != nil {
			t.Fatal("the helper ended early:", err)
		}
		if pid == 0 {
			break
		}
		pids = append(pids, descendants(pid)...)
		dirs = append(dirs, dir)
	}
	if len(dirs) == 0 {
		t.Fatal("the helper started no server")
	}
	cmd.Process.Kill()
	cmd.Wait()
	deadline := time.After(time.Minute)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for slices.ContainsFunc(pids, runs) {
		select {
		case <-deadline:
			t.Fatal("servers outlive the killed process")
		case <-tick.C:
		}
	}
	there := func(dir string) bool {
		_, err := os.Stat(dir)
		return !errors.Is(err, os.ErrNotExist)
	}
	for removeStale(); slices.ContainsFunc(dirs, there); removeStale() { // another process may be at it
		select {
		case <-deadline:
			t.Fatal("the killed process's directories are still there")
		case <-tick.C:
		}
	}
}

const helperEnv = "TESTSERVER_HELPER"

// TestHelperWaits is the process that TestKilledProcess kills.
func TestHelperWaits(t *testing.T) {
	if os.Getenv(helperEnv) == "" {
		return
	}
	for _, kind := range kinds {
		s, err := Start(t.Context(), kind, Options{})
		if err == nil && s.dir != "" {
			fmt.Println(s.proc.cmd.Process.Pid, s.dir)
		}
	}
	fmt.Println(0, "end")
	ctx, stop := signal.NotifyContext(t.Context(), syscall.SIGTERM)
	defer stop()
	<-ctx.Done()
}

// TestDatabase makes two databases and finds each empty, and gone afterwards.
func TestDatabase(t *testing.T) {
	for _, kind := range []Kind{KindPostgres, KindMariaDB} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			s := shared.get(t, kind)
			var first string
			t.Run("used", func(t *testing.T) {
				first = s.Database(t)
				second := s.Database(t)
				if first == second {
					t.Fatal("two databases have one name")
				}
				for _, dsn := range []string{first, second} {
					if _, err := s.prog.sql(t.Context(), dsn, "CREATE TABLE t (a int)"); err != nil {
						t.Error(err)
					}
				}
			})
			if _, err := s.prog.sql(t.Context(), first, "SELECT 1 FROM t"); err == nil {
				t.Error("the database is still there after the test")
			}
		})
	}
}

// TestEnvironment uses a server that the environment names, and leaves it running.
func TestEnvironment(t *testing.T) {
	for _, kind := range kinds {
		t.Run(string(kind), func(t *testing.T) {
			s := shared.get(t, kind)
			p, err := kind.program()
			if err != nil {
				t.Fatal(err)
			}
			t.Setenv(p.env, s.DSN)
			again, err := Start(t.Context(), kind, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if again.proc != nil || again.Addr != s.Addr || again.DSN != s.DSN || again.Version != s.Version {
				t.Errorf("got another server at %s, version %s; want %s, %s", again.Addr, again.Version, s.Addr, s.Version)
			}
			again.Stop()
			if _, _, err := p.probe(t.Context(), s); err != nil {
				t.Errorf("Stop ended a server that it had not started: %v", err)
			}
		})
	}
}

// TestEnvironmentWrong wants an error when no server answers where the environment says.
func TestEnvironmentWrong(t *testing.T) {
	port, err := takePort()
	if err != nil {
		t.Fatal(err)
	}
	defer port.Release()
	t.Setenv("QSESSIONS_TEST_REDIS", "127.0.0.1:"+port.Number)
	if s, err := Start(t.Context(), KindRedis, Options{}); err == nil {
		t.Errorf("got a server at %s, want an error", s.Addr)
	}
}

// TestPortTaken lets a stranger of the same kind take the port first: the server starts on another one.
func TestPortTaken(t *testing.T) {
	for _, kind := range kinds {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			stranger := shared.get(t, kind)
			_, taken, err := net.SplitHostPort(stranger.Addr)
			if err != nil {
				t.Fatal(err)
			}
			p, err := kind.program()
			if err != nil {
				t.Fatal(err)
			}
			args, dsn := p.args, p.dsn
			attempts := 0
			p.args = func(s *Server, port string, opts Options) []string {
				if attempts++; attempts == 1 {
					port, s.Addr, s.DSN = taken, stranger.Addr, dsn(stranger.Addr)
				}
				return args(s, port, opts)
			}
			s, err := start(t.Context(), p, Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Stop()
			if attempts < 2 || s.Addr == stranger.Addr {
				t.Errorf("after %d attempts the server is at %s, the stranger's address is %s", attempts, s.Addr, stranger.Addr)
			}
		})
	}
}

// TestDurable reads the settings back.
func TestDurable(t *testing.T) {
	quick := map[Kind]string{KindPostgres: "0", KindMariaDB: "2"} // 2: given to the kernel, so that it survives a Kill
	for kind, statement := range map[Kind]string{
		KindPostgres: "SELECT current_setting('fsync')::boolean::int",
		KindMariaDB:  "SELECT @@innodb_flush_log_at_trx_commit",
	} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			fast := shared.get(t, kind)
			if fast.dir == "" {
				t.Skip("the environment names a server")
			}
			durable, err := Start(t.Context(), kind, Options{Durable: true})
			if err != nil {
				t.Fatal(err)
			}
			defer durable.Stop()
			for s, want := range map[*Server]string{fast: quick[kind], durable: "1"} {
				if got, err := s.prog.sql(t.Context(), s.DSN, statement); got != want || err != nil {
					t.Errorf("got %q, %v, want %q", got, err, want)
				}
			}
		})
	}
}

// TestStartCanceled wants the context's error, and nothing left.
func TestStartCanceled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Start(ctx, KindPostgres, Options{}); err == nil {
		t.Error("got no error")
	}
}

// helper returns a command that runs the tests of this binary which match the pattern.
func helper(t *testing.T, pattern string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// Another user may not enter the directory where go test builds.
	dir, err := os.MkdirTemp("", "testserver-helper-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	binary, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "testserver.test")
	if err := os.WriteFile(path, binary, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "-test.run="+pattern)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), reportEnv+"=")
	cmd.WaitDelay = time.Minute
	return cmd
}
