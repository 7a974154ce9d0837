package pages

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/store"
)

// TestNewChart wants the most frequent first, the rest as one, and no bar that cannot be seen.
func TestNewChart(t *testing.T) {
	counts := map[string]int{"": 5, "a": 1000, "b": 500}
	for i := range 10 {
		counts[fmt.Sprint("rare", i)] = 1
	}
	c := newChart("x", counts)
	if len(c.Bars) != maxBars+1 || c.Bars[0] != (Bar{"a", false, 1000, 66, 100}) || c.Bars[1] != (Bar{"b", false, 500, 33, 50}) ||
		c.Bars[2] != (Bar{"", false, 5, 0, 1}) || c.Bars[maxBars] != (Bar{"", true, 5, 0, 1}) || c.Bars[3].Name != "rare0" {
		t.Errorf("got %+v", c.Bars)
	}
	if c := newChart("x", nil); len(c.Bars) != 0 {
		t.Errorf("of nothing: %+v", c)
	}
}

// TestHours wants the running hour and the 23 before it, in the reader's zone, also where zones are not whole hours.
func TestHours(t *testing.T) {
	for _, zone := range []*time.Location{time.UTC, time.FixedZone("", 12600), must(time.LoadLocation("Asia/Kathmandu"))} {
		now := time.Date(2026, 7, 1, 14, 20, 30, 7, zone)
		h := newHours(now)
		for _, ago := range []time.Duration{0, 20*time.Minute + 30*time.Second, 21 * time.Minute, 23 * time.Hour, 23*time.Hour + 21*time.Minute, 100 * time.Hour, -time.Hour} {
			h.add(now.Add(-ago))
		}
		h.add(time.Time{})
		c := h.chart()
		if len(c.Hours) != 24 || c.Hours[0].Label != "15" || c.Hours[23].Label != "14" || c.Hours[23].Count != 2 || c.Hours[22].Count != 1 ||
			c.Hours[0].Count != 1 || c.Total != 4 || c.Hours[23].Height != columnHeight || c.Hours[23].Y != 0 || c.Hours[1].Height != 0 {
			t.Errorf("%v: got %+v", zone, c)
		}
	}
}

// TestCharts: BAD-51. The page counts active sessions, the latest 10,000 at most.
func TestCharts(t *testing.T) { synctest.Test(t, testCharts) } // where a slow machine makes no scan end early

func testCharts(t *testing.T) {
	db := &wired{}
	f := start(t, options{store: db, bubble: true, sessions: session.Config{Enrichers: []session.Enricher{
		session.EnricherFunc(func(_ context.Context, c session.Client) (session.Facts, error) {
			return session.Facts{Location: session.Location{Country: "Land of " + c.UserAgent}}, nil
		}),
	}}})
	olga := f.browser(t, "x")
	olga.signIn("olga")
	f.insert(t, 3, func(i int, r *store.Record) {
		r.UserAgent = "y"
		if i == 2 {
			r.ExpiresAt = time.Now().Add(-time.Minute).UTC().Truncate(time.Microsecond)
		}
	})
	olga.get(adminPath+"charts").want(t, http.StatusOK, "Of all 3 active sessions.", "Land of y", "Land of x", "33 %", "67 %", "3 active sessions signed in")
	f.insert(t, maxScan, func(_ int, r *store.Record) { r.UserAgent = "z" })
	db.taken()
	olga.get(adminPath+"charts").want(t, http.StatusOK, "Of the latest 10,000 active sessions.", "Land of z")
	if calls := db.taken(); len(calls) > maxScan+10 {
		t.Errorf("%d calls", len(calls))
	}
}
