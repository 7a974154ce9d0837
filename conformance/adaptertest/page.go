package adaptertest

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/qsessions/qsessions/core/session"
)

func pageCases() []Case {
	return []Case{
		{Name: "page/statuses", Why: "An error of package session that a handler returns is answered with a status that fits it, and with nothing of its text.", run: func(e *env) {
			errs := map[string]struct {
				err    error
				status int
			}{
				"unavailable": {session.ErrUnavailable, 503}, "unauthenticated": {session.ErrUnauthenticated, 401}, "revoked": {session.ErrRevoked, 401},
				"stale": {session.ErrStale, 403}, "notfound": {session.ErrNotFound, 404}, "toomany": {session.ErrTooMany, 409}, "toolarge": {session.ErrTooLarge, 413},
				"closed": {session.ErrClosed, 500}, "corrupt": {session.ErrCorrupt, 500},
			}
			e.site(session.Config{}, on("/fails", func(x Exchange) error {
				return fmt.Errorf("private detail: %w", errs[strings.Clone(x.Query("with"))].err)
			}))
			for name, c := range errs {
				a := e.do("GET", "/fails?with="+name)
				if a.status != c.status {
					e.Fatalf("%v: got %d, want %d", c.err, a.status, c.status)
				}
				e.hides(name, a, "private detail")
			}
		}},
		{Name: "page/cache", Why: "An error page depends on the session, and nobody stores it.", run: func(e *env) {
			e.site(session.Config{},
				with("/wrong", func(x Exchange, s session.Session) error { wrong.Set(s, nil); return x.Send(200, bodyText) }))
			b := e.user("alice")
			for _, path := range []string{"/wrong", "/get"} {
				if path == "/get" {
					e.db.fail(out)
				}
				if a := b.get(path); a.field("Vary") != "Cookie" || a.field("Cache-Control") != "no-store" {
					e.Fatalf("GET %s: the error page has Vary %q and Cache-Control %q, want Cookie and no-store", path, a.field("Vary"), a.field("Cache-Control"))
				}
			}
		}},
		{Name: "page/own", Needs: ErrorPage, Why: "An error page of the application answers whatever the adapter cannot serve: an outage, a commit that fails.", run: func(e *env) {
			var mu sync.Mutex
			var got error
			m := e.manager(session.Config{})
			e.serve(App{
				Managers: []*session.Manager{m},
				Error: func(x Exchange, err error) error {
					mu.Lock()
					defer mu.Unlock()
					got = err
					x.SetHeader("Content-Type", "application/problem+json")
					return x.Send(418, "{}")
				},
				Routes: append(usual(),
					with("/wrong", func(x Exchange, s session.Session) error { wrong.Set(s, nil); return x.Send(200, bodyText) }),
					with("/out", func(x Exchange, s session.Session) error {
						note.Set(s, "lost")
						e.db.fail(out)
						return x.Send(200, bodyText)
					})),
			})
			b := e.user("alice")
			for _, c := range []struct {
				path string
				want error
			}{{"/out", session.ErrUnavailable}, {"/get", session.ErrUnavailable}, {"/wrong", nil}} {
				if c.path == "/get" {
					e.db.fail(out)
				}
				a := b.get(c.path)
				e.db.fail(nil)
				e.answered("GET "+c.path, a, 418, "{}")
				e.silent("GET "+c.path, a)
				mu.Lock()
				err := got
				got = nil
				mu.Unlock()
				if c.want != nil && !errors.Is(err, c.want) || err == nil {
					e.Fatalf("GET %s: the error page got the error %v, want %v", c.path, err, c.want)
				}
			}
		}},
	}
}

func requireCases() []Case {
	const fresh = 10 * time.Minute
	serve := func(e *env) (called *sync.Map) {
		called = new(sync.Map)
		m := e.manager(session.Config{})
		private := with("/private", func(x Exchange, s session.Session) error {
			called.Store("/private", true)
			return x.Send(200, "for "+s.User())
		})
		private.SignedIn = true
		sensitive := with("/sensitive", func(x Exchange, s session.Session) error {
			called.Store("/sensitive", true)
			return x.Send(200, "for "+s.User())
		})
		sensitive.Fresh = fresh
		e.serve(App{Managers: []*session.Manager{m}, Routes: append(usual(), private, sensitive)})
		return called
	}
	return []Case{
		{Name: "require/signed-in", Needs: Require, Why: "Who is not signed in gets 401 from a route for users, and its handler is not called; who is gets through.", run: func(e *env) {
			called := serve(e)
			for what, b := range map[string]*browser{"a visitor": e.browser(), "a visitor with a session": e.holder(set("kept")), "a planted token": e.foreign()} {
				for _, path := range []string{"/private", "/sensitive"} {
					a := b.get(path)
					if _, ok := called.Load(path); ok || a.status != 401 {
						e.Fatalf("%s: GET %s: got %d, and the handler was called: %t", what, path, a.status, ok)
					}
					e.silent(what, a)
				}
			}
			b := e.user("alice")
			b.want("/private", "for alice")
			b.want("/sensitive", "for alice")
		}},
		{Name: "require/fresh", Needs: Require, Why: "Who has not authenticated for too long gets 403 from a route that asks for it, until they do again.", run: func(e *env) {
			called := serve(e)
			b := e.holder(func(s session.Session) { s.Login("alice", session.AuthenticatedAt(time.Now().Add(-2*fresh))) })
			a := b.get("/sensitive")
			if _, ok := called.Load("/sensitive"); ok || a.status != 403 {
				e.Fatalf("GET /sensitive: got %d, and the handler was called: %t; want 403", a.status, ok)
			}
			b.want("/private", "for alice")
			b.get("/login?user=alice")
			b.want("/sensitive", "for alice")
		}},
		{Name: "require/outage", Needs: Require, Why: "While the store is out a route for users answers 503, and not 401.", run: func(e *env) {
			serve(e)
			b := e.user("alice")
			e.db.fail(out)
			for _, path := range []string{"/private", "/sensitive"} {
				e.unavailable("GET "+path, b.get(path))
			}
		}},
	}
}
