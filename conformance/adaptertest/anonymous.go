package adaptertest

import "github.com/qsessions/qsessions/core/session"

func anonymousCases() []Case {
	return []Case{
		{Name: "anonymous/costs-nothing", Why: "A visitor who sets nothing costs no store call, no row and no cookie, whatever they ask for.", run: func(e *env) {
			e.site(session.Config{}, with("/idle", func(x Exchange, s session.Session) error {
				note.Delete(s)
				s.Clear()
				s.Rotate()
				count.Pop(s)
				return x.Send(200, "idle")
			}))
			for _, path := range []string{"/unseen", "/get", "/logout", "/idle", "/nowhere"} {
				for _, method := range []string{"GET", "HEAD", "POST", "OPTIONS"} {
					for _, cookie := range []string{"", "__Host-session=x"} {
						a := e.do(method, path, "Cookie: "+cookie)
						e.silent(method+" "+path, a)
						if a.status >= 500 {
							e.Fatalf("%s %s: got %d", method, path, a.status)
						}
					}
				}
			}
			if got := e.db.count(); got != 0 {
				e.Fatalf("visitors who set nothing cost %d store calls", got)
			}
		}},
		{Name: "anonymous/unknown-token", Why: "A token that names no session creates none: the request costs one load, and no row.", run: func(e *env) {
			e.site(session.Config{})
			b := e.foreign()
			for _, path := range []string{"/get", "/logout"} {
				e.silent("GET "+path, b.get(path))
			}
			if loads, calls := e.db.count("Load"), e.db.count(); loads != 2 || calls != 2 {
				e.Fatalf("two requests with an unknown token cost %d loads and %d calls, want 2 and 2", loads, calls)
			}
		}},
		{Name: "anonymous/unseen", Why: "A request that does not look at its session costs no store call, though it has a token.", run: func(e *env) {
			e.site(session.Config{})
			b := e.user("alice")
			e.ok("age", e.db.age(e.ctx, day))
			calls := e.db.count()
			b.want("/unseen", "unseen")
			b.get("/nowhere")
			if got := e.db.count(); got != calls {
				e.Fatalf("two requests that did not look at their session cost %d store calls", got-calls)
			}
			b.want("/get", "user=alice note=")
		}},
		{Name: "anonymous/read", Why: "A request that only looks at its session costs one load, and no write.", run: func(e *env) {
			e.site(session.Config{})
			b := e.user("alice")
			calls := e.db.count()
			e.silent("GET /get", b.want("/get", "user=alice note="))
			if got := e.db.count(); got != calls+1 {
				e.Fatalf("a request that only looks costs %d store calls, want 1", got-calls)
			}
		}},
		{Name: "anonymous/not-found", Why: "What the framework finds no route for is answered as without sessions, also with a token.", run: func(e *env) {
			e.site(session.Config{})
			b := e.user("alice")
			a := b.get("/nowhere")
			if a.status != 404 || a.header["Set-Cookie"] != nil || a.field("Vary") != "" || a.field("Cache-Control") != "" {
				e.Fatalf("GET /nowhere: got %d, Vary %q and Cache-Control %q, want 404 and none", a.status, a.field("Vary"), a.field("Cache-Control"))
			}
		}},
	}
}
