package adaptertest_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/qsessions/qsessions/conformance/adaptertest"
)

func TestNaive(t *testing.T) {
	t.Parallel()
	adaptertest.Run(t, adaptertest.Config{Start: startNaive("")})
}

// violated returns the names of the cases that err joins.
func violated(t *testing.T, err error) []string {
	t.Helper()
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		t.Fatalf("got error %v, want joined violations", err)
	}
	var names []string
	for _, err := range joined.Unwrap() {
		var v *adaptertest.Violation
		if !errors.As(err, &v) {
			t.Fatalf("got error %v, want a violation", err)
		}
		if text := err.Error(); !strings.Contains(text, v.Case.Name) || !strings.Contains(text, v.Case.Why) {
			t.Errorf("got error %q, want the name and the sentence of %s in it", text, v.Case.Name)
		}
		t.Log(err)
		names = append(names, v.Case.Name)
	}
	return names
}

// Each adapter that is wrong on purpose is caught, by the cases that speak of its fault and by no other.
func TestWrongAdapters(t *testing.T) {
	t.Parallel()
	for _, w := range wrongAdapters {
		t.Run(w.fault, func(t *testing.T) {
			t.Parallel()
			want := strings.Fields(w.cases)
			check := func(c adaptertest.Config, meant bool) []string {
				return violated(t, adaptertest.CheckOnly(t.Context(), c, func(k adaptertest.Case) bool {
					const crowd = "parallel/" // takes longer than all others together
					return slices.Contains(want, k.Name) == meant && (!strings.HasPrefix(k.Name, crowd) || strings.Contains(w.cases, crowd))
				}))
			}
			c := adaptertest.Config{Start: startNaive(w.fault)}
			got := append(check(c, false), check(adaptertest.Impatient(c), true)...)
			if !slices.Equal(got, want) || len(want) == 0 {
				t.Errorf("violated:\n\t%s\nwant:\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
			}
		})
	}
}

// Each clause is one that some wrong adapter breaks: a case that cannot fail says nothing.
func TestEachCaseFinds(t *testing.T) {
	t.Parallel()
	found := map[string]bool{}
	for _, w := range wrongAdapters {
		for name := range strings.FieldsSeq(w.cases) {
			found[name] = true
		}
	}
	names := map[string]bool{}
	for _, k := range adaptertest.Cases() {
		if names[k.Name] {
			t.Errorf("two cases have the name %s", k.Name)
		}
		names[k.Name] = true
		if !found[k.Name] && !strings.HasPrefix(k.Name, "promise/") {
			t.Errorf("no wrong adapter is found by %s", k.Name)
		}
	}
	for name := range found {
		if !names[name] {
			t.Errorf("there is no case %s", name)
		}
	}
}
