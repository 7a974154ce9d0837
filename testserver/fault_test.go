package testserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// own starts a server for a test that harms it.
func own(t *testing.T, kind Kind, opts Options) *Server {
	t.Helper()
	shared.get(t, kind) // skips, or fails, without the program
	p, err := kind.program()
	if err != nil {
		t.Fatal(err)
	}
	s, err := start(t.Context(), p, opts) // not one of the environment
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

// write stores a value under a name, and read returns it or "": rows for SQL, entries otherwise.
func write(ctx context.Context, s *Server, name string) error {
	switch s.Kind {
	case KindPostgres, KindMariaDB:
		_, err := s.prog.sql(ctx, s.DSN, "INSERT INTO "+table(s)+" VALUES ('"+name+"')")
		return err
	case KindRedis:
		_, err := exchange(s.Addr, "SET "+name+" here\r\nQUIT\r\n")
		return err
	}
	_, err := exchange(s.Addr, "set "+name+" 0 0 4\r\nhere\r\nquit\r\n")
	return err
}

func read(ctx context.Context, s *Server, name string) (bool, error) {
	switch s.Kind {
	case KindPostgres, KindMariaDB:
		answer, err := s.prog.sql(ctx, s.DSN, "SELECT a FROM "+table(s)+" WHERE a = '"+name+"'")
		return answer == name, err
	case KindRedis:
		answer, err := exchange(s.Addr, "GET "+name+"\r\nQUIT\r\n")
		return strings.Contains(answer, "here"), err
	}
	answer, err := exchange(s.Addr, "get "+name+"\r\nquit\r\n")
	return strings.Contains(answer, "here"), err
}

func prepare(t *testing.T, s *Server) {
	t.Helper()
	statements := map[Kind][]string{
		KindPostgres: {"CREATE TABLE t (a text)"},
		KindMariaDB:  {"CREATE DATABASE d", "CREATE TABLE d.t (a varchar(100))"},
	}
	for _, statement := range statements[s.Kind] {
		if _, err := s.prog.sql(t.Context(), s.DSN, statement); err != nil {
			t.Fatal(err)
		}
	}
}

func table(s *Server) string {
	if s.Kind == KindMariaDB {
		return "d.t"
	}
	return "t"
}

// exchange sends commands of which the last ends the connection, and returns the answer.
func exchange(addr, commands string) (string, error) {
	conn, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(conn, commands); err != nil {
		return "", err
	}
	answer, err := io.ReadAll(conn)
	if err == nil && len(answer) == 0 {
		err = io.ErrUnexpectedEOF
	}
	return string(answer), err
}

// TestKillAndRestart kills each kind of server just after a write, and starts it again at its address: SQL has all that
// it acknowledged, a cache is empty.
func TestKillAndRestart(t *testing.T) {
	for _, kind := range kinds {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			s := own(t, kind, Options{})
			prepare(t, s)
			addr := s.Addr
			for i, end := range []func() error{s.Kill, s.Kill, s.Shutdown, func() error { return nil }} {
				name := fmt.Sprint("row", i)
				if err := write(t.Context(), s, name); err != nil {
					t.Fatal(err)
				}
				tree := descendants(s.proc.cmd.Process.Pid)
				if err := end(); err != nil {
					t.Fatal(err)
				}
				if i < 3 {
					if s.Running() || slices.ContainsFunc(tree, runs) {
						t.Error("it still runs")
					}
					if _, err := net.Dial("tcp", s.Addr); err == nil {
						t.Error("the port still answers")
					}
					if err := errors.Join(s.Kill(), s.Shutdown()); err != nil {
						t.Errorf("ending it again: %v", err)
					}
					if s.Pause() == nil || s.Resume() == nil {
						t.Error("Pause or Resume of an ended server returns nil")
					}
				}
				if err := s.Restart(t.Context()); err != nil {
					t.Fatal(err)
				}
				if !s.Running() || s.Addr != addr {
					t.Errorf("Running is %v, the address %s, want %s", s.Running(), s.Addr, addr)
				}
				want := kind == KindPostgres || kind == KindMariaDB
				if got, err := read(t.Context(), s, name); got != want || err != nil {
					t.Errorf("after end %d the row is there: %v, %v; want %v", i, got, err, want)
				}
			}
			s.Stop()
			if s.Kill() == nil || s.Shutdown() == nil || s.Pause() == nil || s.Resume() == nil || s.Restart(t.Context()) == nil {
				t.Error("a fault after Stop returns nil")
			}
		})
	}
}

