package itest

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/oschwald/geoip2-golang/v2"

	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/enrich/geoip"
)

// library opens a database without us.
func library(tb testing.TB, path string) *geoip2.Reader {
	tb.Helper()
	r, err := geoip2.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := r.Close(); err != nil {
			tb.Error(err)
		}
	})
	return r
}

// addresses are those of the well-known that are IPv4, in a fixed order.
func addresses() (all []netip.Addr) {
	for s := range wellKnown {
		if ip := netip.MustParseAddr(s); ip.Is4() {
			all = append(all, ip)
		}
	}
	slices.SortFunc(all, netip.Addr.Compare)
	return all
}

// BenchmarkLocate measures a look-up in a real database, beside the library's own.
func BenchmarkLocate(b *testing.B) {
	path := real(b)
	ours, theirs, all := open(b, geoip.Config{City: path}), library(b, path), addresses()
	b.Run("geoip", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			if _, err := ours.Locate(all[i%len(all)]); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("library", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			if _, err := theirs.City(all[i%len(all)]); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkPage describes 50 sessions at 5 addresses, as the enricher is called for a list of one.
func BenchmarkPage(b *testing.B) {
	r, all := open(b, geoip.Config{City: real(b)}), addresses()
	b.ReportAllocs()
	for b.Loop() {
		for i := range 50 {
			if _, err := r.Enrich(b.Context(), session.Client{IP: all[i%5]}); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkOpen reads a real database.
func BenchmarkOpen(b *testing.B) {
	path := real(b)
	for b.Loop() {
		open(b, geoip.Config{City: path})
	}
}

// TestCost: a location costs no more than 1.3 times the library's own look-up. Both take turns, and the best of many turns
// counts, because machines have other work too.
func TestCost(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector measures itself")
	}
	path := real(t)
	ours, theirs, all := open(t, geoip.Config{City: path}), library(t, path), addresses()
	const most = 1.3
	best := func(old time.Duration, f func(netip.Addr) error) time.Duration {
		start := time.Now()
		for _, ip := range all {
			if err := f(ip); err != nil {
				t.Fatal(err)
			}
		}
		if d := time.Since(start); d < old {
			return d
		}
		return old
	}
	us, them := time.Hour, time.Hour
	for round := range 5000 {
		us = best(us, func(ip netip.Addr) error { _, err := ours.Locate(ip); return err })
		them = best(them, func(ip netip.Addr) error { _, err := theirs.City(ip); return err })
		if round >= 200 && float64(us) <= most*float64(them) {
			break
		}
	}
	each := func(d time.Duration) time.Duration { return d / time.Duration(len(all)) }
	report(t, "a location takes %v, the library's look-up %v: %.2f times", each(us), each(them), float64(us)/float64(them))
	if float64(us) > most*float64(them) {
		t.Errorf("more than %v times", most)
	}
}
