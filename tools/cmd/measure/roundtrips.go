package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/qsessions/qsessions/tools/bench/caches"
	"github.com/qsessions/qsessions/tools/bench/roundtrips"
	"github.com/qsessions/qsessions/tools/bench/stores"
)

type roundTripsCommand struct {
	Store string `default:"PostgreSQL" help:"The database."`
}

// Run prints a line for each operation.
func (c *roundTripsCommand) Run(ctx context.Context, out io.Writer) (err error) {
	db, err := stores.Start(ctx, c.Store, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if db.Raw == nil {
		return errors.New("the store is no database")
	}
	heads := []string{"operation", db.String()}
	columns := []map[string]string{nil}
	var order []string
	if columns[0], order, err = c.count(ctx, nil, db); err != nil {
		return err
	}
	for _, name := range []string{caches.Redis, caches.Memcached} {
		cache, err := caches.Start(ctx, name)
		if err != nil {
			return err
		}
		defer cache.Stop()
		both, all, err := c.count(ctx, cache, db)
		if err != nil {
			return err
		}
		alone, _, err := c.count(ctx, cache, nil)
		if err != nil {
			return err
		}
		columns, order = append(columns, both, alone), all
		heads = append(heads, cache.String()+" + "+c.Store, cache.Name+" alone")
	}
	t := newTable(out, heads...)
	for _, operation := range order {
		cells := []string{operation}
		for _, column := range columns {
			cells = append(cells, column[operation])
		}
		t.row(cells...)
	}
	return t.end()
}

// count returns what each operation costs, and their order.
func (c *roundTripsCommand) count(ctx context.Context, cache *caches.Cache, db *stores.Store) (cost map[string]string, order []string, err error) {
	lines, err := roundtrips.Run(ctx, cache, db)
	cost = map[string]string{}
	for _, l := range lines {
		order = append(order, l.Operation)
		switch {
		case cache == nil:
			cost[l.Operation] = fmt.Sprint(l.Database)
		case db == nil:
			cost[l.Operation] = fmt.Sprint(l.Cache)
		default:
			cost[l.Operation] = fmt.Sprintf("%d+%d", l.Cache, l.Database)
		}
	}
	return cost, order, err
}
