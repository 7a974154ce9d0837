package storetest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/qsessions/qsessions/conformance/storetest"
)

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
		var v *storetest.Violation
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

func checkNaive(fault string) storetest.Config {
	return storetest.Briefly(storetest.Config{
		Indexed: true, Rounds: 10,
		Open: func(context.Context) (storetest.Fixture, error) {
			return storetest.Fixture{Store: newNaive(fault)}, nil
		},
	})
}

func TestNaive(t *testing.T) {
	t.Parallel()
	for _, harmless := range []string{"", "names all removed records of a user, twice"} {
		t.Run(harmless, func(t *testing.T) {
			t.Parallel()
			storetest.Run(t, checkNaive(harmless))
		})
	}
}

// Each store that is wrong on purpose is caught, by the cases that speak of its fault and by no other.
func TestWrongStores(t *testing.T) {
	t.Parallel()
	for _, w := range wrongStores {
		t.Run(w.fault, func(t *testing.T) {
			t.Parallel()
			want, may := strings.Fields(w.cases), strings.Fields(w.may)
			check := func(c storetest.Config, meant bool) []string {
				return violated(t, storetest.CheckOnly(t.Context(), c, func(k storetest.Case) bool {
					return (slices.Contains(want, k.Name) || slices.Contains(may, k.Name)) == meant &&
						(!w.racy || !strings.HasPrefix(k.Name, "race/"))
				}))
			}
			c := checkNaive(w.fault)
			got := check(c, false)
			if w.hangs {
				c.Timeout = time.Second // for the cases that cannot end, and for no other
			}
			got = append(got, check(c, true)...)
			got = slices.DeleteFunc(got, func(name string) bool { return slices.Contains(may, name) })
			if !slices.Equal(got, want) || len(want) == 0 {
				t.Errorf("violated:\n\t%s\nwant:\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
				fmt.Printf("FAULT %q %s\n", w.fault, strings.Join(got, " "))
			}
		})
	}
}
