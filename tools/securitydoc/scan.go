package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/qsessions/qsessions/tools/internal/repo"
)

const (
	idText   = `\b(?:SEC|CVE|BAD|FLT|RPT|ATK|PAG)-[1-9][0-9]?\b`
	itemText = `(?:` + idText + `|CVE-[0-9]{4}-[0-9]+|GO-[0-9]{4}-[0-9]+)` // in a list also published ones, which are passed over
	listText = itemText + `(?:, ` + itemText + `)*`
)

var (
	// idPattern matches the ids of ids.txt, and not the longer numbers of published CVEs.
	idPattern = regexp.MustCompile(idText)
	// markPattern matches a list of ids that begins a sentence, and is one or is followed by a colon, or stands in
	// parentheses.
	markPattern = regexp.MustCompile(`(?:^|[.:] )` + listText + `(?:[.:] |[.:]?$)|\(` + listText + `\)`)
	// stringPattern matches a string that begins with such a list, as the name of a subtest does.
	stringPattern = regexp.MustCompile(`^` + listText + `(?:[.:, ]|$)`)
	// ownerPattern matches a line of a comment that begins with the name of a test.
	ownerPattern = regexp.MustCompile(`(?m)^((?:Test|Fuzz|Benchmark)\w+): `)
)

// use is a test that names an id.
type use struct {
	file string // below the root, with slashes
	test string
}

// scan finds the ids that the tests of all modules name: in marks in the comment above a test, and where its strings
// begin. It is an error to name one in a comment in any other way, such as a range, because it would not count.
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
	var problems []error
	for _, path := range slices.Sorted(maps.Keys(files)) {
		name, err := filepath.Rel(r.Root, path)
		if err != nil {
			return nil, err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		problems = append(problems, scanFile(filepath.ToSlash(name), text, uses))
	}
	for _, list := range uses {
		slices.SortFunc(list, func(a, b use) int { return strings.Compare(a.file+" "+a.test, b.file+" "+b.test) })
	}
	return uses, errors.Join(problems...)
}

func scanFile(name string, text []byte, uses map[string][]use) error {
	file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	var problems []error
	for _, decl := range file.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok || f.Recv != nil || f.Body == nil || !isTest(f.Name.Name) {
			continue
		}
		named, err := marked(f.Name.Name, f.Doc.Text())
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", name, err))
		}
		ast.Inspect(f.Body, func(n ast.Node) bool {
			if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
				if value, err := strconv.Unquote(literal.Value); err == nil {
					named = append(named, idPattern.FindAllString(stringPattern.FindString(value), -1)...)
				}
			}
			return true
		})
		slices.Sort(named)
		for _, id := range slices.Compact(named) {
			uses[id] = append(uses[id], use{name, f.Name.Name})
		}
	}
	return errors.Join(problems...)
}

// marked returns the ids of the marks in the comment of the test.
func marked(test, comment string) ([]string, error) {
	if !idPattern.MatchString(comment) {
		return nil, nil
	}
	for _, owner := range ownerPattern.FindAllStringSubmatch(comment, -1) {
		if owner[1] != test {
			return nil, fmt.Errorf("the comment of %s, which names ids, is about %s", test, owner[1])
		}
	}
	text := strings.Join(strings.Fields(comment), " ")
	var ids []string
	for _, mark := range markPattern.FindAllString(text, -1) {
		ids = append(ids, idPattern.FindAllString(mark, -1)...)
	}
	if all := idPattern.FindAllString(text, -1); len(all) != len(ids) {
		return ids, fmt.Errorf("the comment of %s names %s, of which %d stand in a list: write "+
			"`// %s: %s. ...`, or the sentence without the id", test, strings.Join(all, ", "), len(ids), test, strings.Join(slices.Compact(all), ", "))
	}
	return ids, nil
}

func isTest(name string) bool {
	return strings.HasPrefix(name, "Test") || strings.HasPrefix(name, "Fuzz") || strings.HasPrefix(name, "Benchmark")
}
