package pages_test

import (
	"context"
	"iter"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/store"
	"github.com/qsessions/qsessions/tools/bench/pages"
	"github.com/qsessions/qsessions/tools/bench/stores"
	"github.com/qsessions/qsessions/tools/bench/stores/benchtest"
)

// counted counts the records that it lists.
type counted struct {
	store.Indexed
	n atomic.Int64
}

func (c *counted) List(ctx context.Context, q store.Query) iter.Seq2[*store.Record, error] {
	return func(yield func(*store.Record, error) bool) {
		for r, err := range c.Indexed.List(ctx, q) {
			if c.n.Add(1); !yield(r, err) {
				return
			}
		}
	}
}

// TestHeavyUser: of a user with 100,000 sessions a page reads so many records at most, and needs no more memory than for one
// with 2,000. It is alone, as the allocations of others would count.
func TestHeavyUser(t *testing.T) {
	requests := []struct {
		name, path, accept, mark string
		records, shown           int
	}{
		{name: "account page", path: "/account/sessions/", mark: `data-session="`, records: 1001, shown: 50},
		{name: "account page, the last", path: "/account/sessions/?page=20", mark: `data-session="`, records: 1001, shown: 50},
		{name: "account page, JSON", path: "/account/sessions/", accept: "application/json", mark: `"current":`, records: 51, shown: 50},
		{name: "admin page", path: "/admin/sessions/?user=user-0", mark: `data-session="`, records: 51, shown: 50},
		{name: "own", path: "/admin/sessions/?own=1&limit=200", mark: `data-session="`, records: 201, shown: 200},
	}
	const runs = 5
	measure := func(t *testing.T, name string, sessions int) (bytes []uint64) {
		s := benchtest.Open(t, name)
		if err := pages.Fill(t.Context(), s, sessions*10/9, 1); err != nil {
			t.Fatal(err)
		}
		c := &counted{Indexed: s.Indexed}
		m, err := session.New(c, session.Config{})
		if err != nil {
			t.Fatal(err)
		}
		h, cookie, err := pages.Site(t.Context(), m, "user-0")
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range requests {
			least := ^uint64(0)
			for range runs {
				r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, one.path, nil)
				r.Header.Set("Cookie", cookie)
				r.Header.Set("Accept", one.accept)
				w := httptest.NewRecorder()
				c.n.Store(0)
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				h.ServeHTTP(w, r)
				runtime.ReadMemStats(&after)
				if n := strings.Count(w.Body.String(), one.mark); w.Code != http.StatusOK || n != one.shown {
					t.Fatalf("%s: %d with %d sessions, want %d: %.300s", one.name, w.Code, n, one.shown, w.Body)
				}
				if n := int(c.n.Load()); n > one.records {
					t.Errorf("%s of %d sessions: %d records were read, want at most %d", one.name, sessions, n, one.records)
				}
				least = min(least, after.TotalAlloc-before.TotalAlloc)
			}
			bytes = append(bytes, least)
		}
		return bytes
	}
	for _, name := range []string{stores.Postgres, stores.MariaDB} {
		t.Run(name, func(t *testing.T) {
			few, many := measure(t, name, 2_000), measure(t, name, 100_000)
			for i, one := range requests {
				t.Logf("%s: %d kB, and %d kB of 100,000", one.name, few[i]/1000, many[i]/1000)
				if many[i] > few[i]+few[i]/4+100_000 {
					t.Errorf("%s: %d bytes of 100,000 sessions, %d of 2,000", one.name, many[i], few[i])
				}
			}
		})
	}
}
