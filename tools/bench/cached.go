package bench

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/qsessions/qsessions/core/store"
	"github.com/qsessions/qsessions/tools/bench/caches"
	"github.com/qsessions/qsessions/tools/bench/stores"
)

// A Front is a cache in front of a database, and what is measured on it.
type Front struct {
	Cases []Case

	cache   *caches.Cache
	db      *stores.Store
	site    *site
	known   []*http.Request // of a worker each; there are copies
	own     store.ID        // of the session of the last one
	rows    []*store.Record // others, for raw statements
	closers []func() error
}

// NewFront opens both for the cases, which need ctx to the end, and both for themselves. The caller closes it.
func NewFront(ctx context.Context, c *caches.Cache, s *stores.Store) (*Front, error) {
	f := &Front{cache: c, db: s, known: make([]*http.Request, parallel), rows: make([]*store.Record, parallel)}
	err := f.open(ctx)
	if err == nil {
		err = f.addCases(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// Close closes what NewFront opened.
func (f *Front) Close() error {
	var errs []error
	for _, c := range f.closers {
		errs = append(errs, c())
	}
	return errors.Join(errs...)
}

func (f *Front) open(ctx context.Context) error {
	both, closeCache, err := f.cache.Front(ctx, f.db)
	if err != nil {
		return err
	}
	f.closers = append(f.closers, closeCache)
	if f.site, err = newSite(both); err != nil {
		return err
	}
	for i := range parallel {
		token, id, err := f.site.login(ctx)
		if err != nil {
			return err
		}
		f.known[i], f.own = newRequest(ctx, token), id
		if _, id, err = f.site.login(ctx); err != nil {
			return err
		}
		if f.rows[i], err = f.db.Load(ctx, id); err != nil {
			return err
		}
	}
	warm := serve(f.site.read, f.known)
	for i := range parallel {
		if err := warm(i, 1); err != nil {
			return err
		}
	}
	return nil
}

// addCases: the floor of a read is that of as many bytes by the same driver; of a change it is the update of the row, and
// then a write of as many bytes to the cache. Ratios of reads are judged under load: a single client waits for the network
// most of the time.
func (f *Front) addCases(ctx context.Context) error {
	plain, err := f.floor(ctx, false)
	if err != nil {
		return err
	}
	tuned, err := f.floor(ctx, true)
	if err != nil {
		return err
	}
	sql, err := newRaw(ctx, f.db, f.rows)
	if err != nil {
		return err
	}
	read, modify := serve(f.site.read, f.known), serve(f.site.modify, f.known)
	for _, workers := range []int{1, parallel} {
		target := Target{Allocs: 40}
		switch {
		case f.cache.Name == caches.ClientSide:
			target.Time = 4 * time.Microsecond
		case workers > 1 && f.cache.Name == caches.Memcached:
			target.Ratio = 1.4
		case workers > 1:
			target.Ratio = 1.6
		}
		f.add(Case{Name: "read 1 key", Workers: workers, Floor: plain.read, Subject: read, Target: target})
		if f.cache.Name == caches.Redis {
			f.add(Case{Name: "read 1 key, over one connection", Workers: workers, Floor: tuned.read, Subject: read})
		}
		f.add(Case{Name: "modify 1 key", Workers: workers, Floor: inTurn(sql.modify, tuned.write), Subject: modify, Target: Target{Ratio: 1.25}})
		f.add(Case{Name: "modify 1 key, over all three", Workers: workers, Floor: inTurn(tuned.read, sql.modify, tuned.write), Subject: modify})
	}
	return nil
}

func (f *Front) add(c Case) {
	c.Store = f.cache.String() + " + " + f.db.Name
	f.Cases = append(f.Cases, c)
}

// inTurn does an operation of each work after the other.
func inTurn(works ...Work) Work {
	return func(worker, n int) error {
		for range n {
			for _, w := range works {
				if err := w(worker, 1); err != nil {
					return err
				}
			}
		}
		return nil
	}
}

// floor is the driver of the cache without this library, and copies of its own for each worker.
func (f *Front) floor(ctx context.Context, tuned bool) (*rawCopies, error) {
	client, err := f.cache.Raw(tuned)
	if err != nil {
		return nil, err
	}
	f.closers = append(f.closers, client.Close)
	r := &rawCopies{ctx: ctx, client: client, keys: make([]string, parallel)}
	if r.value, err = f.cache.Slot(ctx, f.own); err != nil {
		return nil, err
	}
	for i := range r.keys {
		r.keys[i] = "floor-" + f.own.String() + "-" + strconv.FormatBool(tuned) + "-" + strconv.Itoa(i)
		if err := r.write(i, 1); err != nil {
			return nil, err
		}
	}
	return r, nil
}

type rawCopies struct {
	ctx    context.Context
	client *caches.Raw
	keys   []string // one for each worker
	value  []byte
}

func (r *rawCopies) read(worker, n int) error {
	for range n {
		value, err := r.client.Get(r.ctx, r.keys[worker])
		if err != nil || len(value) != len(r.value) {
			return fmt.Errorf("raw get: %d bytes: %w", len(value), err)
		}
	}
	return nil
}

func (r *rawCopies) write(worker, n int) error {
	for range n {
		if err := r.client.Set(r.ctx, r.keys[worker], r.value); err != nil {
			return fmt.Errorf("raw set: %w", err)
		}
	}
	return nil
}
