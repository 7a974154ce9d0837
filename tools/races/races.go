// Package races forces the two races that sessions lose: two requests that change one session at once, and a logout while
// another request is in flight; and the one that caches lose: a removal while a copy is being made. It goes through the
// net/http middleware, over HTTP, on any store.
package races

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"time"

	"github.com/qsessions/qsessions/adapters/nethttp"
	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/store"
)

// Options says how much [Run] does. Fields that are zero have the defaults.
type Options struct {
	Pairs   int // of concurrent requests that set different keys of one session; default 1000
	Logouts int // with a request in flight that then saves, and as many with one that only reads; default 200
}

// A Result is what [Run] found. A store that keeps the contract has no lost update and nobody alive.
type Result struct {
	Pairs          int
	Conflicts      int64 // saves that met another one and were repeated: at least one for each pair
	Lost           int   // updates that were acknowledged and are not there
	Logouts        int
	LateWriteAlive int // sessions that can be used after a logout, when another request saved afterwards
	LateReadAlive  int // the same, when the other request only read, and was due to note "last seen"
	Elapsed        time.Duration
}

// Run forces the races on processes that share a database: each store is one process's way to it. In each pair both
// requests have loaded the session before either saves; in each logout the other request has loaded the session before,
// and goes on when the logout has been answered. What races comes through different processes, where there are two. The
// error says that a request failed in a way that is no race.
func Run(ctx context.Context, o Options, processes ...store.Store) (Result, error) {
	if o.Pairs == 0 {
		o.Pairs = 1000
	}
	if o.Logouts == 0 {
		o.Logouts = 200
	}
	r := Result{Pairs: o.Pairs, Logouts: o.Logouts}
	start := time.Now()
	var conflicts atomic.Int64
	site, err := newSite(processes, session.Config{Observe: func(_ context.Context, e session.Event) {
		if e.Kind == session.ConflictRetried {
			conflicts.Add(1)
		}
	}})
	if err != nil {
		return r, err
	}
	defer site.close()
	// So that whatever only reads notes "last seen".
	touching, err := newSite(processes, session.Config{Policy: session.Policy{TouchEvery: time.Microsecond}})
	if err != nil {
		return r, err
	}
	defer touching.close()

	if r.Lost, err = site.pairs(ctx, o.Pairs); err != nil {
		return r, fmt.Errorf("pairs: %w", err)
	}
	r.Conflicts = conflicts.Load()
	if r.LateWriteAlive, err = site.logouts(ctx, o.Logouts, "/late-write"); err != nil {
		return r, fmt.Errorf("logout and late write: %w", err)
	}
	if r.LateReadAlive, err = touching.logouts(ctx, o.Logouts, "/late-read"); err != nil {
		return r, fmt.Errorf("logout and late read: %w", err)
	}
	r.Elapsed = time.Since(start)
	return r, nil
}

const (
	left  session.Key[int] = "left"
	right session.Key[int] = "right"
)

// A site is an application with the races in it, in one or more processes.
type site struct {
	processes []process
	pair      barrier       // where both requests of a pair wait for each other
	loaded    chan struct{} // the request in flight has loaded its session
	goOn      chan struct{} // the logout has been answered
}

type process struct {
	store  store.Store
	server *httptest.Server
}

func newSite(stores []store.Store, c session.Config) (*site, error) {
	t := &site{pair: newBarrier(), loaded: make(chan struct{}), goOn: make(chan struct{})}
	for _, s := range stores {
		sessions, err := session.New(s, c)
		if err != nil {
			t.close()
			return nil, err
		}
		t.processes = append(t.processes, process{s, httptest.NewServer(t.handler(sessions))})
	}
	return t, nil
}

