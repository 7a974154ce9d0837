package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/qsessions/qsessions/tools/internal/repo"
)

// idPattern matches the ids of ids.txt, and not the longer numbers of published CVEs.
var idPattern = regexp.MustCompile(`\b(SEC|CVE|BAD|FLT)-[1-9][0-9]?\b`)

// use is a test that names an id.
type use struct {
	file string // below the root, with slashes
	test string
}

// scan finds the ids that the tests of all modules name, in the comment above a test or in its strings.
func scan(r *repo.Repo) (map[string][]use, error) {
	files := map[string]bool{} // modules lie within others
	for _, m := range r.Modules {
		err := filepath.WalkDir(m.Dir, func(path string, entry fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if entry.IsDir() && (entry.Name() == "testdata" || strings.HasPrefix(entry.Name(), ".")) {
				return filepath.SkipDir
			}
			if strings.HasSuffix(path, "_test.go") {
				files[path] = true
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	uses := map[string][]use{}
	for path := range files {
		name, err := filepath.Rel(r.Root, path)
		if err != nil {
			return nil, err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		if err := scanFile(filepath.ToSlash(name), text, uses); err != nil {
			return nil, err
		}
	}
	for _, list := range uses {
		slices.SortFunc(list, func(a, b use) int { return strings.Compare(a.file+" "+a.test, b.file+" "+b.test) })
	}
	return uses, nil
}

func scanFile(name string, text []byte, uses map[string][]use) error {
	file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	for _, decl := range file.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok || f.Recv != nil || f.Body == nil || !isTest(f.Name.Name) {
			continue
		}
		var named []string
		if f.Doc != nil {
			named = idPattern.FindAllString(f.Doc.Text(), -1)
		}
		ast.Inspect(f.Body, func(n ast.Node) bool {
			if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
				if value, err := strconv.Unquote(literal.Value); err == nil {
					named = append(named, idPattern.FindAllString(value, -1)...)
				}
			}
			return true
		})
		slices.Sort(named)
		for _, id := range slices.Compact(named) {
			uses[id] = append(uses[id], use{name, f.Name.Name})
		}
	}
	return nil
}

func isTest(name string) bool {
	return strings.HasPrefix(name, "Test") || strings.HasPrefix(name, "Fuzz") || strings.HasPrefix(name, "Benchmark")
}
