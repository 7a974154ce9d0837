package storetest_test

import (
	"strings"
	"testing"

	"github.com/qsessions/qsessions/conformance/storetest"
)

// The seeds alone find what can be found without concurrency, and say after which calls.
func TestModel(t *testing.T) {
	t.Parallel()
	differs := func(c storetest.Config) error {
		for n := range uint64(storetest.Seeds) {
			if err := storetest.Sequence(t.Context(), c, storetest.Seed(n)); err != nil {
				return err
			}
		}
		return nil
	}
	for _, harmless := range []string{"", "names all removed records of a user, twice"} {
		if err := differs(checkNaive(harmless)); err != nil {
			t.Errorf("a right store, %q: got %v, want no error", harmless, err)
		}
	}
	if err := differs(withCopies("")); err != nil {
		t.Errorf("a right store with copies: got %v, want no error", err)
	}
	for _, fault := range []string{
		"lets the last writer win", "inserts on Save", "ignores LastSeen on Touch", "lets the latest touch win", "ignores the version on Touch",
		"counts a Touch as a version", "does not tell the caller of a Touch", "ignores what to keep", "forgets removed records at once",
		"names removed records once", "names what it keeps", "names all of a user", "names all removed records", "moves a cut-off back", "removes what is as old as the cut-off", "sweeps two hours late",
		"forgets cut-offs with the records", "keeps times in milliseconds", "lists one more than the limit", "lists After as well", "changes the user", "removes the user", "ignores IDs", "ignores all beside IDs", "lists an id twice",
		"ignores Kind beside User", "takes the end for live", "folds the case of users", "fails to delete what is not there", "replaces on Create", "saves removed records",
		"compares LastSeen on Save", "loads nothing without an error", "keeps the record that it was given", "hands out what it keeps",
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			err := differs(checkNaive(fault))
			if err == nil {
				t.Fatal("the model found no difference")
			}
			if _, calls, ok := strings.Cut(err.Error(), "after these calls:\n\t"); !ok || strings.Count(calls, "\n") >= 8 {
				t.Errorf("got error %v, want at most 8 calls in it", err)
			}
		})
	}
}
