package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/qsessions/qsessions/core/store"
	"github.com/qsessions/qsessions/tools/bench/caches"
	"github.com/qsessions/qsessions/tools/bench/stores"
	"github.com/qsessions/qsessions/tools/races"
)

type racesCommand struct {
	Pairs   int      `default:"1000" help:"Pairs of concurrent requests."`
	Logouts int      `default:"200" help:"Logouts of each kind."`
	Fills   int      `default:"1000" help:"Removals while a cache is filled."`
	Stores  []string `help:"Only these stores."`
	Caches  bool     `help:"Also with each cache in front of each store, and two processes on both."`
}

// Run prints a line for each store, and fails if anything was lost.
func (c *racesCommand) Run(ctx context.Context, out io.Writer) error {
	selected, err := names(c.Stores, stores.Names())
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s; %d pairs, %d logouts of each kind\n\n", machine(), c.Pairs, c.Logouts)
	t := newTable(out, "store", "pairs", "conflicts", "updates lost", "alive after logout, late write", "alive after logout, late read", "alive after a removal during a fill", "seconds")
	bad := false
	err = each(ctx, selected, true, func(s *stores.Store) error {
		lost, err := c.row(ctx, t, s, nil)
		bad = bad || lost
		return err
	})
	// The clients of these keep no copies of their own.
	for _, name := range []string{caches.Memcached, caches.Redis, caches.RedisCluster} {
		if err == nil && c.Caches {
			err = c.behind(ctx, selected, name, func(s *stores.Store, cache *caches.Cache) error {
				lost, err := c.row(ctx, t, s, cache)
				bad = bad || lost
				return err
			})
		}
	}
	if err := errors.Join(err, t.end()); err != nil {
		return err
	}
	if bad {
		return errors.New("something was lost")
	}
	return nil
}

// behind opens a cache, and one store after the other behind it.
func (c *racesCommand) behind(ctx context.Context, selected []string, name string, do func(*stores.Store, *caches.Cache) error) error {
	cache, err := caches.Start(ctx, name)
	if err != nil {
		return err
	}
	defer cache.Stop()
	return each(ctx, selected, true, func(s *stores.Store) error { return do(s, cache) })
}

// row prints the line of a store, behind a cache or not, and reports whether anything was lost.
func (c *racesCommand) row(ctx context.Context, t table, s *stores.Store, cache *caches.Cache) (lost bool, err error) {
	name, processes := s.String(), []store.Store{s}
	var closers []func() error
	front := func(db store.Indexed) (store.Store, error) {
		both, closeCache, err := cache.Front(ctx, db)
		if err != nil {
			return nil, err
		}
		closers = append(closers, closeCache)
		return both, nil
	}
	defer func() {
		for _, f := range closers {
			err = errors.Join(err, f())
		}
	}()
	if cache != nil {
		name, processes = cache.String()+" + "+name, make([]store.Store, 2)
		for i := range processes {
			if processes[i], err = front(s); err != nil {
				return false, err
			}
		}
	}
	r, err := races.Run(ctx, races.Options{Pairs: c.Pairs, Logouts: c.Logouts}, processes...)
	if err != nil {
		return false, err
	}
	of := func(n, all int) string { return fmt.Sprintf("%d of %d", n, all) }
	filled, alive := "", 0
	if cache != nil {
		if alive, err = races.Fills(ctx, c.Fills, s, front); err != nil {
			return false, err
		}
		filled = of(alive, c.Fills)
	}
	t.row(name, strconv.Itoa(r.Pairs), strconv.FormatInt(r.Conflicts, 10), strconv.Itoa(r.Lost), of(r.LateWriteAlive, r.Logouts),
		of(r.LateReadAlive, r.Logouts), filled, fmt.Sprintf("%.1f", r.Elapsed.Seconds()))
	return r.Lost+r.LateWriteAlive+r.LateReadAlive+alive > 0, nil
}
