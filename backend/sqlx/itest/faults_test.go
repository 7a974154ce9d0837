package itest

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/qsessions/qsessions/backend/sqlx"
	"github.com/qsessions/qsessions/core/store"
)

// hold locks the row of id, by a change that no statement looks at, until the returned function commits.
func hold(t *testing.T, db *sql.DB, begin string, id any, placeholder string) (release func()) {
	t.Helper()
	c, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	run(t, c, begin)
	if _, err := c.ExecContext(t.Context(), "UPDATE qsessions SET created_at = created_at + 1 WHERE id = "+placeholder, id); err != nil {
		t.Fatal(err)
	}
	return func() {
		if _, err := c.ExecContext(context.WithoutCancel(t.Context()), "COMMIT"); err != nil {
			t.Error(err)
		}
	}
}

// The way to make each database give a statement up because of another one.
var conflicts = map[string]struct {
	options, begin, placeholder, waits string // waits counts the statements that wait for a lock
	id                                 func(store.ID) any
}{
	"postgres": {
		"default_transaction_isolation=serializable", "BEGIN", "$1",
		"SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
		func(id store.ID) any { return id.String() },
	},
	"mariadb": {
		"innodb_lock_wait_timeout=1", "BEGIN", "?",
		"SELECT count(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT' AND trx_query LIKE 'UPDATE%'",
		func(id store.ID) any { return id[:] },
	},
	"sqlite": {"_pragma=busy_timeout(1)", "BEGIN IMMEDIATE", "?", "", func(id store.ID) any { return id[:] }},
}

// TestRetry: FLT-14. A statement that the database gave up in favor of another one is repeated: PostgreSQL's serialization
// failure, MariaDB's lock wait timeout, SQLite's busy. Without repetition each of them is an error.
func TestRetry(t *testing.T) {
	each(t, func(t *testing.T, g target, dsn string) {
		k := conflicts[g.name]
		beside := pool(t, g.driver, dsn)
		for _, retries := range []int{200, -1} {
			s := migrated(t, g.driver, with(dsn, k.options), sqlxstore.Config{Retries: retries})
			r := session("ann")
			create(t, s, r)
			release := hold(t, beside, k.begin, k.id(r.ID), k.placeholder)
			saved := make(chan error, 1)
			go func() { saved <- s.Save(t.Context(), r) }()
			if retries < 0 && g.name != "postgres" { // gives up by itself
				if err := <-saved; !errors.Is(err, store.ErrUnavailable) {
					t.Errorf("without repetition: got %v, want %v", err, store.ErrUnavailable)
				}
				release()
				continue
			}
			awaitWaiting(t, beside, k.waits)
			release()
			err := <-saved
			if retries > 0 && (err != nil || r.Version != 2) {
				t.Errorf("with repetition: got %v and version %d", err, r.Version)
			}
			if retries < 0 && !errors.Is(err, store.ErrUnavailable) {
				t.Errorf("without repetition: got %v, want %v", err, store.ErrUnavailable)
			}
		}
	})
}

// awaitWaiting returns when a statement waits for a lock; SQLite, which does not tell, gets a moment.
func awaitWaiting(t *testing.T, db *sql.DB, query string) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for i := range 2000 {
		<-tick.C
		n := 0
		if query == "" {
			n = i / 4
		} else if err := db.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
			t.Fatal(err)
		}
		if n > 0 {
			return
		}
	}
	t.Fatal("no statement waits")
}

// TestContextWhileWaiting: a context that ends while a statement waits is a context error with every driver, though not
// all of them say so.
func TestContextWhileWaiting(t *testing.T) {
	for _, g := range append([]target{{name: "pgx", driver: "pgx", dsn: postgres}}, kinds...) {
		t.Run(g.name, func(t *testing.T) {
			t.Parallel()
			k := conflicts[g.name]
			if g.name == "pgx" {
				k = conflicts["postgres"]
			}
			dsn := g.dsn(t)
			beside := pool(t, g.driver, dsn)
			s := migrated(t, g.driver, dsn, sqlxstore.Config{})
			r := session("ann")
			create(t, s, r)
			release := hold(t, beside, k.begin, k.id(r.ID), k.placeholder)
			before := r.Clone()
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			err := s.Save(ctx, r)
			if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, store.ErrUnavailable) {
				t.Errorf("Save: got %v, want %v alone", err, context.DeadlineExceeded)
			}
			if r.Version != before.Version {
				t.Errorf("a Save that failed made version %d of %d", r.Version, before.Version)
			}
			release()
			if _, err := s.Load(t.Context(), r.ID); err != nil {
				t.Errorf("Load afterwards: %v", err)
			}
		})
	}
}

