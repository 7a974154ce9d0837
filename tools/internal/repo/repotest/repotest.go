// Package repotest makes small repositories in the layout of this one, for tests of the tools that check it.
package repotest

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/qsessions/qsessions/tools/internal/repo"
)

// Files are the contents of a tree, by slash-separated name.
type Files map[string]string

// Right returns a tree without a fault: core, and backend/x that requires it.
func Right() Files {
	return Files{
		"go.work":     "go 1.25.0\n\nuse (\n\t./backend/x\n\t./core\n)\n",
		"LICENSE":     "none\n",
		"core/go.mod": GoMod("core"),
		"core/core.go": "package core\n\n// Old is part of the first release.\n" +
			"func Old() int { return 1 }\n",
		"backend/x/go.mod": GoMod("backend/x", "core v0.1.0"),
		"backend/x/x.go": "package x\n\nimport \"" + repo.Prefix + "core\"\n\n" +
			"// X uses core.\nfunc X() int { return core.Old() }\n",
	}
}

// GoMod returns a go.mod file that requires and replaces our modules, each given as "name version", and requires
// other modules, given as "path version".
func GoMod(name string, requires ...string) string {
	var b strings.Builder
	b.WriteString("module " + repo.Prefix + name + "\n\ngo 1.25.0\n")
	for _, require := range requires {
		path, version, _ := strings.Cut(require, " ")
		ours := !strings.Contains(strings.SplitN(path, "/", 2)[0], ".")
		if ours {
			up := strings.Repeat("../", strings.Count(name, "/")+1)
			b.WriteString("\nreplace " + repo.Prefix + path + " => " + up + path + "\n")
			path = repo.Prefix + path
		}
		b.WriteString("\nrequire " + path + " " + version + "\n")
	}
	return b.String()
}

// Write writes the files below dir.
func (files Files) Write(tb testing.TB, dir string) {
	tb.Helper()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			tb.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(files[name]), 0o644); err != nil {
			tb.Fatal(err)
		}
	}
}

// Commit commits everything below dir, which becomes a git repository with the first commit.
func Commit(tb testing.TB, dir string) {
	tb.Helper()
	for _, args := range [][]string{
		{"init", "-q", "-b", "main"}, // harmless when called again
		{"add", "."},
		{"-c", "user.name=test", "-c", "user.email=test@example.org", "commit", "-q", "--no-verify", "-m", "test"},
	} {
		if _, err := repo.Git(dir, args...); err != nil {
			tb.Fatal(err)
		}
	}
}
