package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/qsessions/qsessions/tools/bench/stores"
	"github.com/qsessions/qsessions/tools/bench/sweep"
)

type sweepCommand struct {
	Expired int      `default:"1000000" help:"Sessions to sweep."`
	Live    int      `default:"100000" help:"Sessions among them."`
	Batch   int      `help:"Sessions in a batch; default that of the library."`
	Bytes   int      `default:"256" help:"Data of each."`
	Rate    int      `default:"200" help:"Logins and touches a second."`
	Stores  []string `help:"Only these stores."`
}

// Run prints a line for each database and kind of request, and fails if a live session is gone.
func (c *sweepCommand) Run(ctx context.Context, out io.Writer) error {
	selected, err := names(c.Stores, []string{stores.Postgres, stores.MariaDB})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s; %d expired sessions among %d live ones, %d bytes of data each; %d logins and touches a second\n\n",
		machine(), c.Expired, c.Live, c.Bytes, c.Rate)
	swept := newTable(out, "store", "swept", "seconds", "rows/s", "batches", "median batch, ms", "longest batch, ms", "live ones lost", "expired ones left")
	beside := newTable(out, "\nstore", "request", "when", "count", "p50, ms", "p99, ms", "max, ms")
	bad := false
	err = each(ctx, selected, true, func(s *stores.Store) error {
		r, err := sweep.Run(ctx, s, sweep.Options{Expired: c.Expired, Live: c.Live, Batch: c.Batch, Bytes: c.Bytes, Rate: c.Rate})
		if err != nil {
			return err
		}
		swept.row(s.String(), strconv.Itoa(r.Removed), fmt.Sprintf("%.1f", r.Took.Seconds()), fmt.Sprintf("%.0f", float64(r.Removed)/r.Took.Seconds()),
			strconv.Itoa(r.Batches), ms(r.Median), ms(r.Longest), strconv.Itoa(r.Lost), strconv.Itoa(r.Left))
		for _, l := range []struct {
			request, when string
			sweep.Latency
		}{
			{"login", "before", r.Before.Login},
			{"login", "during", r.During.Login},
			{"touch", "before", r.Before.Touch},
			{"touch", "during", r.During.Touch},
		} {
			beside.row(s.String(), l.request, l.when, strconv.Itoa(l.Count), ms(l.P50), ms(l.P99), ms(l.Max))
		}
		bad = bad || r.Lost+r.Left > 0
		return nil
	})
	if err := errors.Join(err, swept.end(), beside.end()); err != nil {
		return err
	}
	if bad {
		return errors.New("the sweep took live sessions, or left expired ones")
	}
	return nil
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f", float64(d)/float64(time.Millisecond)) }
