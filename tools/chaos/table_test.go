package chaos

import (
	"errors"
	"strings"
	"testing"

	"github.com/qsessions/qsessions/testserver"
)

// Each row has a cell for each column.
func TestTable(t *testing.T) {
	r := Result{Scenario: Scenarios()[0], Phases: [3]*Phase{{Took: 1}, {Took: 1}, {Took: 1}}}
	var text, markdown strings.Builder
	if err := errors.Join(Print(&text, []Result{r, r}), Markdown(&markdown, []Result{r, r})); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(markdown.String()), "\n")
	if len(lines) != 4 {
		t.Fatalf("got %d lines:\n%s", len(lines), &markdown)
	}
	for _, line := range lines {
		if got, want := strings.Count(line, "|"), strings.Count(lines[0], "|"); got != want {
			t.Errorf("got %d bars, want %d: %s", got, want, line)
		}
	}
	if got, want := len(r.held())+len(r.figures())+len(r.times()), len(columns)+len(Violations)+len(ends); got != want {
		t.Errorf("a row has %d cells, want %d", got, want)
	}
	if !strings.Contains(text.String(), Violations[lostWrite]) || !strings.Contains(text.String(), "\nall") {
		t.Errorf("got\n%s", &text)
	}
}

// Every scenario runs on some pair in the short form, and the drivers that hung before run there too.
func TestShort(t *testing.T) {
	drivers := map[string]bool{}
	for i, s := range Scenarios() {
		pairs := s.Short(i)
		if len(pairs) == 0 && !s.full {
			t.Errorf("%s runs on nothing", s.ID)
		}
		for _, p := range pairs {
			if s.ID == "RPT-8" {
				drivers[string(p.Database)+p.Driver] = true
			}
		}
	}
	for _, want := range []string{string(testserver.KindPostgres) + pgx, string(testserver.KindPostgres) + libpq, string(testserver.KindMariaDB), string(testserver.KindRedis)} {
		if !drivers[want] {
			t.Errorf("the network to %s does not hang in the short form", want)
		}
	}
}
