package chaos

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// Print prints a table of results: what was held, what failed, how long users felt it, and the figures that must be zero.
func Print(w io.Writer, results []Result) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	head := append(slices.Clone(columns), Violations[:]...)
	fmt.Fprintln(t, strings.Join(append(head, ends...), "\t"))
	var sum Result
	for _, r := range results {
		for v, n := range r.Wrong {
			sum.Wrong[v] += n
		}
		sum.Stalest, sum.Latest, sum.Beat = max(sum.Stalest, r.Stalest), max(sum.Latest, r.Latest), max(sum.Beat, r.Beat)
		fmt.Fprintln(t, strings.Join(slices.Concat(r.held(), r.figures(), r.times()), "\t"))
	}
	all := append([]string{"all"}, make([]string, len(columns)-1)...)
	fmt.Fprintln(t, strings.Join(slices.Concat(all, sum.figures(), sum.times()[:3]), "\t"))
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "A copy may be used for at most %v (freshness and skew), and a call may outlive its deadline by at most %v: the latest.\n"+
		"The heartbeat is the longest that the machine let a goroutine wait. The outage is what users felt, from the begin of the\n"+
		"fault until all requests succeeded again; needless is the part of it in which the servers could have answered.\n", bound, maxLate)
	return err
}

// Markdown prints the table as docs/measurements.md has it.
func Markdown(w io.Writer, results []Result) error {
	row := func(cells []string) error {
		_, err := fmt.Fprintln(w, "| "+strings.Join(cells, " | ")+" |")
		return err
	}
	head := slices.Concat(columns, []string{"the six figures"}, ends)
	if err := row(head); err != nil {
		return err
	}
	if _, err := fmt.Fprintln(w, strings.Repeat("|---", len(head))+"|"); err != nil {
		return err
	}
	for _, r := range results {
		if err := row(slices.Concat(r.held(), []string{strings.Join(r.figures(), ", ")}, r.times())); err != nil {
			return err
		}
	}
	return nil
}

var (
	columns = []string{"fault", "", "on", "answers/s before", "during", "after", "503 during", "after", "other", "p99, ms before", "during", "after", "pending"}
	ends    = []string{"stalest, ms", "latest, ms", "heartbeat, ms", "outage, ms", "needless, ms"}
)

// held is what was answered.
func (r Result) held() []string {
	b, d, a := r.Phases[0], r.Phases[1], r.Phases[2]
	return []string{
		r.Scenario.ID, r.Scenario.Name, r.Version, rate(b), rate(d), rate(a), strconv.Itoa(d.Unavailable), strconv.Itoa(a.Unavailable),
		strconv.Itoa(b.Other + d.Other + a.Other), ms(b.P99), ms(d.P99), ms(a.P99), strconv.Itoa(b.Pending + d.Pending + a.Pending),
	}
}

// figures are those that must be zero.
func (r Result) figures() (cells []string) {
	for _, n := range r.Wrong {
		cells = append(cells, strconv.Itoa(n))
	}
	return cells
}

func (r Result) times() []string {
	return []string{ms(r.Stalest), ms(r.Latest), ms(r.Beat), ms(r.Outage), ms(r.Needless)}
}

func rate(p *Phase) string { return strconv.Itoa(int(p.Held())) }

func ms(d time.Duration) string {
	return strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', 1, 64)
}
