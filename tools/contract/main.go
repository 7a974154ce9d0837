// Contract writes docs/contract.md, the contract of stores as the conformance suite verifies it: every clause with its
// name and its sentence.
//
//	go run ./tools/contract            write the file
//	go run ./tools/contract -check     fail where the file is out of date
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/qsessions/qsessions/conformance/storetest"
	"github.com/qsessions/qsessions/tools/internal/repo"
)

func main() {
	check := flag.Bool("check", false, "write nothing, and fail where the file is out of date")
	flag.Parse()
	root, err := repo.Find()
	if err == nil {
		err = run(filepath.Join(root, "docs", "contract.md"), *check)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "contract:", err)
		os.Exit(1)
	}
}

func run(path string, check bool) error {
	want := page(storetest.Cases())
	if !check {
		return os.WriteFile(path, want, 0o644)
	}
	got, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if hint := difference(string(got), string(want)); hint != "" {
		return fmt.Errorf("%s is out of date: go run ./tools/contract\n%s", filepath.Base(path), hint)
	}
	return nil
}

// difference shows the first line in which the texts differ; it is empty if they are equal.
func difference(got, want string) string {
	if got == want {
		return ""
	}
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	i := 0
	for i < min(len(g), len(w)) && g[i] == w[i] {
		i++
	}
	line := func(l []string) string {
		if i < len(l) {
			return l[i]
		}
		return "(the end)"
	}
	return fmt.Sprintf("line %d:\n- %s\n+ %s", i+1, line(g), line(w))
}

// page renders the cases, grouped by area.
func page(cases []storetest.Case) []byte {
	var b bytes.Buffer
	indexed := 0
	for _, k := range cases {
		if k.Needs&storetest.NeedIndexed != 0 {
			indexed++
		}
	}
	fmt.Fprintf(&b, intro, len(cases), indexed)
	area := ""
	for _, k := range cases {
		a, _, _ := strings.Cut(k.Name, "/")
		if a != area {
			area = a
			fmt.Fprintf(&b, "\n## %s\n\n%s\n\n| clause | sentence | only if |\n|---|---|---|\n", a, areas[a])
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", k.Name, cell(k.Why), needs(k.Needs))
	}
	return b.Bytes()
}

// cell makes s fit into a table.
func cell(s string) string { return strings.NewReplacer("|", `\|`, "\n", " ", "<", "&lt;").Replace(s) }

// needs names what a case cannot do without.
func needs(n storetest.Need) string {
	var l []string
	for _, known := range []struct {
		need storetest.Need
		name string
	}{
		{storetest.NeedIndexed, "Indexed"}, {storetest.NeedCached, "Cached"}, {storetest.NeedUsers, "it refers to users"}, {storetest.NeedMaxData, "it has a limit"},
	} {
		if n&known.need != 0 {
			l = append(l, known.name)
		}
	}
	return strings.Join(l, ", ")
}
