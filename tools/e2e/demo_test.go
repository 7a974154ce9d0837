package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// buildProgram makes the qsessions command as a machine without a C compiler does.
func buildProgram() (string, error) {
	program := filepath.Join(shared.dir, "qsessions")
	cmd := exec.Command("go", "build", "-o", program, "./cmd/qsessions")
	cmd.Dir = ".."
	cmd.Env = append(cmd.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return program, nil
}

// startDemo runs the demo on a database of its own until the test ends, and returns its address without a slash.
func startDemo(t *testing.T, arg ...string) string {
	t.Helper()
	need(t, shared.browser) // before the minutes that a first build takes
	log := &lines{found: make(chan string, 1), want: regexp.MustCompile(`at (http://127\.0\.0\.1:\d+)/\n`)}
	cmd := exec.Command(need(t, shared.program), append([]string{
		"demo", "--addr", "127.0.0.1:0", "--store", "sqlite:" + filepath.Join(t.TempDir(), "demo.db"),
	}, arg...)...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt) // fails if it has ended
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("the demo ended with %v:\n%s", err, log)
			}
		case <-time.After(patience):
			_ = cmd.Process.Kill()
			t.Errorf("the demo did not end:\n%s", log)
		}
		if t.Failed() {
			t.Logf("the demo said:\n%s", log)
		}
	})
	select {
	case address := <-log.found:
		return address
	case err := <-ended:
		ended <- err
		t.Fatalf("the demo ended with %v:\n%s", err, log)
	case <-time.After(patience):
		t.Fatalf("the demo does not say its address:\n%s", log)
	}
	return ""
}

// lines is a program's output, in which one match is waited for.
type lines struct {
	mu    sync.Mutex
	b     strings.Builder
	want  *regexp.Regexp
	found chan string // has room for one
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.b.Write(p)
	if l.want != nil {
		if m := l.want.FindStringSubmatch(l.b.String()); m != nil {
			l.found <- m[1]
			l.want = nil
		}
	}
	return len(p), nil
}

// String returns the end.
func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.b.String()
	return s[max(0, len(s)-5_000):]
}
