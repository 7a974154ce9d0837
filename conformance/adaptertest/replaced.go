package adaptertest

import "github.com/qsessions/qsessions/core/session"

func replacedCases() []Case {
	lost := with("/lost", func(x Exchange, s session.Session) error { note.Set(s, "lost"); return x.Send(200, bodyText) })
	return []Case{
		{Name: "replaced/read", Why: "A token that another request has just replaced, by a login, opens nothing, and its cookie is left alone: the browser has the newer one, or is about to get it.", run: func(e *env) {
			e.site(session.Config{})
			b, earlier := e.replaced()
			for _, path := range []string{"/get", "/logout", "/unseen"} {
				a := earlier.get(path)
				e.silent("GET "+path, a)
				if path == "/get" {
					e.answered("GET /get", a, 200, "user= note=")
				}
			}
			b.want("/get", "user=alice note=kept")
		}},
		{Name: "replaced/change", Why: "A change in a request with a token that was just replaced gets 409, stores nothing, and leaves the cookie alone.", run: func(e *env) {
			e.site(session.Config{}, lost)
			b, earlier := e.replaced()
			a := earlier.get("/lost")
			if a.status != 409 {
				e.Fatalf("a change by a replaced token: got %d %.100q, want 409", a.status, a.body)
			}
			e.silent("a change by a replaced token", a)
			e.hides("a change by a replaced token", a, bodyText)
			e.rows("a change by a replaced token", 1)
			b.want("/get", "user=alice note=kept")
		}},
		{Name: "replaced/meanwhile", Why: "A change in a request whose token is replaced while it runs gets 409, stores nothing, and leaves the cookie alone.", run: func(e *env) {
			began, replaced := make(chan bool, 1), make(chan bool)
			e.site(session.Config{}, with("/slow", func(x Exchange, s session.Session) error {
				began <- true
				e.hold(replaced)
				note.Set(s, "lost")
				return x.Send(200, bodyText)
			}))
			b := e.holder(set("kept"))
			answers := make(chan *answer, 1)
			go func() {
				a, err := e.try(request{method: "GET", path: "/slow", header: []string{b.line()}})
				if err != nil {
					e.Errorf("GET /slow: %v", err)
				}
				answers <- a
			}()
			e.await(began)
			a, err := e.try(request{method: "GET", path: "/login?user=alice", header: []string{b.line()}})
			close(replaced)
			late := <-answers
			e.ok("GET /login", err)
			e.Still()
			if late.status != 409 {
				e.Fatalf("a change after the login: got %d %.100q, want 409", late.status, late.body)
			}
			e.silent("a change after the login", late)
			e.hides("a change after the login", late, bodyText)
			b.take(a)
			b.want("/get", "user=alice note=kept")
			e.rows("one login", 1)
		}},
		{Name: "replaced/login", Why: "A login with a token that was just replaced, as when a button is pressed twice, gets a session of its own, and the other one lives on.", run: func(e *env) {
			e.site(session.Config{})
			b, earlier := e.replaced()
			a := earlier.get("/login?user=alice")
			e.answered("a second login", a, 200, "login")
			e.once("a second login", a)
			earlier.want("/get", "user=alice note=kept")
			b.want("/get", "user=alice note=kept")
			e.rows("two logins", 2)
		}},
		{Name: "replaced/require", Needs: Require, Why: "A route for users tells 409, and not 401, to a token that was just replaced: with the newest one the request can be tried again. Its handler is not called.", run: func(e *env) {
			called := e.guarded(session.Config{})
			_, earlier := e.replaced()
			for _, path := range []string{"/private", "/sensitive"} {
				a := earlier.get(path)
				if _, ok := called.Load(path); ok || a.status != 409 {
					e.Fatalf("GET %s: got %d, and the handler was called: %t; want 409", path, a.status, ok)
				}
				e.silent("GET "+path, a)
			}
		}},
	}
}

// replaced returns a browser that has just signed in, and one with the token that it had before.
func (e *env) replaced() (b, earlier *browser) {
	b = e.holder(set("kept"))
	kept := *b
	e.answered("GET /login", b.get("/login?user=alice"), 200, "login")
	return b, &kept
}
