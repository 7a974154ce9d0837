package itest

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/qsessions/qsessions/backend/sqlx"
	"github.com/qsessions/qsessions/core/store"
)

// operate calls every operation of s once or more, for users who are there, and returns the first error.
func operate(t *testing.T, s *sqlxstore.Store, ann, bob string) error {
	t.Helper()
	ctx := t.Context()
	a, b, c := session(ann), session(ann), session(bob)
	guest := session("")
	for _, r := range []*store.Record{a, b, c, guest} {
		if err := s.Create(ctx, r); err != nil {
			return err
		}
	}
	if _, err := s.Load(ctx, a.ID); err != nil {
		return err
	}
	a.Data = []byte("more")
	if err := s.Save(ctx, a); err != nil {
		return err
	}
	if err := s.Touch(ctx, a, store.Touch{LastSeen: a.LastSeen.Add(time.Second), ExpiresAt: a.ExpiresAt, IP: netip.MustParseAddr("192.0.2.1"), UserAgent: "x"}); err != nil {
		return err
	}
	for _, q := range []store.Query{{}, {User: ann}, {Kind: store.Anonymous}, {Expired: time.Now()}, {IDs: []store.ID{a.ID, c.ID}}, {Prefix: netip.MustParsePrefix("192.0.2.0/24")}} {
		for _, err := range s.List(ctx, q) {
			if err != nil {
				return err
			}
		}
	}
	for range 2 {
		if _, err := s.DeleteUser(ctx, ann, time.Now().Add(time.Second)); err != nil {
			return err
		}
	}
	if _, err := s.Cutoff(ctx, ann); err != nil {
		return err
	}
	if err := s.Delete(ctx, c.ID, guest.ID); err != nil {
		return err
	}
	for _, f := range []func() error{
		func() error { _, err := s.Key(ctx, "cache"); return err },
		func() error { _, err := s.Key(ctx, "cache"); return err },
		func() error { return s.RotateKey(ctx, "cache") },
		func() error { return s.RotateKey(ctx, "other") },
		func() error { _, err := s.Migrations(ctx); return err },
		func() error { return s.Migrate(ctx) },
	} {
		if err := f(); err != nil {
			return err
		}
	}
	for {
		if n, err := s.Sweep(ctx, time.Now().Add(100*time.Hour), 3); n == 0 || err != nil {
			return err
		}
	}
}

// TestSafeUpdates: RPT-5. A server that refuses changes without a key in the condition accepts every statement.
func TestSafeUpdates(t *testing.T) {
	for _, c := range []sqlxstore.Config{{}, direct} {
		t.Run(fmt.Sprintf("NoPrepare=%t", c.NoPrepare), func(t *testing.T) {
			dsn := mariadb(t)
			s := migrated(t, "mysql", with(dsn, "sql_safe_updates=1"), c)
			db := pool(t, "mysql", dsn)
			for _, rows := range []int{0, 1, 500} { // a planner may prefer to read a small table as a whole
				for i := range rows {
					run(t, db, fmt.Sprintf("INSERT IGNORE INTO qsessions_cutoff VALUES ('u%d', %d)", i, i))
				}
				if err := operate(t, s, "ann", "bob"); err != nil {
					t.Errorf("with %d old cut-offs: %v", rows, err)
				}
				var left int
				if err := db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM qsessions_cutoff").Scan(&left); err != nil || left != 0 {
					t.Errorf("with %d old cut-offs: %d are left, %v", rows, left, err)
				}
			}
		})
	}
}

// TestCutoffPlans: RPT-5. Each statement about cut-offs goes by a key.
func TestCutoffPlans(t *testing.T) {
	options := map[string]string{"postgres": "binary_parameters=yes", "mariadb": "interpolateParams=true"}
	fill := map[string]string{
		"postgres": "INSERT INTO qsessions_cutoff SELECT 'u' || i, i::bigint * 1000000000000 FROM generate_series(1, 20000) i",
		"mariadb":  "INSERT INTO qsessions_cutoff SELECT CONCAT('u', seq), seq * 1000000000000 FROM seq_1_to_20000",
		"sqlite":   "WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 20000) INSERT INTO qsessions_cutoff SELECT 'u' || i, i * 1000000000000 FROM s",
	}
	analyze := map[string]string{"postgres": "VACUUM ANALYZE qsessions_cutoff", "mariadb": "ANALYZE TABLE qsessions_cutoff", "sqlite": "ANALYZE"}
	primary := map[string]string{"postgres": "qsessions_cutoff_pkey", "mariadb": "key=PRIMARY", "sqlite": "sqlite_autoindex_qsessions_cutoff_1"}
	each(t, func(t *testing.T, g target, dsn string) {
		r, db := record(t, g.driver, with(dsn, options[g.name]))
		s, err := sqlxstore.New(t.Context(), db, direct)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		run(t, db, fill[g.name], analyze[g.name])
		r.take()
		if _, err := s.Cutoff(t.Context(), "u9000"); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Sweep(t.Context(), time.UnixMicro(100_000_000_000_000), 10); err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, c := range r.take() {
			verb, _, _ := strings.Cut(c.text, " ")
			index := map[string]string{"SELECT": primary[g.name], "DELETE": "qsessions_cutoff_at"}[verb]
			if !strings.Contains(c.text, "qsessions_cutoff") || index == "" {
				continue
			}
			seen[verb] = true
			explain := map[string]string{"sqlite": "EXPLAIN QUERY PLAN "}[g.name]
			if explain == "" {
				explain = "EXPLAIN "
			}
			plan, err := explainRows(t.Context(), db, explain+c.text, c.args)
			if err != nil || !strings.Contains(plan, index) {
				t.Errorf("%s: %v, want index %s: %s", c.text, err, index, plan)
			}
		}
		if !seen["SELECT"] || !seen["DELETE"] {
			t.Errorf("saw %v", seen)
		}
	})
}
