package interleave

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A mutant is the code under test with a fault that others have made, or could.
type mutant struct {
	name   string
	edits  []edit
	breaks string // invariant
	config Config // that notices it
}

type edit struct{ file, old, new string } // file of core; old is there once

const (
	write     = "cacheddb/write.go"
	cacheLoad = "cacheddb/load.go"
	attempt   = "session/attempt.go"
)

// mutants are of the cache and of revocations first, and then those of tokens and logins.
var mutants = slices.Concat(cacheMutants, tokenMutants)

var cacheMutants = []mutant{
	{
		"the cache is told before the database", []edit{{
			write,
			"	err := s.db.Delete(ctx, ids...)\n	if pending := s.revoked(ctx, ids); err == nil {\n		err = pending\n	}\n	return err\n",
			"	if err := s.revoked(ctx, ids); err != nil {\n		return err\n	}\n	return s.db.Delete(ctx, ids...)\n",
		}},
		"I1",
		Config{Cache: Redis, Ops: []Op{Load, Revoke}},
	},
	{
		"a writer makes a copy where there is none", []edit{{
			write,
			"	t := store.Ticket(r.Tag)\n",
			"	t := s.look(ctx, r.ID).ticket\n",
		}},
		"I1",
		Config{Cache: Redis, Ops: []Op{Save, Revoke}},
	},
	{
		"a writer whose copy is refused leaves the other one", []edit{{
			write,
			"	_ = s.tell(ctx, false, r.ID)\n",
			"",
		}},
		"RYW",
		Config{Cache: Memcached, Ops: []Op{Load, Save}},
	},
	{
		"a save takes a conflict for success", []edit{{
			write,
			"	if err := s.db.Save(ctx, r); err != nil {\n",
			"	if err := s.db.Save(ctx, r); err != nil && !errors.Is(err, store.ErrConflict) {\n",
		}},
		"I2",
		Config{Cache: Redis, Ops: []Op{Save, Save}},
	},
	{
		"a touch renews a copy that is not the row", []edit{{
			write,
			"	if err := s.db.Touch(ctx, r, t); err != nil {\n",
			"	if err := s.db.Touch(ctx, r, t); err != nil && !errors.Is(err, store.ErrConflict) {\n",
		}},
		"RYW",
		Config{Cache: Redis, State: Stale, Ops: []Op{Touch}},
	},
	{
		"a hit prolongs the copy", []edit{{
			cacheLoad,
			"	s.count.hits.Add(1)\n",
			"	s.count.hits.Add(1)\n	_ = s.put(ctx, r, l.ticket, now)\n",
		}},
		"RYW",
		Config{Cache: Memcached, State: Stale, Ops: []Op{Load}},
	},
	{
		"a copy is dated after the database was asked", []edit{{
			cacheLoad,
			"	asOf := time.Now()\n	r, err := s.db.Load(ctx, id)\n",
			"	r, err := s.db.Load(ctx, id)\n	asOf := time.Now()\n",
		}},
		"RYW",
		Config{Cache: Redis, Ops: []Op{Load, Save}, Faults: CacheFails | Pauses | Delays, Budget: 3},
	},
	{
		"an authoritative load is answered by the copy", []edit{{
			cacheLoad,
			"	s.count.fresh.Add(1)\n	return s.ask(ctx, id, s.look(ctx, id), true)\n",
			"	return s.Load(ctx, id)\n",
		}},
		"I1",
		Config{Cache: Redis, State: Warm, Ops: []Op{Revoke}, Faults: CacheFails},
	},
	{
		"an authoritative load that finds nothing leaves the copy", []edit{{
			cacheLoad,
			"		if exact && l.asked {",
			"		if false {",
		}},
		"I1",
		Config{Cache: Redis, State: Warm, Ops: []Op{Revoke, Fresh}, Faults: CacheFails},
	},
	{
		"a route that asks for an authoritative load gets another", []edit{{
			"session/require.go",
			"	s, err := h.get(ctx, strict)\n",
			"	s, err := h.get(ctx, false)\n",
		}},
		"I1",
		Config{Cache: Memcached, State: Warm, Ops: []Op{Revoke}, Faults: CacheFails},
	},
	{
		"nobody learns that the cache could not be told", []edit{{
			write,
			"	case err != nil:\n		return &store.PendingError{",
			"	case err != nil && s.lag > 0:\n		return &store.PendingError{",
		}},
		"I1",
		Config{Cache: Redis, State: Warm, Ops: []Op{RevokeUser}, Faults: CacheFails},
	},
	{
		"the end of copies is told too early", []edit{{
			write,
			"EffectiveBy: gone.Add(s.cfg.Freshness + s.cfg.Skew + s.lag), Err: err",
			"EffectiveBy: gone.Add(s.cfg.Skew + s.lag), Err: err",
		}},
		"I1",
		Config{Cache: Redis, State: Warm, Ops: []Op{Logout}, Faults: CacheFails},
	},
	{
		"the cache is taken at its word", []edit{{
			cacheLoad,
			"	if l.copy == nil {\n",
			"	if l.copy == nil && l.asked {\n		return nil, store.ErrNotFound\n	}\n	if l.copy == nil {\n",
		}},
		"I4",
		Config{Cache: Redis, Ops: []Op{Load}},
	},
	{
		"a load fails with the cache", []edit{{
			cacheLoad,
			"	case err != nil || !l.asked:\n		return r, err\n",
			"	case err != nil || !l.asked:\n		return nil, store.ErrUnavailable\n",
		}},
		"I4",
		Config{Cache: Redis, State: Warm, Ops: []Op{Load}, Faults: CacheFails},
	},
	{
		"a conflict is resolved by the copy that lost", []edit{{
			attempt,
			"	r, err := store.LoadFresh(ctx, h.m.store, id)",
			"	r, err := h.m.store.Load(ctx, id)",
		}},
		"I4",
		Config{Cache: Redis, State: Stale, Ops: []Op{Save}},
	},
	{
		"a save of unknown outcome is made anew", []edit{{
			attempt,
			"	case a != nil && slices.Contains(f.secret.nonces[:], a.secret.nonces[0]):\n",
			"	case a != nil && slices.Contains(f.secret.nonces[:0], a.secret.nonces[0]):\n",
		}},
		"I2",
		Config{Cache: Redis, State: Warm, Ops: []Op{Save}, Faults: DatabaseFails},
	},
	{
		"another save hides one of unknown outcome", []edit{{
			attempt,
			"	case a != nil && slices.Contains(f.secret.nonces[:], a.secret.nonces[0]):\n",
			"	case a != nil && slices.Contains(f.secret.nonces[:1], a.secret.nonces[0]):\n",
		}},
		"I2",
		Config{Cache: Redis, State: Warm, Ops: []Op{Save, Save}, Faults: DatabaseFails},
	},
	{
		"who cannot be asked about is anonymous", []edit{{
			"session/load.go",
			"return absent, unavailable(ctx, err)\n",
			"return absent, nil\n",
		}},
		"I5",
		Config{Cache: Redis, Ops: []Op{Load}, Faults: DatabaseFails},
	},
	{
		"a login does not look at the cut-off", []edit{{
			"session/settle.go",
			"	if cutoff.After(since) {\n",
			"	if false && cutoff.After(since) {\n",
		}},
		"I6",
		Config{Cache: Redis, State: Warm, Ops: []Op{Visit, RevokeUser}},
	},
	{
		"a login looks at the cut-off before it writes", []edit{{
			attempt,
			"	if w.login != nil {\n		if err := h.settle(ctx, a); err != nil {\n			return err\n		}\n	}\n	h.mu.Lock()\n	h.base, h.secret",
			"	h.mu.Lock()\n	h.base, h.secret",
		}, {
			attempt,
			"	err = write(ctx, a.record)\n	if err != nil && !definite",
			"	if a.work.login != nil {\n		if err := h.settle(ctx, a); err != nil {\n			return false, err\n		}\n	}\n	err = write(ctx, a.record)\n	if err != nil && !definite",
		}},
		"I6",
		Config{Cache: Redis, State: Warm, Ops: []Op{Visit, RevokeUser}},
	},
	{
		"a refused login leaves its record", []edit{{
			"session/settle.go",
			"	if err := h.m.store.Delete(ctx, n.ID); err != nil && !isPending(err) {\n",
			"	if err := ctx.Err(); err != nil {\n",
		}},
		"I6",
		Config{Cache: Redis, State: Warm, Ops: []Op{Visit, RevokeUser}},
	},
	{
		"a revocation forgets to delete", []edit{{
			"session/revoke.go",
			"	err = m.store.Delete(ctx, id)\n",
			"	err = ctx.Err()\n",
		}},
		"I3",
		Config{Cache: Redis, Ops: []Op{Revoke}},
	},
}

