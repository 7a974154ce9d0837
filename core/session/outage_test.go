package session

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/store"
)

// TestUnknownOutcome: a write whose outcome is unknown is settled, whether it happened or not.
func TestUnknownOutcome(t *testing.T) {
	for _, c := range []struct{ name, method, when string }{
		{"create lost", "Create", "before"}, {"create done", "Create", "after"},
		{"save lost", "Save", "before"}, {"save done", "Save", "after"},
	} {
		t.Run(c.name, func(t *testing.T) {
			db := new(counting)
			b := newBrowser(t, newManager(t, db, Config{}))
			if c.method == "Save" {
				b.do(func(s Session) { visits.Set(s, 1) })
			}
			hook := db.onBefore
			if c.when == "after" {
				hook = db.onAfter
			}
			hook(c.method, once(errNetwork))
			b.do(func(s Session) { s.Login("alice"); visits.Update(s, func(n int) int { return n + 1 }) })
			want := 1
			if c.method == "Save" {
				want = 2
			}
			b.do(func(s Session) {
				if s.User() != "alice" || visits.Get(s) != want {
					t.Errorf("user %q, visits %d, want alice, %d", s.User(), visits.Get(s), want)
				}
			})
		})
	}
}

// TestOutage: a store that cannot be asked is an error, never a logout; the request may try again.
func TestOutage(t *testing.T) {
	db := new(counting)
	m := newManager(t, db, Config{})
	b := newBrowser(t, m)
	b.do(func(s Session) { s.Login("alice") })
	db.onBefore("Load", func() error { return errNetwork })
	ctx, _ := m.Start(t.Context(), b.client, b.cookie)
	for range 2 {
		if _, err := m.From(ctx); !errors.Is(err, ErrUnavailable) {
			t.Fatalf("got %v, want ErrUnavailable", err)
		}
	}
	if e, err := m.Commit(ctx); e.Name != "" || e.Vary != "Cookie" || err != nil {
		t.Errorf("effect during an outage: %+v, %v", e, err)
	}
	db.onBefore("Load", nil)
	if s, err := m.From(ctx); err != nil || s.User() != "alice" {
		t.Errorf("after the outage: %v", err)
	}
	db.onBefore("Save", func() error { return errNetwork })
	r := b.start()
	color.Set(r.s, "red")
	if err := r.s.Save(r.ctx); !errors.Is(err, ErrUnavailable) {
		t.Errorf("Save: got %v, want ErrUnavailable", err)
	}
	db.onBefore("Save", nil)
	if _, err := r.end(); err != nil {
		t.Errorf("the commit at the end: %v", err)
	}
	if b.do(func(s Session) {
		if color.Get(s) != "red" {
			t.Error("the value is lost")
		}
	}); b.user() != "alice" {
		t.Error("signed out by an outage")
	}
}

// TestOutageOfTouch: a touch that fails costs the client nothing.
func TestOutageOfTouch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := new(counting)
		b := newBrowser(t, newManager(t, db, Config{}))
		b.do(func(s Session) { s.Login("alice") })
		time.Sleep(5 * time.Minute)
		db.onBefore("Touch", func() error { return errNetwork })
		if b.user() != "alice" || db.touches.Load() == 0 {
			t.Error("a failed touch was noticed, or there was none")
		}
	})
}

// TestCommitOutlivesClient: BAD-72. A client that goes away does not leave the outcome open; a load it may cancel.
func TestCommitOutlivesClient(t *testing.T) {
	m := newManager(t, new(memory.Store), Config{})
	b := newBrowser(t, m)
	b.do(func(s Session) { s.Login("alice") })
	ctx, cancel := context.WithCancel(t.Context())
	rctx, _ := m.Start(ctx, b.client, b.cookie)
	s, err := m.From(rctx)
	if err != nil {
		t.Fatal(err)
	}
	color.Set(s, "red")
	cancel()
	if _, err := m.Commit(rctx); err != nil {
		t.Errorf("Commit after the client went away: %v", err)
	}
	b.do(func(s Session) {
		if color.Get(s) != "red" {
			t.Error("not saved")
		}
	})
	rctx, _ = m.Start(ctx, b.client, b.cookie)
	if _, err := m.From(rctx); !errors.Is(err, context.Canceled) || errors.Is(err, ErrUnavailable) {
		t.Errorf("From for a client that went away: got %v, want context.Canceled", err)
	}
}

// TestStoreTimeout: a store that does not answer is an outage, and no timeout of the request.
func TestStoreTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &stuck{}
		m := newManager(t, db, Config{})
		b := newBrowser(t, m)
		b.do(func(s Session) { s.Login("alice") })
		r := b.start()
		db.stuck.Store(true)
		color.Set(r.s, "red")
		at := time.Now()
		if _, err := r.end(); !errors.Is(err, ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) || time.Since(at) != 5*time.Second {
			t.Errorf("commit: got %v after %v", err, time.Since(at))
		}
		ctx, _ := m.Start(context.Background(), b.client, b.cookie)
		at = time.Now()
		if _, err := m.From(ctx); !errors.Is(err, ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) || time.Since(at) != 5*time.Second {
			t.Errorf("load: got %v after %v", err, time.Since(at))
		}
	})
}

type stuck struct {
	memory.Store
	stuck atomic.Bool
}

func (s *stuck) wait(ctx context.Context) error {
	if !s.stuck.Load() {
		return nil
	}
	<-ctx.Done()
	return ctx.Err()
}

func (s *stuck) Load(ctx context.Context, id ID) (*store.Record, error) {
	if err := s.wait(ctx); err != nil {
		return nil, err
	}
	return s.Store.Load(ctx, id)
}

func (s *stuck) Save(ctx context.Context, r *store.Record) error {
	if err := s.wait(ctx); err != nil {
		return err
	}
	return s.Store.Save(ctx, r)
}
