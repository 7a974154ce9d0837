package main

import (
	"context"
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/semver"

	"github.com/qsessions/qsessions/tools/internal/repo"
)

// A recipe is a `go get` that a document tells people to type, and the program that it shows for it.
type recipe struct {
	file    string
	line    int
	get     []string // arguments
	program string   // the first whole file of Go that follows before the next recipe, or the imports of a part of one, or empty
}

func (r recipe) String() string { return fmt.Sprintf("%s:%d", r.file, r.line) }

// recipes finds the recipes of a Markdown file, in its blocks of shell commands, or of the package comment of a Go file.
func recipes(file, text string) (found []recipe) {
	if strings.HasSuffix(file, ".go") {
		text = strings.ReplaceAll(text, "\n//\t", "\n")
	}
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		if command, ok := strings.CutPrefix(lines[i], "go get "); ok {
			r := recipe{file: file, line: i + 1}
			for strings.HasSuffix(command, "\\") && i+1 < len(lines) {
				i++
				command = strings.TrimSuffix(command, "\\") + " " + lines[i]
			}
			command, _, _ = strings.Cut(command, " #")
			r.get = strings.Fields(command)
			found = append(found, r)
			continue
		}
		if lines[i] != "```go" {
			continue
		}
		end := slices.Index(lines[i:], "```")
		if end < 0 {
			break
		}
		block := strings.Join(lines[i+1:i+end], "\n") + "\n"
		if n := len(found) - 1; n >= 0 && found[n].program == "" && strings.HasPrefix(block, "package ") {
			found[n].program = block
		} else if imports, _, whole := strings.Cut(block, "\n)\n"); n >= 0 && found[n].program == "" && whole && strings.HasPrefix(block, "import (\n") {
			found[n].program = imports + "\n)\n"
		}
		i += end
	}
	return found
}

// documents returns the names of all documents of the commit that may have recipes.
func (c checker) documents() ([]string, error) {
	files, err := repo.Git(c.root, "ls-tree", "-r", "--name-only", "HEAD")
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(strings.Split(files, "\n"), func(name string) bool {
		return path.Ext(name) != ".md" && path.Base(name) != "doc.go"
	}), nil
}

// checkRecipes types each recipe of the commit into a module of its own, and compiles what the document shows, without
// `go mod tidy` in between. Modules of others are had in the versions that this repository requires.
func (c checker) checkRecipes(ctx context.Context, r *repo.Repo, versions map[string]string, tmp string, p proxies) (problems []string) {
	files, err := c.documents()
	if err != nil {
		return []string{err.Error()}
	}
	var all []recipe
	for _, file := range files {
		text, err := repo.Git(c.root, "show", "HEAD:"+file)
		if err != nil {
			return []string{err.Error()}
		}
		all = append(all, recipes(file, text)...)
	}
	answers := make([]error, len(all))
	each(all, func(i int, recipe recipe) {
		answers[i] = c.tryRecipe(ctx, recipe, r, versions, filepath.Join(tmp, "recipes", strconv.Itoa(i)), p)
	})
	for i, err := range answers {
		if err != nil {
			problems = append(problems, fmt.Sprintf("%v: after this `go get` what is shown does not compile: %v", all[i], err))
		}
	}
	fmt.Fprintf(c.out, "%d `go get` lines in documents\n", len(all))
	return problems
}

func (c checker) tryRecipe(ctx context.Context, rec recipe, r *repo.Repo, versions map[string]string, dir string, p proxies) error {
	var get, ours []string
	for _, argument := range rec.get {
		if name, found := strings.CutPrefix(argument, repo.Prefix); found {
			version, known := versions[name]
			if !known {
				return fmt.Errorf("%s is no published module", argument)
			}
			ours, get = append(ours, argument), append(get, argument+"@"+version)
			continue
		}
		version := required(r, argument)
		if version == "" {
			return fmt.Errorf("no module here requires %s", argument)
		}
		get = append(get, argument+"@"+version)
	}
	user := consumer{module: rec.String(), get: get, dir: dir, log: c.log}
	_, err := user.try(ctx, p, func(user consumer) error {
		if err := user.begin(ctx); err != nil {
			return err
		}
		program, err := user.program(ctx, rec.program, ours)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(user.work(), "main.go"), []byte(program), 0o644); err != nil {
			return err
		}
		_, err = user.goCommand(ctx, "build", "-o", os.DevNull, ".")
		return err
	})
	return err
}

// program returns what is compiled: the shown program; its imports, if that is a part of one, or a test, which may speak of
// what the reader writes; without one, the packages of the modules.
func (c consumer) program(ctx context.Context, shown string, modules []string) (string, error) {
	var imports []string
	if shown == "" {
		for _, module := range modules {
			packages, err := c.packages(ctx, module)
			if err != nil {
				return "", err
			}
			imports = append(imports, packages...)
		}
		return importing(imports), nil
	}
	part := strings.HasPrefix(shown, "import ")
	if part {
		shown = "package main\n\n" + shown
	}
	file, err := parser.ParseFile(token.NewFileSet(), "shown.go", shown, parser.ImportsOnly)
	if err != nil {
		return "", err
	}
	for _, spec := range file.Imports {
		name, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return "", err
		}
		imports = append(imports, name)
	}
	if part || slices.Contains(imports, "testing") {
		return importing(imports), nil
	}
	return shown, nil
}

// required returns the newest version in which a module here requires the one that has the package, or "".
func required(r *repo.Repo, pkg string) (version string) {
	for _, m := range r.Modules {
		for _, require := range m.Mod.Require {
			if pkg != require.Mod.Path && !strings.HasPrefix(pkg, require.Mod.Path+"/") {
				continue
			}
			if version == "" || semver.Compare(require.Mod.Version, version) > 0 {
				version = require.Mod.Version
			}
		}
	}
	return version
}
