package itest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/qsessions/qsessions/backend/sqlx"
	"github.com/qsessions/qsessions/core/store"
	"github.com/qsessions/qsessions/testserver"
)

// TestPgxPool: RPT-2, RPT-4. Over a pool of pgx's own, to which connections go back that database/sql closes, a store leaves an old
// primary as well, and connections that were reset.
func TestPgxPool(t *testing.T) {
	pair := testserver.Pair(t, testserver.KindPostgresPair, testserver.Options{})
	p, dsn := behind(t, pair.Nodes[0].Addr, pair.DSN)
	conns, err := pgxpool.New(t.Context(), dsn+"&pool_max_conns=20")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conns.Close)
	db := stdlib.OpenDBFromPool(conns)
	t.Cleanup(func() { db.Close() })
	s, err := sqlxstore.New(t.Context(), db, sqlxstore.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	r := session("ann")
	create(t, s, r)
	load := func() {
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() { visit(t.Context(), t, s) })
		}
		wg.Wait()
	}
	load()
	p.Reset()
	for range 20 {
		if _, err := s.Load(t.Context(), r.ID); err != nil {
			t.Errorf("after a reset: %v", err)
		}
	}
	load()
	primary, err := pair.Switchover(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p.SetTarget(primary.Addr)
	for range 20 {
		if _, err := s.Load(t.Context(), r.ID); err != nil {
			t.Errorf("after a failover: %v", err)
		}
	}
	load()

	// And where there is no other server, that is said soon.
	p.SetTarget(pair.Nodes[0].Addr)
	p.Reset()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := s.Load(ctx, r.ID); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("on the old primary: got %v, want %v", err, store.ErrUnavailable)
	}
}
