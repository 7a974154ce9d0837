package adaptertest

import (
	"context"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/store"
)

// A db is the store of an application: it counts the calls, and can be out.
type db struct {
	memory.Store // asked directly it counts nothing, and is never out

	mu      sync.Mutex
	calls   map[string]int
	touched int // touches that were accepted
	fault   func(ctx context.Context, method string) error
}

// outText is in the error of a store that is out, and in no response.
const outText = "dial tcp 192.0.2.9:5432"

// out is a fault: the store cannot be asked.
func out(context.Context, string) error { return fmt.Errorf(outText+": %w", store.ErrUnavailable) }

// fail lets f decide on the calls to come; nil lets all of them through.
func (d *db) fail(f func(ctx context.Context, method string) error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fault = f
}

func (d *db) call(ctx context.Context, method string) error {
	d.mu.Lock()
	if d.calls == nil {
		d.calls = map[string]int{}
	}
	d.calls[method]++
	f := d.fault
	d.mu.Unlock()
	if f == nil {
		return nil
	}
	return f(ctx, method)
}

// count returns how many calls of the methods there were, or of all of them.
func (d *db) count(methods ...string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := 0
	for _, m := range methods {
		n += d.calls[m]
	}
	if len(methods) == 0 {
		for _, c := range d.calls {
			n += c
		}
	}
	return n
}

// records returns what is stored, with data.
func (d *db) records(ctx context.Context) ([]*store.Record, error) {
	var all []*store.Record
	for r, err := range d.Store.List(ctx, store.Query{Data: true}) {
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

// age makes all sessions look as if they had not been used for a while.
func (d *db) age(ctx context.Context, by time.Duration) error {
	all, err := d.records(ctx)
	if err != nil {
		return err
	}
	for _, r := range all {
		t := store.Touch{LastSeen: r.LastSeen.Add(-by), ExpiresAt: r.ExpiresAt, IP: r.IP, UserAgent: r.UserAgent}
		if err := d.Store.Touch(ctx, r, t); err != nil {
			return err
		}
	}
	return nil
}

// Load implements [store.Store].
func (d *db) Load(ctx context.Context, id store.ID) (*store.Record, error) {
	if err := d.call(ctx, "Load"); err != nil {
		return nil, err
	}
	return d.Store.Load(ctx, id)
}

// Create implements [store.Store].
func (d *db) Create(ctx context.Context, r *store.Record) error {
	if err := d.call(ctx, "Create"); err != nil {
		return err
	}
	return d.Store.Create(ctx, r)
}

// Save implements [store.Store].
func (d *db) Save(ctx context.Context, r *store.Record) error {
	if err := d.call(ctx, "Save"); err != nil {
		return err
	}
	return d.Store.Save(ctx, r)
}

// Touch implements [store.Store]. It also counts those that were accepted.
func (d *db) Touch(ctx context.Context, r *store.Record, t store.Touch) error {
	if err := d.call(ctx, "Touch"); err != nil {
		return err
	}
	err := d.Store.Touch(ctx, r, t)
	if err == nil {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.touched++
	}
	return err
}

// Delete implements [store.Store].
func (d *db) Delete(ctx context.Context, ids ...store.ID) error {
	if err := d.call(ctx, "Delete"); err != nil {
		return err
	}
	return d.Store.Delete(ctx, ids...)
}

// List implements [store.Indexed].
func (d *db) List(ctx context.Context, q store.Query) iter.Seq2[*store.Record, error] {
	if err := d.call(ctx, "List"); err != nil {
		return func(yield func(*store.Record, error) bool) { yield(nil, err) }
	}
	return d.Store.List(ctx, q)
}

// DeleteUser implements [store.Indexed].
func (d *db) DeleteUser(ctx context.Context, user string, cutoff time.Time, keep ...store.ID) ([]store.ID, error) {
	if err := d.call(ctx, "DeleteUser"); err != nil {
		return nil, err
	}
	return d.Store.DeleteUser(ctx, user, cutoff, keep...)
}

// Cutoff implements [store.Indexed].
func (d *db) Cutoff(ctx context.Context, user string) (time.Time, error) {
	if err := d.call(ctx, "Cutoff"); err != nil {
		return time.Time{}, err
	}
	return d.Store.Cutoff(ctx, user)
}

// A copying is a db behind a cache whose copies no write reaches.
type copying struct {
	*db
	copies sync.Map
}

// Load implements [store.Store].
func (c *copying) Load(ctx context.Context, id store.ID) (*store.Record, error) {
	if r, ok := c.copies.Load(id); ok {
		return r.(*store.Record).Clone(), nil
	}
	r, err := c.db.Load(ctx, id)
	if err == nil {
		c.copies.Store(id, r.Clone())
	}
	return r, err
}

// LoadFresh implements [store.Cached].
func (c *copying) LoadFresh(ctx context.Context, id store.ID) (*store.Record, error) {
	return c.db.Load(ctx, id)
}
