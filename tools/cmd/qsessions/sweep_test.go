package main

import (
	"bytes"
	"context"
	"database/sql"
	"strings"
	"sync"
	"testing"
	"time"

	sqlxstore "github.com/qsessions/qsessions/backend/sqlx"
	"github.com/qsessions/qsessions/core/store"
	"github.com/qsessions/qsessions/tools/internal/stores/storestest"
)

// TestSweep wants expired sessions to be removed, others to stay, and not a word to cron.
func TestSweep(t *testing.T) {
	t.Parallel()
	storestest.Each(t, func(t *testing.T, address string) {
		runArgs(t.Context(), false, "migrate", "up", "--store", address).want(t, exitOK)
		s := open(t, address, "")
		live := record(time.Now())
		create(t, s, live)
		for _, terminal := range []bool{false, true} {
			for range 7 {
				create(t, s, record(time.Now().Add(-3*time.Hour)))
			}
			got := runArgs(t.Context(), terminal, "sweep", "--store", address, "--batch", "3")
			got.want(t, exitOK)
			if got.out != "" {
				t.Errorf("terminal %v: got %q on the standard output", terminal, got.out)
			}
			if terminal && !strings.Contains(got.err, "\r7 removed, ") || !terminal && got.err != "" {
				t.Errorf("terminal %v: got %q", terminal, got.err)
			}
			if ids := list(t, s); len(ids) != 1 || ids[0] != live.ID {
				t.Errorf("terminal %v: got sessions %v, want %v", terminal, ids, live.ID)
			}
		}
	})
}

func TestSweepInterrupted(t *testing.T) {
	t.Parallel()
	address := storestest.SQLite(t)
	runArgs(t.Context(), false, "migrate", "up", "--store", address).want(t, exitOK)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	got := runArgs(ctx, false, "sweep", "--store", address)
	if got.code != exitFailed || got.err != "qsessions: interrupted\n" {
		t.Errorf("got %d, %q", got.code, got.err)
	}
}

// TestSweepEvery lets a sweep succeed, fail and succeed again, and ends it as Ctrl-C does.
func TestSweepEvery(t *testing.T) {
	t.Parallel()
	address := storestest.SQLite(t)
	runArgs(t.Context(), false, "migrate", "up", "--store", address).want(t, exitOK)
	s := open(t, address, "")
	db, err := sql.Open("sqlite", strings.TrimPrefix(address, "sqlite:")+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	create(t, s, record(time.Now().Add(-3*time.Hour)))

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	log := newLog()
	done := make(chan int, 1)
	go func() {
		done <- run(ctx, []string{"sweep", "--store", address, "--every", "1s"}, stdio{log, log, true})
	}()

	log.wait(t, "1 removed", 1)
	if _, err := db.ExecContext(ctx, "ALTER TABLE qsessions RENAME TO away"); err != nil {
		t.Fatal(err)
	}
	log.wait(t, "qsessions: ", 1)
	if _, err := db.ExecContext(ctx, "ALTER TABLE away RENAME TO qsessions"); err != nil {
		t.Fatal(err)
	}
	before := strings.Count(log.String(), "1 removed")
	create(t, s, record(time.Now().Add(-3*time.Hour)))
	log.wait(t, "1 removed", before+1)
	cancel()
	if code := <-done; code != exitOK {
		t.Errorf("got exit code %d; %s", code, log)
	}
}

func create(t *testing.T, s *sqlxstore.Store, r *store.Record) {
	t.Helper()
	if err := s.Create(t.Context(), r); err != nil {
		t.Fatal(err)
	}
}

func list(t *testing.T, s *sqlxstore.Store) []store.ID {
	t.Helper()
	var ids []store.ID
	for r, err := range s.List(t.Context(), store.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, r.ID)
	}
	return ids
}

// A log is output that can be waited for.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{} // has one element if something was written
}

func newLog() *log { return &log{more: make(chan struct{}, 1)} }

// Write implements io.Writer.
func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case l.more <- struct{}{}:
	default:
	}
	return l.text.Write(p)
}

// String returns all that was written.
func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// wait returns when text has been written n times.
func (l *log) wait(t *testing.T, text string, n int) {
	t.Helper()
	late := time.After(time.Minute)
	for strings.Count(l.String(), text) < n {
		select {
		case <-l.more:
		case <-late:
			t.Fatalf("not %d times %q in %q", n, text, l)
		}
	}
}
