package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"

	"github.com/qsessions/qsessions/tools/internal/repo"
	"github.com/qsessions/qsessions/tools/internal/repo/repotest"
)

func smallRules() map[string]repo.Rule {
	return map[string]repo.Rule{
		"core":      {Downloads: 1, NoImports: []string{"net/http"}},
		"backend/x": {Require: []string{"core", "example.org/lib"}, Downloads: 3},
		"backend/y": {Require: []string{"core"}, Downloads: 2},
	}
}

// TestCheck packs small trees. One is right; the others are wrong on purpose, and the fault must be named.
func TestCheck(t *testing.T) {
	const useCoreNew = "package x\n\nimport \"" + repo.Prefix + "core\"\n\n// X uses core.\nfunc X() int { return core.New() }\n"
	const useCoreOld = "package sub\n\nimport \"" + repo.Prefix + "core\"\n\n// X uses core.\nfunc X() int { return core.Old() }\n"
	const coreNew = "package core\n\n// New came later.\nfunc New() int { return 2 }\n"
	const useLib = "package x\n\nimport _ \"example.org/lib\"\n"
	const workWith = "go 1.25.0\n\nuse (\n\t./backend/x\n\t./core\n\t./"

	for _, row := range []struct {
		name  string
		files repotest.Files             // on top of the right tree
		later func(*testing.T, string)   // what happens after the commit
		rules func(map[string]repo.Rule) // changes to the rules
		want  string                     // part of the error; empty: none
		out   string                     // part of the output
	}{
		{name: "a right tree", out: "core               v0.1.0  1 packages, downloads 1 of at most 1"},
		{
			name: "a right tree with a library of others",
			files: repotest.Files{
				"backend/x/go.mod": repotest.GoMod("backend/x", "core v0.1.0", "example.org/lib v1.0.0"),
				"backend/x/lib.go": useLib,
			},
			out: "backend/x          v0.1.0  1 packages, downloads 3 of at most 3",
		},
		{
			name: "a right tree after a release",
			later: func(t *testing.T, dir string) {
				release(t, dir)
				repotest.Files{"core/new.go": coreNew}.Write(t, dir)
				repotest.Commit(t, dir)
			},
			out: "core               v0.1.1-0.check  1 packages",
		},
		{
			name: "a stale pin beside a new one",
			files: repotest.Files{
				"go.work":          workWith + "backend/y\n)\n",
				"backend/y/go.mod": repotest.GoMod("backend/y", "core v0.2.0"),
				"backend/y/y.go":   "package y\n",
			},
			want: "backend/x/go.mod: stale pin: requires core v0.1.0, but the version is v0.2.0",
		},
		{
			name: "a stale pin: new core API, old pin",
			later: func(t *testing.T, dir string) {
				release(t, dir)
				repotest.Files{"core/new.go": coreNew, "backend/x/x.go": useCoreNew}.Write(t, dir)
				repotest.Commit(t, dir)
			},
			want: "undefined: core.New",
		},
		{
			name: "a missing replace line",
			files: repotest.Files{
				"backend/x/go.mod": "module " + repo.Prefix + "backend/x\n\ngo 1.25.0\n\nrequire " + repo.Prefix + "core v0.1.0\n",
			},
			want: "backend/x/go.mod: missing replace line of core",
		},
		{
			name: "a leaked test dependency",
			files: repotest.Files{
				"backend/y/go.mod":    repotest.GoMod("backend/y", "core v0.1.0", "example.org/lib v1.0.0"),
				"backend/y/y.go":      "package y\n\nimport _ \"" + repo.Prefix + "core\"\n",
				"backend/y/y_test.go": "package y\n\nimport _ \"example.org/lib\"\n",
				"go.work":             workWith + "backend/y\n)\n",
			},
			want: "backend/y: leaks example.org/lib into the modules of its consumers",
		},
		{
			name: "a dependency that brings another one",
			files: repotest.Files{
				"backend/x/go.mod": repotest.GoMod("backend/x", "core v0.1.0", "example.org/lib v1.1.0"),
				"backend/x/lib.go": useLib,
			},
			want: "backend/x: leaks example.org/heavy into the modules of its consumers",
		},
		{
			name: "too many downloads",
			rules: func(rules map[string]repo.Rule) {
				rules["backend/x"] = repo.Rule{Require: []string{"core"}, Downloads: 1}
			},
			want: "backend/x: a consumer downloads 2 modules, at most 1 are allowed",
		},
		{
			name:  "a file that is needed and not committed",
			files: repotest.Files{"backend/x/x.go": useCoreNew},
			later: func(t *testing.T, dir string) { repotest.Files{"core/new.go": coreNew}.Write(t, dir) },
			want:  "undefined: core.New",
		},
		{
			name: "a published module that needs an unpublished one",
			files: repotest.Files{
				"go.work":           workWith + "testserver\n)\n",
				"testserver/go.mod": repotest.GoMod("testserver"),
				"testserver/t.go":   "package testserver\n",
				"backend/x/go.mod":  repotest.GoMod("backend/x", "core v0.1.0", "testserver v0.1.0"),
				"backend/x/lib.go":  "package x\n\nimport _ \"" + repo.Prefix + "testserver\"\n",
			},
			want: "backend/x/go.mod: a published module requires testserver, which is never published",
		},
		{
			name: "core requires something",
			files: repotest.Files{
				"core/go.mod": repotest.GoMod("core", "example.org/lib v1.0.0"),
				"core/lib.go": "package core\n\nimport _ \"example.org/lib\"\n",
			},
			want: "core/go.mod: requires example.org/lib, which its rule does not list",
		},
		{
			name: "a go get line that names one module too few",
			files: repotest.Files{
				"go.work":              workWith + "backend/y\n)\n",
				"backend/y/README.md":  "Get it:\n\n```sh\ngo get " + repo.Prefix + "backend/y\n```\n",
				"backend/y/go.mod":     repotest.GoMod("backend/y", "core v0.1.0"),
				"backend/y/sub/sub.go": useCoreOld, // and no package at the root
			},
			want: "backend/y: what `go get` of the README adds is not enough",
		},
		{
			name: "a go get line that names both",
			files: repotest.Files{
				"go.work": workWith + "backend/y\n)\n",
				"backend/y/README.md": "Get it:\n\n```sh\ngo get " + repo.Prefix + "core \\\n  " +
					repo.Prefix + "backend/y # or others\n```\n",
				"backend/y/go.mod":     repotest.GoMod("backend/y", "core v0.1.0"),
				"backend/y/sub/sub.go": useCoreOld,
			},
			out: "backend/y          v0.1.0  1 packages",
		},
		{
			name:  "an import without a requirement",
			files: repotest.Files{"core/lib.go": "package core\n\nimport _ \"example.org/lib\"\n"},
			want:  "core: a consumer downloads 2 modules, at most 1 are allowed",
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			repotest.Right().Write(t, dir)
			row.files.Write(t, dir)
			repotest.Commit(t, dir)
			if row.later != nil {
				row.later(t, dir)
			}
			rules := smallRules()
			if row.rules != nil {
				row.rules(rules)
			}
			var out bytes.Buffer
			err := checker{
				root: dir, rules: rules, modcache: thirdParty(t), goproxy: "off", out: &out, log: io.Discard,
			}.check(t.Context())
			switch {
			case row.want == "" && err != nil:
				t.Errorf("got the error %v", err)
			case row.want != "" && (err == nil || !strings.Contains(err.Error(), row.want)):
				t.Errorf("got the error %v\nwant one with %s", err, row.want)
			}
			if !strings.Contains(out.String(), row.out) {
				t.Errorf("got the output\n%s\nwant %s", &out, row.out)
			}
		})
	}
}

