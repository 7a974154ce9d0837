package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"testing"

	"github.com/qsessions/qsessions/tools/internal/repo"
	"github.com/qsessions/qsessions/tools/internal/repo/repotest"
)

// TestRecipes: RPT-47. What a document tells people to type is found, and the program that it shows for it.
func TestRecipes(t *testing.T) {
	t.Parallel()
	const markdown = "Text of go get x.\n```sh\ngo get a b \\\n   c   # or d\nmake\n```\n```go\nsnippet()\n```\n```go\npackage p\n```\n```go\npackage q\n```\n\ngo get e\n```go\nimport (\n\t\"x\"\n)\n\nx.Do()\n```\n"
	want := []recipe{{"README.md", 3, []string{"a", "b", "c"}, "package p\n"}, {"README.md", 17, []string{"e"}, "import (\n\t\"x\"\n)\n"}}
	if got := recipes("README.md", markdown); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	want = []recipe{{"doc.go", 3, []string{"a"}, ""}}
	if got := recipes("doc.go", "// Package p is one:\n//\n//\tgo get a\n//\n// Say go get b.\npackage p\n"); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

// TestDocuments: RPT-47. Lines that do not work, and statements of versions that are not true, are named.
func TestDocuments(t *testing.T) {
	const (
		said = "Go 1.25 or later.\n"
		core = repo.Prefix + "core"
		x    = repo.Prefix + "backend/x"
		main = "```go\npackage main\n\nimport \"" + x + "\"\n\nfunc main() { x.X() }\n```\n"
		test = "```go\npackage own\n\nimport (\n\t\"testing\"\n\t_ \"" + x + "\"\n)\n\nfunc Test(t *testing.T) { mine(t) }\n```\n"
		lib  = "backend/x/go.mod"
	)
	withLib := repotest.GoMod("backend/x", "core v0.1.0", "example.org/lib v1.0.0")
	for _, row := range []struct {
		name  string
		files repotest.Files
		want  string // part of the error; empty: none
	}{
		{"a right line", repotest.Files{"README.md": said + "```sh\ngo get " + x + "\n```\n" + main}, ""},
		{"a right line with a library of others", repotest.Files{"README.md": said + "```sh\ngo get " + x + " example.org/lib\n```\n" + strings.Replace(main, "import ", "import _ \"example.org/lib\"\nimport ", 1), lib: withLib, "backend/x/lib.go": "package x\n\nimport _ \"example.org/lib\"\n"}, ""},
		{"a right line for a test", repotest.Files{"README.md": said + "```sh\ngo get " + x + "\n```\n" + test}, ""},
		{"a module too few", repotest.Files{"README.md": said + "```sh\ngo get " + core + "\n```\n" + main}, "README.md:3: after this `go get` what is shown does not compile"},
		{"a module too few in the text of another file", repotest.Files{"README.md": said, "docs/x.md": "go get " + core + "\n" + main}, "docs/x.md:1: after this `go get` what is shown does not compile"},
		{"a module too few for a test", repotest.Files{"README.md": said + "```sh\ngo get " + core + "\n```\n" + test}, "README.md:3: after this `go get` what is shown does not compile"},
		{"a module too few for a part", repotest.Files{"README.md": said + "go get " + core + "\n```go\nimport (\n\tother \"" + x + "\"\n)\n\nother.X()\n```\n"}, "README.md:2: after this `go get` what is shown does not compile"},
		{"the program of yesterday", repotest.Files{"README.md": said + "```sh\ngo get " + x + "\n```\n" + strings.Replace(main, "x.X()", "x.Old()", 1)}, "undefined: x.Old"},
		{"in a package comment", repotest.Files{"README.md": said, "backend/x/doc.go": "// Package x is had so:\n//\n//\tgo get " + repo.Prefix + "backend/z\npackage x\n"}, "backend/x/doc.go:3: after this `go get` what is shown does not compile: " + repo.Prefix + "backend/z is no published module"},
		{"a library that the repository does not know", repotest.Files{"README.md": said + "```sh\ngo get example.org/other\n```\n"}, "no module here requires example.org/other"},
		{"no statement", repotest.Files{"README.md": "Try it.\n"}, "README.md: does not say \"Go 1.N or later\""},
		{"another Go", repotest.Files{"README.md": "Go 1.24 or later.\n"}, "README.md: says Go 1.24 of core, whose go.mod needs Go 1.25"},
		{"a newer Go that is said", repotest.Files{"README.md": "Go 1.25 or later; `backend/x` needs Go 1.26.\n", lib: strings.Replace(repotest.GoMod("backend/x", "core v0.1.0"), "go 1.25.0", "go 1.26.0", 1), "go.work": "go 1.26.0\n\nuse (\n\t./backend/x\n\t./core\n)\n", "backend/x/README.md": "Go 1.26\n"}, ""},
		{"a newer Go that is not said", repotest.Files{"README.md": said, lib: strings.Replace(repotest.GoMod("backend/x", "core v0.1.0"), "go 1.25.0", "go 1.26.0", 1), "go.work": "go 1.26.0\n\nuse (\n\t./backend/x\n\t./core\n)\n", "backend/x/README.md": "none\n"}, "README.md: says Go 1.25 of backend/x, whose go.mod needs Go 1.26\nbackend/x/README.md: does not say that it needs Go 1.26"},
		{"the version of a library that is said", repotest.Files{"README.md": said, "backend/x/README.md": "lib from v1.0.0 on\n", lib: withLib, "backend/x/lib.go": "package x\n\nimport _ \"example.org/lib\"\n"}, ""},
		{"another version of the library", repotest.Files{"README.md": said, "backend/x/README.md": "lib from v1.1.0 on\n", lib: withLib, "backend/x/lib.go": "package x\n\nimport _ \"example.org/lib\"\n"}, "backend/x/README.md: says \"from v1.1.0 on\", but go.mod requires no such version"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			repotest.Right().Write(t, dir)
			row.files.Write(t, dir)
			repotest.Commit(t, dir)
			err := checker{
				root: dir, rules: smallRules(), modcache: thirdParty(t), goproxy: "off", out: io.Discard, log: io.Discard,
			}.check(t.Context())
			switch {
			case row.want == "" && err != nil:
				t.Errorf("got the error %v", err)
			case row.want != "" && (err == nil || !strings.Contains(err.Error(), row.want)):
				t.Errorf("got the error %v\nwant one with %s", err, row.want)
			}
		})
	}
}

