package nethttp_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/qsessions/qsessions/adapters/nethttp"
	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/sessiontest"
)

const (
	keys   = 10
	ninth  = session.Key[string]("key9")
	benchU = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
)

var value = strings.Repeat("0123456789abcdef", 6) // 98 bytes as JSON

type measured struct {
	name   string
	h      http.Handler
	cookie bool
}

// requests returns the kinds of requests that are measured, and the header of a session with ten keys.
func requests(tb testing.TB) (kinds []measured, name, cookie string) {
	tb.Helper()
	m, err := session.New(new(memory.Store), session.Config{})
	if err != nil {
		tb.Fatal(err)
	}
	name, cookie = sessiontest.Header(tb, m, func(s session.Session) {
		s.Login("alice")
		for i := range keys {
			session.Key[string]("key"+strconv.Itoa(i)).Set(s, value)
		}
	})
	site := nethttp.New(m, nethttp.Config{})
	bare := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })
	read := site.With(func(w http.ResponseWriter, _ *http.Request, s session.Session) {
		if ninth.Get(s) != value {
			tb.Error("the value is not there")
		}
		_, _ = io.WriteString(w, "ok")
	})
	modify := site.With(func(w http.ResponseWriter, _ *http.Request, s session.Session) {
		ninth.Set(s, value)
		_, _ = io.WriteString(w, "ok")
	})
	return []measured{
		{"bare", bare, true},
		{"untouched without cookie", site.Handler(bare), false},
		{"untouched", site.Handler(bare), true},
		{"read", site.Handler(read), true},
		{"modify", site.Handler(modify), true},
	}, name, cookie
}

func (m measured) request(name, cookie string) *http.Request {
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("User-Agent", benchU)
	if m.cookie {
		r.Header.Set(name, cookie)
	}
	return r
}

// BenchmarkRequest measures requests with a session of ten keys, 98 bytes each, in memory; each response goes to a new recorder.
func BenchmarkRequest(b *testing.B) {
	kinds, name, cookie := requests(b)
	for _, m := range kinds {
		r := m.request(name, cookie)
		b.Run(m.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				call(m.h, r)
			}
		})
	}
}

// BenchmarkParallelRequest is BenchmarkRequest for 32 goroutines and one session.
func BenchmarkParallelRequest(b *testing.B) {
	kinds, name, cookie := requests(b)
	for _, m := range kinds {
		r := m.request(name, cookie)
		b.Run(m.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetParallelism(max(1, 32/runtime.GOMAXPROCS(0)))
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					call(m.h, r)
				}
			})
		})
	}
}

// TestAllocations holds what a request may cost beside its handler.
func TestAllocations(t *testing.T) {
	kinds, name, cookie := requests(t)
	bare := 0.0
	for _, m := range kinds {
		r := m.request(name, cookie)
		n := testing.AllocsPerRun(1000, func() { call(m.h, r) })
		if m.name == "bare" {
			bare = n
		}
		limit, ok := map[string]float64{"untouched without cookie": bare + 5, "untouched": bare + 5, "read": 30}[m.name]
		t.Logf("%s: %v allocations", m.name, n)
		if ok && n > limit {
			t.Errorf("%s: %v allocations, want at most %v", m.name, n, limit)
		}
	}
}
