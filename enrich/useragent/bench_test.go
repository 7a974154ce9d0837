package useragent

import (
	"fmt"
	"testing"

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
