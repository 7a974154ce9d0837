// Package e2e drives the built qsessions demo, and the pages on a server of its own, in a real Chromium. It is a module of
// its own and never published. Its tests are skipped where there is no Chromium, but with CI=true they fail.
//
// Screenshots go where -screenshots says:
//
//	go test . -args -screenshots ../../docs/screenshots
package e2e

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/qsessions/qsessions/testserver"
)

var screenshots = flag.String("screenshots", "", "folder for the screenshots; default: the test's artifacts")

// patience is how long anything may take on a busy machine.
const patience = time.Minute

// shared is what all tests of the process use. Each part starts when it is first asked for.
var shared = struct {
	dir       string // removed in the end
	browser   func() (context.Context, error)
	packages  func() (string, error) // the folder of npm's
	validator func() (*validator, error)
	axe       func() (string, error)
	program   func() (string, error)
	identity  func() (identity, error) // of all sites below .test

	mu      sync.Mutex
	stop    []func() error
	skipped []string
}{}

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) (code int) {
	fail := func(err error) {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		code = max(code, 1)
	}
	dir, err := os.MkdirTemp("", "qsessions-e2e-")
	if err != nil {
		fail(err)
		return code
	}
	shared.dir = dir
	shared.identity = sync.OnceValues(newIdentity)
	shared.browser = sync.OnceValues(startBrowser)
	shared.program = sync.OnceValues(buildProgram)
	shared.packages = sync.OnceValues(func() (string, error) { return nodePackages(context.Background()) })
	shared.axe = sync.OnceValues(func() (string, error) {
		dir, err := shared.packages()
		if err != nil {
			return "", err
		}
		b, err := os.ReadFile(filepath.Join(dir, "node_modules", "axe-core", "axe.min.js"))
		return string(b), err
	})
	shared.validator = sync.OnceValues(func() (*validator, error) {
		dir, err := shared.packages()
		if err != nil {
			return nil, err
		}
		v, err := startValidator(dir)
		if err == nil {
			atEnd(v.stop)
		}
		return v, err
	})

	code = m.Run()
	for _, stop := range shared.stop {
		if err := stop(); err != nil {
			fail(err)
		}
	}
	if err := os.RemoveAll(dir); err != nil {
		fail(err)
	}
	if len(shared.skipped) > 0 {
		line := fmt.Sprintf("e2e: did NOT run %s: needs packages chromium and npm\n", strings.Join(shared.skipped, ", "))
		if err := testserver.Report(line); err != nil {
			fail(err)
		}
	}
	return code
}

func atEnd(stop func() error) {
	shared.mu.Lock()
	defer shared.mu.Unlock()
	shared.stop = append(shared.stop, stop)
}

// errMissing is that of a machine which cannot run these tests.
var errMissing = errors.New("missing; apt-get install chromium npm")

// need returns what f does. A test that needs what is missing is skipped, but with CI=true fails.
func need[T any](t *testing.T, f func() (T, error)) T {
	t.Helper()
	v, err := f()
	if errors.Is(err, errMissing) && os.Getenv("CI") != "true" {
		shared.mu.Lock()
		shared.skipped = append(shared.skipped, t.Name())
		shared.mu.Unlock()
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// startBrowser starts one Chromium for all tests. It finds nobody but the loopback, whatever a page or itself may want. Names
// below .test, which is nobody's (RFC 6761), lead there too.
func startBrowser() (context.Context, error) {
	program, err := exec.LookPath("chromium")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", err, errMissing)
	}
	identity, err := shared.identity()
	if err != nil {
		return nil, err
	}
	var output tail
	ctx, _ := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(program),
		chromedp.NoSandbox, // root has none, and the pages are ours
		chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("host-resolver-rules", "MAP *.test 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"),
		chromedp.Flag("ignore-certificate-errors-spki-list", identity.key),
		chromedp.WSURLReadTimeout(patience),
		chromedp.CombinedOutput(&output),
	)...)
	ctx, _ = chromedp.NewContext(ctx)
	if err := chromedp.Do(ctx); err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", program, err, output.String())
	}
	atEnd(func() error {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		return chromedp.Cancel(ctx)
	})
	return ctx, nil
}

// A tail keeps the end of a program's output.
type tail struct {
	mu sync.Mutex
	b  []byte
}

func (o *tail) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.b = append(o.b, p...)
	o.b = o.b[max(0, len(o.b)-10_000):]
	return len(p), nil
}

func (o *tail) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.b)
}

// screenshotDir is where the screenshots of t go.
func screenshotDir(t *testing.T) string {
	t.Helper()
	dir := cmp.Or(*screenshots, t.ArtifactDir())
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}
