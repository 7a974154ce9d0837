// Depcheck holds the modules of the working tree to their rules: what they may require, and what they may import. The
// rules are in package repo.
//
//	go run ./tools/depcheck
package main

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/qsessions/qsessions/tools/internal/repo"
)

func main() {
	root, err := repo.Find()
	var problems []string
	if err == nil {
		problems, err = check(root, repo.Rules())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "depcheck:", err)
		os.Exit(2)
	}
	for _, problem := range problems {
		fmt.Fprintln(os.Stderr, "depcheck:", problem)
	}
	if len(problems) > 0 {
		os.Exit(1)
	}
}

func check(root string, rules map[string]repo.Rule) (problems []string, err error) {
	r, err := repo.Open(root)
	if err != nil {
		return nil, err
	}
	_, problems = r.Version()
	problems = append(problems, r.Requirements(rules)...)
	for _, m := range r.Published() {
		banned := rules[m.Name].NoImports
		if len(banned) == 0 {
			continue
		}
		packages, err := dependencies(m.Dir)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.Name, err)
		}
		for _, name := range banned {
			if importers, ok := packages[name]; ok {
				problems = append(problems, fmt.Sprintf("%s: must not depend on package %s, which %s imports",
					m.Name, name, strings.Join(importers, " and ")))
			}
		}
	}
	return problems, nil
}

// dependencies returns every package that the module's packages need, without their tests, and who imports it.
func dependencies(dir string) (map[string][]string, error) {
	cmd := exec.Command("go", "list", "-deps", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off")
	cmd.Stderr = os.Stderr
	output, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	importers := map[string][]string{}
	for line := range strings.Lines(string(output)) {
		fields := strings.Fields(line)
		importers[fields[0]] = slices.Clone(importers[fields[0]])
		for _, imported := range fields[1:] {
			importers[imported] = append(importers[imported], fields[0])
		}
	}
	return importers, nil
}
