package storetest_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/qsessions/qsessions/conformance/storetest"
	"github.com/qsessions/qsessions/core/store"
)

// open is a Config for a fixture that f makes.
func open(f func() storetest.Fixture) storetest.Config {
	return storetest.Briefly(storetest.Config{
		Rounds: 10, Indexed: true, Open: func(context.Context) (storetest.Fixture, error) { return f(), nil },
	})
}

func withCopies(fault string) storetest.Config {
	c := open(func() storetest.Fixture {
		s := newCached(fault)
		return storetest.Fixture{Store: s, Behind: s.naive}
	})
	c.Cached, c.Indexed = true, true
	return c
}

func withUsers(fault string) storetest.Config {
	c := open(func() storetest.Fixture {
		s := newReferring(fault)
		return storetest.Fixture{Store: s, User: s.add, Nobody: "nobody"}
	})
	c.Users = true
	return c
}

// withNumbers is a store whose users are numbers.
func withNumbers(fault string) storetest.Config {
	c := open(func() storetest.Fixture {
		s, n := newReferring(""), 100
		s.naive.fault = fault
		return storetest.Fixture{Store: s, Nobody: "7", User: func(ctx context.Context, _ string) (string, error) {
			n++
			return s.add(ctx, strconv.Itoa(n))
		}}
	})
	c.Users = true
	return c
}

func withLimit(fault string) storetest.Config {
	c := open(func() storetest.Fixture { return storetest.Fixture{Store: bounded{newNaive(""), fault}} })
	c.MaxData = maxData
	return c
}

// The kinds of stores that promise more, or less, than the memory store does.
func TestWrongLayers(t *testing.T) {
	t.Parallel()
	plain := open(func() storetest.Fixture { return storetest.Fixture{Store: struct{ store.Store }{newNaive("")}} })
	notIndexed := plain
	notIndexed.Indexed = false
	unpromised := checkNaive("")
	unpromised.Indexed = false
	unpromisedCopies := withCopies("")
	unpromisedCopies.Cached = false
	noCopies := checkNaive("")
	noCopies.Cached = true
	unpromisedUsers := withUsers("")
	unpromisedUsers.Users = false
	unpromisedKeys := withKeyring("")
	unpromisedKeys.Keeper = false
	noKeys := checkNaive("")
	noKeys.Keeper = true
	noUsers := checkNaive("")
	noUsers.Users = true
	for _, w := range []struct {
		name  string
		c     storetest.Config
		cases string // violated, exactly; with a question mark: violated too if a race happens to be lost
	}{
		{"right, not indexed", notIndexed, ""},
		{"Indexed is promised but not there", plain, "promise/indexed"},
		{"Indexed is there but not promised", unpromised, "promise/indexed"},
		{"right, with copies", withCopies(""), ""},
		{"Cached is promised but not there", noCopies, "promise/cached"},
		{"Cached is there but not promised", unpromisedCopies, "promise/cached"},
		{"answers LoadFresh from a copy", withCopies("answers LoadFresh from a copy"), "cached/load-fresh cached/leaves-fresh cached/load-fresh-missing"},
		{"leaves the old copy", withCopies("leaves the old copy"), "cached/leaves-fresh"},
		{"leaves the copy of what is gone", withCopies("leaves the copy of what is gone"), "cached/load-fresh-missing"},
		{"remembers what is not there", withCopies("remembers what is not there"), "cached/no-copy-of-absence"},
		{"compares with the copy", withCopies("compares with the copy"), "cached/save-compares-database race/save-all-counted?"},
		{"leaves the copy of what it deletes", withCopies("leaves the copy of what it deletes"), "delete/removes"},
		{"leaves the copies of a user", withCopies("leaves the copies of a user"), "deleteuser/removes"},
		{"right, with keys", withKeyring(""), ""},
		{"Keeper is promised but not there", noKeys, "promise/keeper"},
		{"Keeper is there but not promised", unpromisedKeys, "promise/keeper"},
		{"makes a key at each call", withKeyring("makes a key at each call"), "keeper/same keeper/stays keeper/owned race/key"},
		{"looks, then makes a key", withKeyring("looks, then makes a key"), "race/key"},
		{"has one key", withKeyring("has one key"), "keeper/names"},
		{"folds the separators of names", withKeyring("folds the separators of names"), "keeper/names"},
		{"cuts names", withKeyring("cuts names"), "keeper/names"},
		{"derives keys from names", withKeyring("derives keys from names"), "keeper/random"},
		{"makes no random keys", withKeyring("makes no random keys"), "keeper/same keeper/names keeper/random keeper/stays keeper/owned keeper/context race/key"},
		{"makes short keys", withKeyring("makes short keys"), "keeper/same keeper/names keeper/random keeper/stays keeper/owned keeper/context race/key"},
		{"hands out the key that it keeps", withKeyring("hands out what it keeps"), "keeper/owned"},
		{"takes any name", withKeyring("takes any name"), "keeper/name-refused"},
		{"sweeps keys", withKeyring("sweeps keys"), "keeper/stays"},
		{"swallows cancellation of Key", withKeyring("swallows cancellation"), "keeper/context"},
		{"right, with users", withUsers(""), ""},
		{"Users are promised but not there", noUsers, "promise/users"},
		{"Users are there but not promised", unpromisedUsers, "promise/users"},
		{"knows everybody", withUsers("knows everybody"), "create/no-user save/no-user"},
		{"calls an unknown user unavailable", withUsers("calls an unknown user unavailable"), "create/no-user save/no-user"},
		{"writes, then looks for the user", withUsers("writes, then looks for the user"), "create/no-user save/no-user"},
		{"right, with numbers for users", withNumbers(""), ""},
		{"converts users loosely", withNumbers("takes users for numbers"), "values/user-variants"},
		{"right, with a limit", withLimit(""), ""},
		{"cuts what is too large", withLimit("cuts what is too large"), "values/data-too-large"},
		{"calls what is too large unavailable", withLimit("calls what is too large unavailable"), "values/data-too-large"},
	} {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			got, want := violated(t, storetest.Check(t.Context(), w.c)), strings.Fields(w.cases)
			want = slices.DeleteFunc(want, func(name string) bool {
				may, ok := strings.CutSuffix(name, "?")
				got = slices.DeleteFunc(got, func(name string) bool { return ok && name == may })
				return ok
			})
			if !slices.Equal(got, want) {
				t.Errorf("violated:\n\t%s\nwant:\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
			}
		})
	}
}

