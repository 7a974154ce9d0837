package itest

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/qsessions/qsessions/backend/sqlx"
	"github.com/qsessions/qsessions/core/store"
	"github.com/qsessions/qsessions/testserver"
)

// TestPooler: RPT-9. Behind a pooler that gives connections to other clients between statements, a store works, or New and Open
// refuse it; and they refuse no store that works.
func TestPooler(t *testing.T) {
	bouncer := testserver.PgBouncer(t)
	for _, k := range []struct {
		name, driver, options string
		open                  bool // Open, else New
		c                     sqlxstore.Config
		refused               string
	}{
		{name: "pgx", driver: "pgx", open: true, refused: "set NoPrepare"},
		{name: "lib/pq", driver: "postgres", open: true, refused: "set NoPrepare"},
		{name: "pgx, New", driver: "pgx", refused: "set NoPrepare"},
		{name: "lib/pq, New", driver: "postgres", refused: "set NoPrepare"},
		{name: "pgx, NoPrepare", driver: "pgx", open: true, c: direct},
		{name: "lib/pq, NoPrepare", driver: "postgres", open: true, c: direct},
		{name: "pgx, New, NoPrepare", driver: "pgx", c: direct, refused: "default_query_exec_mode"},
		{name: "lib/pq, New, NoPrepare", driver: "postgres", c: direct, refused: "binary_parameters"},
		{name: "pgx, New, NoPrepare, exec", driver: "pgx", options: "default_query_exec_mode=exec", c: direct},
		{name: "pgx, New, NoPrepare, simple", driver: "pgx", options: "default_query_exec_mode=simple_protocol", c: direct},
		{name: "lib/pq, New, NoPrepare, binary", driver: "postgres", options: "binary_parameters=yes", c: direct},
	} {
		t.Run(k.name, func(t *testing.T) {
			dsn := with(bouncer.Database(t), k.options)
			var s *sqlxstore.Store
			var err error
			if k.open {
				s, err = sqlxstore.Open(t.Context(), k.driver, dsn, k.c)
			} else {
				s, err = sqlxstore.New(t.Context(), pool(t, k.driver, dsn), k.c)
			}
			if k.refused != "" {
				if err == nil || !strings.Contains(err.Error(), k.refused) || errors.Is(err, store.ErrUnavailable) {
					t.Errorf("got %v, want a refusal that says %q", err, k.refused)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { s.Close() })
			if err := s.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
			var wg sync.WaitGroup
			for range 16 {
				wg.Go(func() { visit(t.Context(), t, s) })
			}
			wg.Wait()
		})
	}
}

// visit makes a session and uses it.
func visit(ctx context.Context, t *testing.T, s *sqlxstore.Store) {
	for range 10 {
		r := session("ann")
		err := s.Create(ctx, r)
		for range 3 {
			if err == nil {
				err = s.Save(ctx, r)
			}
			if err == nil {
				_, err = s.Load(ctx, r.ID)
			}
		}
		if err == nil {
			err = s.Delete(ctx, r.ID)
		}
		if err != nil {
			t.Error(err)
			return
		}
	}
}
