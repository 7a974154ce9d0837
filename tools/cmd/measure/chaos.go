package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/qsessions/qsessions/testserver"
	"github.com/qsessions/qsessions/tools/chaos"
)

type chaosCommand struct {
	Match    string        `help:"Only scenarios with this text in their id, name or servers."`
	During   time.Duration `default:"3s" help:"How long each fault lasts."`
	Markdown bool          `help:"Print the table as docs/measurements.md has it."`
	Within   time.Duration `default:"15m" help:"When to stop beginning scenarios. What was left out is said, and is a failure."`
}

// Run prints a line for each scenario on each pair, and fails if a figure that must be zero is not.
func (c *chaosCommand) Run(ctx context.Context, out io.Writer) error {
	_ = mysql.SetLogger(log.New(io.Discard, "", 0)) // connections that break are the point
	start := time.Now()
	var results []chaos.Result
	var bad, left []string
	for _, s := range chaos.Scenarios() {
		for _, p := range s.Pairs() {
			name := fmt.Sprintf("%s: %s, on %s", s.ID, s.Name, p)
			switch {
			case !strings.Contains(name, c.Match):
				continue
			case time.Since(start) > c.Within:
				left = append(left, name)
				continue
			}
			r, err := chaos.Run(ctx, s, p, chaos.Options{During: c.During})
			if err != nil {
				return errors.Join(fmt.Errorf("%s: %w", name, err), chaos.Print(out, results))
			}
			if r.Disturbed() { // once more
				if r, err = chaos.Run(ctx, s, p, chaos.Options{During: c.During}); err != nil {
					return errors.Join(fmt.Errorf("%s: %w", name, err), chaos.Print(out, results))
				}
			}
			results = append(results, r)
			fmt.Fprintf(out, "%4.0f s  %s\n", time.Since(start).Seconds(), name)
			if r.Bad() {
				bad = append(bad, fmt.Sprintf("%s: %v", name, r))
			}
		}
	}
	p := chaos.Pair{Cache: testserver.KindRedis, Database: testserver.KindPostgres}
	accepted, err := chaos.Crash(ctx, p)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%s\n\n", machine())
	table := chaos.Print
	if c.Markdown {
		table = chaos.Markdown
	}
	if err := table(out, results); err != nil {
		return err
	}
	fmt.Fprintf(out, "FLT-28: a process killed between commit and cache on %s: its session was accepted for another %v.\n", p, accepted.Round(time.Millisecond))
	if len(left) > 0 {
		bad = append(bad, fmt.Sprintf("%d scenarios were left out for want of time: %s", len(left), strings.Join(left, "; ")))
	}
	if len(bad) > 0 {
		return errors.New(strings.Join(bad, "\n"))
	}
	return nil
}
