package bench

import (
	"context"
	"iter"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	sqlxstore "github.com/qsessions/qsessions/backend/sqlx"
	"github.com/qsessions/qsessions/core/store"
	"github.com/qsessions/qsessions/testserver"
	"github.com/qsessions/qsessions/tools/bench/counting"
	"github.com/qsessions/qsessions/tools/bench/stores"
	"github.com/qsessions/qsessions/tools/bench/stores/benchtest"
)

func TestMain(m *testing.M) { os.Exit(testserver.Run(m)) }

// TestCost counts the calls of the store and the statements of the database that a request causes.
func TestCost(t *testing.T) {
	t.Parallel()
	for _, name := range stores.Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opened := benchtest.Open(t, name)
			n := &counts{n: map[string]int{}}
			var under store.Indexed = opened.Indexed
			if opened.Raw != nil {
				db := counting.Open(opened.Raw.Driver(), opened.DSN, n.add)
				t.Cleanup(func() { _ = db.Close() })
				s, err := sqlxstore.New(t.Context(), db, sqlxstore.Config{})
				if err != nil {
					t.Fatal(err)
				}
				under = s
			}
			site, err := newSite(&countingStore{under, n})
			if err != nil {
				t.Fatal(err)
			}
			token, _, err := site.login(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			anonymous, known := newRequest(t.Context(), ""), newRequest(t.Context(), token)
			malformed := newRequest(t.Context(), strings.Repeat("!", len(token)))
			for _, c := range []struct {
				name string
				h    http.Handler
				r    *http.Request
				want map[string]int
			}{
				{"untouched, no cookie", site.untouched, anonymous, nil},
				{"untouched, cookie", site.untouched, known, nil},
				{"read, no cookie", site.read, anonymous, nil},
				{"read, malformed cookie", site.read, malformed, nil},
				{"read", site.read, known, map[string]int{"Load": 1, "SELECT": 1}},
				{"modify", site.modify, known, map[string]int{"Load": 1, "Save": 1, "SELECT": 1, "UPDATE": 1}},
				{"login", site.createAll, anonymous, map[string]int{"Create": 1, "Cutoff": 1, "INSERT": 1, "SELECT": 1}},
				{"login with a session", site.createAll, known, map[string]int{"Load": 1, "Save": 1, "Cutoff": 1, "SELECT": 2, "UPDATE": 1}},
			} {
				n.take()
				w := httptest.NewRecorder()
				c.h.ServeHTTP(w, c.r)
				want := maps.Clone(c.want)
				if name == stores.Memory {
					maps.DeleteFunc(want, func(what string, _ int) bool { return strings.ToUpper(what) == what })
				}
				if got := n.take(); w.Code != http.StatusOK || !maps.Equal(got, want) {
					t.Errorf("%s: status %d with %v, want 200 with %v", c.name, w.Code, got, want)
				}
			}
		})
	}
}

// counts are of calls by method, and of statements by verb.
type counts struct {
	mu sync.Mutex
	n  map[string]int
}

func (c *counts) add(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n[what]++
}

func (c *counts) take() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.n
	c.n = map[string]int{}
	return n
}

// countingStore counts the calls of each method.
type countingStore struct {
	store.Indexed
	n *counts
}

func (s *countingStore) Load(ctx context.Context, id store.ID) (*store.Record, error) {
	s.n.add("Load")
	return s.Indexed.Load(ctx, id)
}

func (s *countingStore) Create(ctx context.Context, r *store.Record) error {
	s.n.add("Create")
	return s.Indexed.Create(ctx, r)
}

func (s *countingStore) Save(ctx context.Context, r *store.Record) error {
	s.n.add("Save")
	return s.Indexed.Save(ctx, r)
}

func (s *countingStore) Touch(ctx context.Context, r *store.Record, t store.Touch) error {
	s.n.add("Touch")
	return s.Indexed.Touch(ctx, r, t)
}

func (s *countingStore) Delete(ctx context.Context, ids ...store.ID) error {
	s.n.add("Delete")
	return s.Indexed.Delete(ctx, ids...)
}

func (s *countingStore) List(ctx context.Context, q store.Query) iter.Seq2[*store.Record, error] {
	s.n.add("List")
	return s.Indexed.List(ctx, q)
}

func (s *countingStore) Cutoff(ctx context.Context, user string) (time.Time, error) {
	s.n.add("Cutoff")
	return s.Indexed.Cutoff(ctx, user)
}
