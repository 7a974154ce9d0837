package session

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/store"
)

// browser is a client with a cookie jar of one cookie, served without HTTP.
type browser struct {
	t      testing.TB
	m      *Manager
	cookie string // as in the Cookie header
	client Client
}

func newBrowser(t testing.TB, m *Manager) *browser {
	return &browser{t: t, m: m, client: Client{IP: netip.MustParseAddr("192.0.2.1"), UserAgent: "test/1.0"}}
}

// request is one request of a browser: start, load, handle, commit.
type request struct {
	ctx context.Context
	s   Session
	b   *browser
}

func (b *browser) start() *request {
	b.t.Helper()
	var lines []string
	if b.cookie != "" {
		lines = append(lines, b.cookie)
	}
	ctx, _ := b.m.Start(context.Background(), b.client, lines...)
	s, err := b.m.From(ctx)
	if err != nil {
		b.t.Fatalf("From: %v", err)
	}
	return &request{ctx, s, b}
}

// end commits and closes the request, and gives the browser its cookie.
func (r *request) end() (Effect, error) {
	e, err := r.b.m.Commit(r.ctx)
	r.b.m.Close(r.ctx)
	if e.Name != "" {
		pair, attributes, _ := strings.Cut(e.Value, ";")
		if r.b.cookie = pair; strings.Contains(attributes, "Max-Age=0") {
			r.b.cookie = ""
		}
	}
	return e, err
}

// do runs f in a request of its own, which must succeed.
func (b *browser) do(f func(s Session)) Effect {
	b.t.Helper()
	r := b.start()
	f(r.s)
	e, err := r.end()
	if err != nil {
		b.t.Fatalf("Commit: %v", err)
	}
	return e
}

func (b *browser) user() string {
	b.t.Helper()
	var u string
	b.do(func(s Session) { u = s.User() })
	return u
}

func (b *browser) id() ID {
	b.t.Helper()
	var id ID
	b.do(func(s Session) { id = s.ID() })
	return id
}

func newManager(t testing.TB, s store.Store, c Config) *Manager {
	t.Helper()
	m, err := New(s, c)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return m
}

// counting counts the calls of a store, and lets tests step in before and after them.
type counting struct {
	memory.Store
	loads, creates, saves, touches, deletes, cutoffs, lists, deleteUsers atomic.Int64

	mu     sync.Mutex
	before map[string]func() error // by method; an error is returned instead of calling
	after  map[string]func() error // an error replaces the answer
}

func (c *counting) total() int64 {
	return c.loads.Load() + c.writes() + c.cutoffs.Load() + c.lists.Load()
}

func (c *counting) writes() int64 {
	return c.creates.Load() + c.saves.Load() + c.touches.Load() + c.deletes.Load() + c.deleteUsers.Load()
}

func (c *counting) on(hooks *map[string]func() error, method string, f func() error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if *hooks == nil {
		*hooks = map[string]func() error{}
	}
	(*hooks)[method] = f
}

func (c *counting) onBefore(method string, f func() error) { c.on(&c.before, method, f) }
func (c *counting) onAfter(method string, f func() error)  { c.on(&c.after, method, f) }

func (c *counting) call(n *atomic.Int64, method string, f func() error) error {
	n.Add(1)
	c.mu.Lock()
	before, after := c.before[method], c.after[method]
	c.mu.Unlock()
	if before != nil {
		if err := before(); err != nil {
			return err
		}
	}
	err := f()
	if after != nil {
		if e := after(); e != nil {
			return e
		}
	}
	return err
}

func (c *counting) Load(ctx context.Context, id ID) (r *store.Record, err error) {
	err = c.call(&c.loads, "Load", func() error { r, err = c.Store.Load(ctx, id); return err })
	return r, err
}

func (c *counting) Create(ctx context.Context, r *store.Record) error {
	version := r.Version
	err := c.call(&c.creates, "Create", func() error { return c.Store.Create(ctx, r) })
	if err != nil {
		r.Version = version
	}
	return err
}

func (c *counting) Save(ctx context.Context, r *store.Record) error {
	version := r.Version
	err := c.call(&c.saves, "Save", func() error { return c.Store.Save(ctx, r) })
	if err != nil {
		r.Version = version // as the contract says, also when a test makes the error up
	}
	return err
}

func (c *counting) Touch(ctx context.Context, r *store.Record, t store.Touch) error {
	return c.call(&c.touches, "Touch", func() error { return c.Store.Touch(ctx, r, t) })
}

func (c *counting) Delete(ctx context.Context, ids ...ID) error {
	return c.call(&c.deletes, "Delete", func() error { return c.Store.Delete(ctx, ids...) })
}

// once returns a hook that returns err at its first call.
func once(err error) func() error {
	var done atomic.Bool
	return func() error {
		if done.Swap(true) {
			return nil
		}
		return err
	}
}

var errNetwork = errors.New("connection reset")

// cookieOf returns the cookie that e sets, as in the Cookie header.
func cookieOf(e Effect) string {
	pair, _, _ := strings.Cut(e.Value, ";")
	return pair
}
