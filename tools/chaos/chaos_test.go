package chaos

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/qsessions/qsessions/core/store"
	"github.com/qsessions/qsessions/testserver"
)

func TestMain(m *testing.M) {
	if Child() {
		os.Exit(1) // it should have been killed
	}
	_ = mysql.SetLogger(log.New(io.Discard, "", 0)) // connections that break are the point
	os.Exit(testserver.Run(m))
}

// TestChaos: FLT-1, FLT-2, FLT-3, FLT-4, FLT-5, FLT-6, FLT-7, FLT-10, FLT-11, FLT-12, FLT-15, FLT-20, FLT-27, CVE-11, CVE-20,
// RPT-1, RPT-2, RPT-3, RPT-8, RPT-9. The short form has each scenario on one pair of servers, in turn, and what depends on the
// driver on all of them.
func TestChaos(t *testing.T) {
	var results []Result
	var unjudged strings.Builder
	for i, s := range Scenarios() {
		for _, p := range s.Short(i) {
			t.Run(fmt.Sprintf("%s on %s", s.ID, p), func(t *testing.T) {
				testserverOf(t, p)
				r := runShort(t, s, p)
				results = append(results, r)
				switch {
				case r.wrong(), r.Bad() && !r.Disturbed():
					t.Error(r)
				case r.Disturbed():
					unjudged.WriteString(fmt.Sprintf("chaos: on a machine that stood still for %v, the deadlines of %s were NOT judged: %v\n", r.Beat, t.Name(), r))
				}
				for _, p := range r.Phases {
					if p.OK == 0 && p != r.Phases[1] {
						t.Errorf("nothing was answered %s the fault", p.Name)
					}
				}
			})
		}
	}
	var table bytes.Buffer
	if err := Print(&table, results); err != nil {
		t.Fatal(err)
	}
	if err := testserver.Report(table.String() + unjudged.String()); err != nil {
		t.Fatal(err)
	}
}

// short is as long as it must be: a call may wait for the store's timeout, and a copy be used for its bound.
var short = Options{Before: 400 * time.Millisecond, During: 1800 * time.Millisecond, After: 1800 * time.Millisecond}

// runShort runs the scenario again where the machine stood still meanwhile, so that nothing can be said of deadlines.
func runShort(t *testing.T, s Scenario, p Pair) (r Result) {
	t.Helper()
	for range 3 {
		var err error
		if r, err = Run(t.Context(), s, p, short); err != nil {
			t.Fatal(err)
		}
		if r.wrong() || !r.Disturbed() {
			return r
		}
		t.Logf("again: %v", r)
	}
	return r
}

// testserverOf skips or fails the test where a server cannot be started.
func testserverOf(t *testing.T, p Pair) {
	t.Helper()
	for _, kind := range []testserver.Kind{p.Cache, p.Database} {
		switch kind {
		case testserver.KindRedis, testserver.KindRedisCluster, testserver.KindRedisSentinel, testserver.KindRedisPair:
			testserver.Redis(t)
		case testserver.KindMemcached:
			testserver.Memcached(t)
		case testserver.KindPostgres, testserver.KindPostgresPair:
			testserver.Postgres(t)
		case testserver.KindPgBouncer:
			testserver.PgBouncer(t)
		default:
			testserver.MariaDB(t)
		}
	}
}

// TestCrash: FLT-28. The copy outlives the killed revoker, for as long as it is fresh, and no longer.
func TestCrash(t *testing.T) {
	p := Pair{testserver.KindRedis, testserver.KindPostgres, pgx}
	testserverOf(t, p)
	accepted, err := Crash(t.Context(), p)
	for range 2 { // it may have been too old when the database was done
		if accepted == 0 && err == nil {
			t.Log("again")
			accepted, err = Crash(t.Context(), p)
		}
	}
	t.Log(accepted)
	if err != nil || accepted == 0 || accepted > bound {
		t.Errorf("accepted for %v, %v; want more than nothing, and at most %v", accepted, err, bound)
	}
}