type panicking struct{ *naive }

func (panicking) Load(context.Context, store.ID) (*store.Record, error) { panic("in Load") }

// What goes wrong around a store is an error too, and ends nothing else.
func TestFixtureErrors(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for _, w := range []struct {
		name, text string
		f          storetest.Fixture
		err        error
	}{
		{"Open fails", "open: broken", storetest.Fixture{}, broken},
		{"Close fails", "close: broken", storetest.Fixture{Store: newNaive(""), Close: func() error { return broken }}, nil},
		{"Open returns nothing", "Open returned no Store", storetest.Fixture{}, nil},
		{"a method panics", "panic: in Load", storetest.Fixture{Store: panicking{newNaive("")}}, nil},
	} {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			c := storetest.Config{Indexed: true, Rounds: 2, Open: func(context.Context) (storetest.Fixture, error) { return w.f, w.err }}
			err := storetest.CheckOnly(t.Context(), c, func(k storetest.Case) bool { return k.Name == "load/missing" || k.Name == "race/everything" })
			if got := violated(t, err); len(got) != 2 || !strings.Contains(err.Error(), w.text) {
				t.Errorf("got error %v, want %q in two cases", err, w.text)
			}
		})
	}
	if err := storetest.Check(t.Context(), storetest.Config{}); err == nil || err.Error() != "storetest: Config.Open is nil" {
		t.Errorf("Check without Open: got error %v, want one that says so, once", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := storetest.Check(ctx, checkNaive("")); !errors.Is(err, context.Canceled) {
		t.Errorf("Check under a context that is done: got error %v, want %v", err, context.Canceled)
	}
}

// Names and sentences are what others refer to.
func TestCases(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	area := ""
	for _, k := range storetest.Cases() {
		a, clause, ok := strings.Cut(k.Name, "/")
		if !ok || a == "" || clause == "" || strings.ToLower(k.Name) != k.Name || strings.ContainsAny(k.Name, " _") || seen[k.Name] {
			t.Errorf("got name %q, want area/clause, once", k.Name)
		}
		if a != area && seen[a] {
			t.Errorf("area %s comes twice", a)
		}
		seen[k.Name], seen[a], area = true, true, a
		if !strings.HasSuffix(k.Why, ".") || strings.ToUpper(k.Why[:1]) != k.Why[:1] {
			t.Errorf("%s: got %q, want a sentence", k.Name, k.Why)
		}
	}
	if len(seen) < 100 {
		t.Errorf("got %d names, want the whole contract", len(seen))
	}
}
