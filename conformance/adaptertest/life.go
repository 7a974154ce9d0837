package adaptertest

import (
	"context"
	"errors"
	"sync"

	"github.com/qsessions/qsessions/core/session"
)

func lifeCases() []Case {
	return []Case{
		{Name: "life/closed", Why: "A session that is kept when its request has ended is closed: it stays what it was, and can change nothing.", run: func(e *env) {
			e.closes("a request", func(x Exchange) error { return x.Send(200, "done") })
		}},
		{Name: "life/closed-failure", Why: "A session that is kept when its request has failed is closed: after an error, a status of 500 or more, and a panic.", run: func(e *env) {
			e.closes("an error", func(Exchange) error { return errHandler })
			e.closes("a status of 500", func(x Exchange) error { return x.Send(500, "failed") })
			e.closes("a panic", func(Exchange) error { panic("on purpose") })
		}},
		{Name: "life/own", Why: "Each request has a session of its own, also one that comes on the same connection as another's.", run: func(e *env) {
			e.site(session.Config{})
			alice, bob := e.user("alice"), e.user("bob")
			w, err := e.dial()
			e.ok("dial", err)
			defer w.close()
			for range 3 {
				for _, c := range []struct {
					path, body string
					header     []string
				}{
					{"/get", "user=alice note=", []string{alice.line()}}, {"/get", "user=bob note=", []string{bob.line()}}, {"/get", "user= note=", nil},
					{"/set?note=visitor", "set", nil}, {"/get", "user= note=", nil},
				} {
					e.ok("send", w.send(request{method: "GET", path: c.path, header: c.header}))
					a, err := w.receive("GET")
					e.ok("receive", err)
					e.answered("GET "+c.path, a, 200, c.body)
				}
			}
		}},
		{Name: "life/gone", Why: "A client that goes away leaves nothing open: what its request set is stored, under a context that still lives.", run: func(e *env) {
			e.gone(func(context.Context) {})
		}},
		{Name: "life/canceled", Needs: Cancel, Why: "A context that is canceled, as its client has gone away, does not keep the session from being stored.", run: func(e *env) {
			e.gone(func(ctx context.Context) {
				if !e.until(func() bool { return ctx.Err() != nil }) {
					e.Errorf("the context of a request is not done though its client has gone away")
				}
			})
		}},
	}
}

// closes ends the case unless a session is closed when a request that ended with f is over.
func (e *env) closes(what string, f func(Exchange) error) {
	var mu sync.Mutex
	var kept session.Session
	var ctx context.Context
	e.site(session.Config{}, with("/keep", func(x Exchange, s session.Session) error {
		mu.Lock()
		defer mu.Unlock()
		kept, ctx = s, x.Context()
		return f(x)
	}))
	b := e.user("alice")
	w, err := e.dial()
	e.ok("dial", err)
	defer w.close()
	e.ok("send", w.send(request{method: "GET", path: "/keep", header: []string{b.line(), "User-Agent: alice/1"}}))
	_, gone := w.receive("GET") // after a panic there may be no answer
	mu.Lock()
	defer mu.Unlock()
	if kept == nil {
		e.Fatalf("%s: the handler was not called", what)
	}
	if !e.until(func() bool { _, closed := e.m.Start(ctx, session.Client{}); return closed }) {
		e.Fatalf("after %s its session is not closed", what)
	}
	if gone == nil { // the connection goes on with another client
		_ = w.send(request{method: "GET", path: "/get", header: []string{"User-Agent: mallory/2"}})
		_, _ = w.receive("GET")
	}
	if note.Set(kept, "late"); !errors.Is(kept.Err(), session.ErrClosed) {
		e.Fatalf("after %s its session can still be changed: %v", what, kept.Err())
	}
	if err := kept.Save(e.ctx); err == nil {
		e.Fatalf("after %s its session can still be saved", what)
	}
	if user, agent := kept.User(), kept.Info().UserAgent; user != "alice" || agent == "mallory/2" {
		e.Fatalf("after %s its session is that of %q with User-Agent %q, want that of alice", what, user, agent)
	}
	if got := b.state(); got != "user=alice note=" {
		e.Fatalf("after %s the session holds %q", what, got)
	}
}

// gone lets a client go away while its request is handled; notice waits until the framework knows, if it ever does.
func (e *env) gone(notice func(context.Context)) {
	began, left := make(chan bool, 1), make(chan bool)
	e.site(session.Config{}, with("/left", func(x Exchange, s session.Session) error {
		began <- true
		e.hold(left)
		notice(x.Context())
		note.Set(s, "kept")
		return x.Send(200, "nobody reads this")
	}))
	b := e.user("alice")
	e.db.fail(func(ctx context.Context, method string) error {
		_, ok := ctx.Deadline()
		if err := ctx.Err(); err != nil && method != "Load" {
			e.Errorf("%s is called under a context that is done: %v", method, err)
		} else if !ok && method != "Load" {
			e.Errorf("%s is called under a context without a deadline", method)
		}
		return nil
	})
	w, err := e.dial()
	e.ok("dial", err)
	e.ok("send", w.send(request{method: "GET", path: "/left", header: []string{b.line()}}))
	e.await(began)
	w.close()
	close(left)
	if !e.until(func() bool { return b.state() == "user=alice note=kept" }) {
		e.Fatalf("what the request of a client that went away set is not stored")
	}
}
