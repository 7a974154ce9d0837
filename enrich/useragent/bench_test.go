package useragent

import (
	"fmt"
	"testing"
	"time"

	"github.com/ua-parser/uap-go/uaparser"

	"github.com/qsessions/qsessions/core/session"
)

var hinted = session.Hints{Platform: `"Android"`, PlatformVersion: `"14.0.0"`, Model: `"Pixel 7"`, Mobile: "?1", Brands: `"Chromium";v="118", "Google Chrome";v="118", "Not=A?Brand";v="99"`}

// BenchmarkParse measures a User-Agent that was seen lately, with and without hints, one that is new, and the library
// alone.
func BenchmarkParse(b *testing.B) {
	p := newParser(b)
	library, err := uaparser.New()
	if err != nil {
		b.Fatal(err)
	}
	n := 0
	fresh := func() string { n++; return fmt.Sprintf("%s App/%d", phone, n) }
	for _, m := range []struct {
		name string
		f    func()
	}{
		{"cached", func() { p.Parse(phone, session.Hints{}) }},
		{"cached/hints", func() { p.Parse(phone, hinted) }},
		{"cached/library", func() { library.ParseUserAgent(phone); library.ParseOs(phone); library.ParseDevice(phone) }},
		{"new", func() { p.Parse(fresh(), session.Hints{}) }},
		{"new/library", func() { ua := fresh(); library.ParseUserAgent(ua); library.ParseOs(ua); library.ParseDevice(ua) }},
	} {
		b.Run(m.name, func(b *testing.B) {
			b.ReportAllocs()
			m.f()
			for b.Loop() {
				m.f()
			}
		})
	}
}

// BenchmarkHostile measures User-Agents that were made to take long, each for the first time, and how many times as long the
// library alone takes for them, and a common User-Agent here.
func BenchmarkHostile(b *testing.B) {
	p := newParser(b)
	m := p.library().matcher
	library, err := uaparser.New(uaparser.WithCacheSize(1))
	if err != nil {
		b.Fatal(err)
	}
	texts := hostile()
	n := 0
	for b.Loop() {
		m.find(texts[n%len(texts)])
		n++
	}
	ours := b.Elapsed().Seconds() / float64(n)
	took := func(times int, f func(i int)) float64 {
		begun := time.Now()
		for i := range times {
			f(i)
		}
		return time.Since(begun).Seconds() / float64(times)
	}
	b.ReportMetric(took(2*len(texts), func(i int) {
		ua := texts[i%len(texts)]
		library.ParseUserAgent(ua)
		library.ParseOs(ua)
		library.ParseDevice(ua)
	})/ours, "library/ours")
	b.ReportMetric(ours/took(1000, func(int) { m.find(phone) }), "hostile/common")
}

// BenchmarkPage describes 50 sessions of 5 browsers, as the enricher is called for a list of one.
func BenchmarkPage(b *testing.B) {
	p := newParser(b)
	agents := []session.Client{
		{UserAgent: phone, Hints: hinted}, {UserAgent: windows}, {UserAgent: mac}, {UserAgent: ubuntu}, {UserAgent: windows + " Edg/118.0.2088.46"},
	}
	b.ReportAllocs()
	for b.Loop() {
		for i := range 50 {
			if _, err := p.Enrich(b.Context(), agents[i%5]); err != nil {
				b.Fatal(err)
			}
		}
	}
}
