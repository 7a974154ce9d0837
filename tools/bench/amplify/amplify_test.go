package amplify_test

import (
	"flag"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qsessions/qsessions/tools/bench/amplify"
)

var (
	sessions = flag.Int("sessions", 500, "how many are simulated; what is counted is scaled to 100,000")
	table    = flag.Bool("table", false, "print the table of docs/measurements.md")
)

// of is how many sessions the figures are for. Sessions have nothing to do with each other, so that a sample can tell.
const of = 100_000

func run(t *testing.T, o amplify.Options) (r amplify.Result) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var err error
		if r, err = amplify.Run(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	})
	return r
}

// TestHour: 100,000 sessions with a request each every 10 seconds cause at most 10 reads of the database a second, beside
// the touches.
func TestHour(t *testing.T) {
	t.Parallel()
	o := amplify.Options{Sessions: *sessions, Every: 10 * time.Second, Freshness: 2 * time.Minute, Touch: time.Minute}
	r := run(t, o)
	reads, touches := r.PerSecond(r.Reads, o, of), r.PerSecond(r.Touches, o, of)
	t.Logf("%d sessions, %d requests: for %d sessions %.1f reads and %.0f touches a second", o.Sessions, r.Requests, of, reads, touches)
	if reads > 10 {
		t.Errorf("got %.1f reads a second, want at most 10", reads)
	}
	if requests := r.PerSecond(r.Requests, o, of); requests < 9_900 || requests > 10_100 || touches < 1_380 || touches > 1_470 {
		t.Errorf("got %.0f requests and %.0f touches a second, want 10,000 and some 1424: that was not the hour", requests, touches)
	}
}

// Without a cache each request is a read, so that Run does count them; and a copy that ends before the next touch has to be
// read again for each touch.
func TestReadsAreSeen(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		freshness time.Duration
		low, high float64
	}{{0, 9_500, 10_500}, {time.Minute, 1_200, 3_500}} {
		o := amplify.Options{Sessions: 200, Every: 10 * time.Second, Freshness: c.freshness, Touch: time.Minute, Hour: 10 * time.Minute}
		r := run(t, o)
		if reads := r.PerSecond(r.Reads, o, of); reads < c.low || reads > c.high {
			t.Errorf("freshness %v: got %.0f reads a second, want %.0f to %.0f", c.freshness, reads, c.low, c.high)
		}
	}
}

// TestTable prints a line for each frequency of requests.
func TestTable(t *testing.T) {
	if !*table {
		t.Skip("not asked for: -table")
	}
	t.Log("a request each | no cache, reads | reads | touches | of requests without a read")
	for _, every := range []time.Duration{2 * time.Second, 10 * time.Second, 30 * time.Second, 2 * time.Minute} {
		o := amplify.Options{Sessions: *sessions, Every: every, Freshness: 2 * time.Minute, Touch: time.Minute}
		r := run(t, o)
		t.Logf("%v | %.0f | %.1f | %.0f | %.2f %%", every, of/every.Seconds(), r.PerSecond(r.Reads, o, of), r.PerSecond(r.Touches, o, of),
			100-100*float64(r.Reads)/float64(r.Requests))
	}
}
