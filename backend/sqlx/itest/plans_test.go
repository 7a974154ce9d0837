package itest

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/hex"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	modernc "modernc.org/sqlite"

	"github.com/qsessions/qsessions/backend/sqlx"
	"github.com/qsessions/qsessions/core/store"
)

// The rows: one in ten is anonymous, u1 has one in twenty, others have a few; the earliest tenth has expired; addresses are spread over
// 10.0.0.0/8, one each.
var fill = map[string]string{
	"postgres": `INSERT INTO qsessions SELECT
		(lpad(to_hex(i / 16), 8, '0') || '-0000-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid, 1,
		CASE WHEN i % 10 = 0 THEN NULL WHEN i % 20 = 1 THEN 'u1' ELSE 'u' || (i % 99991) END,
		%[1]d, %[1]d, %[1]d, %[1]d + 3600000000 * (CASE WHEN i <= %[2]d / 10 THEN -2 ELSE i % 700 END), %[1]d / 3600000000 + 1 + (CASE WHEN i <= %[2]d / 10 THEN -2 ELSE i % 700 END),
		decode('00000000000000000000ffff0a' || lpad(to_hex(i % 16777213), 6, '0'), 'hex'), 'test', ''::bytea, 'x'::bytea
		FROM generate_series(1, %[2]d) i`,
	"mariadb": `INSERT INTO qsessions SELECT
		UNHEX(CONCAT(LPAD(HEX(i DIV 16), 8, '0'), '000070008000', LPAD(HEX(i), 12, '0'))), 1,
		CASE WHEN i %% 10 = 0 THEN NULL WHEN i %% 20 = 1 THEN 'u1' ELSE CONCAT('u', i %% 99991) END,
		%[1]d, %[1]d, %[1]d, %[1]d + 3600000000 * (CASE WHEN i <= %[2]d / 10 THEN -2 ELSE i %% 700 END), %[1]d DIV 3600000000 + 1 + (CASE WHEN i <= %[2]d / 10 THEN -2 ELSE i %% 700 END),
		UNHEX(CONCAT('00000000000000000000ffff0a', LPAD(HEX(i %% 16777213), 6, '0'))), 'test', '', 'x'
		FROM (SELECT seq i FROM seq_1_to_%[2]d) s`,
	"sqlite": `WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < %[2]d) INSERT INTO qsessions SELECT
		unhex(printf('%%08x000070008000%%012x', i / 16, i)), 1,
		CASE WHEN i %% 10 = 0 THEN NULL WHEN i %% 20 = 1 THEN 'u1' ELSE 'u' || (i %% 99991) END,
		%[1]d, %[1]d, %[1]d, %[1]d + 3600000000 * (CASE WHEN i <= %[2]d / 10 THEN -2 ELSE i %% 700 END), %[1]d / 3600000000 + 1 + (CASE WHEN i <= %[2]d / 10 THEN -2 ELSE i %% 700 END),
		unhex(printf('00000000000000000000ffff0a%%06x', i %% 16777213)), 'test', x'', x'78' FROM s`,
}

// An index is made faster when the rows are there.
var bulk = map[string]struct{ before, after []string }{
	"postgres": {
		[]string{"DROP INDEX qsessions_user", "DROP INDEX qsessions_sweep", "DROP INDEX qsessions_ip"},
		[]string{
			"CREATE INDEX qsessions_user ON qsessions (user_id, id)", "CREATE INDEX qsessions_sweep ON qsessions (sweep_at)",
			"CREATE INDEX qsessions_ip ON qsessions (ip, id)", "VACUUM ANALYZE qsessions",
		},
	},
	"mariadb": {
		[]string{"ALTER TABLE qsessions DROP KEY qsessions_user, DROP KEY qsessions_sweep, DROP KEY qsessions_ip"},
		[]string{
			"ALTER TABLE qsessions ADD KEY qsessions_user (user_id, id), ADD KEY qsessions_sweep (sweep_at), ADD KEY qsessions_ip (ip, id)",
			"ANALYZE TABLE qsessions",
		},
	},
}

func rowID(i int) store.ID {
	text := fmt.Sprintf("%08x-0000-7000-8000-%012x", i/16, i)
	var id store.ID
	b, _ := hex.DecodeString(strings.ReplaceAll(text, "-", ""))
	copy(id[:], b)
	return id
}

