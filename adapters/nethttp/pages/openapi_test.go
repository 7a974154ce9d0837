package pages

import (
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/session"
)

type openAPI struct {
	Paths      map[string]map[string]json.RawMessage `json:"paths"`
	Components struct {
		Schemas map[string]struct {
			Properties map[string]struct {
				Enum []string `json:"enum"`
			} `json:"properties"`
		} `json:"schemas"`
	} `json:"components"`
}

func readOpenAPI(t *testing.T) openAPI {
	t.Helper()
	b, err := os.ReadFile("openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	var d openAPI
	if err := json.Unmarshal(b, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// TestOpenAPIRoutes: openapi.json has the addresses of both handlers with their parameters, and no others.
func TestOpenAPIRoutes(t *testing.T) {
	m, err := session.New(new(memory.Store), session.Config{})
	if err != nil {
		t.Fatal(err)
	}
	account, err := NewAccount(m, AccountConfig{})
	if err != nil {
		t.Fatal(err)
	}
	admin, err := NewAdmin(m, AdminConfig{Authorize: func(*http.Request, session.Session) bool { return true }})
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, s := range []*site{account.site, admin.site} {
		for _, r := range s.routes {
			want = append(want, strings.Join(append([]string{r.method, s.config.Path + apiPrefix + r.pattern}, slices.Sorted(slices.Values(r.parameters))...), " "))
		}
	}
	var got []string
	for path, item := range readOpenAPI(t).Paths {
		for method, b := range item {
			if method == "parameters" {
				continue
			}
			var operation struct {
				Parameters []struct {
					Ref string `json:"$ref"`
				} `json:"parameters"`
			}
			if err := json.Unmarshal(b, &operation); err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, p := range operation.Parameters {
				names = append(names, strings.TrimPrefix(p.Ref, "#/components/parameters/"))
			}
			slices.Sort(names)
			got = append(got, strings.Join(append([]string{strings.ToUpper(method), path}, names...), " "))
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("openapi.json has\n%s\nbut the handlers have\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestProblemTypes: every problem that the code knows is in openapi.json and in problems.md, and has words for people.
func TestProblemTypes(t *testing.T) {
	names := map[string]bool{}
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		b, err := os.ReadFile(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range regexp.MustCompile(`&problem\{name: "([a-z-]+)"`).FindAllSubmatch(b, -1) {
			names[string(found[1])] = true
		}
	}
	want := slices.Sorted(maps.Keys(names))
	if len(want) < 10 {
		t.Fatalf("found only %v", want)
	}

	var described []string
	for _, address := range readOpenAPI(t).Components.Schemas["Problem"].Properties["type"].Enum {
		described = append(described, strings.TrimPrefix(address, problemTypes))
	}
	slices.Sort(described)
	if !slices.Equal(described, want) {
		t.Errorf("openapi.json has %v, the code %v", described, want)
	}
	b, err := os.ReadFile("problems.md")
	if err != nil {
		t.Fatal(err)
	}
	var sections []string
	for _, found := range regexp.MustCompile(`(?m)^## (.*)$`).FindAllSubmatch(b, -1) {
		sections = append(sections, string(found[1]))
	}
	slices.Sort(sections)
	if !slices.Equal(sections, want) {
		t.Errorf("problems.md has %v, the code %v", sections, want)
	}
	for _, name := range want {
		for _, key := range []string{"error." + name + ".title", "error." + name + ".text"} {
			if len(English().texts[key]) == 0 {
				t.Errorf("no text %s", key)
			}
		}
	}
}
