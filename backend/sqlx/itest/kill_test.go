package itest

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/qsessions/qsessions/backend/sqlx"
	"github.com/qsessions/qsessions/core/store"
)

// TestKilledConnections: RPT-4, RPT-8, FLT-12. While an administrator ends connections in the middle of calls, and callers give up at
// any time, a write that succeeded is there, a session has no other owner than the one that it has, so that nothing is a conflict, and no
// goroutine is left.
func TestKilledConnections(t *testing.T) {
	kill := map[string]string{
		"postgres": "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() ORDER BY random() LIMIT 3",
		"mysql":    "SELECT CONCAT('KILL ', id) FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID() ORDER BY RAND() LIMIT 3",
	}
	for _, g := range servers {
		for _, way := range []string{"Open", "New"} {
			t.Run(g.name+"/"+way, func(t *testing.T) {
				before := runtime.NumGoroutine()
				dsn := g.dsn(t)
				var s *sqlxstore.Store
				var err error
				var db *sql.DB
				if way == "Open" {
					s, err = sqlxstore.Open(t.Context(), g.driver, dsn, sqlxstore.Config{})
				} else {
					db = pool(t, g.driver, dsn)
					db.SetMaxIdleConns(8)
					s, err = sqlxstore.New(t.Context(), db, sqlxstore.Config{})
				}
				if err != nil {
					t.Fatal(err)
				}
				if err := s.Migrate(t.Context()); err != nil {
					t.Fatal(err)
				}
				admin := pool(t, g.driver, dsn)
				admin.SetMaxOpenConns(1)
				var workers, killer sync.WaitGroup
				over := make(chan struct{})
				killer.Go(func() {
					for {
						select {
						case <-over:
							return
						default:
						}
						var texts []string
						text := kill["postgres"]
						if g.driver == "mysql" {
							text = kill["mysql"]
						}
						rows, err := admin.QueryContext(t.Context(), text)
						if err != nil {
							t.Error(err)
							return
						}
						for rows.Next() {
							var text string
							_ = rows.Scan(&text)
							texts = append(texts, text)
						}
						rows.Close()
						for _, text := range texts {
							if strings.HasPrefix(text, "KILL ") {
								_, _ = admin.ExecContext(t.Context(), text) // it may be gone
							}
						}
					}
				})
				var mu sync.Mutex
				tally := map[string]int{}
				for range 8 {
					workers.Go(func() {
						for range 60 {
							solitary(t, s, func(op string, err error) {
								mu.Lock()
								tally[fmt.Sprintf("%s %t", op, err == nil)]++
								mu.Unlock()
							})
						}
					})
				}
				workers.Wait()
				close(over)
				killer.Wait()
				t.Log(tally)
				admin.Close()
				if err := s.Close(); err != nil {
					t.Error(err)
				}
				if db != nil {
					db.Close()
				}
				left := 0
				for range 100 {
					if left = runtime.NumGoroutine() - before; left <= 2 {
						break
					}
					runtime.Gosched()
					time.Sleep(50 * time.Millisecond)
				}
				if left > 2 {
					b := make([]byte, 1<<20)
					t.Errorf("%d goroutines are left\n%s", left, b[:runtime.Stack(b, true)])
				}
			})
		}
	}
}

// solitary lives the life of one session that no one else changes.
func solitary(t *testing.T, s *sqlxstore.Store, note func(op string, err error)) {
	call := func(op string, f func(context.Context) error) error {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		if rand.N(3) == 0 {
			timer := time.AfterFunc(rand.N(5*time.Millisecond), cancel)
			defer timer.Stop()
		}
		err := f(ctx)
		note(op, err)
		if err != nil && !errors.Is(err, store.ErrUnavailable) && !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v", op, err)
		}
		return err
	}
	r := session("ann")
	if call("create", func(ctx context.Context) error { return s.Create(ctx, r) }) != nil {
		return // its outcome is unknown
	}
	for range 5 {
		r.Data = bytes.Repeat([]byte{byte(rand.N(256))}, 100+rand.N(2000))
		if call("save", func(ctx context.Context) error { return s.Save(ctx, r) }) != nil {
			return
		}
		var got *store.Record
		if call("load", func(ctx context.Context) (err error) { got, err = s.Load(ctx, r.ID); return err }) == nil {
			if !bytes.Equal(got.Data, r.Data) || got.Version != r.Version {
				t.Errorf("a save that succeeded is not there: version %d, want %d", got.Version, r.Version)
			}
		}
		if call("touch", func(ctx context.Context) error {
			return s.Touch(ctx, r, store.Touch{LastSeen: r.LastSeen.Add(time.Second), ExpiresAt: r.ExpiresAt})
		}) != nil {
			return
		}
	}
	if call("delete", func(ctx context.Context) error { return s.Delete(ctx, r.ID) }) == nil {
		if _, err := s.Load(t.Context(), r.ID); err == nil {
			t.Error("a session that was deleted is there")
		}
	}
}