// rowIDs returns the n ids from that of row i on.
func rowIDs(i, n int) []store.ID {
	ids := make([]store.ID, n)
	for k := range ids {
		ids[k] = rowID(i + k)
	}
	return ids
}

// TestPlans reads the plan of every statement over a million rows: which index it uses, and how many rows it looks at. SQLite,
// which is part of this process, takes minutes for them under the race detector: .ci/test runs it without.
func TestPlans(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: a million rows take a while")
	}
	if underRace {
		t.Skip("under the race detector: run it without, as .ci/test does")
	}
	options := map[string]string{"postgres": "binary_parameters=yes", "mariadb": "interpolateParams=true", "sqlite": "_pragma=journal_mode(off)"}
	now := time.Now().UTC().Truncate(time.Hour)
	for _, g := range kinds {
		t.Run(g.name, func(t *testing.T) {
			t.Parallel()
			dsn := with(g.dsn(t), options[g.name])
			r, db := record(t, g.driver, dsn)
			s, err := sqlxstore.New(t.Context(), db, direct)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
			text := strings.ReplaceAll(fill[g.name], "%%", "%")
			text = strings.ReplaceAll(text, "%[1]d", strconv.FormatInt(now.UnixMicro(), 10))
			const size = 1_000_000
			text = strings.ReplaceAll(text, "%[2]d", strconv.Itoa(size))
			run(t, db, bulk[g.name].before...)
			run(t, db, text)
			run(t, db, bulk[g.name].after...)
			checkPages(t, g, r, db, s, now, size)
			e := explainer[g.name]
			for _, k := range plans(s, now, size) {
				r.take()
				if err := k.call(t.Context()); err != nil {
					t.Fatalf("%s: %v", k.name, err)
				}
				if g.name != "postgres" { // it cannot be told
					k.index = cmp.Or(forced[k.name], k.index)
				}
				for _, c := range r.take() {
					if !strings.Contains(c.text, "qsessions") || strings.Contains(c.text, "qsessions_cutoff") || strings.HasPrefix(c.text, "INSERT") {
						continue
					}
					p, err := e(t.Context(), db, c)
					if err != nil {
						t.Fatalf("%s: %v", k.name, err)
					}
					if !slices.ContainsFunc(strings.Split(k.index, "|"), func(i string) bool { return p.index == i }) || p.rows > k.rows {
						t.Errorf("%s: index %q with %d rows, want %q with at most %d\n%s\n%s", k.name, p.index, p.rows, k.index, k.rows, c.text, p.text)
					}
				}
			}
		})
	}
}

// A plan is what a database does with a statement: rows are those that it looked at, or thinks that it will.
type plan struct {
	index string
	rows  int
	text  string
}

type planCase struct {
	name  string
	index string // "primary", "user", "sweep" or "ip", one of several
	rows  int
	call  func(ctx context.Context) error
}

// The index that a statement names, where it can.
var forced = map[string]string{
	"list of anonymous": "user", "list of a user": "user", "list of a heavy user, middle": "user", "list of expired": "sweep",
}

