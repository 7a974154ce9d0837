package adaptertest

import (
	"errors"
	"fmt"
	"strings"
	"sync"

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
				"replaced": {session.ErrReplaced, 409}, "crosssite": {session.ErrCrossSite, 403},
				"closed": {session.ErrClosed, 500}, "corrupt": {session.ErrCorrupt, 500}, "nouser": {session.ErrNoUser, 500},
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
