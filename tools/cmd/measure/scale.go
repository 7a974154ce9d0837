package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/qsessions/qsessions/core/store"
	"github.com/qsessions/qsessions/testserver"
	"github.com/qsessions/qsessions/tools/bench/caches"
	"github.com/qsessions/qsessions/tools/bench/scale"
	"github.com/qsessions/qsessions/tools/bench/stores"
)

type scaleCommand struct {
	Postgres int `default:"10000000" help:"Sessions in PostgreSQL, some 600 bytes each with their indexes; 0: none."`
	Redis    int `default:"1000000" help:"Sessions in Redis, some 800 bytes each with their indexes; 0: none."`
	Base     int `default:"10000" help:"Sessions in the stores that these are compared with."`
	Samples  int `default:"400" help:"How often an operation is measured; a load ten times as often."`

	Buffers string  `default:"8GB" help:"The shared_buffers of PostgreSQL."`
	Ratio   float64 `default:"1.5" help:"How much longer an operation may take."`
}

// Run prints a line for each operation, and fails if one takes too long.
func (c *scaleCommand) Run(ctx context.Context, out io.Writer) error {
	fmt.Fprintf(out, "%s; %d sessions a user; medians in µs, of both in turn; PostgreSQL with %s of shared buffers\n\n", machine(), scale.PerUser, c.Buffers)
	t := newTable(out, "store", "operation", fmt.Sprintf("%d sessions", c.Base), "sessions", "of so many", "ratio", "target", "made in, s")
	bad := false
	for _, one := range []struct {
		n    int
		open func(context.Context, int) (opened, error)
	}{{c.Postgres, c.postgres}, {c.Redis, c.redis}} {
		if one.n == 0 {
			continue
		}
		o, err := one.open(ctx, one.n)
		var lines []scale.Line
		if err == nil {
			lines, err = scale.Compare(ctx, &o.sets[1], &o.sets[0], c.Samples)
		}
		if err = errors.Join(err, o.close()); err != nil {
			return errors.Join(err, t.end())
		}
		for _, l := range lines {
			said := "holds"
			if l.Ratio > c.Ratio {
				said, bad = "MISSED", true
			}
			t.row(o.sets[0].Name, l.Operation, micros(l.Small), fmt.Sprint(one.n), micros(l.Large), fmt.Sprintf("%.2f", l.Ratio),
				fmt.Sprintf("≤ %.1f: %s", c.Ratio, said), fmt.Sprintf("%.0f", o.took.Seconds()))
		}
	}
	if err := t.end(); err != nil {
		return err
	}
	if bad {
		return errors.New("something takes longer in a large store")
	}
	return nil
}

// opened is the large and the small set of one store.
type opened struct {
	sets    [2]scale.Set
	took    time.Duration // to fill the large one
	closers []func() error
}

func (o *opened) close() error {
	var errs []error
	for i := len(o.closers) - 1; i >= 0; i-- {
		errs = append(errs, o.closers[i]())
	}
	return errors.Join(errs...)
}

// fill fills both with f.
func (o *opened) fill(name string, n, base int, f func(s *scale.Set, progress func(int)) error) error {
	for i, n := range []int{n, base} {
		start := time.Now()
		s := &o.sets[i]
		s.Name, s.N, s.Began = name, n, start.Add(-time.Hour)
		err := f(s, func(done int) {
			fmt.Fprintf(os.Stderr, "\r%s: %d of %d sessions, %.0f s ", name, done, n, time.Since(start).Seconds())
		})
		fmt.Fprintln(os.Stderr)
		if err != nil {
			return err
		}
		if i == 0 {
			o.took = time.Since(start)
		}
	}
	return nil
}

func (c *scaleCommand) postgres(ctx context.Context, n int) (o opened, err error) {
	server, err := testserver.Start(ctx, testserver.KindPostgres, testserver.Options{Durable: true, Args: []string{"-c", "shared_buffers=" + c.Buffers}})
	if err != nil {
		return o, err
	}
	o.closers = append(o.closers, func() error { server.Stop(); return nil })
	err = o.fill(stores.Postgres+" "+server.Version, n, c.Base, func(s *scale.Set, progress func(int)) error {
		db, err := stores.Open(ctx, stores.Postgres, server)
		if err != nil {
			return err
		}
		s.Store = db
		o.closers = append(o.closers, db.Close)
		if err := scale.FillPostgres(ctx, db.Raw, s, progress); err != nil {
			return err
		}
		size, err := scale.PostgresBytes(ctx, db.Raw)
		fmt.Fprintf(os.Stderr, " %d MB", size>>20)
		return err
	})
	return o, err
}

func (c *scaleCommand) redis(ctx context.Context, n int) (o opened, err error) {
	err = o.fill(caches.Redis, n, c.Base, func(s *scale.Set, progress func(int)) error {
		server, err := caches.Start(ctx, caches.Redis)
		if err != nil {
			return err
		}
		o.closers = append(o.closers, func() error { server.Stop(); return nil })
		alone, closeStore, err := server.Store(ctx)
		if err != nil {
			return err
		}
		o.closers = append(o.closers, closeStore)
		indexed, ok := alone.(store.Indexed)
		if !ok {
			return errors.New("the store is not indexed")
		}
		s.Name, s.Store = server.String(), indexed
		return scale.Fill(ctx, s, progress)
	})
	return o, err
}