// plans calls each method so that it needs its index. What is called changes next to nothing.
func plans(s *sqlxstore.Store, now time.Time, size int) []planCase {
	list := func(q store.Query) func(context.Context) error {
		q.Limit = 51
		return func(ctx context.Context) error {
			n := 0
			for _, err := range s.List(ctx, q) {
				if err != nil {
					return err
				}
				n++
			}
			if n == 0 {
				return fmt.Errorf("nothing was found")
			}
			return nil
		}
	}
	someone := "u" + strconv.Itoa((size/2+8)%99991) // whom the sweep leaves
	some := &store.Record{ID: rowID(size/4*3 + 7), Version: 1, User: "u" + strconv.Itoa((size/4*3+7)%99991), LastSeen: now, ExpiresAt: now.Add(time.Hour), UserAgent: "test"}
	return []planCase{
		{"load", "primary", 1, func(ctx context.Context) error { _, err := s.Load(ctx, some.ID); return err }},
		{"touch", "primary", 1, func(ctx context.Context) error {
			return s.Touch(ctx, some, store.Touch{LastSeen: now.Add(time.Second), ExpiresAt: now.Add(time.Hour)})
		}},
		{"save", "primary", 1, func(ctx context.Context) error { return s.Save(ctx, some) }},
		{"delete", "primary", 3, func(ctx context.Context) error { return s.Delete(ctx, rowID(17), rowID(18), rowID(19)) }},
		{"delete user", "user|primary", 1000, func(ctx context.Context) error { _, err := s.DeleteUser(ctx, "u27", now.Add(time.Hour)); return err }},
		{"delete user, none early enough", "user", 60000, func(ctx context.Context) error { _, err := s.DeleteUser(ctx, "u1", now); return err }},
		{"sweep", "sweep|primary", 1000, func(ctx context.Context) error { _, err := s.Sweep(ctx, now.Add(-time.Hour), 100); return err }},
		{"list", "primary", 600, list(store.Query{})},
		{"list, middle", "primary", 600, list(store.Query{After: rowID(size / 2)})},
		{"list of live", "primary", 600, list(store.Query{Live: now})},
		{"list of users", "primary|user", 600, list(store.Query{Kind: store.Users})},
		{"list of anonymous", "user|primary", 1200, list(store.Query{Kind: store.Anonymous})},
		{"list of a user", "user", 200, list(store.Query{User: someone, Data: true})},
		{"list of a heavy user, middle", "user|primary", 2000, list(store.Query{User: "u1", After: rowID(size / 2)})},
		{"list of ids", "primary", 5, list(store.Query{IDs: []store.ID{rowID(size/2 + 1), rowID(size/2 + 2), some.ID}})},
		{"list of ids that expire", "primary", 5, list(store.Query{IDs: []store.ID{rowID(size/2 + 1), rowID(size/2 + 2), some.ID}, Expired: now.Add(1000 * time.Hour)})},
		{"list of ids of a heavy user", "primary", 300, list(store.Query{IDs: rowIDs(size/2, 100), User: "u1"})},
		{"list of ids at an address", "primary", 300, list(store.Query{IDs: rowIDs(size/2, 100), Prefix: netip.MustParsePrefix("10.0.0.0/8")})},
		{"list of ids that are anonymous", "primary", 300, list(store.Query{IDs: rowIDs(size/2, 100), Kind: store.Anonymous, After: rowID(size)})},
		{"list of an address", "ip", 600, list(store.Query{Prefix: netip.MustParsePrefix("10.0.5.0/24")})},
		{"list of expired", "sweep|primary", 120000, list(store.Query{Expired: now})},
	}
}

type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

var explainer = map[string]func(context.Context, *sql.DB, call) (plan, error){
	"postgres": explainPostgres, "mariadb": explainMariaDB, "sqlite": explainSQLite,
}

func explainRows(ctx context.Context, db querier, text string, args []any) (string, error) {
	rows, err := db.QueryContext(ctx, text, args...)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for rows.Next() {
		values := make([]sql.NullString, len(names))
		to := make([]any, len(names))
		for i := range values {
			to[i] = &values[i]
		}
		if err := rows.Scan(to...); err != nil {
			return "", err
		}
		for i, v := range values {
			fmt.Fprintf(&b, "%s=%s ", names[i], v.String)
		}
		b.WriteByte('\n')
	}
	return b.String(), rows.Err()
}

var (
	pgIndex  = regexp.MustCompile(`(?:using|on) (qsessions_\w+)`)
	pgRows   = regexp.MustCompile(`actual time=\S+ rows=(\d+) loops=(\d+)`)
	pgDrop   = regexp.MustCompile(`Rows Removed by Filter: (\d+)`)
	indexOf  = map[string]string{"qsessions_pkey": "primary", "PRIMARY": "primary", "sqlite_autoindex_qsessions_1": "primary", "qsessions_user": "user", "qsessions_sweep": "sweep", "qsessions_ip": "ip"}
	myField  = regexp.MustCompile(`(\w+)=(\S*)`)
	myCount  = regexp.MustCompile(`Value=(\d+)`)
	liteUses = regexp.MustCompile(`USING (?:COVERING )?INDEX (\w+)`)
)

