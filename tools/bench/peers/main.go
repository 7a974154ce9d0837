// Peers measures what other libraries cost against this one, in one process and in turn: scs with go-redis, and a cache in
// front of PostgreSQL. It is a module of its own, so that nothing else needs them.
//
//	go run ./tools/bench/peers
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/qsessions/qsessions/testserver"
	"github.com/qsessions/qsessions/tools/bench"
	"github.com/qsessions/qsessions/tools/bench/caches"
	"github.com/qsessions/qsessions/tools/bench/stores"
)

func main() {
	d := flag.Duration("for", 3*time.Second, "how long each line is measured")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *d); err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, d time.Duration) (err error) {
	server, err := testserver.Start(ctx, testserver.KindRedis, testserver.Options{})
	if err != nil {
		return err
	}
	defer server.Stop()
	db, err := stores.Start(ctx, stores.Postgres, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	peer, err := newPeer(ctx, server.Addr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, peer.close()) }()

	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "store\trequest\tgoroutines\tscs + go-redis\tthis library\ttimes as many\tB of scs\tof this\tallocs of scs\tof this")
	for _, name := range []string{caches.ClientSide, caches.Redis} {
		cache, err := caches.Open(name, server.Addr, server.Version)
		if err != nil {
			return err
		}
		front, err := bench.NewFront(ctx, cache, db)
		if err != nil {
			return err
		}
		for _, c := range front.Cases {
			if c.Name != "read 1 key" {
				continue
			}
			c.Floor = peer.read
			r, err := measure(ctx, c, d)
			if err != nil {
				return errors.Join(err, front.Close())
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%.1f / %.1f\t%.1f / %.1f\t%.1f / %.1f\t%.0f\t%.0f\t%.0f\t%.0f\n", c.Store, c.Name, strconv.Itoa(c.Workers),
				micros(r.Floor.Best), micros(r.Floor.Quiet), micros(r.Subject.Best), micros(r.Subject.Quiet), 1/r.Ratio, 1/r.QuietRatio,
				r.Floor.Bytes, r.Subject.Bytes, r.Floor.Allocs, r.Subject.Allocs)
		}
		if err := front.Close(); err != nil {
			return err
		}
	}
	return w.Flush()
}

func measure(ctx context.Context, c bench.Case, d time.Duration) (bench.Result, error) {
	m, err := bench.NewMeter(c)
	if err != nil {
		return bench.Result{}, err
	}
	for start := time.Now(); time.Since(start) < d; {
		if err := errors.Join(ctx.Err(), m.Round()); err != nil {
			return bench.Result{}, err
		}
	}
	return m.Result(), nil
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
