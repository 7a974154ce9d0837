package adaptertest

import (
	"sync"
	"time"

	"github.com/qsessions/qsessions/core/session"
)

func requireCases() []Case {
	return []Case{
		{Name: "require/signed-in", Needs: Require, Why: "Who is not signed in gets 401 from a route for users, and its handler is not called; who is gets through.", run: func(e *env) {
			called := e.guarded(session.Config{})
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
			called := e.guarded(session.Config{})
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
			e.guarded(session.Config{})
			b := e.user("alice")
			e.db.fail(out)
			for _, path := range []string{"/private", "/sensitive"} {
				e.unavailable("GET "+path, b.get(path))
			}
		}},
		{Name: "require/exact", Needs: Require, Why: "A route that asks for a recent authentication is told by the database, and not by a copy, that a session has ended.", run: func(e *env) {
			e.copies = true
			called := e.guarded(session.Config{})
			b := e.user("alice")
			b.want("/private", "for alice") // makes a copy
			_, err := e.m.RevokeUser(e.ctx, "alice")
			e.ok("RevokeUser", err)
			a := b.get("/sensitive")
			if _, ok := called.Load("/sensitive"); ok || a.status != 401 {
				e.Fatalf("GET /sensitive: got %d, and the handler was called: %t; want 401", a.status, ok)
			}
		}},
		{Name: "require/proof", Needs: Proof, Why: "A route that asks for a level and an age is passed by one proof that is both, and not by one of that level and another of that age.", run: func(e *env) {
			guarded := func(path string, what session.Requirement) Route {
				r := with(path, func(x Exchange, _ session.Session) error { return x.Send(200, path) })
				r.Proof = what
				return r
			}
			prove := func(path string, o ...session.LoginOption) Route {
				return with(path, func(x Exchange, s session.Session) error { s.Reauthenticate(o...); return x.Send(200, path) })
			}
			e.site(session.Config{},
				guarded("/level", session.Requirement{Level: 2}), guarded("/age", session.Requirement{MaxAge: fresh}),
				guarded("/proof", session.Requirement{Level: 2, MaxAge: fresh}), guarded("/never", session.Requirement{MaxAge: -1}),
				prove("/password"), prove("/code", session.Level(2)))
			e.answered("a visitor", e.do("GET", "/get"), 200, "user= note=")
			if a := e.do("GET", "/proof"); a.status != 401 {
				e.Fatalf("a visitor: GET /proof: got %d, want 401", a.status)
			}
			b := e.holder(func(s session.Session) {
				s.Login("alice", session.Level(2), session.AuthenticatedAt(time.Now().Add(-2*fresh)))
			})
			for _, step := range []struct {
				path             string
				level, age, both int
			}{{"/get", 200, 403, 403}, {"/password", 200, 200, 403}, {"/code", 200, 200, 200}} {
				b.get(step.path)
				for path, want := range map[string]int{"/level": step.level, "/age": step.age, "/proof": step.both, "/never": 403} {
					if a := b.get(path); a.status != want {
						e.Fatalf("GET %s after %s: got %d, want %d", path, step.path, a.status, want)
					}
				}
			}
		}},
	}
}

const fresh = 10 * time.Minute

// guarded serves a route for users, and one for those who authenticated lately; called has those whose handler was called.
func (e *env) guarded(c session.Config) (called *sync.Map) {
	called = new(sync.Map)
	private, sensitive := Route{Path: "/private", SignedIn: true}, Route{Path: "/sensitive", Fresh: fresh}
	for _, r := range []*Route{&private, &sensitive} {
		r.Handle = with(r.Path, func(x Exchange, s session.Session) error {
			called.Store(r.Path, true)
			return x.Send(200, "for "+s.User())
		}).Handle
	}
	e.site(c, private, sensitive)
	return called
}
