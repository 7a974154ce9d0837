package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	sqlxstore "github.com/qsessions/qsessions/backend/sqlx"
)

type sweepCmd struct {
	storeFlags
	Every time.Duration `placeholder:"TIME" help:"Keep running, and sweep again after this time, such as 10m. Default: sweep once."`
	Batch int           `default:"500" placeholder:"N" help:"How many sessions one statement may remove, 1 to 10000; a database may have a lower bound. Default: ${default}."`
}

// Validate implements kong's check of a command line.
func (c *sweepCmd) Validate() error {
	switch {
	case c.Every != 0 && c.Every < time.Second:
		return errors.New("--every must be at least 1s")
	case c.Batch < 1 || c.Batch > 10_000:
		return errors.New("--batch must be 1 to 10000")
	}
	return nil
}

// Run sweeps once, or until ctx is done. One failed sweep of many is reported and ends nothing.
func (c *sweepCmd) Run(ctx context.Context, std stdio) (err error) {
	s, err := c.openExisting(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if err := upToDate(ctx, s); err != nil {
		return err
	}
	if c.Every == 0 {
		return c.sweep(ctx, s, std)
	}
	for {
		if err := c.sweep(ctx, s, std); err != nil && ctx.Err() == nil {
			fmt.Fprintln(std.err, "qsessions:", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(c.Every):
		}
	}
}

// sweepMargin is that of session.Manager.Sweep: until then caches may have copies of what was removed, and a second
// revocation must find it.
const sweepMargin = 5 * time.Minute

// sweep removes what has ended five minutes ago or earlier, and shows on a terminal how far it is.
func (c *sweepCmd) sweep(ctx context.Context, s *sqlxstore.Store, std stdio) error {
	start, shown, total := time.Now(), time.Time{}, 0
	for {
		n, err := s.Sweep(ctx, start.Add(-sweepMargin), c.Batch)
		total += n
		if std.terminal && (err != nil || n == 0 || time.Since(shown) > 100*time.Millisecond) {
			shown = time.Now()
			fmt.Fprintf(std.err, "\r%d removed, %v", total, time.Since(start).Round(time.Millisecond))
			if err != nil || n == 0 {
				fmt.Fprintln(std.err)
			}
		}
		if err != nil || n == 0 {
			return err
		}
	}
}

// upToDate explains a missing table better than the database does.
func upToDate(ctx context.Context, s *sqlxstore.Store) error {
	all, err := s.Migrations(ctx)
	if err == nil && !slices.ContainsFunc(all, applied) {
		return errors.New("there is no such table of sessions: is --table right? (qsessions migrate up makes it)")
	}
	return err
}
