package rotation

import (
	"cmp"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/qsessions/qsessions/tools/modelcheck/search"
)

// TestVariants: ATK-3, ATK-6. Each mistake breaks the invariant that is named for it, by the shortest trace; the rules keep
// all that they promise, and break what they do not.
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
	made, broken, names := map[string]bool{}, map[search.Invariant]bool{}, map[string]bool{}
	for _, v := range Variants() {
		fields := reflect.ValueOf(v.wrong)
		for i := range fields.NumField() {
			if fields.Field(i).Bool() {
				made[fields.Type().Field(i).Name] = true
			}
		}
		if names[v.Name] {
			t.Errorf("%s is there twice", v.Name)
		}
		if v.Want != "" && !v.judges(v.Want) {
			t.Errorf("%s is not judged by %s", v.Name, v.Want)
		}
		broken[v.Want], names[v.Name] = true, true
	}
	for f := range reflect.TypeFor[mistakes]().Fields() {
		if !made[f.Name] {
			t.Errorf("no variant makes the mistake %s", f.Name)
		}
	}
	for _, i := range All() {
		if !broken[i] {
			t.Errorf("no variant breaks %s", i)
		}
	}
}

// The table says what each set of rules breaks in each world: the reason for the choice.
func TestTable(t *testing.T) {
	want := map[string]string{
		"random, one pending, overwritten":      "- - - - VKSF VKSF",
		"derived, N by the clock, last digest":  "H H HA - KSF KSF",
		"derived, N by use, last digest":        "- - A - KSF KSF",
		"derived, N by use, family":             "- - A - KF KF",
		"two random siblings (chosen)":          "- - A - V V",
		"the same, newest sibling wins":         "- - A - GVEF GVEF",
		"the same, new token has to show twice": "- - A - VKF VKF",
	}
	got := map[string]string{}
	for _, r := range Rules() {
		var cells []string
		for _, w := range Worlds() {
			letters, _ := Cell(r, w)
			cells = append(cells, cmp.Or(letters, "-"))
		}
		got[r.Name] = strings.Join(cells, " ")
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if got[name] != want[name] {
			t.Errorf("%s: %s, want %s", name, got[name], want[name])
		}
	}
}

func TestTracesAreStable(t *testing.T) {
	for _, v := range wrong() {
		if a, b := Check(v), Check(v); !slices.Equal(a.Trace, b.Trace) || a.States != b.States {
			t.Errorf("%s: two traces:\n%s\n\n%s", v.Name, strings.Join(a.Trace, "\n"), strings.Join(b.Trace, "\n"))
		}
	}
}

// States that differ in the numbers of tokens alone, or in the order of what is on its way, are one.
func TestTidy(t *testing.T) {
	m := moves{v: &Variant{}}
	a := m.Starts()[0]
	a.requests = [3]request{{token: 1}, {token: 2}}
	b := m.Starts()[0]
	b.db.current, b.jar = 3, 3
	b.requests = [3]request{{token: 5}, {}, {token: 3}}
	c := a
	c.requests[0].age = 1
	a.tidy(true)
	b.tidy(true)
	c.tidy(true)
	if a != b {
		t.Errorf("%+v and %+v are two", a, b)
	}
	if a == c {
		t.Error("an older request is taken for a newer one")
	}
}
