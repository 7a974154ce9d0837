package chaos

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/qsessions/qsessions/core/cacheddb"
	"github.com/qsessions/qsessions/core/store"
)

// A watch notes by how much calls outlive their contexts: every call of the session manager to its store, every call of
// that to the database and to the cache, and every request.
type watch struct {
	mu     sync.Mutex
	calls  map[*call]struct{} // that run
	latest time.Duration
	which  string
}

// A call runs, and should have ended by a time, or when its client has gone away.
type call struct {
	name   string
	by     time.Time       // zero: it may take for ever
	ctx    context.Context // nil for a request
	client *client
}

// A client may go away before it has an answer. The contexts of its requests carry it.
type client struct {
	mu   sync.Mutex
	left time.Time
}

type clientKey struct{}

// leave notes that the client has gone, before its request's context ends.
func (c *client) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left = time.Now()
}

// late returns by how much the call has outlived what it had.
func (c *call) late(now time.Time) (d time.Duration) {
	if !c.by.IsZero() {
		d = now.Sub(c.by)
	}
	if c.client != nil && errors.Is(c.ctx.Err(), context.Canceled) { // one that is detached does not end with the client
		c.client.mu.Lock()
		defer c.client.mu.Unlock()
		if !c.client.left.IsZero() {
			d = max(d, now.Sub(c.client.left))
		}
	}
	return d
}

func newWatch() *watch { return &watch{calls: map[*call]struct{}{}} }

// call notes the beginning of a call under a context. The function it returns notes the end.
func (w *watch) call(ctx context.Context, name string) (ended func()) {
	c := &call{name: name, ctx: ctx}
	c.by, _ = ctx.Deadline()
	c.client, _ = ctx.Value(clientKey{}).(*client)
	return w.begin(c)
}

// request notes the beginning of a request that may take so long.
func (w *watch) request(name string, d time.Duration) (ended func()) {
	return w.begin(&call{name: name, by: time.Now().Add(d)})
}

func (w *watch) begin(c *call) (ended func()) {
	w.mu.Lock()
	w.calls[c] = struct{}{}
	w.mu.Unlock()
	return func() {
		now := time.Now()
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.calls, c)
		w.note(c, now)
	}
}

// note compares a call with its deadline. The caller holds the lock.
func (w *watch) note(c *call, now time.Time) {
	if late := c.late(now); late > w.latest {
		w.latest, w.which = late, c.name
	}
}

// lateness returns by how much the worst call has outlived its deadline so far, those included that still run, and which
// one it is.
func (w *watch) lateness() (time.Duration, string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	for c := range w.calls {
		w.note(c, now)
	}
	return w.latest, w.which
}

// running says what has not ended.
func (w *watch) running() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	names := map[string]int{}
	for c := range w.calls {
		names[c.name]++
	}
	return fmt.Sprint(names)
}

// A heartbeat measures by how much the machine lets a goroutine wait that has something to do. What is later than that is
// the fault of the code.
type heartbeat struct {
	mu      sync.Mutex
	longest time.Duration
}

// beat measures until ctx ends.
func (h *heartbeat) beat(ctx context.Context) {
	const every = 2 * time.Millisecond
	timer := time.NewTimer(every)
	defer timer.Stop()
	for ctx.Err() == nil {
		due := time.Now().Add(every)
		timer.Reset(every)
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
		late := time.Since(due)
		h.mu.Lock()
		h.longest = max(h.longest, late)
		h.mu.Unlock()
	}
}

// worst returns the longest delay so far.
func (h *heartbeat) worst() time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.longest
}

// A kept database is what a process puts a cache in front of: what wraps one passes its key on.
type kept interface {
	store.Indexed
	store.Keeper
}

// A watched store is one whose calls are noted.
type watched struct {
	store.Indexed
	watch *watch
	name  string
}

func (s watched) Load(ctx context.Context, id store.ID) (*store.Record, error) {
	defer s.watch.call(ctx, s.name+".Load")()
	return s.Indexed.Load(ctx, id)
}

func (s watched) Create(ctx context.Context, r *store.Record) error {
	defer s.watch.call(ctx, s.name+".Create")()
	return s.Indexed.Create(ctx, r)
}

func (s watched) Save(ctx context.Context, r *store.Record) error {
	defer s.watch.call(ctx, s.name+".Save")()
	return s.Indexed.Save(ctx, r)
}

func (s watched) Touch(ctx context.Context, r *store.Record, t store.Touch) error {
	defer s.watch.call(ctx, s.name+".Touch")()
	return s.Indexed.Touch(ctx, r, t)
}

func (s watched) Delete(ctx context.Context, ids ...store.ID) error {
	defer s.watch.call(ctx, s.name+".Delete")()
	return s.Indexed.Delete(ctx, ids...)
}

func (s watched) List(ctx context.Context, q store.Query) iter.Seq2[*store.Record, error] {
	return func(yield func(*store.Record, error) bool) {
		defer s.watch.call(ctx, s.name+".List")()
		s.Indexed.List(ctx, q)(yield)
	}
}

func (s watched) DeleteUser(ctx context.Context, user string, cutoff time.Time, keep ...store.ID) ([]store.ID, error) {
	defer s.watch.call(ctx, s.name+".DeleteUser")()
	return s.Indexed.DeleteUser(ctx, user, cutoff, keep...)
}

func (s watched) Cutoff(ctx context.Context, user string) (time.Time, error) {
	defer s.watch.call(ctx, s.name+".Cutoff")()
	return s.Indexed.Cutoff(ctx, user)
}

// A watchedDB is the database of a process.
type watchedDB struct {
	watched
	keeper store.Keeper
}

func watchDB(db kept, w *watch) watchedDB { return watchedDB{watched{db, w, "database"}, db} }

func (s watchedDB) Key(ctx context.Context, name string) ([]byte, error) {
	defer s.watch.call(ctx, "database.Key")()
	return s.keeper.Key(ctx, name)
}

// A watchedFront is what the session manager has.
type watchedFront struct {
	watched
	front *cacheddb.Store
}

func watchFront(s *cacheddb.Store, w *watch) watchedFront {
	return watchedFront{watched{s, w, "store"}, s}
}

func (s watchedFront) LoadFresh(ctx context.Context, id store.ID) (*store.Record, error) {
	defer s.watch.call(ctx, "store.LoadFresh")()
	return s.front.LoadFresh(ctx, id)
}

// A watchedCache is the cache of a process.
type watchedCache struct {
	store.Cache
	watch *watch
}

// Lag passes on that of the cache, as cacheddb asks of what wraps one.
func (c watchedCache) Lag() time.Duration {
	if l, ok := c.Cache.(interface{ Lag() time.Duration }); ok {
		return l.Lag()
	}
	return 0
}

func (c watchedCache) Get(ctx context.Context, id store.ID) ([]byte, store.Ticket, error) {
	defer c.watch.call(ctx, "cache.Get")()
	return c.Cache.Get(ctx, id)
}

func (c watchedCache) Put(ctx context.Context, id store.ID, t store.Ticket, copy []byte, ttl time.Duration) error {
	defer c.watch.call(ctx, "cache.Put")()
	return c.Cache.Put(ctx, id, t, copy, ttl)
}

func (c watchedCache) Delete(ctx context.Context, ids ...store.ID) error {
	defer c.watch.call(ctx, "cache.Delete")()
	return c.Cache.Delete(ctx, ids...)
}