// TestPause pauses each kind of server, with a connection that it serves already: nothing answers until Resume, which
// then answers what was sent meanwhile.
func TestPause(t *testing.T) {
	for _, kind := range kinds {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			s := own(t, kind, Options{})
			prepare(t, s)
			var wg sync.WaitGroup
			if kind == KindPostgres { // a process of its own, which must stand still too
				const busy = "SELECT count(*) FROM generate_series(1, 100000000) a"
				ctx, cancel := context.WithCancel(t.Context())
				wg.Go(func() { s.prog.sql(ctx, s.DSN, busy) })
				defer wg.Wait()
				defer cancel()
				awaitRow(t, s, "SELECT count(*) FROM pg_stat_activity WHERE query = '"+busy+"'", "1")
			}
			if err := errors.Join(s.Pause(), s.Pause()); err != nil {
				t.Fatal(err)
			}
			if s.Running() {
				t.Error("a paused server is said to run")
			}
			for _, pid := range descendants(s.proc.cmd.Process.Pid) {
				if state, _ := procState(fmt.Sprintf("/proc/%d/stat", pid)); state != "T" && !ended(state) {
					t.Errorf("process %d is in state %q", pid, state)
				}
			}
			late := make(chan error, 1)
			wg.Go(func() {
				_, _, err := s.prog.probe(t.Context(), s)
				late <- err
			})
			select {
			case err := <-late:
				t.Fatalf("a paused server answers: %v", err)
			case <-time.After(200 * time.Millisecond):
			}
			if err := errors.Join(s.Resume(), s.Resume()); err != nil {
				t.Fatal(err)
			}
			if err := <-late; err != nil {
				t.Errorf("after Resume: %v", err)
			}
			if !s.Running() {
				t.Error("a resumed server is said not to run")
			}
		})
	}
}

// awaitRow asks until the answer is the wanted one.
func awaitRow(t *testing.T, s *Server, statement, want string) {
	t.Helper()
	var got string
	var err error
	if !poll(func() bool { got, err = s.prog.sql(t.Context(), s.DSN, statement); return got == want && err == nil }) {
		t.Fatalf("got %q, %v, want %q", got, err, want)
	}
}

// TestEndPaused ends paused servers in every way.
func TestEndPaused(t *testing.T) {
	for _, kind := range []Kind{KindPostgres, KindRedis} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			s := own(t, kind, Options{})
			for name, end := range map[string]func() error{
				"Kill":     s.Kill,
				"Shutdown": s.Shutdown,
				"Restart":  func() error { return s.Restart(t.Context()) },
			} {
				if err := s.Pause(); err != nil {
					t.Fatal(err)
				}
				tree := descendants(s.proc.cmd.Process.Pid)
				begin := time.Now()
				if err := end(); err != nil {
					t.Errorf("%s: %v", name, err)
				}
				if slices.ContainsFunc(tree, runs) || time.Since(begin) >= stopTimeout {
					t.Errorf("%s left processes, or took %v", name, time.Since(begin))
				}
				if err := s.Restart(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.Pause(); err != nil {
				t.Fatal(err)
			}
			tree := descendants(s.proc.cmd.Process.Pid)
			s.Stop()
			if slices.ContainsFunc(tree, runs) {
				t.Error("Stop left processes")
			}
		})
	}
}

// TestEnvironmentFaults wants errors: a server of the environment is not ours to harm.
func TestEnvironmentFaults(t *testing.T) {
	s := shared.get(t, KindRedis)
	t.Setenv("QSESSIONS_TEST_REDIS", s.DSN)
	again, err := Start(t.Context(), KindRedis, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"Kill": again.Kill(), "Shutdown": again.Shutdown(), "Pause": again.Pause(), "Resume": again.Resume(),
		"Restart": again.Restart(t.Context()),
	} {
		if err == nil {
			t.Errorf("%s returns nil", name)
		}
	}
	if !again.Running() {
		t.Error("it is said not to run")
	}
	if _, _, err := s.prog.probe(t.Context(), s); err != nil {
		t.Errorf("the server does not answer any more: %v", err)
	}
}

// TestArgs starts a Redis that is full at once, and keeps its arguments in a restart.
func TestArgs(t *testing.T) {
	t.Parallel()
	s := own(t, KindRedis, Options{Args: []string{"--maxmemory", "1"}})
	for range 2 {
		if answer, err := exchange(s.Addr, "SET a b\r\nQUIT\r\n"); !strings.HasPrefix(answer, "-OOM") || err != nil {
			t.Errorf("got %q, %v, want OOM", answer, err)
		}
		if err := s.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	m := own(t, KindMemcached, Options{Args: []string{"-m", "3"}})
	if answer, err := exchange(m.Addr, "stats settings\r\nquit\r\n"); !strings.Contains(answer, "STAT maxbytes 3145728\r\n") {
		t.Errorf("got %q, %v, want three megabytes", answer, err)
	}
}
