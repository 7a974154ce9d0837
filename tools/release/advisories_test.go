package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/qsessions/qsessions/tools/internal/advisories"
	"github.com/qsessions/qsessions/tools/internal/repo"
	"github.com/qsessions/qsessions/tools/internal/repo/repotest"
)

// TestAdvisories scans small trees against a database of four advisories.
func TestAdvisories(t *testing.T) {
	cache := thirdParty(t)
	// For the modules that are never published, which are scanned where they are.
	t.Setenv("GOPROXY", "file://"+filepath.ToSlash(filepath.Join(cache, "cache", "download"))+",off")
	t.Setenv("GOMODCACHE", t.TempDir())
	t.Setenv("GOFLAGS", "-mod=mod -modcacherw")
	t.Setenv("GONOSUMDB", "*")
	scanner := advisories.Scanner{Command: govulncheck(t), Database: smallDatabase(t)}

	requires := func(version string) repotest.Files {
		return repotest.Files{
			"backend/x/go.mod": repotest.GoMod("backend/x", "core v0.1.0", "example.org/lib "+version),
			"backend/x/lib.go": "package x\n\nimport _ \"example.org/lib\"\n",
		}
	}
	const (
		first  = "backend/x: example.org/lib v1.0.0: GO-2001-0001, fixed in v1.1.0 (lib is wrong)"
		second = "backend/x: example.org/lib v1.1.0: GO-2001-0002, fixed in v1.2.0 (lib/other is wrong)"
		third  = "backend/x: example.org/heavy v1.0.0: GO-2001-0003, fixed in v1.1.0 (heavy is wrong)"
		accept = "GO-2001-0001 example.org/lib 2026-11-30 not reached"
	)
	for _, row := range []struct {
		name     string
		files    repotest.Files // on top of the right tree
		accepted string
		now      string // 2026-11-30 if empty
		want     string // the whole error; empty: none
		out      string // part of the output
	}{
		{name: "nothing of others", out: "backend/x                compiles  0 modules of others: 0 advisories\n"},
		{name: "a package that is compiled", files: requires("v1.0.0"), want: first},
		{name: "another package of a module that is required directly", files: requires("v1.1.0"), want: second},
		{name: "a package that a dependency compiles", files: requires("v1.2.0"), want: third},
		{
			name: "another package of a module that a dependency requires", files: requires("v1.3.0"),
			out: "note: backend/x: 1 advisories about packages of example.org/heavy v1.1.0 that are not compiled\n",
		},
		{
			name: "accepted, on the last day", files: requires("v1.0.0"), accepted: accept,
			out: "note: accepted until 2026-11-30: example.org/lib v1.0.0: GO-2001-0001, fixed in v1.1.0 (lib is wrong): not reached\n",
		},
		{
			name: "accepted, on the day after", files: requires("v1.0.0"), accepted: accept, now: "2026-12-01",
			want: first + "\naccepted.txt: GO-2001-0001 of example.org/lib has expired",
		},
		{
			name: "another one is accepted", files: requires("v1.1.0"), accepted: accept,
			want: second + "\naccepted.txt: GO-2001-0001 of example.org/lib excuses nothing",
		},
		{
			name: "tests of a module that is never published",
			files: repotest.Files{
				"go.work":                   "go 1.25.0\n\nuse (\n\t./backend/x\n\t./backend/x/itest\n\t./core\n)\n",
				"backend/x/itest/go.mod":    repotest.GoMod("backend/x/itest", "example.org/lib v1.0.0"),
				"backend/x/itest/x_test.go": "package itest\n\nimport _ \"example.org/lib\"\n",
			},
			want: "backend/x/itest" + strings.TrimPrefix(first, "backend/x"),
		},
		{name: "an old database", now: "2027-03-01", out: "WARNING: the database is 120 days old"},
		{
			name:  "a requirement that cannot be had",
			files: requires("v1.9.0"),
			want:  "backend/x: cannot download",
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			dir := t.TempDir()
			repotest.Right().Write(t, dir)
			row.files.Write(t, dir)
			repotest.Commit(t, dir)
			accepted, err := advisories.ParseAccepted(row.accepted)
			if err != nil {
				t.Fatal(err)
			}
			now, err := time.Parse(time.DateOnly, row.now)
			if row.now == "" {
				now, err = time.Date(2026, 11, 30, 23, 0, 0, 0, time.UTC), nil
			}
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			err = watch{
				checker: checker{root: dir, modcache: cache, goproxy: "off", out: &out, log: io.Discard},
				scanner: scanner, accepted: accepted, now: now,
			}.run(t.Context())
			got := fmt.Sprint(err)
			if strings.HasSuffix(row.want, "cannot download") {
				got, _, _ = strings.Cut(got, ": a consumer")
			}
			if row.want == "" && err != nil || row.want != "" && got != row.want {
				t.Errorf("got the error %v\nwant %s", err, row.want)
			}
			if !strings.Contains(out.String(), row.out) {
				t.Errorf("got the output\n%s\nwant %s", &out, row.out)
			}
		})
	}
}