// TestTag refuses what must not be tagged, and tags each published module.
func TestTag(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	repotest.Right().Write(t, dir)
	repotest.Commit(t, dir)
	if err := tag(dir, "v0.2.0", io.Discard); err == nil || !strings.Contains(err.Error(), "bump") {
		t.Errorf("with another version: got %v", err)
	}
	repotest.Files{"new": ""}.Write(t, dir)
	if err := tag(dir, "v0.1.0", io.Discard); err == nil || !strings.Contains(err.Error(), "uncommitted") {
		t.Errorf("with an uncommitted file: got %v", err)
	}
	repotest.Commit(t, dir)
	var out strings.Builder
	if err := tag(dir, "v0.1.0", &out); err != nil {
		t.Fatal(err)
	}
	if got, want := out.String(), "git push origin backend/x/v0.1.0 core/v0.1.0\n"; got != want {
		t.Errorf("got the output %q, want %q", got, want)
	}
	if tags, err := repo.Git(dir, "tag", "--points-at", "HEAD"); tags != "backend/x/v0.1.0\ncore/v0.1.0" || err != nil {
		t.Errorf("got the tags %q, %v", tags, err)
	}
	if err := tag(dir, "v0.1.0", io.Discard); err == nil || !strings.Contains(err.Error(), "exists") {
		t.Errorf("a second time: got %v", err)
	}
}

// release tags the commit as v0.1.0 of both modules.
func release(t *testing.T, dir string) {
	t.Helper()
	if err := tag(dir, "v0.1.0", io.Discard); err != nil {
		t.Fatal(err)
	}
}

// thirdParty returns a module cache with a small library of others. From v1.1.0 on it requires another module, which
// it imports from v1.2.0 on.
func thirdParty(t *testing.T) string {
	t.Helper()
	const lib, heavy = "module example.org/lib\n\ngo 1.25.0\n", "module example.org/heavy\n\ngo 1.25.0\n"
	const useHeavy = "package lib\n\nimport _ \"example.org/heavy\"\n"
	cache := t.TempDir()
	for _, m := range []struct{ path, version, mod, code string }{
		{"example.org/lib", "v1.0.0", lib, "package lib\n"},
		{"example.org/lib", "v1.1.0", lib + "\nrequire example.org/heavy v1.0.0\n", "package lib\n"},
		{"example.org/lib", "v1.2.0", lib + "\nrequire example.org/heavy v1.0.0\n", useHeavy},
		{"example.org/lib", "v1.3.0", lib + "\nrequire example.org/heavy v1.1.0\n", useHeavy},
		{"example.org/heavy", "v1.0.0", heavy, "package heavy\n"},
		{"example.org/heavy", "v1.1.0", heavy, "package heavy\n"},
	} {
		source := t.TempDir()
		repotest.Files{"go.mod": m.mod, "lib.go": m.code}.Write(t, source)
		dir := filepath.Join(cache, "cache", "download", filepath.FromSlash(m.path), "@v")
		repotest.Files{
			m.version + ".mod":  m.mod,
			m.version + ".info": `{"Version":"` + m.version + `"}`,
			m.version + ".zip":  "",
			"list":              "v1.0.0\n",
		}.Write(t, dir)
		archive, err := os.Create(filepath.Join(dir, m.version+".zip"))
		if err != nil {
			t.Fatal(err)
		}
		if err := zip.CreateFromDir(archive, module.Version{Path: m.path, Version: m.version}, source); err != nil {
			t.Fatal(err)
		}
		if err := archive.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return cache
}
