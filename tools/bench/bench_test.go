package bench

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/tools/bench/caches"
	"github.com/qsessions/qsessions/tools/bench/caches/cachestest"
	"github.com/qsessions/qsessions/tools/bench/stores"
	"github.com/qsessions/qsessions/tools/bench/stores/benchtest"
)

// TestAllocations holds the targets that do not depend on how busy the machine is. It is alone, as the allocations of others would count.
func TestAllocations(t *testing.T) {
	site, err := newSite(&memory.Store{})
	if err != nil {
		t.Fatal(err)
	}
	token, _, err := site.login(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r := newRequest(t.Context(), token)
	count := func(h http.Handler) float64 {
		return testing.AllocsPerRun(1000, func() { h.ServeHTTP(httptest.NewRecorder(), r) })
	}
	bare, untouched, read := count(site.bare), count(site.untouched), count(site.read)
	t.Logf("bare %v, untouched %v, read %v allocations", bare, untouched, read)
	if untouched > bare+5 {
		t.Errorf("an untouched request with a cookie has %v allocations, the bare one %v; want at most 5 more", untouched, bare)
	}
	if read > 30 {
		t.Errorf("reading a key has %v allocations, want at most 30", read)
	}
}

// TestCachedAllocations does the same for a fresh copy in a cache.
func TestCachedAllocations(t *testing.T) {
	for _, name := range measured {
		f, err := NewFront(t.Context(), cachestest.Open(t, name), benchtest.Open(t, stores.SQLite))
		if err != nil {
			t.Fatal(err)
		}
		const n = 1000
		allocs := testing.AllocsPerRun(5, func() {
			if err := f.Cases[0].Subject(0, n); err != nil {
				t.Fatal(err)
			}
		}) / n
		t.Logf("%s: %.1f allocations", name, allocs)
		const races = 2 // the detector makes pools forget
		if allocs > 40+races {
			t.Errorf("%s: reading a key has %.1f allocations, want at most 40", name, allocs)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
}

// BenchmarkRequest reports each request beside its floor: ns/op and ratio are of the best blocks.
func BenchmarkRequest(b *testing.B) {
	for _, name := range stores.Names() {
		b.Run(name, func(b *testing.B) {
			ctx := b.Context()
			s, err := stores.Start(ctx, name, true)
			if err != nil {
				b.Fatal(err)
			}
			defer func() {
				if err := s.Close(); err != nil {
					b.Error(err)
				}
			}()
			cases, err := Cases(ctx, s)
			if err != nil {
				b.Fatal(err)
			}
			benchmark(b, cases)
		})
	}
}

// BenchmarkCached is BenchmarkRequest for caches in front of PostgreSQL.
func BenchmarkCached(b *testing.B) {
	for _, name := range measured {
		b.Run(strings.NewReplacer(", ", "-").Replace(name), func(b *testing.B) {
			s, err := stores.Start(b.Context(), stores.Postgres, true)
			if err != nil {
				b.Fatal(err)
			}
			f, err := NewFront(b.Context(), cachestest.Open(b, name), s)
			if err != nil {
				b.Fatal(errors.Join(err, s.Close()))
			}
			defer func() {
				if err := errors.Join(f.Close(), s.Close()); err != nil {
					b.Error(err)
				}
			}()
			benchmark(b, f.Cases)
		})
	}
}

var measured = []string{caches.Redis, caches.ClientSide, caches.Memcached}

func benchmark(b *testing.B, cases []Case) {
	for _, c := range cases {
		workers := "serial"
		if c.Workers > 1 {
			workers = "parallel"
		}
		b.Run(strings.NewReplacer(", ", "-", " ", "-").Replace(c.Name)+"/"+workers, func(b *testing.B) {
			m, err := NewMeter(c)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if err := m.Round(); err != nil {
					b.Fatal(err)
				}
			}
			r := m.Result()
			b.ReportMetric(float64(r.Subject.Best), "ns/op")
			b.ReportMetric(float64(r.Floor.Best), "floor-ns/op")
			b.ReportMetric(r.Ratio, "ratio")
			b.ReportMetric(r.Subject.Allocs, "allocs/op")
			b.ReportMetric(r.Subject.Bytes, "B/op")
		})
	}
}