// TestKnownAdvisories: ATK-2. A consumer of the oldest Fiber v3 gets what has been published against it, and one of this
// repository's Fiber does not; that version of the database knew of all of it.
func TestKnownAdvisories(t *testing.T) {
	t.Parallel()
	database, err := advisories.Download(t.Context(), "v0.0.0-20261105234957-e22db6528018")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	root, err := repo.Find()
	if err != nil {
		t.Fatal(err)
	}
	ours, err := os.ReadFile(filepath.Join(root, "adapters", "fiber", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	env, err := goEnv(t.Context(), "GOMODCACHE", "GOPROXY")
	if err != nil {
		t.Fatal(err)
	}
	scanner := advisories.Scanner{Command: govulncheck(t), Database: database}
	for _, row := range []struct {
		name, mod string
		want      []string
	}{
		{"Fiber v3.1.0", repotest.GoMod("adapters/fiber", "core v0.1.0", "github.com/gofiber/fiber/v3 v3.1.0"), []string{
			"github.com/gofiber/fiber/v3 v3.1.0: GO-2026-5585, fixed in v3.2.0", // in a package that is compiled
			"GO-2026-5069", "GO-2026-5886", "GO-2026-5887", "GO-2026-5912", // in middleware
			"github.com/valyala/fasthttp v1.69.0: GO-2026-4950, fixed in v1.70.0",
		}},
		{"the Fiber of this repository", string(ours), nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			dir := t.TempDir()
			repotest.Files{
				"go.work":               "go 1.25.0\n\nuse (\n\t./adapters/fiber\n\t./core\n)\n",
				"LICENSE":               "none\n",
				"core/go.mod":           repotest.GoMod("core"),
				"core/core.go":          "package core\n",
				"adapters/fiber/go.mod": row.mod,
				"adapters/fiber/f.go": "package f\n\nimport (\n\t_ \"github.com/gofiber/fiber/v3\"\n\t_ \"" +
					repo.Prefix + "core\"\n)\n",
			}.Write(t, dir)
			repotest.Commit(t, dir)
			err := watch{
				checker: checker{root: dir, modcache: env["GOMODCACHE"], goproxy: env["GOPROXY"], out: t.Output(), log: io.Discard},
				scanner: scanner, now: database.Time,
			}.run(t.Context())
			for _, want := range row.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("got the error %v\nwant %s", err, want)
				}
			}
			if len(row.want) == 0 && err != nil {
				t.Error(err)
			}
		})
	}
}

// TestCheckWorktree packs a commit from a further tree of git worktree.
func TestCheckWorktree(t *testing.T) {
	t.Parallel()
	dir, further := t.TempDir(), filepath.Join(t.TempDir(), "further")
	repotest.Right().Write(t, dir)
	repotest.Commit(t, dir)
	if _, err := repo.Git(dir, "worktree", "add", "-q", "-b", "other", further); err != nil {
		t.Fatal(err)
	}
	// The further tree is a commit ahead.
	repotest.Files{"core/new.go": "package core\n\n// New is there.\nfunc New() int { return 2 }\n"}.Write(t, further)
	repotest.Files{"backend/x/new.go": "package x\n\nimport \"" + repo.Prefix + "core\"\n\n// Y uses it.\nfunc Y() int { return core.New() }\n"}.Write(t, further)
	if _, err := repo.Git(further, "add", "."); err != nil {
		t.Fatal(err)
	}
	if _, err := repo.Git(further, "-c", "user.name=test", "-c", "user.email=test@example.org", "commit", "-qm", "test"); err != nil {
		t.Fatal(err)
	}
	for _, root := range []string{dir, further} {
		err := checker{
			root: root, rules: smallRules(), modcache: thirdParty(t), goproxy: "off", out: io.Discard, log: io.Discard,
		}.check(t.Context())
		if err != nil {
			t.Errorf("%s: %v", root, err)
		}
	}
}

// govulncheck builds the version that the gate uses.
func govulncheck(t *testing.T) string {
	t.Helper()
	root, err := repo.Find()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "govulncheck")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-modfile=lint.mod", "-o", file, "golang.org/x/vuln/cmd/govulncheck")
	cmd.Dir = filepath.Join(root, "tools")
	for _, setting := range os.Environ() {
		// As they are without the settings of a test.
		if !strings.HasPrefix(setting, "GOPROXY=") && !strings.HasPrefix(setting, "GOMODCACHE=") && !strings.HasPrefix(setting, "GOFLAGS=") {
			cmd.Env = append(cmd.Env, setting)
		}
	}
	cmd.Env = append(cmd.Env, "GOWORK=off")
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, output)
	}
	return file
}

// smallDatabase has two advisories against each of the modules of thirdParty: about the package at its root, and about
// another one.
func smallDatabase(t *testing.T) advisories.Database {
	t.Helper()
	dir := t.TempDir()
	for _, a := range []struct{ id, module, pkg, events string }{
		{"GO-2001-0001", "example.org/lib", "lib", `{"introduced": "0"}, {"fixed": "1.1.0"}`},
		{"GO-2001-0002", "example.org/lib", "lib/other", `{"introduced": "1.1.0"}, {"fixed": "1.2.0"}`},
		{"GO-2001-0003", "example.org/heavy", "heavy", `{"introduced": "0"}, {"fixed": "1.1.0"}`},
		{"GO-2001-0004", "example.org/heavy", "heavy/other", `{"introduced": "0"}`},
	} {
		repotest.Files{a.id + ".json": fmt.Sprintf(`{
			"schema_version": "1.3.1", "id": %q, "modified": "2001-01-01T00:00:00Z", "published": "2001-01-01T00:00:00Z",
			"summary": "%[2]s is wrong", "details": "It is.",
			"affected": [{
				"package": {"name": %[3]q, "ecosystem": "Go"},
				"ranges": [{"type": "SEMVER", "events": [%[4]s]}],
				"ecosystem_specific": {"imports": [{"path": "example.org/%[2]s"}]}
			}]
		}`, a.id, a.pkg, a.module, a.events)}.Write(t, dir)
	}
	database, err := advisories.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	database.Version, database.Time = "v0.0.0-test", time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	return database
}