func (t *site) handler(sessions *session.Manager) http.Handler {
	mw := nethttp.New(sessions, nethttp.Config{})
	mux := http.NewServeMux()
	mux.Handle("/login", mw.With(func(w http.ResponseWriter, _ *http.Request, s session.Session) {
		s.Login("ann")
		fmt.Fprint(w, s.ID())
	}))
	mux.Handle("/logout", mw.With(func(_ http.ResponseWriter, _ *http.Request, s session.Session) { s.Logout() }))
	mux.Handle("/show", mw.With(func(w http.ResponseWriter, _ *http.Request, s session.Session) {
		fmt.Fprintf(w, "%s %d %d", s.User(), left.Get(s), right.Get(s))
	}))
	set := func(key session.Key[int]) http.Handler {
		return mw.With(func(w http.ResponseWriter, r *http.Request, s session.Session) {
			var n int
			if _, err := fmt.Sscan(r.FormValue("n"), &n); err != nil || t.pair.wait(r.Context()) != nil {
				http.Error(w, "nobody came", http.StatusInternalServerError)
				return
			}
			key.Set(s, n)
		})
	}
	mux.Handle("/left", set(left))
	mux.Handle("/right", set(right))
	late := func(then func(session.Session)) http.Handler {
		return mw.With(func(w http.ResponseWriter, r *http.Request, s session.Session) {
			if send(r.Context(), t.loaded) != nil || receive(r.Context(), t.goOn) != nil {
				http.Error(w, "nobody came", http.StatusInternalServerError)
				return
			}
			then(s)
		})
	}
	mux.Handle("/late-write", late(func(s session.Session) { left.Set(s, 1) }))
	mux.Handle("/late-read", late(func(s session.Session) { left.Get(s) }))
	return mw.Handler(mux)
}

func (t *site) close() {
	for _, p := range t.processes {
		p.server.Close()
	}
}

// pairs returns how many updates of n pairs are lost.
func (t *site) pairs(ctx context.Context, n int) (lost int, err error) {
	token, _, err := t.login(ctx)
	if err != nil {
		return 0, err
	}
	for i := 1; i <= n; i++ {
		both := make(chan error, 2)
		// The one that fails releases the other.
		pairCtx, cancel := context.WithCancel(ctx)
		for process, path := range []string{"/left", "/right"} {
			go func() {
				a, err := t.get(pairCtx, process, fmt.Sprintf("%s?n=%d", path, i), token)
				if err == nil && a.status != http.StatusOK {
					err = fmt.Errorf("%s answers %d", path, a.status)
				}
				if err != nil {
					cancel()
				}
				both <- err
			}()
		}
		err := errors.Join(<-both, <-both)
		cancel()
		if err != nil {
			return lost, err
		}
		a, err := t.get(ctx, i, "/show", token)
		if err != nil {
			return lost, err
		}
		var user string
		var l, r int
		if _, err := fmt.Sscan(a.body, &user, &l, &r); err != nil {
			return lost, fmt.Errorf("the session is gone: %q", a.body)
		}
		for _, v := range []int{l, r} {
			if v != i {
				lost++
			}
		}
	}
	return lost, nil
}

// logouts returns how many of n sessions are alive after a logout with a request for path in flight.
func (t *site) logouts(ctx context.Context, n int, path string) (alive int, err error) {
	for range n {
		token, id, err := t.login(ctx)
		if err != nil {
			return alive, err
		}
		late, err := t.logout(ctx, token, path)
		if err != nil {
			return alive, err
		}
		ok, err := t.alive(ctx, id, token, late.token)
		if err != nil {
			return alive, err
		}
		if ok {
			alive++
		}
	}
	return alive, nil
}

// logout signs out while a request for path is in flight, and returns the answer to that one.
func (t *site) logout(ctx context.Context, token, path string) (late answer, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		var err error
		late, err = t.get(ctx, 0, path, token)
		if err != nil {
			cancel()
		}
		done <- err
	}()
	if err := receive(ctx, t.loaded); err != nil {
		return late, errors.Join(err, <-done)
	}
	out, err := t.get(ctx, 1, "/logout", token)
	if err == nil && out.status != http.StatusOK {
		err = fmt.Errorf("/logout answers %d", out.status)
	}
	if err == nil {
		err = send(ctx, t.goOn)
	}
	if err != nil {
		cancel()
	}
	if err := errors.Join(err, <-done); err != nil {
		return late, err
	}
	if late.status != http.StatusOK && late.status != http.StatusUnauthorized {
		return late, fmt.Errorf("%s answers %d", path, late.status)
	}
	return late, nil
}

// alive reports whether a process still has the session, or one of the tokens still opens it there.
func (t *site) alive(ctx context.Context, id store.ID, tokens ...string) (bool, error) {
	for i, p := range t.processes {
		if _, err := p.store.Load(ctx, id); !errors.Is(err, store.ErrNotFound) {
			return true, err
		}
		for _, token := range tokens {
			a, err := t.get(ctx, i, "/show", token)
			if err != nil || a.status != http.StatusOK {
				return true, errors.Join(err, fmt.Errorf("/show answers %d", a.status))
			}
			if a.body != " 0 0" {
				return true, nil
			}
		}
	}
	return false, nil
}
