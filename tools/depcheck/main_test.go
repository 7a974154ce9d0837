package main

import (
	"strings"
	"testing"

	"github.com/qsessions/qsessions/tools/internal/repo"
	"github.com/qsessions/qsessions/tools/internal/repo/repotest"
)

// TestCheck breaks one rule at a time in a small tree, and wants the fault named.
func TestCheck(t *testing.T) {
	for name, row := range map[string]struct {
		files repotest.Files
		want  string // empty: no fault
	}{
		"nothing": {},
		"an import of core": {
			repotest.Files{"core/h.go": "package core\n\nimport _ \"net/http\"\n"},
			"core: must not depend on package net/http, which " + repo.Prefix + "core imports",
		},
		"an indirect import of core": {
			repotest.Files{"core/h.go": "package core\n\nimport _ \"net/http/httputil\"\n"},
			"core: must not depend on package net/http, which ",
		},
		"an import of a test of core": {
			repotest.Files{"core/h_test.go": "package core\n\nimport _ \"net/http\"\n"},
			"",
		},
		"core has a go.sum file": {
			repotest.Files{"core/go.sum": ""},
			"core: has a go.sum file, but may require nothing",
		},
		"a toolchain line": {
			repotest.Files{"core/go.mod": repotest.GoMod("core") + "\ntoolchain go1.25.1\n"},
			"core/go.mod: has a toolchain line",
		},
		"a requirement that is not listed": {
			repotest.Files{"backend/x/go.mod": repotest.GoMod("backend/x", "core v0.1.0", "example.org/lib v1.0.0")},
			"backend/x/go.mod: requires example.org/lib, which its rule does not list",
		},
		"a replace line that leads elsewhere": {
			repotest.Files{"backend/x/go.mod": strings.Replace(repotest.GoMod("backend/x", "core v0.1.0"), "../../core", "../core", 1)},
			"backend/x/go.mod: the replace line of core must be",
		},
		"a module without a rule": {
			repotest.Files{"backend/z/go.mod": repotest.GoMod("backend/z"), "go.work": "go 1.25.0\n\nuse (\n\t./backend/x\n\t./backend/z\n\t./core\n)\n"},
			"backend/z/go.mod: no rule for this published module",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			repotest.Right().Write(t, dir)
			row.files.Write(t, dir)
			problems, err := check(dir, map[string]repo.Rule{
				"core":      {NoImports: []string{"net/http"}},
				"backend/x": {Require: []string{"core"}},
			})
			if err != nil {
				t.Fatal(err)
			}
			got := strings.Join(problems, "\n")
			if row.want == "" && got != "" || !strings.Contains(got, row.want) {
				t.Errorf("got %q, want %q", got, row.want)
			}
		})
	}
}
