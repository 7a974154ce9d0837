// Package examples holds the programs that README.md shows.
package examples

import (
	"os"
	"strings"
	"testing"
)

// TestReadme: the README shows the programs of this folder, which compile and run, to the letter.
func TestReadme(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Count(string(readme), "```go\n")
	files := []string{"quickstart/main.go", "fiber/main.go", "cached/open.go", "backend/store_test.go"}
	for _, name := range files {
		code, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(readme), "```go\n"+string(code)+"```\n") {
			t.Errorf("README.md does not show %s as it is", name)
		}
	}
	if blocks != len(files) {
		t.Errorf("README.md has %d blocks of Go, %d of them checked", blocks, len(files))
	}
}

// TestPlainHTTP: RPT-20. The README says which browsers send the cookie to http://localhost, and what there is for the others.
func TestPlainHTTP(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(string(readme)), " ")
	const want = "Chrome and Firefox send it to http://localhost too; for Safari, and for other plain http in development, there is `session.Cookie{Insecure: true}`."
	if !strings.Contains(text, want) {
		t.Errorf("README.md does not say %q", want)
	}
}

// TestCrossSite: ATK-11. The README's programs with forms refuse what other sites post.
func TestCrossSite(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"quickstart/main.go": "site.Handler(http.NewCrossOriginProtection().Handler(mux))", "fiber/main.go": "app.Use(recover.New(), fibersession.CrossOrigin(nil))",
	} {
		if code, err := os.ReadFile(name); err != nil || !strings.Contains(string(code), want) {
			t.Errorf("%s: %v; want %s", name, err, want)
		}
	}
}
