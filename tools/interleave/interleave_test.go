package interleave

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime/debug"
	"slices"
	"sync"
	"testing"
	"text/tabwriter"

	"github.com/qsessions/qsessions/testserver"
)

var full = flag.Bool("full", false, "explore all triples of operations from every state, for hours")

func TestMain(m *testing.M) {
	flag.Parse()
	debug.SetGCPercent(400) // worlds are small and many
	os.Exit(m.Run())
}

var (
	everyOp    = []Op{Load, Fresh, Save, Touch, Rotate, Logout, Visit, Revoke, RevokeUser}
	tokenOp    = []Op{Login, Reauth, Switch, Exchange, Shown, Late, LogoutAborted, Others, OthersAborted, Forge}
	everyCache = []Cache{Memcached, Redis}
	everyState = []State{Cold, Warm, Aged, Stale, Leased}
)

// triples are those that have brought out faults of other protocols, or could, beside all pairs.
var triples = [][]Op{
	{Load, Load, Revoke}, // a copy is made while another is dropped
	{Load, Save, Revoke},
	{Load, Save, Save},
	{Load, Save, Logout},
	{Load, Rotate, Revoke},
	{Load, Touch, Save},
	{Load, Touch, Revoke},
	{Load, Fresh, Revoke},
	{Load, Revoke, RevokeUser}, // the second one finds nothing
	{Load, RevokeUser, RevokeUser},
	{Load, Login, RevokeUser},
	{Load, Visit, RevokeUser},
	{Save, Login, RevokeUser},
	{Visit, Visit, RevokeUser},
	{Visit, RevokeUser, RevokeUser},
	{Touch, Save, Logout},
	{Save, Rotate, Logout},
}

// tokenTriples are likewise of tokens and logins.
var tokenTriples = [][]Op{
	{Exchange, Exchange, Load},
	{Exchange, Shown, Save},
	{Exchange, Shown, Shown}, // the first token is worn
	{Exchange, Late, Rotate},
	{Shown, Shown, Late},
	{Login, Login, Save},
	{Login, Login, RevokeUser},
	{Login, Reauth, Load},
	{Login, Others, RevokeUser},
	{Login, Switch, Load},
	{Exchange, Login, Load},
	{Forge, Save, Load},
}

// A table collects what was run.
type table struct {
	mu    sync.Mutex
	rows  map[string]*[2]int // by operations: schedules of each cache
	names []string
	given int
}

// explore runs ops on every cache, from every state, and where there is a login also for a session without a user: to
// others that makes no difference.
func (tab *table) explore(t *testing.T, caches []Cache, states []State, faults Faults, ops []Op) {
	users := []bool{false}
	if slices.Contains(ops, Login) && !slices.ContainsFunc(ops, signedIn) {
		users = append(users, true)
	}
	name := (&Config{Ops: ops}).operations()
	tab.mu.Lock()
	tab.names = append(tab.names, name)
	row := new([2]int)
	tab.rows[name] = row
	tab.mu.Unlock()
	t.Run(name, func(t *testing.T) {
		t.Parallel()
		for _, c := range caches {
			for _, state := range states {
				for _, anonymous := range users {
					cfg := Config{Cache: c, Anonymous: anonymous, State: state, Ops: ops, Faults: faults}
					got := Explore(t, cfg)
					if got.Broken > 0 {
						t.Errorf("%v: %d of %d schedules break an invariant; the shortest:\n%v", &cfg, got.Broken, got.Schedules, got.Shortest)
					}
					tab.mu.Lock()
					row[c] += got.Schedules
					tab.given += got.Given
					tab.mu.Unlock()
				}
			}
		}
	})
}

// signedIn reports whether k needs a session with a user.
func signedIn(k Op) bool { return k == Reauth || k == Switch || k.sparing() }

func (tab *table) report(t *testing.T, what string) {
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "memcached\tRedis\t  operations")
	var sum [2]int
	for _, name := range tab.names {
		row := tab.rows[name]
		fmt.Fprintf(w, "%d\t%d\t  %s\n", row[0], row[1], name)
		sum[0], sum[1] = sum[0]+row[0], sum[1]+row[1]
	}
	w.Flush()
	t.Logf("%s, %d schedules, and %d that differ from those only in the order of independent steps:\n%s", what, sum[0]+sum[1], tab.given, b.String())
	line := fmt.Sprintf("interleave: %s: %d schedules with memcached, %d with Redis: every invariant holds\n", what, sum[0], sum[1])
	if t.Failed() {
		line = "interleave: " + what + ": an invariant is BROKEN\n"
	}
	report(t, line)
}