// TestHOT: a touch is a heap-only update, as no index has a column of it. With an index on the time none is.
func TestHOT(t *testing.T) {
	dsn := postgres(t)
	db := pool(t, "postgres", dsn)
	const sessions, rounds = 500, 6
	touched := func(table string, prepare ...string) (updates, hot int) {
		s := migrated(t, "postgres", dsn, sqlxstore.Config{Table: table})
		run(t, db, prepare...)
		begin := time.Now().UTC().Truncate(time.Hour)
		rs := make([]*store.Record, sessions)
		for i := range rs {
			rs[i] = session("ann")
			rs[i].ExpiresAt = begin
			rs[i].Data = make([]byte, 1024)
			for j := range rs[i].Data {
				rs[i].Data[j] = byte(i * j) // not all the same, so that it stays in the row
			}
			create(t, s, rs[i])
		}
		for n := range rounds {
			for _, r := range rs {
				seen := r.LastSeen.Add(time.Minute)
				err := s.Touch(t.Context(), r, store.Touch{LastSeen: seen, ExpiresAt: begin.Add(time.Duration(n+1) * time.Minute), IP: r.IP, UserAgent: r.UserAgent})
				if err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := s.Close(); err != nil { // a server process reports its counts at its end
			t.Fatal(err)
		}
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for range 1000 {
			<-tick.C
			err := db.QueryRowContext(t.Context(), "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = $1", table).Scan(&updates, &hot)
			if err != nil {
				t.Fatal(err)
			}
			if updates == sessions*rounds {
				return updates, hot
			}
		}
		t.Fatalf("PostgreSQL counted %d updates, want %d", updates, sessions*rounds)
		return
	}
	updates, hot := touched("sessions")
	if hot < updates*99/100 {
		t.Errorf("%d of %d touches were heap-only, want all but 1%%", hot, updates)
	}
	t.Logf("%d of %d touches were heap-only", hot, updates)
	if updates, hot = touched("indexed", "CREATE INDEX ON indexed (last_seen)"); hot > updates/100 {
		t.Errorf("%d of %d touches were heap-only with an index on last_seen: this test does not measure", hot, updates)
	}
}

// TestRoundTrips counts statements: one for each call of a request, two for a cut-off and what it removes, two for a sweep.
func TestRoundTrips(t *testing.T) {
	options := map[string]string{"postgres": "binary_parameters=yes", "mariadb": "interpolateParams=true"}
	each(t, func(t *testing.T, g target, dsn string) {
		r, db := record(t, g.driver, with(dsn, options[g.name]))
		s, err := sqlxstore.New(t.Context(), db, direct)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		rec, ctx := session("ann"), t.Context()
		for _, k := range []struct {
			name string
			want int
			call func() error
		}{
			{"Create", 1, func() error { return s.Create(ctx, rec) }},
			{"Load", 1, func() error { _, err := s.Load(ctx, rec.ID); return err }},
			{"Save", 1, func() error { return s.Save(ctx, rec) }},
			{"Touch", 1, func() error {
				return s.Touch(ctx, rec, store.Touch{LastSeen: rec.LastSeen.Add(time.Second), ExpiresAt: rec.ExpiresAt})
			}},
			{"Cutoff", 1, func() error { _, err := s.Cutoff(ctx, "ann"); return err }},
			{"List", 1, func() error {
				for _, err := range s.List(ctx, store.Query{User: "ann"}) {
					return err
				}
				return errors.New("nothing")
			}},
			{"DeleteUser", 3, func() error { _, err := s.DeleteUser(ctx, "ann", time.Now().Add(time.Hour)); return err }},
			{"Delete", 1, func() error { return s.Delete(ctx, rec.ID, store.ID{1}, store.ID{2}) }},
			{"Sweep", 3, func() error { _, err := s.Sweep(ctx, time.Now().Add(2*time.Hour), 10); return err }},
		} {
			r.take()
			if err := k.call(); err != nil {
				t.Errorf("%s: %v", k.name, err)
			}
			if calls := r.take(); len(calls) != k.want {
				t.Errorf("%s: %d statements, want %d: %v", k.name, len(calls), k.want, calls)
			}
		}
	})
}
