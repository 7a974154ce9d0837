package session

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/qsessions/qsessions/core/memory"
)

// curious is a log handler that looks at a session.
type curious struct {
	slog.Handler
	look func()
}

func (c *curious) Enabled(context.Context, slog.Level) bool  { return true }
func (c *curious) Handle(context.Context, slog.Record) error { c.look(); return nil }
func (c *curious) WithAttrs([]slog.Attr) slog.Handler        { return c }
func (c *curious) WithGroup(string) slog.Handler             { return c }

// look uses all locks of a session.
func look(s Session) { s.User(); s.Info(); color.Get(s) }

func updateAndLook(s Session, calls *int) {
	visits.Update(s, func(n int) int { *calls++; look(s); return n + 1 })
}

// unblocked runs f as a test of its own, which fails where f does not return.
func unblocked(t *testing.T, name string, f func(t *testing.T)) {
	t.Run(name, func(t *testing.T) {
		done := make(chan struct{})
		go func() {
			defer close(done)
			f(t)
		}()
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			t.Fatal("blocked")
		}
	})
}

// TestCodeOfTheApplication: BAD-47, BAD-48. Whatever code of the application the package calls may look at the session: no lock
// is held.
func TestCodeOfTheApplication(t *testing.T) {
	unblocked(t, "logger", func(t *testing.T) {
		c := &curious{look: func() {}}
		b := newBrowser(t, newManager(t, new(memory.Store), Config{Logger: slog.New(c)}))
		r := b.start()
		if _, err := r.end(); err != nil {
			t.Error(err)
		}
		logged := 0
		c.look = func() { logged++; look(r.s) }
		color.Set(r.s, "late")
		r.s.Login("alice")
		r.s.Logout()
		if logged != 3 {
			t.Errorf("logged %d times, want 3", logged)
		}
	})
	unblocked(t, "LoginLimits", func(t *testing.T) {
		var r *request
		calls := 0
		m := newManager(t, new(memory.Store), Config{LoginLimits: func(Login) (a, b time.Duration) {
			calls++
			look(r.s)
			return 0, 0
		}})
		r = newBrowser(t, m).start()
		r.s.Login("alice")
		r.s.Reauthenticate()
		r.s.Login("bob")
		if _, err := r.end(); err != nil || calls != 3 {
			t.Errorf("%v, %d calls, want 3", err, calls)
		}
		calls = 0
		r = newBrowser(t, m).start()
		r.s.Login("alice", Limits(time.Minute, time.Hour))
		if _, err := r.end(); err != nil || calls != 0 {
			t.Errorf("%v, asked %d times for a login with limits of its own", err, calls)
		}
	})
	unblocked(t, "Update and a second press", func(t *testing.T) {
		b := newBrowser(t, newManager(t, new(memory.Store), Config{}))
		b.do(func(s Session) { visits.Set(s, 1) })
		inFlight, after := b.old().start(), b.old()
		b.do(func(s Session) { s.Login("alice") })
		for what, r := range map[string]*request{"in flight": inFlight, "after": after.start()} {
			calls := 0
			updateAndLook(r.s, &calls)
			r.s.Login("alice")
			if _, err := r.end(); err != nil || calls != 2 {
				t.Errorf("%s: %v, %d calls, want 2", what, err, calls)
			}
			r.b.do(func(s Session) {
				if visits.Get(s) != 2 {
					t.Errorf("%s: %d visits, want 2", what, visits.Get(s))
				}
			})
		}
	})
	unblocked(t, "Update and Require", func(t *testing.T) {
		m := newManager(t, new(memory.Store), Config{})
		b := newBrowser(t, m)
		b.do(func(s Session) { s.Login("alice"); visits.Set(s, 1) })
		r := b.old().start()
		calls := 0
		updateAndLook(r.s, &calls)
		b.do(func(s Session) { visits.Set(s, 5) })
		if _, err := m.Require(r.ctx, Requirement{Level: 1}); err != nil || visits.Get(r.s) != 6 {
			t.Errorf("%v, %d visits, want 6", err, visits.Get(r.s))
		}
		if _, err := r.end(); err != nil {
			t.Error(err)
		}
	})
}

// TestPassiveAtOnce: BAD-47. A request may be marked as passive while another goroutine saves.
func TestPassiveAtOnce(t *testing.T) {
	b := newBrowser(t, newManager(t, new(memory.Store), Config{}))
	b.do(func(s Session) { s.Login("alice") })
	for range 50 {
		r := b.start()
		var wg sync.WaitGroup
		wg.Go(func() { Passive(r.ctx) })
		wg.Go(func() {
			if err := r.s.Save(r.ctx); err != nil {
				t.Error(err)
			}
		})
		wg.Wait()
		_, _ = r.end()
	}
}

// TestUnusedSession: BAD-48. Whatever is called with a request that has not asked for its session, or has ended, does not panic.
func TestUnusedSession(t *testing.T) {
	m := newManager(t, new(memory.Store), Config{Observe: func(context.Context, Event) {}})
	for name, f := range map[string]func(ctx context.Context){
		"Commit":     func(ctx context.Context) { _, _ = m.Commit(ctx) },
		"Finish":     func(ctx context.Context) { _, _ = m.Finish(ctx) },
		"Close":      func(ctx context.Context) { m.Close(ctx) },
		"Passive":    Passive,
		"Vary":       func(ctx context.Context) { Vary(ctx) },
		"Peek":       func(ctx context.Context) { Peek(ctx) },
		"NoteFetch":  func(ctx context.Context) { m.NoteFetch(ctx, Fetch{Method: "POST", Site: "cross-site"}) },
		"RevokeUser": func(ctx context.Context) { _, _ = m.RevokeUser(ctx, "alice") },
		"Revoke":     func(ctx context.Context) { _ = m.Revoke(ctx, "alice", ID{1}) },
		"Sessions":   func(ctx context.Context) { _, _ = Collect(m.Sessions(ctx, "alice")) },
		"Require":    func(ctx context.Context) { _, _ = m.Require(ctx, Requirement{Level: 2}) },
	} {
		for _, header := range []string{"", "__Host-session=" + freshToken()} {
			func() {
				defer func() {
					if p := recover(); p != nil {
						t.Errorf("%s: panic: %v", name, p)
					}
				}()
				ctx, _ := m.Start(t.Context(), Client{}, header)
				f(ctx)
				_, _ = m.Commit(ctx)
				m.Close(ctx)
				f(ctx)
			}()
		}
	}
}
