package itest

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/qsessions/qsessions/backend/sqlx"
	"github.com/qsessions/qsessions/core/store"
	"github.com/qsessions/qsessions/testserver"
	"github.com/qsessions/qsessions/testserver/faultproxy"
)

// late is how long after its context a call may return.
const late = 100 * time.Millisecond

// servers are the databases at the other end of a network, with each driver.
var servers = []struct {
	target
	addr func(*testing.T) string
}{
	{target{name: "pgx", driver: "pgx", dsn: postgres}, postgresAddr},
	{target{name: "postgres", driver: "postgres", dsn: postgres}, postgresAddr},
	{target{name: "mariadb", driver: "mysql", dsn: mariadb}, func(t *testing.T) string { return testserver.MariaDB(t).Addr }},
}

func postgresAddr(t *testing.T) string { return testserver.Postgres(t).Addr }

func blackhole(t *testing.T, p *faultproxy.Proxy) {
	t.Helper()
	if err := p.Blackhole(true); err != nil {
		t.Fatal(err)
	}
}

// behind returns a proxy to the server of dsn, and a DSN that goes by it.
func behind(t *testing.T, addr, dsn string) (*faultproxy.Proxy, string) {
	t.Helper()
	p, err := faultproxy.New(addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	if !strings.Contains(dsn, addr) {
		t.Fatalf("the DSN does not have the address %s", addr)
	}
	return p, strings.Replace(dsn, addr, p.Addr(), 1)
}

// calls are all methods of a store, with a record that is there.
func calls(s *sqlxstore.Store, r *store.Record) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"Load":   func(ctx context.Context) error { _, err := s.Load(ctx, r.ID); return err },
		"Create": func(ctx context.Context) error { return s.Create(ctx, session("ann")) },
		"Save":   func(ctx context.Context) error { return s.Save(ctx, r.Clone()) },
		"Touch": func(ctx context.Context) error {
			return s.Touch(ctx, r.Clone(), store.Touch{LastSeen: r.LastSeen.Add(time.Second), ExpiresAt: r.ExpiresAt})
		},
		"Delete": func(ctx context.Context) error { return s.Delete(ctx, store.NewID(time.Now())) },
		"List": func(ctx context.Context) error {
			for _, err := range s.List(ctx, store.Query{User: "ann"}) {
				if err != nil {
					return err
				}
			}
			return nil
		},
		"Cutoff":     func(ctx context.Context) error { _, err := s.Cutoff(ctx, "ann"); return err },
		"DeleteUser": func(ctx context.Context) error { _, err := s.DeleteUser(ctx, "bob", time.Now()); return err },
		"Sweep":      func(ctx context.Context) error { _, err := s.Sweep(ctx, time.Now().Add(-time.Hour), 10); return err },
		"Key":        func(ctx context.Context) error { _, err := s.Key(ctx, "cache"); return err },
		"RotateKey":  func(ctx context.Context) error { return s.RotateKey(ctx, "cache") },
		"Migrations": func(ctx context.Context) error { _, err := s.Migrations(ctx); return err },
		"Migrate":    s.Migrate,
	}
}

// TestHungNetwork: RPT-8. No call outlives its context where the network swallows packets, with any driver, in Open and over a
// pool of the application, on connections that were there and on new ones; and once the network is back, calls go on.
func TestHungNetwork(t *testing.T) {
	for _, g := range servers {
		for _, over := range []string{"Open", "New"} {
			t.Run(g.name+"/"+over, func(t *testing.T) {
				p, dsn := behind(t, g.addr(t), g.dsn(t))
				var s *sqlxstore.Store
				var err error
				if over == "Open" {
					s, err = sqlxstore.Open(t.Context(), g.driver, dsn, sqlxstore.Config{})
				} else {
					s, err = sqlxstore.New(t.Context(), pool(t, g.driver, dsn), sqlxstore.Config{})
				}
				if err != nil {
					t.Fatal(err)
				}
				if err := s.Migrate(t.Context()); err != nil {
					t.Fatal(err)
				}
				r := session("ann")
				create(t, s, r)
				all := calls(s, r)
				var wg sync.WaitGroup
				for _, call := range all { // connections, and prepared statements
					wg.Go(func() { _ = call(t.Context()) })
				}
				wg.Wait()
				blackhole(t, p)
				for round := range 3 {
					for name, call := range all {
						wg.Go(func() {
							ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
							defer cancel()
							err := call(ctx)
							end, _ := ctx.Deadline()
							if over := time.Since(end); over > late {
								t.Errorf("round %d: %s returned %v after its context", round, name, over)
							}
							if !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, store.ErrUnavailable) {
								t.Errorf("round %d: %s: got %v", round, name, err)
							}
						})
					}
					wg.Wait()
				}
				if err := p.Blackhole(false); err != nil {
					t.Fatal(err)
				}
				if over == "New" {
					p.Reset() // as the network does in the end
				}
				var last error
				for range 100 {
					ctx, cancel := context.WithTimeout(t.Context(), time.Second)
					_, last = s.Load(ctx, r.ID)
					cancel()
					if last == nil {
						break
					}
				}
				if last != nil {
					t.Errorf("afterwards: %v", last)
				}
				closed := make(chan error, 1)
				go func() { closed <- s.Close() }()
				select {
				case <-closed:
				case <-time.After(30 * time.Second):
					t.Error("Close does not return")
				}
			})
		}
	}
}

// TestHungOpen: RPT-8. Nor does Open, nor New.
func TestHungOpen(t *testing.T) {
	for _, g := range servers {
		t.Run(g.name, func(t *testing.T) {
			p, dsn := behind(t, g.addr(t), g.dsn(t))
			blackhole(t, p)
			for name, call := range map[string]func(context.Context) error{
				"Open": func(ctx context.Context) error {
					s, err := sqlxstore.Open(ctx, g.driver, dsn, sqlxstore.Config{})
					if err == nil {
						s.Close()
					}
					return err
				},
				"New": func(ctx context.Context) error {
					_, err := sqlxstore.New(ctx, pool(t, g.driver, dsn), sqlxstore.Config{})
					return err
				},
			} {
				ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
				err := call(ctx)
				end, _ := ctx.Deadline()
				if over := time.Since(end); over > late {
					t.Errorf("%s returned %v after its context", name, over)
				}
				if err == nil {
					t.Errorf("%s: no error", name)
				}
				cancel()
			}
		})
	}
}
