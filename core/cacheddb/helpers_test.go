package cacheddb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/store"
)

var errDown = fmt.Errorf("no route to host: %w", store.ErrUnavailable)

// A faulty cache or database calls before, which may fail the call, and after, which may make it look as if it had.
type faults struct {
	mu            sync.Mutex
	calls         map[string]int
	before, after func(method string) error
}

func (f *faults) run(method string, do func() error) error {
	f.mu.Lock()
	if f.calls == nil {
		f.calls = map[string]int{}
	}
	f.calls[method]++
	before, after := f.before, f.after
	f.mu.Unlock()
	if before != nil {
		if err := before(method); err != nil {
			return err
		}
	}
	err := do()
	if after != nil {
		if e := after(method); e != nil {
			err = e
		}
	}
	return err
}

// took returns the calls since the last time, as "Get 1 Put 1".
func (f *faults) took(methods ...string) (n []int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, m := range methods {
		n = append(n, f.calls[m])
	}
	f.calls = nil
	return n
}

type faultyCache struct {
	memory.Cache
	faults
	answer []byte // what Get says instead
	last   context.Context
}

func (c *faultyCache) Get(ctx context.Context, id store.ID) (b []byte, t store.Ticket, err error) {
	err = c.run("Get", func() error {
		b, t, err = c.Cache.Get(ctx, id)
		if c.answer != nil {
			b = c.answer
		}
		return err
	})
	if err != nil {
		return nil, 0, err
	}
	return b, t, nil
}

func (c *faultyCache) Put(ctx context.Context, id store.ID, t store.Ticket, b []byte, ttl time.Duration) error {
	return c.run("Put", func() error { return c.Cache.Put(ctx, id, t, b, ttl) })
}

func (c *faultyCache) Delete(ctx context.Context, ids ...store.ID) error {
	c.last = ctx
	return c.run("Delete", func() error { return c.Cache.Delete(ctx, ids...) })
}

type faultyDB struct {
	memory.Store
	faults
}

func (d *faultyDB) Load(ctx context.Context, id store.ID) (r *store.Record, err error) {
	err = d.run("Load", func() error { r, err = d.Store.Load(ctx, id); return err })
	if err != nil {
		return nil, err
	}
	return r, nil
}

func (d *faultyDB) Save(ctx context.Context, r *store.Record) error {
	return d.run("Save", func() error { return d.Store.Save(ctx, r) })
}

func (d *faultyDB) Touch(ctx context.Context, r *store.Record, t store.Touch) error {
	return d.run("Touch", func() error { return d.Store.Touch(ctx, r, t) })
}

func (d *faultyDB) Delete(ctx context.Context, ids ...store.ID) error {
	return d.run("Delete", func() error { return d.Store.Delete(ctx, ids...) })
}

func (d *faultyDB) DeleteUser(ctx context.Context, user string, cutoff time.Time, keep ...store.ID) (ids []store.ID, err error) {
	err = d.run("DeleteUser", func() error { ids, err = d.Store.DeleteUser(ctx, user, cutoff, keep...); return err })
	return ids, err
}

// A world is a database, a cache, and two processes over them.
type world struct {
	*testing.T
	cache *faultyCache
	db    *faultyDB
	a, b  *Store
	log   bytes.Buffer
}

func newWorld(t *testing.T, c Config) *world {
	t.Helper()
	w := &world{T: t, cache: new(faultyCache), db: new(faultyDB)}
	c.Logger = slog.New(slog.NewTextHandler(&w.log, nil))
	for _, s := range []**Store{&w.a, &w.b} {
		var err error
		if *s, err = New(w.cache, w.db, c); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// inWorld runs f where time is fake.
func inWorld(t *testing.T, c Config, f func(*testing.T, *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, newWorld(t, c)) })
}

func record() *store.Record {
	now := time.Now().UTC().Truncate(time.Microsecond)
	return &store.Record{
		ID: store.NewID(time.Now()), User: "ann", AuthenticatedAt: now, CreatedAt: now, LastSeen: now, ExpiresAt: now.Add(time.Hour),
		IP: netip.MustParseAddr("2001:db8::1"), UserAgent: "agent", Secret: []byte("digests"), Data: []byte("data"),
	}
}

func (w *world) create() *store.Record {
	w.Helper()
	r := record()
	w.ok(w.a.Create(w.Context(), r))
	return r
}

// warm makes a copy and forgets the calls.
func (w *world) warm(id store.ID) {
	w.Helper()
	w.load(w.a, id)
	w.cache.took()
	w.db.took()
}

func (w *world) load(s *Store, id store.ID) *store.Record {
	w.Helper()
	r, err := s.Load(w.Context(), id)
	w.ok(err)
	return r
}

func (w *world) gone(s *Store, id store.ID) {
	w.Helper()
	if r, err := s.Load(w.Context(), id); !errors.Is(err, store.ErrNotFound) {
		w.Fatalf("Load: got %v, %v, want ErrNotFound", r, err)
	}
}

func (w *world) ok(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) save(s *Store, r *store.Record, data string) {
	w.Helper()
	r.Data = []byte(data)
	w.ok(s.Save(w.Context(), r))
}

// took compares the calls since the last time: of the cache Get, Put, Delete; of the database Load and writes.
func (w *world) took(what string, get, put, del, load, write int) {
	w.Helper()
	c, d := w.cache.took("Get", "Put", "Delete"), w.db.took("Load", "Save", "Touch", "Delete", "DeleteUser")
	got := [5]int{c[0], c[1], c[2], d[0], d[1] + d[2] + d[3] + d[4]}
	if want := [5]int{get, put, del, load, write}; got != want {
		w.Errorf("%s: got Get %d, Put %d, Delete %d + Load %d, writes %d; want %v", what, got[0], got[1], got[2], got[3], got[4], want)
	}
}

func (w *world) cacheFails(err error, methods ...string) {
	w.cache.mu.Lock()
	defer w.cache.mu.Unlock()
	w.cache.before = func(method string) error {
		if slices.Contains(methods, method) {
			return err
		}
		return nil
	}
}

func (w *world) cacheWorks() { w.cacheFails(nil) }

// form is that of the copies of a.
func (w *world) form() form {
	f, _ := w.a.keys.form(w.Context(), time.Now())
	return f
}