// report says something to who runs all tests, also if they pass.
func report(t *testing.T, line string) {
	if err := testserver.Report(line); err != nil {
		t.Error(err)
	}
}

// TestWithoutRaceDetector runs the other tests of this package without it. One goroutine runs at a time: there is no race to
// be found, and detecting none takes ten times as long.
func TestWithoutRaceDetector(t *testing.T) {
	if !raceEnabled {
		t.Skip("all tests run without it")
	}
	t.Parallel()
	timeout := "15m"
	if *full {
		timeout = "24h"
	}
	cmd := exec.CommandContext(t.Context(), "go", "test", "-race=false", "-count=1", "-v", "-timeout="+timeout, ".", fmt.Sprintf("-full=%t", *full))
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("\n--- PASS: TestInvariants")) {
		t.Errorf("%v\n%s", err, out)
		return
	}
	t.Logf("%s", out)
}

// elsewhere skips a test that takes too long under the race detector: TestWithoutRaceDetector runs it.
func elsewhere(t *testing.T) {
	t.Helper()
	if raceEnabled {
		t.Skip("runs without the race detector, by TestWithoutRaceDetector")
	}
}

// TestInvariants: CVE-1, CVE-4, ATK-1, ATK-3, ATK-10, RPT-21, RPT-22. Every interleaving of two operations, with each fault at
// each place, and of three operations that meet.
func TestInvariants(t *testing.T) {
	elsewhere(t)
	groups := []struct {
		name   string
		caches []Cache
		states []State
		faults Faults
		ops    [][]Op
	}{
		{"pairs, a fault at each place", everyCache, everyState, AllFaults, pairs(everyOp, nil)},
		{"pairs with a login, a fault at each place", everyCache, []State{Warm}, AllFaults, pairs([]Op{Login}, everyOp)},
		{"pairs of tokens and logins", everyCache, []State{Cold, Warm, Stale}, NoFaults, pairs(tokenOp, everyOp)},
		{"pairs of tokens and logins, a fault at each place", []Cache{Redis}, []State{Warm}, CacheFails | DatabaseFails | Jumps | Crashes,
			pairs(tokenOp[1:], slices.Concat(tokenOp[:1], everyOp))},
		{"triples", everyCache, []State{Cold, Warm}, NoFaults, triples},
		{"triples of tokens and logins", []Cache{Redis}, []State{Warm}, NoFaults, tokenTriples},
	}
	if *full {
		groups[1].states = everyState
		groups[3].caches, groups[3].states, groups[3].faults = everyCache, everyState, AllFaults
		groups[4].states, groups[4].ops = everyState, allTriples()
	}
	for _, g := range groups {
		tab := &table{rows: map[string]*[2]int{}}
		t.Run(g.name, func(t *testing.T) {
			for _, ops := range g.ops {
				tab.explore(t, g.caches, g.states, g.faults, ops)
			}
		})
		tab.report(t, g.name)
	}
}

// TestUnderRace runs some of it under the race detector.
func TestUnderRace(t *testing.T) {
	t.Parallel()
	for _, c := range everyCache {
		for _, ops := range slices.Concat(pairs(everyOp, nil), pairs(tokenOp, everyOp)) {
			cfg := Config{Cache: c, State: Warm, Ops: ops}
			if got := Explore(t, cfg); got.Broken > 0 {
				t.Errorf("%v: %v", &cfg, got.Shortest)
			}
		}
	}
}

// pairs are those with at least one of the operations, and no other than one of them or of the others.
func pairs(ops, others []Op) (all [][]Op) {
	for i, a := range ops {
		for _, b := range slices.Concat(ops[i:], others) {
			all = append(all, []Op{a, b})
		}
	}
	return all
}

func allTriples() (all [][]Op) {
	every := slices.Concat(everyOp, tokenOp)
	for i, a := range every {
		for j, b := range every[i:] {
			for _, c := range every[i+j:] {
				all = append(all, []Op{a, b, c})
			}
		}
	}
	return all
}