// mutantEnv has the number of the mutant that a test process was built from.
const mutantEnv = "QSESSIONS_INTERLEAVE_MUTANT"

// TestMutants builds the real code with one fault in it each time. The exploration must notice, by the invariant that the
// fault breaks, and must find nothing in the same place without the fault.
func TestMutants(t *testing.T) {
	elsewhere(t)
	if n, err := strconv.Atoi(os.Getenv(mutantEnv)); err == nil {
		got := Explore(t, mutants[n].config)
		fmt.Printf("\nresult %d %d\n", got.Schedules, got.Broken)
		if got.Broken > 0 {
			fmt.Printf("invariants %s\n%v\n", strings.Join(got.Shortest.Invariants, ","), got.Shortest)
		}
		return
	}
	t.Cleanup(func() {
		if !t.Failed() {
			report(t, fmt.Sprintf("interleave: %d faults put into the code are noticed\n", len(mutants)))
		}
	})
	core, err := filepath.Abs("../../core")
	if err != nil {
		t.Fatal(err)
	}
	for n, m := range mutants {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			if got := Explore(t, m.config); got.Broken > 0 {
				t.Fatalf("%v breaks an invariant without the fault: %v", &m.config, got.Shortest)
			}
			cmd := exec.CommandContext(t.Context(), "go", "test", "-race=false", "-count=1", "-vet=off", "-v", "-timeout=5m", "-run=^TestMutants$", "-overlay", overlay(t, core, m.edits), ".")
			cmd.Env = append(os.Environ(), mutantEnv+"="+strconv.Itoa(n))
			out, err := cmd.CombinedOutput()
			text := string(out)
			if err != nil || !strings.Contains(text, "\nresult ") {
				t.Fatalf("it does not run: %v\n%s", err, text)
			}
			_, after, found := strings.Cut(text, "\ninvariants ")
			invariants, trace, _ := strings.Cut(after, "\n")
			switch {
			case !found:
				t.Errorf("nothing is noticed; want a violation of %s\n%s", m.breaks, text)
			case !slices.Contains(strings.Split(invariants, ","), m.breaks):
				t.Errorf("%s is broken, want %s\n%s", invariants, m.breaks, trace)
			default:
				t.Log(trace)
			}
		})
	}
}

// overlay writes the edited files, and returns the name of a file for -overlay.
func overlay(t *testing.T, core string, edits []edit) string {
	dir := t.TempDir()
	texts := map[string]string{}
	for _, e := range edits {
		text, ok := texts[e.file]
		if !ok {
			b, err := os.ReadFile(filepath.Join(core, e.file))
			if err != nil {
				t.Fatal(err)
			}
			text = string(b)
		}
		if n := strings.Count(text, e.old); n != 1 {
			t.Fatalf("core/%s has changed: this is there %d times instead of once:\n%s", e.file, n, e.old)
		}
		texts[e.file] = strings.Replace(text, e.old, e.new, 1)
	}
	replace := map[string]string{}
	for file, text := range texts {
		name := filepath.Join(dir, filepath.Base(file))
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		replace[filepath.Join(core, file)] = name
	}
	b, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}
