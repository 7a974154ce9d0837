package session

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qsessions/qsessions/core/cacheddb"
	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/store"
)

// unreachable is a cache that one node cannot reach while it is down.
type unreachable struct {
	store.Cache
	down atomic.Bool
}

func (c *unreachable) Get(ctx context.Context, id store.ID) ([]byte, store.Ticket, error) {
	if c.down.Load() {
		return nil, 0, errNetwork
	}
	return c.Cache.Get(ctx, id)
}

func (c *unreachable) Put(ctx context.Context, id store.ID, t store.Ticket, b []byte, ttl time.Duration) error {
	if c.down.Load() {
		return errNetwork
	}
	return c.Cache.Put(ctx, id, t, b, ttl)
}

func (c *unreachable) Delete(ctx context.Context, ids ...store.ID) error {
	if c.down.Load() {
		return errNetwork
	}
	return c.Cache.Delete(ctx, ids...)
}

// copyNodes are two managers over one database and one cache, of which the first one may lose sight.
type copyNodes struct {
	a, b  *Manager
	cache *unreachable // of a
	kinds []EventKind  // at b, since it was emptied
}

func newNodes(t *testing.T, p Policy) *copyNodes {
	t.Helper()
	db, shared := new(memory.Store), new(memory.Cache)
	n := &copyNodes{cache: &unreachable{Cache: shared}}
	first, err := cacheddb.New(n.cache, db, cacheddb.Config{})
	if err != nil {
		t.Fatal(err)
	}
	second, err := cacheddb.New(shared, db, cacheddb.Config{})
	if err != nil {
		t.Fatal(err)
	}
	n.a = newManager(t, first, Config{Policy: p})
	n.b = newManager(t, second, Config{Policy: p, Observe: func(_ context.Context, e Event) { n.kinds = append(n.kinds, e.Kind) }})
	return n
}

// at returns b as it is served by m.
func (b *browser) at(m *Manager) *browser {
	c := *b
	c.m = m
	return &c
}

// replayed returns a victim at node a and a thief at node b: the thief's token is over, but b has a copy from before.
func (n *copyNodes) replayed(t *testing.T) (victim, thief *browser) {
	t.Helper()
	victim = newBrowser(t, n.a)
	victim.do(func(s Session) { s.Login("alice", Level(2), Remember()); color.Set(s, "red") })
	time.Sleep(rotateEvery)
	thief = victim.old().at(n.b)
	victim.do(nothing) // gets the next token
	time.Sleep(time.Second)
	thief.old().do(nothing) // leaves the copy
	n.cache.down.Store(true)
	victim.do(nothing) // shows it
	time.Sleep(90 * time.Second)
	if u := thief.at(n.a).user(); u != "" {
		t.Fatalf("without the copy the token is %q's", u)
	}
	n.kinds = nil
	return victim, thief
}

// TestDeadTokenByCopy: ATK-3, ATK-4, ATK-6. A token that is over, and that a stale copy lets in, gets no further than to what
// the copy shows: whatever asks the database refuses it, makes no token of it, and reports it.
func TestDeadTokenByCopy(t *testing.T) {
	for name, use := range map[string]func(m *Manager, r *request) error{
		"Require":        func(m *Manager, r *request) error { _, err := m.Require(r.ctx, Requirement{Level: 1}); return err },
		"Rotate":         func(_ *Manager, r *request) error { r.s.Rotate(); return r.s.Save(r.ctx) },
		"Reauthenticate": func(_ *Manager, r *request) error { r.s.Reauthenticate(); return r.s.Save(r.ctx) },
		"Expire":         func(_ *Manager, r *request) error { r.s.Expire(time.Hour, time.Hour); return r.s.Save(r.ctx) },
		"Save":           func(_ *Manager, r *request) error { return r.s.Save(r.ctx) },
		"a value":        func(_ *Manager, r *request) error { color.Set(r.s, "stolen"); return r.s.Save(r.ctx) },
	} {
		for _, end := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				n := newNodes(t, Policy{RotateEvery: rotateEvery, EndOnReplay: end})
				victim, thief := n.replayed(t)
				r := thief.start()
				if r.s.User() != "alice" {
					t.Fatal("there is no stale copy")
				}
				err := use(n.b, r)
				if err == nil || errors.Is(err, ErrUnavailable) {
					t.Errorf("%s: got %v, want a refusal", name, err)
				}
				if !slices.Equal(n.kinds, []EventKind{TokenReplayed}) {
					t.Errorf("%s: reported %v, want the replay", name, n.kinds)
				}
				_, _ = r.end()
				n.cache.down.Store(false)
				time.Sleep(3 * time.Minute)
				if u := thief.user(); u != "" {
					t.Errorf("%s: the thief has got a token of %q", name, u)
				}
				victim.do(func(s Session) {
					if s.User() != "alice" || color.Get(s) != "red" {
						t.Errorf("%s: the victim: user %q, color %q", name, s.User(), color.Get(s))
					}
				})
			})
		}
	}
}