// explainPostgres runs the statement in a transaction that is undone, prepared and with a plan that does not know the
// arguments, as a statement that is kept prepared may get it. A plan for several workers gets none, as it may at any time when others
// have them: the counts are then those of one process, and not averages.
func explainPostgres(ctx context.Context, db *sql.DB, c call) (p plan, err error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return p, err
	}
	defer tx.Rollback()
	literals := make([]string, len(c.args))
	for i, a := range c.args {
		switch v := a.(type) {
		case nil:
			literals[i] = "NULL"
		case []byte:
			literals[i] = fmt.Sprintf(`'\x%x'`, v)
		case string:
			literals[i] = "'" + v + "'"
		default:
			literals[i] = fmt.Sprint(v)
		}
	}
	mode := "force_generic_plan"
	if strings.Contains(c.text, "DESC\n LIMIT") { // List is planned each time
		mode = "force_custom_plan"
	}
	for _, text := range []string{"SET LOCAL max_parallel_workers = 0", "SET LOCAL plan_cache_mode = " + mode, "PREPARE q AS " + c.text} {
		if _, err := tx.ExecContext(ctx, text); err != nil {
			return p, err
		}
	}
	defer tx.ExecContext(ctx, "DEALLOCATE q")
	execute := "EXECUTE q"
	if len(literals) > 0 {
		execute += "(" + strings.Join(literals, ", ") + ")"
	}
	rows, err := tx.QueryContext(ctx, "EXPLAIN (ANALYZE) "+execute)
	if err != nil {
		return p, err
	}
	defer rows.Close()
	node := 0 // the rows that a node has passed on and removed
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			return p, err
		}
		p.text += line + "\n"
		if m := pgRows.FindStringSubmatch(line); m != nil {
			n, _ := strconv.Atoi(m[1])
			loops, _ := strconv.Atoi(m[2])
			node = n * loops
		} else if m := pgDrop.FindStringSubmatch(line); m != nil {
			n, _ := strconv.Atoi(m[1])
			node += n
		}
		p.rows = max(p.rows, node)
	}
	if m := pgIndex.FindAllStringSubmatch(p.text, -1); m != nil && !strings.Contains(p.text, "Seq Scan") {
		p.index = indexOf[m[len(m)-1][1]]
	}
	return p, rows.Err()
}

// explainMariaDB runs the statement in a transaction that is undone: what EXPLAIN says does not think of the LIMIT. Of rows
// that are sorted ANALYZE has only those that are left, so queries run once more between two looks at the counters.
func explainMariaDB(ctx context.Context, db *sql.DB, c call) (p plan, err error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return p, err
	}
	defer tx.Rollback()
	if p.text, err = explainRows(ctx, tx, "ANALYZE "+c.text, c.args); err != nil {
		return p, err
	}
	for _, m := range myField.FindAllStringSubmatch(p.text, -1) {
		switch m[1] {
		case "key":
			p.index = indexOf[m[2]]
		case "r_rows":
			n, _ := strconv.ParseFloat(m[2], 64)
			p.rows = int(n)
		}
	}
	if p.index == "" || !strings.HasPrefix(c.text, "SELECT ") {
		return p, nil
	}
	reads := 0
	for i := range 2 {
		text, err := explainRows(ctx, tx, "SHOW SESSION STATUS WHERE Variable_name IN ('Handler_read_first', 'Handler_read_last', 'Handler_read_next', 'Handler_read_prev')", nil)
		if err != nil {
			return p, err
		}
		n := 0
		for _, m := range myCount.FindAllStringSubmatch(text, -1) {
			one, _ := strconv.Atoi(m[1])
			n += one
		}
		if reads = n - reads; i == 0 {
			if _, err := explainRows(ctx, tx, c.text, c.args); err != nil {
				return p, err
			}
		}
	}
	p.rows = reads
	return p, nil
}

// explainSQLite counts the rows of queries alone.
func explainSQLite(ctx context.Context, db *sql.DB, c call) (p plan, err error) {
	if p.text, err = explainRows(ctx, db, "EXPLAIN QUERY PLAN "+c.text, c.args); err != nil {
		return p, err
	}
	if m := liteUses.FindStringSubmatch(p.text); m != nil {
		p.index = indexOf[m[1]]
	}
	if p.rows, err = visits(ctx, db, c); err != nil {
		return p, err
	}
	return p, nil
}

var visited atomic.Int64

// visits runs a query, and returns how many rows it looked at: SQLite asks a function about each one before it asks the
// table.
func visits(ctx context.Context, db *sql.DB, c call) (int, error) {
	if !strings.HasPrefix(c.text, "SELECT ") {
		return 0, nil
	}
	visited.Store(0)
	text := strings.Replace(c.text, "WHERE ", "WHERE visited(id) AND ", 1)
	if _, err := explainRows(ctx, db, text, c.args); err != nil {
		return 0, err
	}
	return int(visited.Load()), nil
}

func init() {
	modernc.MustRegisterScalarFunction("visited", 1, func(*modernc.FunctionContext, []driver.Value) (driver.Value, error) {
		visited.Add(1)
		return int64(1), nil
	})
}
