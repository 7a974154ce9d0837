package itest

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestOldestFiber runs the package's own tests alone, where its go.mod names the oldest Fiber that it works with; in the
// workspace they run with the one that this module names. They run without the race detector here, and TestKeepAlive in full.
func TestOldestFiber(t *testing.T) {
	t.Parallel()
	run := func(args ...string) string {
		cmd := exec.CommandContext(t.Context(), "go", args...)
		cmd.Dir = ".."
		cmd.Env = append(os.Environ(), "GOWORK=off")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("go %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	if got := run("list", "-m", "github.com/gofiber/fiber/v3"); got != "github.com/gofiber/fiber/v3 v3.5.0\n" {
		t.Errorf("the oldest Fiber is %q", got)
	}
	run("test", "-vet=off", "./...")
}