// TestOldest: RPT-47. A module that does not compile with the Go that its go.mod names is named.
func TestOldest(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	repotest.Right().Write(t, dir)
	repotest.Files{"core/new.go": "package core\n\nimport \"errors\"\n\n// As is new in Go 1.26.\nfunc As(err error) error { e, _ := errors.AsType[error](err); return e }\n"}.Write(t, dir)
	repotest.Commit(t, dir)
	r, err := repo.OpenCommit(dir, "HEAD")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	problems := checker{root: dir, out: &out}.checkOldest(t.Context(), r)
	if strings.Contains(out.String(), "NOT RUN") {
		t.Skip(out.String())
	}
	if !strings.Contains(strings.Join(problems, "\n"), "core: go.mod says go1.25.0, which cannot build it") {
		t.Errorf("got %q", problems)
	}
}

// TestCleanClone: RPT-47. Looking at a clean clone changes nothing in it, so that a release can be tagged from there.
func TestCleanClone(t *testing.T) {
	t.Parallel()
	root, err := repo.Find()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if _, err := repo.Git(root, "clone", "-q", "--no-checkout", root, dir); err != nil {
		t.Fatal(err)
	}
	// Without the history of this tree, a clone has the commit at which it stands.
	head, err := repo.Git(root, "rev-parse", "HEAD")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := repo.Git(dir, "checkout", "-q", "--detach", head); err != nil {
		t.Fatal(err)
	}
	r, err := repo.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	env, err := goEnv(t.Context(), "GOROOT")
	if err != nil {
		t.Fatal(err)
	}
	run := func(dir string, args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "go", args...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOROOT="+env["GOROOT"], "GOWORK=")
		if output, err := cmd.CombinedOutput(); err != nil && os.Getenv("CI") == "true" {
			t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, output)
		} else if err != nil {
			t.Skipf("go %s: %v\n%s", strings.Join(args, " "), err, output)
		}
		if changed, err := repo.Git(dir, "status", "--porcelain"); changed != "" || err != nil {
			diff, _ := repo.Git(dir, "diff")
			t.Fatalf("after go %s: %s %v\n%s", strings.Join(args, " "), changed, err, diff)
		}
	}
	run(dir, "doc", "./core/session")
	run(dir, "list", "-m", "all")
	for _, m := range r.Modules {
		run(m.Dir, "list", "-deps", "-test", "./...")
	}
	run(dir, "mod", "download")
	run(dir, "doc", "./core/session")
	run(dir, "vet", "./core/clientip")
}
