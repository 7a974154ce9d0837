package main

import (
	"reflect"
	"strings"
	"testing"
)

// TestScanFile reads ids from comments and strings of tests, and from nowhere else. The ids are put together here, or
// this test would count as one that covers them.
func TestScanFile(t *testing.T) {
	source := strings.ReplaceAll(`package p

// TestA: SEC#1, CVE#32. It is not about CVE#2025-46336 or BAD#100.
func TestA(t *testing.T) {
	t.Run("BAD#7 a name", nil) // SEC#9 is a comment inside
	t.Run("BAD#7 again", nil)
}

// SEC#10 stands above a helper.
func helper() { println("SEC#11") }

// FuzzA is fine.
func FuzzA(f *testing.F) { _ = []string{`+"`SEC#1`"+`} }

func (s suite) TestM() { println("SEC#12") }
`, "#", "-")
	uses := map[string][]use{}
	if err := scanFile("core/a_test.go", []byte(source), uses); err != nil {
		t.Fatal(err)
	}
	a, f := use{"core/a_test.go", "TestA"}, use{"core/a_test.go", "FuzzA"}
	want := map[string][]use{"SEC-" + "1": {a, f}, "CVE-" + "32": {a}, "BAD-" + "7": {a}}
	if !reflect.DeepEqual(uses, want) {
		t.Errorf("got %v, want %v", uses, want)
	}
}

// TestRender shows what has tests or must have them, and refuses an unknown id.
func TestRender(t *testing.T) {
	one, two, three := "SEC-"+"1", "SEC-"+"2", "SEC-"+"3"
	entries := []entry{{one, "first", true}, {two, "second", true}, {three, "third", false}}
	uses := map[string][]use{one: {{"core/a_test.go", "TestA"}}}
	text, err := render(entries, uses)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| " + one + " | first | [TestA](../core/a_test.go) |\n",
		"| " + two + " | second | none yet |\n",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the page lacks %q:\n%s", want, text)
		}
	}
	if strings.Contains(string(text), "third") {
		t.Error("the page has a case that is neither required nor tested")
	}
	if got := untested(entries, uses); len(got) != 1 || got[0] != two {
		t.Errorf("untested gives %q, want %s", got, two)
	}
	uses["SEC-"+"99"] = []use{{"core/a_test.go", "TestB"}}
	if _, err := render(entries, uses); err == nil || !strings.Contains(err.Error(), "TestB names the unknown id") {
		t.Errorf("with an unknown id: got %v", err)
	}
}

// TestIDs reads the real list, and refuses a list with an id that stands twice.
func TestIDs(t *testing.T) {
	if entries, err := parseIDs(idsText); err != nil || len(entries) == 0 {
		t.Errorf("got %d entries, %v", len(entries), err)
	}
	if _, err := parseIDs("SEC-" + "1 required a\nSEC-" + "1 required b\n"); err == nil {
		t.Error("got no error")
	}
}