// What is left out makes no difference: without the reduction nothing else can be told of the schedules.
func TestReduction(t *testing.T) {
	elsewhere(t)
	t.Parallel()
	for _, cfg := range []Config{
		{Cache: Memcached, State: Cold, Ops: []Op{Load, Revoke}},
		{Cache: Redis, State: Cold, Ops: []Op{Load, Revoke}, Faults: AllFaults},
		{Cache: Redis, State: Stale, Ops: []Op{Save, Touch}, Faults: AllFaults},
		{Cache: Memcached, State: Warm, Ops: []Op{Save, Logout}, Faults: CacheFails | DatabaseFails},
		{Cache: Redis, State: Warm, Ops: []Op{Visit, RevokeUser}, Faults: DatabaseFails},
		{Cache: Redis, State: Warm, Ops: []Op{Load, Touch, Revoke}},
		{Cache: Redis, State: Warm, Ops: []Op{Load, Rotate}, Faults: CacheFails, Budget: 2},
		{Cache: Redis, State: Warm, Ops: []Op{Exchange, Shown}, Faults: DatabaseFails},
		// No pair of logins: which values one takes over depends on whether it began before the other was written, and the
		// reduction orders beginnings by each other alone.
		{Cache: Memcached, State: Warm, Ops: []Op{Reauth, Visit}},
	} {
		reduced, all := cfg, cfg
		reduced.collect, all.collect, all.everything = map[string]bool{}, map[string]bool{}, true
		few, many := Explore(t, reduced), Explore(t, all)
		t.Logf("%v: %d schedules stand for %d, with %d outcomes", &cfg, few.Schedules, many.Schedules, len(all.collect))
		if few.Schedules >= many.Schedules || many.Given != 0 {
			t.Errorf("%v: nothing is left out", &cfg)
		}
		for s := range all.collect {
			if !reduced.collect[s] {
				t.Errorf("%v: left out: %s", &cfg, s)
			}
		}
	}
}

// Where removed rows are forgotten, a second RevokeUser has nothing to tell the cache: while the first one has not done so
// yet, or when its process has died.
func TestForgottenRows(t *testing.T) {
	t.Parallel()
	for _, faults := range []Faults{NoFaults, Crashes} {
		cfg := Config{Cache: Redis, State: Warm, Ops: []Op{RevokeUser, RevokeUser}, Faults: faults}
		if got := Explore(t, cfg); got.Broken > 0 {
			t.Errorf("%v: %v", &cfg, got.Shortest)
		}
		cfg.forgetful = true
		switch got := Explore(t, cfg); {
		case faults == NoFaults && got.Broken > 0: // in the end the first one has told it
			t.Errorf("%v: %v", &cfg, got.Shortest)
		case faults == Crashes && (got.Broken == 0 || got.Shortest.Invariants[0] != "I1"):
			t.Errorf("%v: nothing is noticed in %d schedules", &cfg, got.Schedules)
		case faults == Crashes:
			t.Log(got.Shortest)
		}
	}
	cfg := Config{Cache: Redis, State: Warm, Ops: []Op{RevokeUser, RevokeUser, Load}, forgetful: true}
	if got := Explore(t, cfg); got.Broken == 0 || got.Shortest.Invariants[0] != "I1" {
		t.Errorf("%v: nothing is noticed in %d schedules", &cfg, got.Schedules)
	} else {
		t.Log(got.Shortest)
	}
}

// The connection that a cas goes through matters: a server that counts anew takes it for another one's.
func TestCasOnAnotherConnection(t *testing.T) {
	elsewhere(t)
	t.Parallel()
	cfg := Config{Cache: Memcached, State: Cold, Ops: []Op{Load, Load, Revoke}, Faults: Restarts}
	if got := Explore(t, cfg); got.Broken > 0 {
		t.Errorf("%v: %v", &cfg, got.Shortest)
	}
	cfg.unguarded = true
	if got := Explore(t, cfg); got.Broken == 0 || got.Shortest.Invariants[0] != "I1" {
		t.Errorf("%v: nothing is noticed in %d schedules without the guard", &cfg, got.Schedules)
	} else {
		t.Log(got.Shortest)
	}
}
