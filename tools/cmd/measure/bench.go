package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/qsessions/qsessions/tools/bench"
	"github.com/qsessions/qsessions/tools/bench/caches"
	"github.com/qsessions/qsessions/tools/bench/stores"
)

type benchCommand struct {
	For    time.Duration `default:"3s" help:"How long each line is measured."`
	Match  string        `help:"Only the lines with this text in their name."`
	Stores []string      `help:"Only these stores, and no caches unless --caches names some."`
	Caches []string      `sep:"none" help:"Only these caches in front of PostgreSQL, and no stores unless --stores names some."`
}

// behind is the database that caches are measured in front of.
const behind = stores.Postgres

// Run prints a line for each case.
func (c *benchCommand) Run(ctx context.Context, out io.Writer) error {
	alone, err := names(c.Stores, stores.Names())
	if err != nil {
		return err
	}
	fronts, err := names(c.Caches, []string{caches.Redis, caches.ClientSide, caches.Memcached})
	if err != nil {
		return err
	}
	if len(c.Stores) > 0 && len(c.Caches) == 0 {
		fronts = nil
	}
	if len(c.Caches) > 0 && len(c.Stores) == 0 {
		alone = nil
	}
	fmt.Fprintf(out, "%s; 10 keys of 98 bytes; best block / median of the quieter half, in µs; the targets go by the best\n\n", machine())
	t := newTable(out, "store", "request", "goroutines", "floor", "request", "ratio", "CPU of floor", "of request", "B", "allocs", "of floor", "target")
	err = each(ctx, alone, true, func(s *stores.Store) error {
		cases, err := bench.Cases(ctx, s)
		if err != nil {
			return err
		}
		return c.rows(ctx, t, cases)
	})
	for _, name := range fronts {
		if err == nil {
			err = c.cached(ctx, t, name)
		}
	}
	return errors.Join(err, t.end())
}

// cached measures a cache.
func (c *benchCommand) cached(ctx context.Context, t table, name string) error {
	cache, err := caches.Start(ctx, name)
	if err != nil {
		return err
	}
	defer cache.Stop()
	return each(ctx, []string{behind}, true, func(s *stores.Store) error {
		f, err := bench.NewFront(ctx, cache, s)
		if err != nil {
			return err
		}
		return errors.Join(c.rows(ctx, t, f.Cases), f.Close())
	})
}

func (c *benchCommand) rows(ctx context.Context, t table, cases []bench.Case) error {
	for _, one := range cases {
		if !strings.Contains(one.Name, c.Match) {
			continue
		}
		r, err := c.measure(ctx, one)
		if err != nil {
			return fmt.Errorf("%s: %w", one.Name, err)
		}
		t.row(one.Store, one.Name, strconv.Itoa(one.Workers), times(r.Floor), times(r.Subject), fmt.Sprintf("%.2f / %.2f", r.Ratio, r.QuietRatio),
			micros(r.Floor.CPU), micros(r.Subject.CPU),
			fmt.Sprintf("%.0f", r.Subject.Bytes), fmt.Sprintf("%.1f", r.Subject.Allocs), fmt.Sprintf("%.1f", r.Floor.Allocs), verdict(one.Target, r))
	}
	return nil
}

func (c *benchCommand) measure(ctx context.Context, one bench.Case) (bench.Result, error) {
	m, err := bench.NewMeter(one)
	if err != nil {
		return bench.Result{}, err
	}
	for start := time.Now(); time.Since(start) < c.For; {
		if err := errors.Join(ctx.Err(), m.Round()); err != nil {
			return bench.Result{}, err
		}
	}
	return m.Result(), nil
}

func times(c bench.Cost) string { return micros(c.Best) + " / " + micros(c.Quiet) }

func micros(d time.Duration) string {
	us := float64(d) / 1000
	if us < 10 {
		return fmt.Sprintf("%.2f", us)
	}
	return fmt.Sprintf("%.1f", us)
}

// verdict says what the target is, and whether it holds.
func verdict(t bench.Target, r bench.Result) string {
	var parts []string
	if t.Ratio > 0 {
		parts = append(parts, fmt.Sprintf("ratio ≤ %g", t.Ratio))
	}
	if t.Above > 0 {
		parts = append(parts, fmt.Sprintf("floor + %.1f µs", t.Above.Seconds()*1e6))
	}
	if t.Time > 0 {
		parts = append(parts, fmt.Sprintf("≤ %.0f µs", t.Time.Seconds()*1e6))
	}
	if t.Allocs > 0 {
		parts = append(parts, fmt.Sprintf("≤ %.0f allocs", t.Allocs))
	}
	if t.More > 0 {
		parts = append(parts, fmt.Sprintf("floor + %.0f allocs", t.More))
	}
	if len(parts) == 0 {
		return ""
	}
	said := "holds"
	if !t.Holds(r) {
		said = "MISSED"
	}
	return strings.Join(parts, ", ") + ": " + said
}
