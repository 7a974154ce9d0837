package login

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/qsessions/qsessions/tools/modelcheck/search"
)

// TestVariants: RPT-21. Each mistake breaks the invariant that is named for it, by the shortest trace; the rules keep all
// that they promise, and break what they do not.
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
		n := 0
		fields := reflect.ValueOf(v.wrong)
		for i := range fields.NumField() {
			if fields.Field(i).Bool() {
				n++
				made[fields.Type().Field(i).Name] = true
			}
		}
		if n > 1 || n == 1 && v.Want == "" {
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
	for _, i := range All() {
		if !broken[i] {
			t.Errorf("no variant breaks %s", i)
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
