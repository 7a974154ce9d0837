package model

import (
	"hash/maphash"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// Each mistake breaks the invariant that is named for it, by the shortest trace, and the protocol keeps them all.
//
// CVE-8, CVE-11, SEC-10, ATK-1
func TestVariants(t *testing.T) {
	for _, v := range Variants() {
		t.Run(strings.ReplaceAll(v.Name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			r := Check(v)
			trace := strings.Join(r.Trace, "\n")
			if r.Broken != v.Want {
				t.Fatalf("breaks %q, want %q\n%s", r.Broken, v.Want, trace)
			}
			if r.Steps() != v.Steps {
				t.Errorf("the shortest trace has %d steps, want %d\n%s", r.Steps(), v.Steps, trace)
			}
			t.Logf("%d states\n%s", r.States, trace)
		})
	}
}

// A mistake that no variant makes, and an invariant that none breaks, would prove nothing.
func TestVariantsAreComplete(t *testing.T) {
	made := map[string]bool{}
	broken := map[Invariant]bool{}
	names := map[string]bool{}
	for _, v := range Variants() {
		n := 0
		fields := reflect.ValueOf(v.wrong)
		for i := range fields.NumField() {
			if fields.Field(i).Bool() {
				n++
				made[fields.Type().Field(i).Name] = true
			}
		}
		if (v.Want != "") != (n > 0) && !v.world.rollback {
			t.Errorf("%s makes %d mistakes and breaks %q", v.Name, n, v.Want)
		}
		if names[v.Name] {
			t.Errorf("%s is there twice", v.Name)
		}
		broken[v.Want], names[v.Name] = true, true
	}
	for f := range reflect.TypeFor[mistakes]().Fields() {
		if !made[f.Name] {
			t.Errorf("no variant makes the mistake %s", f.Name)
		}
	}
	for _, i := range []Invariant{I1, I1b, I2, I3, I4, I6, I7, RYW, Token, Fresh} {
		if !broken[i] {
			t.Errorf("no variant breaks %s", i)
		}
	}
}

// Two searches find the same trace, whatever the hash.
func TestTracesAreStable(t *testing.T) {
	for _, v := range wrong() {
		if a, b := Check(v), Check(v); !slices.Equal(a.Trace, b.Trace) || a.States != b.States {
			t.Errorf("%s: two traces:\n%s\n\n%s", v.Name, strings.Join(a.Trace, "\n"), strings.Join(b.Trace, "\n"))
		}
	}
}

// States that differ in what nobody can tell are one: processes of a class that changed places.
func TestHashKnowsNoOrder(t *testing.T) {
	v := Variant{cast: cast{readers: 2, writers: 1}}
	m, seed := newMoves(&v), maphash.MakeSeed()
	hash := func(s *state) uint64 { return m.Hash(seed, s) }
	a := v.starts()[0]
	b := a
	a.procs[0].at, b.procs[1].at = reading, reading
	if hash(&a) != hash(&b) {
		t.Error("two readers that changed places make another state")
	}
	b = v.starts()[0]
	b.procs[2].at = reading
	if hash(&a) == hash(&b) {
		t.Error("a reader and a writer are taken for each other")
	}
}

func TestTimeHasNoEnd(t *testing.T) {
	v := Variant{cast: cast{readers: 1, revokers: 1}, world: world{time: true, lose: true}}
	m := newMoves(&v)
	s := v.starts()[1]
	for range 300 {
		m.pass(&s)
	}
	before := s
	if m.pass(&s); s != before {
		t.Error("time that passes makes new states for ever")
	}
	if m.fresh(&s, 0) {
		t.Error("the copy is fresh for ever")
	}
}
