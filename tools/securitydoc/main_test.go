package main

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/qsessions/qsessions/tools/internal/repo"
)

// TestScanFile reads ids from the comments of tests, where a list of them is a sentence, begins one, or stands in
// parentheses, from the beginnings of their strings, and from nowhere else. The ids are put together here, or this test
// would count as one that covers them.
func TestScanFile(t *testing.T) {
	source := strings.ReplaceAll(`package p

// TestA: SEC#1, CVE#2025-46336, CVE#32. It is not about CVE#2025-46336 or BAD#100.
func TestA(t *testing.T) {
	t.Run("BAD#7 a name", nil) // SEC#9 is a comment inside
	t.Run("BAD#7, BAD#8: again", nil)
	t.Error("not as in SEC#10", "SEC#11b")
}

// SEC#10 stands above a helper.
func helper() { println("SEC#11") }

// FuzzA is fine: it ends.
// RPT#21: a second sentence. Another one (ATK#3). And at the end: FLT#1, FLT#2
func FuzzA(f *testing.F) { _ = []string{`+"`SEC#1`"+`} }

// BenchmarkA says nothing.
func BenchmarkA(b *testing.B) {}

func (s suite) TestM() { println("SEC#12") }
`, "#", "-")
	uses := map[string][]use{}
	if err := scanFile("core/a_test.go", []byte(source), uses); err != nil {
		t.Fatal(err)
	}
	a, f := use{"core/a_test.go", "TestA"}, use{"core/a_test.go", "FuzzA"}
	want := map[string][]use{
		"SEC-" + "1": {a, f}, "CVE-" + "32": {a}, "BAD-" + "7": {a}, "BAD-" + "8": {a},
		"RPT-" + "21": {f}, "ATK-" + "3": {f}, "FLT-" + "1": {f}, "FLT-" + "2": {f},
	}
	if !reflect.DeepEqual(uses, want) {
		t.Errorf("got %v, want %v", uses, want)
	}
}

// TestScanProse refuses comments that name ids in a way that would not count, or counts for another test.
func TestScanProse(t *testing.T) {
	for _, comment := range []string{
		"// TestA: SEC#1..3. A range.",
		"// TestA: SEC#1-3. A range.",
		"// TestA: SEC#1 to SEC#3. A range.",
		"// TestA: SEC#1 and SEC#3. No list.",
		"// TestA: SEC#1 SEC#3. No list.",
		"// TestA tries what SEC#1 is about.",
		"// TestA: SEC#1. It is not quite SEC#3.",
		"// TestB: SEC#1. It stands elsewhere now.\n// TestA: SEC#3. This is it.",
	} {
		source := strings.ReplaceAll("package p\n\n"+comment+"\nfunc TestA(t *testing.T) {}\n", "#", "-")
		err := scanFile("core/a_test.go", []byte(source), map[string][]use{})
		if err == nil || !strings.Contains(err.Error(), "core/a_test.go: the comment of TestA") {
			t.Errorf("%s\ngot %v, want an error that names the file and the test", comment, err)
		}
	}
}

// TestRender shows every case, with its tests or as one that has none, and refuses an unknown id.
func TestRender(t *testing.T) {
	one, two, three := "SEC-"+"1", "SEC-"+"2", "ATK-"+"3"
	entries := []entry{{one, "first", true}, {two, "second", true}, {three, "third", false}}
	uses := map[string][]use{one: {{"core/a_test.go", "TestA"}}}
	text, err := render(entries, uses)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| " + one + " | first | [TestA](../core/a_test.go) |\n",
		"| " + two + " | second | none yet |\n",
		"| " + three + " | third | none yet |\n",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the page lacks %q:\n%s", want, text)
		}
	}
	uses["SEC-"+"99"] = []use{{"core/a_test.go", "TestB"}}
	if _, err := render(entries, uses); err == nil || !strings.Contains(err.Error(), "TestB names the unknown id") {
		t.Errorf("with an unknown id: got %v", err)
	}
}

// TestRules: a required case needs a test, and one that is to have tests later has none.
func TestRules(t *testing.T) {
	one, two, three, four := "SEC-"+"1", "SEC-"+"2", "SEC-"+"3", "SEC-"+"4"
	entries := []entry{{one, "", true}, {two, "", true}, {three, "", false}, {four, "", false}}
	uses := map[string][]use{one: {{"core/a_test.go", "TestA"}}, three: {{"core/a_test.go", "TestA"}}}
	if got := missing(entries, uses); !reflect.DeepEqual(got, []string{two}) {
		t.Errorf("missing: got %q, want %s", got, two)
	}
	if got := overdue(entries, uses); !reflect.DeepEqual(got, []string{three}) {
		t.Errorf("overdue: got %q, want %s", got, three)
	}
}

// TestIDs refuses a list with an id that stands twice, one without a title, and one with another word for its state.
func TestIDs(t *testing.T) {
	for _, bad := range []string{"SEC#1 required a\nSEC#1 required b\n", "SEC#1 required\n", "SEC#1 soon a\n", "XYZ#1 later a\n", "SEC#100 later a\n"} {
		if _, err := parseIDs(strings.ReplaceAll(bad, "#", "-")); err == nil {
			t.Errorf("%q: got no error", bad)
		}
	}
}

// TestPage: ATK-21. The page has every case of the list, without a gap in the numbers but for those that were never used, and
// every test that it names is in the file that it names.
func TestPage(t *testing.T) {
	entries, err := parseIDs(idsText)
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for _, e := range entries {
		ids[e.id] = true
	}
	for _, r := range []struct {
		prefix      string
		first, last int
	}{
		{"SEC-", 1, 17}, {"SEC-", 20, 36}, {"SEC-", 40, 44}, {"CVE-", 1, 14}, {"CVE-", 20, 25}, {"CVE-", 30, 41}, {"CVE-", 50, 52},
		{"BAD-", 1, 10}, {"BAD-", 20, 25}, {"BAD-", 30, 35}, {"BAD-", 40, 51}, {"BAD-", 60, 66}, {"BAD-", 70, 74},
		{"FLT-", 1, 7}, {"FLT-", 10, 16}, {"FLT-", 20, 28}, {"RPT-", 1, 48}, {"ATK-", 1, 21}, {"PAG-", 1, 14},
	} {
		for n := r.first; n <= r.last; n++ {
			id := r.prefix + strconv.Itoa(n)
			if !ids[id] {
				t.Errorf("ids.txt lacks %s", id)
			}
			delete(ids, id)
		}
	}
	if len(ids) > 0 {
		t.Errorf("ids.txt has %v besides", ids)
	}

	root, err := repo.Find()
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(root, "docs", "security.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.Contains(string(page), "\n| "+e.id+" | "+e.title+" | ") {
			t.Errorf("docs/security.md lacks %s", e.id)
		}
	}
	links := regexp.MustCompile(`\[(\w+)\]\(\.\./([^)]+)\)`).FindAllStringSubmatch(string(page), -1)
	for _, link := range links {
		text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(link[2])))
		if err != nil || !strings.Contains(string(text), "\nfunc "+link[1]+"(") {
			t.Errorf("docs/security.md names %s of %s: %v", link[1], link[2], err)
		}
	}
	if len(links) < len(entries) {
		t.Errorf("docs/security.md has %d links to tests of %d cases", len(links), len(entries))
	}
}