// TestReplayByCopyEnds: ATK-6. Policy.EndOnReplay ends the session also where a copy has let the token in.
func TestReplayByCopyEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNodes(t, Policy{RotateEvery: rotateEvery, EndOnReplay: true})
		victim, thief := n.replayed(t)
		r := thief.start() // and is slow
		time.Sleep(5 * time.Minute)
		if err := r.s.Save(r.ctx); !errors.Is(err, ErrReplaced) {
			t.Errorf("Save: got %v, want ErrReplaced", err)
		}
		_, _ = r.end()
		if !slices.Contains(n.kinds, Revoked) || victim.user() != "" {
			t.Errorf("reported %v; the victim is in: %t", n.kinds, victim.user() != "")
		}
	})
}

// TestLoginByDeadToken: ATK-3, ATK-4, RPT-21. A login with a token that was dead when it came has a session of its own, without
// the values that a stale copy shows: they could else be had for good with fewer factors than their session asks for.
func TestLoginByDeadToken(t *testing.T) {
	for name, p := range map[string]Policy{"replaced": {}, "replayed": {RotateEvery: rotateEvery}} {
		synctest.Test(t, func(t *testing.T) {
			n := newNodes(t, p)
			var thief *browser
			if name == "replayed" {
				_, thief = n.replayed(t)
			} else {
				victim := newBrowser(t, n.a)
				victim.do(func(s Session) { s.Login("alice", Level(2)); color.Set(s, "red") })
				thief = victim.old().at(n.b)
				thief.old().do(nothing)
				n.cache.down.Store(true)
				victim.do(func(s Session) { s.Rotate() })
				time.Sleep(time.Second)
			}
			thief.do(func(s Session) {
				if color.Get(s) != "red" {
					t.Fatal("there is no stale copy")
				}
				s.Login("alice")
			})
			thief.do(func(s Session) {
				if i := s.Info(); i.User != "alice" || i.Level != 1 || color.Has(s) {
					t.Errorf("%s: %+v, color %q", name, i, color.Get(s))
				}
			})
		})
	}
}

// TestReplacedMeanwhile: RPT-22. A request that learns that its token was replaced since it began sets no cookie by an
// anonymous value: it would take the place of the newest token.
func TestReplacedMeanwhile(t *testing.T) {
	for name, learn := range map[string]func(m *Manager, r *request) error{
		"Require":       func(m *Manager, r *request) error { _, err := m.Require(r.ctx, Requirement{Level: 1}); return err },
		"Save":          func(_ *Manager, r *request) error { return r.s.Save(r.ctx) },
		"Save, changed": func(_ *Manager, r *request) error { color.Set(r.s, "x"); return r.s.Save(r.ctx) },
	} {
		m := newManager(t, new(memory.Store), Config{})
		b := newBrowser(t, m)
		b.do(func(s Session) { color.Set(s, "red"); s.Login("alice") })
		r := b.old().start()
		b.do(func(s Session) { s.Reauthenticate() })
		if err := learn(m, r); !errors.Is(err, ErrReplaced) {
			t.Errorf("%s: got %v, want ErrReplaced", name, err)
		}
		shape.Set(r.s, "please sign in")
		if e, err := r.end(); !errors.Is(err, ErrReplaced) || e.Name != "" {
			t.Errorf("%s: commit: %+v, %v", name, e, err)
		}
	}
}
