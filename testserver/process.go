package testserver

import (
	"bytes"
	"cmp"
	"context"
	crand "crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/qsessions/qsessions/testserver/internal/loopback"
)

// process is a running server program.
type process struct {
	cmd  *exec.Cmd
	stop os.Signal
	done chan struct{} // closed when it has ended and was waited for
}

// startProcess starts the program in dir, with its output appended to dir/log.
func startProcess(path string, args []string, dir string, stop os.Signal) (*process, error) {
	log, err := os.OpenFile(filepath.Join(dir, "log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.Command(path, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	cmd.Stdout, cmd.Stderr = log, log
	if cmd.SysProcAttr, err = attributes(stop); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, stop: stop, done: make(chan struct{})}
	started := make(chan error)
	go func() {
		defer close(p.done)
		// The kernel sends the parent-death signal when the thread that forked ends, so that thread waits here.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			cmd.Wait() // its exit code says nothing: we end it ourselves
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

// end asks the process to stop, kills it after a while, and returns when it is gone.
func (p *process) end() {
	p.cmd.Process.Signal(p.stop) // an error means that it has ended
	select {
	case <-p.done:
	case <-time.After(stopTimeout):
		p.kill()
	}
}

// kill kills the process with all that it started, and returns when they are gone.
func (p *process) kill() {
	if p.gone() {
		return
	}
	killTree(p.cmd.Process)
	<-p.done
}

func (p *process) gone() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// runTool runs a program that prepares a server's directory and ends.
func runTool(ctx context.Context, dir, path string, args ...string) error {
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	var err error
	if cmd.SysProcAttr, err = attributes(os.Kill); err != nil {
		return err
	}
	runtime.LockOSThread() // see startProcess
	defer runtime.UnlockOSThread()
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", filepath.Base(path), err, tail(output))
	}
	return nil
}

// runClient runs a client program and returns what it prints on its standard output, without spaces around.
func runClient(ctx context.Context, path string, env []string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = append(os.Environ(), env...)
	output, err := cmd.Output()
	if err != nil {
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			err = errors.New(tail(exit.Stderr))
		}
		return "", fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	return strings.TrimSpace(string(output)), nil
}

// lookPath finds a program in PATH or where Debian keeps servers, which an ordinary user's PATH leaves out. Of several
// PostgreSQL versions it takes the newest.
func lookPath(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	dirs, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	slices.SortFunc(dirs, func(a, b string) int { // 15 before 9
		return cmp.Or(cmp.Compare(len(b), len(a)), strings.Compare(b, a))
	})
	for _, dir := range append(dirs, "/usr/sbin", "/usr/local/sbin") {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path, nil
		}
	}
	return "", exec.ErrNotFound
}

// takePort keeps a port for a server, and the port plus 10000, the bus of Redis Cluster.
func takePort() (*loopback.Port, error) { return loopback.Take(10000, 22000, 10000) }

const (
	dirPrefix = "qsessions-testserver-"
	lockName  = "lock"
)

// makeDir makes a directory for one server, owned by the user the server runs as, and locks it. It first removes those
// that a killed process left, which nobody locks any more.
func makeDir() (string, *os.File, error) {
	removeStale()
	dir, err := os.MkdirTemp("", dirPrefix)
	if err != nil {
		return "", nil, err
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil { // servers report their directory in this form
		return "", nil, err
	}
	// The lock appears under its name when it is held already, or removeStale of another process could take it.
	lock, err := os.OpenFile(filepath.Join(dir, lockName+".new"), os.O_CREATE|os.O_RDWR, 0o600)
	if err == nil {
		if err = tryLock(lock); err == nil {
			err = os.Rename(lock.Name(), filepath.Join(dir, lockName))
		}
		if err == nil {
			err = giveToServer(dir)
		}
	}
	if err != nil {
		lock.Close()
		os.RemoveAll(dir)
		return "", nil, err
	}
	return dir, lock, nil
}

func removeStale() {
	locks, _ := filepath.Glob(filepath.Join(os.TempDir(), dirPrefix+"*", lockName))
	for _, name := range locks {
		lock, err := os.OpenFile(name, os.O_RDWR, 0)
		if err != nil {
			continue // of another user, or just removed
		}
		if tryLock(lock) == nil {
			os.RemoveAll(filepath.Dir(name))
		}
		lock.Close()
	}
}

func databaseName() string { return "test_" + strings.ToLower(crand.Text()) }

func logTail(dir string) string {
	log, err := os.ReadFile(filepath.Join(dir, "log"))
	if err != nil {
		return ""
	}
	return tail(log)
}

// tail returns the last lines of a program's output, enough to see why it failed.
func tail(output []byte) string {
	const limit = 2000
	output = bytes.TrimSpace(output)
	if len(output) > limit {
		output = output[len(output)-limit:]
	}
	return string(output)
}
