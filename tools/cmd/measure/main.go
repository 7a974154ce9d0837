// Measure prints the tables of docs/measurements.md: what the library loses in races, what requests and operations cost, what
// a sweep does to the requests beside it, and what many sessions do to stores. It starts the servers that it needs, or uses those of the environment (package
// testserver).
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"

	"github.com/alecthomas/kong"

	"github.com/qsessions/qsessions/tools/bench/stores"
	"github.com/qsessions/qsessions/tools/chaos"
)

type commands struct {
	Races      racesCommand      `cmd:"" help:"Force lost updates and logouts with a request in flight, on every store."`
	Bench      benchCommand      `cmd:"" help:"Requests through the middleware, against the bare handler and the raw statements."`
	Sweep      sweepCommand      `cmd:"" help:"Sweep many expired sessions beside logins and touches."`
	Chaos      chaosCommand      `cmd:"" help:"Kill, stop, cut off, fill, corrupt and set back servers under load, and judge every answer."`
	RoundTrips roundTripsCommand `cmd:"" name:"roundtrips" help:"Count what each operation costs caches and the database."`
	Scale      scaleCommand      `cmd:"" help:"Compare ten million sessions with ten thousand."`
	Pages      pagesCommand      `cmd:"" help:"The first page of the admin page, against the query alone."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if chaos.Child() {
		os.Exit(1)
	}
	var c commands
	k := kong.Parse(&c, kong.Name("measure"), kong.Description("Print what docs/measurements.md has."),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.BindTo(os.Stdout, (*io.Writer)(nil)))
	if err := k.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "measure:", err)
		stop()
		os.Exit(1)
	}
}

// machine says on what the numbers were made.
func machine() string {
	return fmt.Sprintf("%d CPUs, %s/%s, %s", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version())
}

// names returns what a --stores flag selects.
func names(selected []string, all []string) ([]string, error) {
	if len(selected) == 0 {
		return all, nil
	}
	for _, name := range selected {
		if !slices.Contains(all, name) {
			return nil, fmt.Errorf("there is no %q; there are %q", name, all)
		}
	}
	return selected, nil
}

// each opens one store after the other.
func each(ctx context.Context, names []string, durable bool, do func(*stores.Store) error) error {
	for _, name := range names {
		s, err := stores.Start(ctx, name, durable)
		if err != nil {
			return err
		}
		err = do(s)
		if e := s.Close(); err == nil {
			err = e
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// A table is printed in columns when it ends.
type table struct {
	w *tabwriter.Writer
}

func newTable(w io.Writer, heads ...string) table {
	t := table{tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)}
	t.row(heads...)
	return t
}

func (t table) row(cells ...string) { fmt.Fprintln(t.w, strings.Join(cells, "\t")) }

func (t table) end() error { return t.w.Flush() }
