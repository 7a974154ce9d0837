package pages

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/qsessions/qsessions/core/session"
)

// ChartsData is what charts.html shows, of the latest active sessions.
type ChartsData struct {
	Sessions int  // that were counted
	More     bool // there are more
	Charts   []Chart
	Hours    HoursChart
}

// A Chart is how many sessions there are of each kind of something, the most frequent first.
type Chart struct {
	Title string
	Bars  []Bar
}

// A Bar is one of a chart's kinds. Name is "" for what is not known, and Other for what is not among the most frequent.
type Bar struct {
	Name    string
	Other   bool
	Count   int
	Percent int // of all
	Width   int // 0 to 100, in proportion to the longest one
}

// An HoursChart is when, in the last day, the users of the active sessions signed in. Sessions that have ended are not in it.
type HoursChart struct {
	Hours []Hour // 24, the earliest first
	Total int
}

// An Hour is a column of the chart.
type Hour struct {
	Label  string // "14"
	Count  int
	X, Y   int // of the column's upper left corner
	Height int
}

const (
	maxBars      = 8
	columnWidth  = 20
	columnHeight = 100
)

func (a *Admin) charts(w http.ResponseWriter, v *view) error {
	countries, browsers, systems := map[string]int{}, map[string]int{}, map[string]int{}
	now := time.Now()
	reader := v.reader(nil)
	zone := v.zone(reader)
	day := newHours(now.In(zone))
	data := ChartsData{}
	chunk := make([]session.Info, 0, scanChunk)
	flush := func() {
		v.describe(chunk)
		for _, i := range chunk {
			countries[cmp.Or(i.Location.Country, i.Location.CountryCode)]++
			browsers[i.Device.Browser.Name]++
			systems[i.Device.OS.Name]++
			day.add(i.AuthenticatedAt)
		}
		data.Sessions += len(chunk)
		chunk = chunk[:0]
	}
	end := now.Add(scanTime)
	v.describeEnd = end
	for i, err := range v.each(session.Query{Live: now, Limit: maxScan + 1}) {
		if err != nil {
			return err
		}
		if data.Sessions+len(chunk) == maxScan || time.Now().After(end) {
			data.More = true
			break
		}
		if chunk = append(chunk, i); len(chunk) == scanChunk {
			flush()
		}
	}
	flush()
	data.Charts = []Chart{
		newChart(v.language.text("charts.country"), countries),
		newChart(v.language.text("charts.browser"), browsers),
		newChart(v.language.text("charts.os"), systems),
	}
	data.Hours = day.chart()
	p := v.page("charts.title", data)
	p.Admin = true
	p.zone, p.people = zone, v.people(p.User)
	return v.render(w, http.StatusOK, "charts.html", p)
}

func newChart(title string, counts map[string]int) Chart {
	names := slices.SortedFunc(maps.Keys(counts), func(x, y string) int {
		return cmp.Or(counts[y]-counts[x], cmp.Compare(x, y))
	})
	total := 0
	for _, n := range counts {
		total += n
	}
	c := Chart{Title: title}
	rest := 0
	for n, name := range names {
		if n >= maxBars {
			rest += counts[name]
			continue
		}
		c.Bars = append(c.Bars, Bar{Name: name, Count: counts[name]})
	}
	if rest > 0 {
		c.Bars = append(c.Bars, Bar{Other: true, Count: rest})
	}
	longest := 0
	for _, b := range c.Bars {
		longest = max(longest, b.Count)
	}
	for n := range c.Bars {
		b := &c.Bars[n]
		b.Percent, b.Width = (100*b.Count+total/2)/total, max(100*b.Count/longest, 1)
	}
	return c
}

// hours counts sign-ins of the last 24 hours, the running one included.
type hours struct {
	first  time.Time // the start of the earliest one
	counts [24]int
}

func newHours(now time.Time) *hours {
	return &hours{first: now.Add(-time.Duration(now.Minute())*time.Minute - time.Duration(now.Second())*time.Second -
		time.Duration(now.Nanosecond())).Add(-23 * time.Hour)}
}

func (h *hours) add(t time.Time) {
	if n := t.Sub(h.first) / time.Hour; !t.Before(h.first) && n < time.Duration(len(h.counts)) {
		h.counts[n]++
	}
}

func (h *hours) chart() HoursChart {
	var c HoursChart
	highest := slices.Max(h.counts[:])
	for n, count := range h.counts {
		height := 0
		if count > 0 {
			height = max(columnHeight*count/highest, 1)
		}
		c.Hours = append(c.Hours, Hour{
			h.first.Add(time.Duration(n) * time.Hour).Format("15"), count, n * columnWidth, columnHeight - height, height,
		})
		c.Total += count
	}
	return c
}
