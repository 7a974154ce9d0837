package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/mod/semver"

	"github.com/qsessions/qsessions/tools/internal/repo"
)

var (
	generalGo = regexp.MustCompile(`(?m)^Go (1\.\d+) or later`)
	specialGo = regexp.MustCompile("`([a-z/]+)` needs Go (1\\.\\d+)")
	anyGo     = regexp.MustCompile(`Go (1\.\d+)`)
	fromOn    = regexp.MustCompile(`from (v\d+\.\d+\.\d+) on`)
)

// checkStatements compares what the READMEs of the commit say of versions with the go.mod files: which Go each published
// module needs, and from which version on it takes the library that it is named after.
func (c checker) checkStatements(r *repo.Repo) (problems []string) {
	readme, err := repo.Git(c.root, "show", "HEAD:README.md")
	if err != nil {
		return nil // a tree without documents says nothing wrong
	}
	general, special := "", map[string]string{}
	if found := generalGo.FindStringSubmatch(readme); found != nil {
		general = found[1]
	} else {
		problems = append(problems, "README.md: does not say \"Go 1.N or later\"")
	}
	for _, found := range specialGo.FindAllStringSubmatch(readme, -1) {
		special[found[1]] = found[2]
	}
	for _, m := range r.Published() {
		needs, said := minor(m.Mod.Go.Version), special[m.Name]
		if said == "" {
			said = general
		}
		if needs != said {
			problems = append(problems, fmt.Sprintf("README.md: says Go %s of %s, whose go.mod needs Go %s", said, m.Name, needs))
		}
		own, err := repo.Git(c.root, "show", "HEAD:"+m.Name+"/README.md")
		if err != nil {
			continue
		}
		if needs != general && !slices.ContainsFunc(anyGo.FindAllStringSubmatch(own, -1), func(found []string) bool { return found[1] == needs }) {
			problems = append(problems, fmt.Sprintf("%s/README.md: does not say that it needs Go %s", m.Name, needs))
		}
		for _, found := range fromOn.FindAllStringSubmatch(own, -1) {
			if !slices.ContainsFunc(m.Pinned(), func(version string) bool { return version == found[1] }) {
				problems = append(problems, fmt.Sprintf("%s/README.md: says %q, but go.mod requires no such version", m.Name, found[0]))
			}
		}
	}
	return problems
}

// minor returns 1.25 of 1.25.0.
func minor(version string) string { return strings.TrimPrefix(semver.MajorMinor("v"+version), "v") }

// checkOldest builds each published module with the release of Go that its go.mod names, which a reader may have. Where that
// cannot be downloaded it says so, and is an error only where CI is true.
func (c checker) checkOldest(ctx context.Context, r *repo.Repo) (problems []string) {
	had := map[string]error{}
	for _, m := range r.Published() {
		version := "go" + m.Mod.Go.Version
		if minor(m.Mod.Go.Version) == minor(strings.TrimPrefix(runtime.Version(), "go")) {
			continue // the other gates build with it
		}
		err, known := had[version]
		if !known {
			_, err = oldGo(ctx, c.root, version, "version")
			had[version] = err
			if err != nil && os.Getenv("CI") == "true" {
				problems = append(problems, fmt.Sprintf("%s cannot be had: %v", version, err))
			} else if err != nil {
				fmt.Fprintf(c.out, "NOT RUN: %s cannot be had, so it is not known whether the modules compile with it\n", version)
			}
		}
		if err != nil {
			continue
		}
		if output, err := oldGo(ctx, m.Dir, version, "build", "./..."); err != nil {
			problems = append(problems, fmt.Sprintf("%s: go.mod says %s, which cannot build it: %v\n%s", m.Name, version, err, output))
		}
	}
	return problems
}

// oldGo runs the go command of a release in a directory.
func oldGo(ctx context.Context, dir, version string, args ...string) (output string, err error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOTOOLCHAIN="+version, "GOWORK=off")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err = cmd.Run()
	if text := strings.TrimSpace(out.String()); err != nil && text != "" && args[0] == "version" {
		err = errors.New(text)
	}
	return strings.TrimSpace(strings.ReplaceAll(out.String(), filepath.Dir(dir)+"/", "")), err
}
