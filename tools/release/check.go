package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/qsessions/qsessions/tools/internal/repo"
)

// parallel is how many consumers are built at once. Each runs a go command that is parallel itself.
const parallel = 2

// checker checks one repository.
type checker struct {
	root     string
	rules    map[string]repo.Rule
	modcache string // the module cache that has the third-party modules
	goproxy  string // where they are otherwise
	oldest   bool   // build with the oldest Go as well
	out      io.Writer
	log      io.Writer
}

// check packs the published modules of HEAD into a proxy, and builds a clean consumer of each, and of each `go get` that a
// document shows. It reports every fault it finds, not only the first one.
func (c checker) check(ctx context.Context) error {
	r, err := repo.OpenCommit(c.root, "HEAD")
	if err != nil {
		return err
	}
	version, problems := r.Version()
	if len(problems) > 0 {
		return errors.New(strings.Join(problems, "\n")) // no consumer could resolve them
	}
	problems = r.Requirements(c.rules)
	tmp, err := os.MkdirTemp("", "release-check-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	p := proxy{root: c.root, dir: filepath.Join(tmp, "proxy")}
	versions, err := p.packAll(r, version)
	if err != nil {
		return err
	}

	published := r.Published()
	results := make([]result, len(published))
	each(published, func(i int, m repo.Module) {
		results[i] = c.consumer(m, versions, tmp).check(ctx, c.proxies(p))
	})
	for i, m := range published {
		rule := c.rules[m.Name]
		for _, problem := range results[i].problems(m, rule) {
			problems = append(problems, m.Name+": "+problem)
		}
		if results[i].err != nil && versions[m.Name] != version {
			problems = append(problems, fmt.Sprintf("%s: %s is released, so a requirement of it means the tagged commit; "+
				"if it needs what came later: go run ./tools/release bump", m.Name, version))
		}
		fmt.Fprintf(c.out, "%-18s %s  %d packages, downloads %d of at most %d modules\n",
			m.Name, versions[m.Name], results[i].packages, results[i].downloads, rule.Downloads)
	}
	problems = append(problems, c.checkRecipes(ctx, r, versions, tmp, c.proxies(p))...)
	problems = append(problems, c.checkStatements(r)...)
	if c.oldest {
		problems = append(problems, c.checkOldest(ctx, r)...)
	}
	if len(problems) > 0 {
		return errors.New(strings.Join(problems, "\n"))
	}
	return nil
}

// consumer returns one of the module, in a directory of its own below dir. It asks for what the README's `go get` names
// of ours, or for the module where there is no such line.
func (c checker) consumer(m repo.Module, versions map[string]string, dir string) consumer {
	get := []string{m.Path() + "@" + versions[m.Name]}
	if readme, err := repo.Git(c.root, "show", "HEAD:"+m.Name+"/README.md"); err == nil {
		if ours := goGet(readme, versions); len(ours) > 0 {
			get = ours
		}
	}
	return consumer{
		module: m.Path(), version: versions[m.Name], get: get, dir: filepath.Join(dir, "consumers", m.Name), log: c.log,
	}
}

// goGet returns the arguments of the first `go get` in the text that are modules of ours, with their versions.
func goGet(text string, versions map[string]string) (arguments []string) {
	_, rest, _ := strings.Cut("\n"+strings.ReplaceAll(text, "\\\n", " "), "\ngo get ")
	line, _, _ := strings.Cut(rest, "\n")
	for argument := range strings.FieldsSeq(line) {
		name, ours := strings.CutPrefix(argument, repo.Prefix)
		if version, known := versions[name]; ours && known {
			arguments = append(arguments, argument+"@"+version)
		}
	}
	return arguments
}

func (c checker) proxies(p proxy) proxies {
	return proxies{ours: p.dir, modcache: c.modcache, goproxy: c.goproxy}
}

// each calls f for every one, a few at a time.
func each[T any](all []T, f func(int, T)) {
	var wg sync.WaitGroup
	slots := make(chan struct{}, parallel)
	for i, m := range all {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			f(i, m)
		})
	}
	wg.Wait()
}

// problems compares what a consumer got with the rule of the module.
func (res result) problems(m repo.Module, rule repo.Rule) (problems []string) {
	if res.err != nil {
		problems = append(problems, res.err.Error())
	} else if res.untidy != nil {
		problems = append(problems, fmt.Sprintf("what `go get` of the README adds is not enough: %v", res.untidy))
	}
	for _, path := range res.graph {
		if path != m.Path() && !rule.Allows(path) {
			problems = append(problems, fmt.Sprintf("leaks %s into the modules of its consumers", path))
		}
	}
	if res.downloads > rule.Downloads {
		problems = append(problems, fmt.Sprintf("a consumer downloads %d modules, at most %d are allowed: %s",
			res.downloads, rule.Downloads, strings.Join(slices.Sorted(slices.Values(res.zips)), ", ")))
	}
	return problems
}
