package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/enrich/useragent"
	"github.com/qsessions/qsessions/tools/bench/pages"
	"github.com/qsessions/qsessions/tools/bench/stores"
)

type pagesCommand struct {
	Sessions int           `default:"1000000" help:"Sessions in each database."`
	For      time.Duration `default:"5s" help:"How long each line is measured."`
	Devices  bool          `help:"With the devices of the User-Agents."`
	Stores   []string      `help:"Only these stores."`
}

// Run prints a line for each case.
func (c *pagesCommand) Run(ctx context.Context, out io.Writer) error {
	selected, err := names(c.Stores, []string{stores.SQLite, stores.Postgres, stores.MariaDB})
	if err != nil {
		return err
	}
	var enrichers []session.Enricher
	if c.Devices {
		e, err := useragent.New(useragent.Config{})
		if err != nil {
			return err
		}
		enrichers = append(enrichers, e)
	}
	fmt.Fprintf(out, "%s; the latest 50 of %d sessions; best block / median of the quieter half, in µs; the targets go by the best\n\n", machine(), c.Sessions)
	t := newTable(out, "store", "what", "the query, prepared", "this", "ratio", "CPU of the query", "of this", "kB", "allocs", "of the query", "target")
	err = each(ctx, selected, true, func(s *stores.Store) error {
		start := time.Now()
		if err := pages.Fill(ctx, s, c.Sessions, pages.Users); err != nil {
			return err
		}
		fmt.Fprintf(os.Stderr, "%s: %d sessions, %.0f s\n", s, c.Sessions, time.Since(start).Seconds())
		cases, err := pages.Cases(ctx, s, enrichers...)
		if err != nil {
			return err
		}
		for _, one := range cases {
			r, err := (&benchCommand{For: c.For}).measure(ctx, one)
			if err != nil {
				return fmt.Errorf("%s: %w", one.Name, err)
			}
			t.row(one.Store, one.Name, times(r.Floor), times(r.Subject), fmt.Sprintf("%.2f / %.2f", r.Ratio, r.QuietRatio), micros(r.Floor.CPU), micros(r.Subject.CPU),
				fmt.Sprintf("%.0f", r.Subject.Bytes/1000), fmt.Sprintf("%.0f", r.Subject.Allocs), fmt.Sprintf("%.0f", r.Floor.Allocs), verdict(one.Target, r))
		}
		return nil
	})
	return errors.Join(err, t.end())
}
