package adaptertest_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/qsessions/qsessions/conformance/adaptertest"
)

// The adapter of the example, whose framework can do little, is right too.
func TestMini(t *testing.T) {
	t.Parallel()
	adaptertest.Run(t, miniConfig)
}

// What a framework lacks is not covered, and named; what it has must not be called lacking, nor the other way round.
func TestLacks(t *testing.T) {
	t.Parallel()
	for _, w := range []struct {
		name   string
		config adaptertest.Config
		want   string
	}{
		{"nothing", adaptertest.Config{Start: startNaive("")}, ""},
		{"what is lacking", miniConfig, ""},
		{"not EarlyHints", adaptertest.Config{Start: startNaive(""), Lacks: adaptertest.EarlyHints}, "promise/features"},
		{"not Hijack", adaptertest.Config{Start: startNaive(""), Lacks: adaptertest.Hijack}, "promise/features"},
		{"not Flush", adaptertest.Config{Start: startNaive(""), Lacks: adaptertest.Flush}, "promise/features"},
		{"Flush, not said", adaptertest.Config{Start: startMini, Lacks: miniConfig.Lacks &^ adaptertest.Flush}, "promise/features"},
		{"Hijack, not said", adaptertest.Config{Start: startMini, Lacks: miniConfig.Lacks &^ adaptertest.Hijack}, "promise/features"},
		{"EarlyHints, not said", adaptertest.Config{Start: startMini, Lacks: miniConfig.Lacks &^ adaptertest.EarlyHints}, "promise/features"},
	} {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			err := adaptertest.CheckOnly(t.Context(), w.config, func(k adaptertest.Case) bool { return strings.HasPrefix(k.Name, "promise/") })
			if got := strings.Join(violated(t, err), " "); got != w.want {
				t.Errorf("violated: %s; want: %s", got, w.want)
			}
		})
	}
	var names []string
	for _, k := range (adaptertest.Config{Lacks: adaptertest.EarlyHints | adaptertest.Cancel}).NotCovered() {
		names = append(names, k.Name)
	}
	if want := []string{"response/early-hints", "life/canceled"}; !slices.Equal(names, want) {
		t.Errorf("not covered: %v, want %v", names, want)
	}
	if got, want := (adaptertest.Flush | adaptertest.Require).String(), "Flush, Require"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A server that does not start, or that is none, is an error of the case.
func TestStart(t *testing.T) {
	t.Parallel()
	if err := adaptertest.Check(t.Context(), adaptertest.Config{}); err == nil {
		t.Error("Check without Start: got no error")
	}
	stopped, no := 0, errors.New("no")
	stop := func() error { stopped++; return nil }
	for name, start := range map[string]func(context.Context, adaptertest.App) (string, func() error, error){
		"an error":             func(context.Context, adaptertest.App) (string, func() error, error) { return "", nil, no },
		"an error, to be told": func(context.Context, adaptertest.App) (string, func() error, error) { return "", stop, no },
		"no URL":               func(context.Context, adaptertest.App) (string, func() error, error) { return "", stop, nil },
		"nobody there": func(context.Context, adaptertest.App) (string, func() error, error) {
			return "http://127.0.0.1:1", stop, nil
		},
		"an error of stop": func(ctx context.Context, app adaptertest.App) (string, func() error, error) {
			url, stop, err := startNaive("")(ctx, app)
			return url, func() error { return errors.Join(stop(), no) }, err
		},
	} {
		err := adaptertest.CheckOnly(t.Context(), adaptertest.Config{Start: start}, func(k adaptertest.Case) bool { return k.Name == "token/login" })
		if got := violated(t, err); len(got) != 1 {
			t.Errorf("%s: violated %v, want the one case", name, got)
		}
	}
	if stopped != 3 {
		t.Errorf("servers were stopped %d times, want 3", stopped)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := adaptertest.Check(ctx, miniConfig); !errors.Is(err, context.Canceled) {
		t.Errorf("Check under a context that is done: got %v", err)
	}
}

// A handler that never answers is given up.
func TestTimeout(t *testing.T) {
	t.Parallel()
	start := func(ctx context.Context, app adaptertest.App) (string, func() error, error) {
		for i := range app.Routes {
			app.Routes[i].Handle = func(adaptertest.Exchange) error { <-ctx.Done(); return ctx.Err() }
		}
		return startNaive("")(ctx, app)
	}
	err := adaptertest.CheckOnly(t.Context(), adaptertest.Config{Start: start, Timeout: 100 * time.Millisecond},
		func(k adaptertest.Case) bool { return k.Name == "token/login" || k.Name == "token/tampered" })
	if got := violated(t, err); len(got) != 2 {
		t.Errorf("violated %v, want both cases", got)
	}
}
