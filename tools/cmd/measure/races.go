package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/qsessions/qsessions/tools/bench/stores"
	"github.com/qsessions/qsessions/tools/races"
)

type racesCommand struct {
	Pairs   int      `default:"1000" help:"Pairs of concurrent requests."`
	Logouts int      `default:"200" help:"Logouts of each kind."`
	Stores  []string `help:"Only these stores."`
}

// Run prints a line for each store, and fails if anything was lost.
func (c *racesCommand) Run(ctx context.Context, out io.Writer) error {
	selected, err := names(c.Stores, stores.Names())
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s; %d pairs, %d logouts of each kind\n\n", machine(), c.Pairs, c.Logouts)
	t := newTable(out, "store", "pairs", "conflicts", "updates lost", "alive after logout, late write", "alive after logout, late read", "seconds")
	bad := false
	err = each(ctx, selected, true, func(s *stores.Store) error {
		r, err := races.Run(ctx, races.Options{Pairs: c.Pairs, Logouts: c.Logouts}, s)
		if err != nil {
			return err
		}
		of := func(n, all int) string { return fmt.Sprintf("%d of %d", n, all) }
		t.row(s.String(), strconv.Itoa(r.Pairs), strconv.FormatInt(r.Conflicts, 10), strconv.Itoa(r.Lost), of(r.LateWriteAlive, r.Logouts),
			of(r.LateReadAlive, r.Logouts), fmt.Sprintf("%.1f", r.Elapsed.Seconds()))
		bad = bad || r.Lost+r.LateWriteAlive+r.LateReadAlive > 0
		return nil
	})
	if err := errors.Join(err, t.end()); err != nil {
		return err
	}
	if bad {
		return errors.New("something was lost")
	}
	return nil
}
