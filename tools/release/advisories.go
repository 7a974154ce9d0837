package main

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/qsessions/qsessions/tools/internal/advisories"
	"github.com/qsessions/qsessions/tools/internal/repo"
)

//go:embed accepted.txt
var acceptedText string

// stale is the age from which the database is called old. It grows by a few advisories a day.
const stale = 30 * 24 * time.Hour

// watch looks for advisories against the modules of one repository.
type watch struct {
	checker
	scanner  advisories.Scanner
	accepted []advisories.Accepted
	now      time.Time
}

// scanned is the answer for one module.
type scanned struct {
	modules  int // of others, that are compiled
	findings []advisories.Finding
	err      error
}

// run scans a clean consumer of each published module of HEAD, because consumers get the versions that the module
// requires, and the other modules where they are, with their tests.
//
// An advisory counts if it is about a package that is compiled. If the module requires the other one directly, every
// advisory against that counts: applications use it by themselves too, in the version that they get from here. The rest
// is a note, and so are advisories against the standard library, whose version is the choice of anyone who builds.
func (w watch) run(ctx context.Context) error {
	d := w.scanner.Database
	fmt.Fprintf(w.out, "%d advisories, %s of %s\n", d.Entries, d.Version, d.Time.Format(time.DateOnly))
	if age := w.now.Sub(d.Time); age > stale {
		fmt.Fprintf(w.out, "WARNING: the database is %d days old; what was published since is not found\n", age/(24*time.Hour))
	}
	r, err := repo.OpenCommit(w.root, "HEAD")
	if err != nil {
		return err
	}
	version, problems := r.Version()
	if len(problems) > 0 {
		return errors.New(strings.Join(problems, "\n"))
	}
	tmp, err := os.MkdirTemp("", "release-advisories-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	p := proxy{root: w.root, dir: filepath.Join(tmp, "proxy")}
	versions, err := p.packAll(r, version)
	if err != nil {
		return err
	}
	answers := make([]scanned, len(r.Modules))
	each(r.Modules, func(i int, m repo.Module) {
		if !m.Published() {
			answers[i] = w.scan(ctx, m.Dir, append(os.Environ(), "GOWORK=off"), "-test", "./...")
			return
		}
		_, err := w.consumer(m, versions, tmp).try(ctx, w.proxies(p), func(c consumer) error {
			if _, err := c.create(ctx); err != nil {
				return err
			}
			if err := c.tidy(ctx); err != nil {
				return err
			}
			answers[i] = w.scan(ctx, c.work(), c.env, ".")
			return answers[i].err
		})
		answers[i].err = err
	})
	return w.judge(r.Modules, answers)
}

// scan looks up everything that the packages in the directory compile, and with -test their tests.
func (w watch) scan(ctx context.Context, dir string, env []string, args ...string) (s scanned) {
	// govulncheck is given the packages of others: of a package that has tests alone it does not see what these import.
	list := exec.CommandContext(ctx, "go", append([]string{
		"list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{$.ImportPath}} {{.Path}}{{end}}{{end}}"}, args...)...)
	list.Dir, list.Env = dir, env
	var stderr bytes.Buffer
	list.Stderr = &stderr
	output, err := list.Output()
	if err != nil {
		return scanned{err: fmt.Errorf("%w: go list: %w\n%s", errDownload, err, bytes.TrimSpace(stderr.Bytes()))}
	}
	var packages, modules []string
	for line := range strings.Lines(string(output)) {
		fields := strings.Fields(line)
		if len(fields) != 2 || strings.HasPrefix(fields[1], repo.Prefix) {
			continue // none, a package as its own test sees it, or one of ours
		}
		packages, modules = append(packages, fields[0]), append(modules, fields[1])
	}
	slices.Sort(modules)
	s.modules = len(slices.Compact(modules))
	if len(packages) > 0 {
		s.findings, s.err = w.scanner.Scan(ctx, dir, env, packages)
	}
	return s
}

// judge prints what was found, and returns an error with all that counts.
func (w watch) judge(modules []repo.Module, answers []scanned) error {
	var problems []string
	used := make([]bool, len(w.accepted))
	notes, standard := map[string]bool{}, map[string]bool{}
	for i, m := range modules {
		if answers[i].err != nil {
			problems = append(problems, fmt.Sprintf("%s: %v", m.Name, answers[i].err))
			continue
		}
		counted, uncompiled := 0, map[string]int{}
		for _, f := range answers[i].findings {
			accept := slices.IndexFunc(w.accepted, func(a advisories.Accepted) bool { return a.Accepts(f, w.now) })
			switch {
			case f.Module == advisories.Standard:
				standard[f.ID] = true
			case len(f.Packages) == 0 && !m.Requires(f.Module):
				uncompiled[f.Module+" "+f.Version]++
			case accept >= 0:
				used[accept] = true
				notes[fmt.Sprintf("accepted until %s: %v: %s", w.accepted[accept].Until.Format(time.DateOnly), f, w.accepted[accept].Reason)] = true
			default:
				counted++
				problems = append(problems, fmt.Sprintf("%s: %v", m.Name, f))
			}
		}
		for version, n := range uncompiled {
			notes[fmt.Sprintf("%s: %d advisories about packages of %s that are not compiled", m.Name, n, version)] = true
		}
		fmt.Fprintf(w.out, "%-24s compiles %2d modules of others: %d advisories\n", m.Name, answers[i].modules, counted)
	}
	if len(standard) > 0 {
		notes[fmt.Sprintf("%d advisories about the standard library of %s, which runs here", len(standard), runtime.Version())] = true
	}
	for _, note := range slices.Sorted(maps.Keys(notes)) {
		fmt.Fprintln(w.out, "note:", note)
	}
	for i, a := range w.accepted {
		if a.Expired(w.now) {
			problems = append(problems, fmt.Sprintf("accepted.txt: %s of %s has expired", a.ID, a.Module))
		} else if !used[i] {
			problems = append(problems, fmt.Sprintf("accepted.txt: %s of %s excuses nothing", a.ID, a.Module))
		}
	}
	if len(problems) > 0 {
		return errors.New(strings.Join(problems, "\n"))
	}
	return nil
}
