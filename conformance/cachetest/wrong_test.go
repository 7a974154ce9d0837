package cachetest_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/qsessions/qsessions/conformance/cachetest"
)

func checkNaive(fault string) cachetest.Config {
	return cachetest.Briefly(cachetest.Config{
		Shared: true, Namespaces: true, Restarts: true, MaxCopy: maxCopy, Rounds: 10,
		Open: func(context.Context) (cachetest.Fixture, error) {
			s := newServer(fault)
			return cachetest.Fixture{Cache: s.client("a"), Second: s.client("a"), Other: s.client("b"), Restart: s.restart}, nil
		},
	})
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
		var v *cachetest.Violation
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

func TestNaive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		if err := cachetest.Check(t.Context(), checkNaive("")); err != nil {
			t.Error(err)
		}
	})
}

// Each cache that is wrong on purpose is caught, by the cases that speak of its fault and by no other.
func TestWrongCaches(t *testing.T) {
	t.Parallel()
	for _, w := range wrongCaches {
		t.Run(w.fault, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				err := cachetest.CheckOnly(t.Context(), checkNaive(w.fault), func(k cachetest.Case) bool {
					return !w.racy || !strings.HasPrefix(k.Name, "race/")
				})
				got, want := violated(t, err), strings.Fields(w.cases)
				got = slices.DeleteFunc(got, func(name string) bool {
					return w.lost && strings.HasPrefix(name, "race/") && !slices.Contains(want, name)
				})
				if !slices.Equal(got, want) || len(want) == 0 {
					t.Errorf("violated:\n\t%s\nwant:\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
				}
			})
		})
	}
}

// Each clause is one that some wrong cache breaks, every time: a case that cannot fail says nothing.
func TestEachCaseFinds(t *testing.T) {
	t.Parallel()
	found := map[string]bool{}
	for _, w := range wrongCaches {
		for name := range strings.FieldsSeq(w.cases) {
			found[name] = true
		}
	}
	names := map[string]bool{}
	for _, k := range cachetest.Cases() {
		if names[k.Name] {
			t.Errorf("two cases have the name %s", k.Name)
		}
		names[k.Name] = true
		if !found[k.Name] && !strings.HasPrefix(k.Name, "promise/") {
			t.Errorf("no wrong cache is found by %s", k.Name)
		}
	}
	for name := range found {
		if !names[name] {
			t.Errorf("there is no case %s", name)
		}
	}
}

// A promise that is not kept is a violation, and so is one that is kept but was not made.
func TestPromises(t *testing.T) {
	t.Parallel()
	plain, all := cachetest.Briefly(inMemory()), checkNaive("")
	for _, w := range []struct {
		name   string
		config cachetest.Config
		change func(c *cachetest.Config)
		want   string
	}{
		{"nothing", plain, func(*cachetest.Config) {}, ""},
		{"shared, not kept", plain, func(c *cachetest.Config) { c.Shared = true }, "promise/shared"},
		{"namespaces, not kept", plain, func(c *cachetest.Config) { c.Namespaces = true }, "promise/namespaces"},
		{"restarts, not kept", plain, func(c *cachetest.Config) { c.Restarts = true }, "promise/restarts"},
		{"shared, not made", all, func(c *cachetest.Config) { c.Shared = false }, "promise/shared"},
		{"namespaces, not made", all, func(c *cachetest.Config) { c.Namespaces = false }, "promise/namespaces"},
		{"restarts, not made", all, func(c *cachetest.Config) { c.Restarts = false }, "promise/restarts"},
		{"a limit, not kept", plain, func(c *cachetest.Config) { c.MaxCopy = 1 << 20 }, "put/too-large-lease put/too-large-copy"},
	} {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			w.change(&w.config)
			err := cachetest.CheckOnly(t.Context(), w.config, func(k cachetest.Case) bool {
				return !k.Waits && !strings.HasPrefix(k.Name, "race/")
			})
			if got := strings.Join(violated(t, err), " "); got != w.want {
				t.Errorf("violated: %s; want: %s", got, w.want)
			}
		})
	}
}

// A configuration or a fixture that cannot be used is an error of every case.
func TestOpen(t *testing.T) {
	t.Parallel()
	if err := cachetest.Check(t.Context(), cachetest.Config{}); err == nil {
		t.Error("Check without Open: got no error")
	}
	closed, no := 0, errors.New("no")
	for name, open := range map[string]func(context.Context) (cachetest.Fixture, error){
		"an error": func(context.Context) (cachetest.Fixture, error) { return cachetest.Fixture{}, no },
		"no cache": func(context.Context) (cachetest.Fixture, error) {
			return cachetest.Fixture{Close: func() error { closed++; return nil }}, nil
		},
		"an error of Close": func(context.Context) (cachetest.Fixture, error) {
			return cachetest.Fixture{Cache: newServer("").client(""), Close: func() error { return no }}, nil
		},
	} {
		err := cachetest.CheckOnly(t.Context(), cachetest.Config{Open: open}, func(k cachetest.Case) bool { return k.Name == "get/miss" })
		if got := violated(t, err); len(got) != 1 {
			t.Errorf("%s: violated %v, want the one case", name, got)
		}
	}
	if closed != 1 {
		t.Errorf("a fixture without a cache was closed %d times, want once", closed)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := cachetest.Check(ctx, inMemory()); !errors.Is(err, context.Canceled) {
		t.Errorf("Check under a context that is done: got %v", err)
	}
}
