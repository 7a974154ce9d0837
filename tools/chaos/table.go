package chaos

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// Print prints a table of results: what was held, what failed, and the figures that must be zero.
func Print(w io.Writer, results []Result) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "fault\t\ton\tanswers/s before\tduring\tafter\t503 during\tafter\tother\tp99, ms before\tduring\tafter\tpending\t"+
		strings.Join(Violations[:], "\t")+"\tstalest, ms\tlatest, ms\theartbeat, ms\toutage, ms\tneedless, ms")
	var total [violations]int
	var stalest, latest, beat time.Duration
	for _, r := range results {
		b, d, a := r.Phases[0], r.Phases[1], r.Phases[2]
		cells := []string{r.Scenario.ID, r.Scenario.Name, r.Version, rate(b), rate(d), rate(a), strconv.Itoa(d.Unavailable), strconv.Itoa(a.Unavailable),
			strconv.Itoa(b.Other + d.Other + a.Other), ms(b.P99), ms(d.P99), ms(a.P99), strconv.Itoa(b.Pending + d.Pending + a.Pending)}
		for v, n := range r.Wrong {
			total[v] += n
			cells = append(cells, strconv.Itoa(n))
		}
		stalest = max(stalest, r.Stalest)
		latest, beat = max(latest, r.Latest), max(beat, r.Beat)
		fmt.Fprintln(t, strings.Join(append(cells, ms(r.Stalest), ms(r.Latest), ms(r.Beat), ms(r.Outage), ms(r.Needless)), "\t"))
	}
	cells := append([]string{"all"}, make([]string, 12)...)
	for _, n := range total {
		cells = append(cells, strconv.Itoa(n))
	}
	fmt.Fprintln(t, strings.Join(append(cells, ms(stalest), ms(latest), ms(beat)), "\t"))
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "A copy may be used for at most %v (freshness and skew). A call may outlive its deadline by at most %v: the latest.\n"+
		"The heartbeat is the longest that the machine let a goroutine wait. The outage is what users saw: from the begin of the fault until all\n"+
		"requests succeeded again; needless is the part of it in which the servers could have answered.\n", bound, maxLate)
	return err
}

func rate(p *Phase) string { return strconv.Itoa(int(p.Held())) }

func ms(d time.Duration) string {
	return strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', 1, 64)
}