// TestChaosFindsFaults breaks what is tested, one way after the other: so the figures are not always zero.
func TestChaosFindsFaults(t *testing.T) {
	scenarios := map[string]Scenario{}
	for _, s := range Scenarios() {
		scenarios[s.ID] = s
	}
	for _, b := range []struct {
		name, scenario string
		want           []violation
		late           bool
		spoil          func(store.Cache, store.Indexed) (store.Cache, store.Indexed)
	}{
		{"a cache that forgets to delete", "none", []violation{afterNil}, false, func(c store.Cache, db store.Indexed) (store.Cache, store.Indexed) {
			return deaf{c}, db
		}},
		{"a database that does not remove", "none", []violation{resurrected}, false, func(c store.Cache, db store.Indexed) (store.Cache, store.Indexed) {
			return c, keeping{db.(kept)}
		}},
		{"a database where the last write wins", "none", []violation{lostWrite}, false, func(c store.Cache, db store.Indexed) (store.Cache, store.Indexed) {
			return c, lastWins{db.(kept)}
		}},
		{"a database that calls an outage not found", "FLT-20", []violation{falseLogout}, false, func(c store.Cache, db store.Indexed) (store.Cache, store.Indexed) {
			return c, denying{db.(kept)}
		}},
		{"a database that does not hear of deadlines", "RPT-8", nil, true, func(c store.Cache, db store.Indexed) (store.Cache, store.Indexed) {
			return c, patient{db.(kept)}
		}},
	} {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			p := Pair{testserver.KindRedis, testserver.KindPostgres, pgx}
			testserverOf(t, p)
			s := scenarios[b.scenario]
			s.spoil = b.spoil
			var r Result
			// In an outage all sessions may have been told to end before the first one is read: then it is no false logout.
			for range 3 {
				var err error
				if r, err = Run(t.Context(), s, p, Options{}); err != nil {
					t.Fatal(err)
				}
				late := r.Latest > maxLate && r.Bad()
				if (late || !b.late) && !slices.ContainsFunc(b.want, func(v violation) bool { return r.Wrong[v] == 0 }) {
					return
				}
			}
			t.Errorf("got %v, and not all of %v, late: %v", r, b.want, b.late)
		})
	}
}

type deaf struct{ store.Cache }

func (deaf) Delete(context.Context, ...store.ID) error { return nil }

type keeping struct{ kept }

func (keeping) Delete(context.Context, ...store.ID) error { return nil }

// A patient database waits for twice as long as it is given, and then tries.
type patient struct{ kept }

func (s patient) Load(ctx context.Context, id store.ID) (*store.Record, error) {
	by, ok := ctx.Deadline()
	if !ok {
		return s.kept.Load(ctx, id)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Until(by))
	defer cancel()
	return s.kept.Load(ctx, id)
}

type lastWins struct{ kept }

func (s lastWins) Save(ctx context.Context, r *store.Record) error {
	now, err := s.Load(ctx, r.ID)
	if err != nil {
		return err
	}
	r.Version = now.Version
	return s.kept.Save(ctx, r)
}

type denying struct{ kept }

func (s denying) Load(ctx context.Context, id store.ID) (*store.Record, error) {
	r, err := s.kept.Load(ctx, id)
	if err != nil {
		return nil, store.ErrNotFound
	}
	return r, nil
}

// A session that is stale for longer than a copy may be used is noticed.
func TestStale(t *testing.T) {
	h := &held{user: &user{}}
	now := time.Now()
	h.acked[0] = []ack{{1, now.Add(-4 * time.Second)}, {2, now.Add(-3 * time.Second)}, {3, now.Add(-time.Second)}, {4, now.Add(time.Second)}}
	for value, want := range []time.Duration{4 * time.Second, 3 * time.Second, time.Second, 0, 0} {
		if got := h.stale(known{at: now}, [len(values)]int{value}); got != want {
			t.Errorf("value %d: stale for %v, want %v", value, got, want)
		}
	}
	for _, r := range []Result{
		{Stalest: bound + 1, Bound: bound}, {Latest: maxLate + 1}, {Down: errors.New("down")},
		{Scenario: Scenario{recover: time.Second}, Needless: time.Second + 1},
	} {
		if !r.Bad() {
			t.Errorf("%v is not bad", r)
		}
	}
	for beat, want := range map[time.Duration]bool{maxLate / 5: false, maxLate: true} {
		if r := (Result{Latest: maxLate + 1, Beat: beat}); r.Disturbed() != want {
			t.Errorf("%v: disturbed %v", r, !want)
		}
	}
	if r := (Result{Latest: maxLate, Stalest: bound, Bound: bound, Needless: time.Minute}); r.Bad() {
		t.Errorf("%v is bad", r)
	}
}
