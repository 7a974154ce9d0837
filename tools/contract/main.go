// Contract writes docs/contract.md, the contracts of stores, of caches and of adapters as the conformance suites verify
// them: every clause with its name and its sentence.
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

	"github.com/qsessions/qsessions/conformance/adaptertest"
	"github.com/qsessions/qsessions/conformance/cachetest"
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
	want := page(storetest.Cases(), cachetest.Cases(), adaptertest.Cases())
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

// page renders the cases of stores, then those of caches, then those of adapters.
func page(stores []storetest.Case, caches []cachetest.Case, adapters []adaptertest.Case) []byte {
	var b bytes.Buffer
	indexed := 0
	rows := make([]row, len(stores))
	for i, k := range stores {
		if k.Needs&storetest.NeedIndexed != 0 {
			indexed++
		}
		rows[i] = row{k.Name, k.Why, needs(k.Needs, storeNeeds)}
	}
	fmt.Fprintf(&b, intro, len(stores), indexed)
	table(&b, rows, "", areas)
	fmt.Fprintf(&b, cacheIntro, len(caches))
	rows = make([]row, len(caches))
	for i, k := range caches {
		rows[i] = row{k.Name, k.Why, needs(k.Needs, cacheNeeds)}
	}
	table(&b, rows, "Caches: ", cacheAreas)
	fmt.Fprintf(&b, adapterIntro, len(adapters))
	rows = make([]row, len(adapters))
	for i, k := range adapters {
		rows[i] = row{k.Name, k.Why, needs(k.Needs, adapterNeeds)}
	}
	table(&b, rows, "Adapters: ", adapterAreas)
	return b.Bytes()
}

// A row is a clause as the page shows it.
type row struct{ name, why, needs string }

// table renders rows, grouped by area.
func table(b *bytes.Buffer, rows []row, of string, areas map[string]string) {
	area := ""
	for _, r := range rows {
		a, _, _ := strings.Cut(r.name, "/")
		if a != area {
			area = a
			fmt.Fprintf(b, "\n## %s%s\n\n%s\n\n| clause | sentence | only if |\n|---|---|---|\n", of, a, areas[a])
		}
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", r.name, cell(r.why), r.needs)
	}
}

// cell makes s fit into a table.
func cell(s string) string { return strings.NewReplacer("|", `\|`, "\n", " ", "<", "&lt;").Replace(s) }

// A need is one bit of what a case cannot do without, as the page calls it.
type need[N ~uint8 | ~uint16] struct {
	bit  N
	name string
}

var (
	storeNeeds = []need[storetest.Need]{
		{storetest.NeedIndexed, "Indexed"}, {storetest.NeedCached, "Cached"}, {storetest.NeedUsers, "it refers to users"}, {storetest.NeedMaxData, "it has a limit"},
		{storetest.NeedKeeper, "Keeper"},
	}
	adapterNeeds = []need[adaptertest.Feature]{
		{adaptertest.EarlyHints, "it can send 103"}, {adaptertest.Hijack, "handlers can take the connection"},
		{adaptertest.Flush, "handlers can send a part"}, {adaptertest.Cancel, "contexts end with their clients"},
		{adaptertest.ClientHints, "it asks for client hints"}, {adaptertest.ErrorPage, "its error page can be replaced"},
		{adaptertest.Require, "it turns away who is not signed in"}, {adaptertest.Proof, "routes can ask for one proof"},
		{adaptertest.Passive, "routes can be no use of the session"},
	}
	cacheNeeds = []need[cachetest.Need]{
		{cachetest.NeedShared, "several processes use it"}, {cachetest.NeedNamespaces, "its server can hold several"},
		{cachetest.NeedRestarts, "it can restart"}, {cachetest.NeedMaxCopy, "it has a limit"},
	}
)

// needs names what a case cannot do without.
func needs[N ~uint8 | ~uint16](n N, known []need[N]) string {
	var l []string
	for _, k := range known {
		if n&k.bit != 0 {
			l = append(l, k.name)
		}
	}
	return strings.Join(l, ", ")
}
