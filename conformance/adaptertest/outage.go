package adaptertest

import (
	"strconv"

	"github.com/qsessions/qsessions/core/session"
)

func outageCases() []Case {
	return []Case{
		{Name: "outage/read", Why: "While the store is out a request with a token gets 503: it is no visitor's, and its cookie is left alone.", run: func(e *env) {
			e.site(session.Config{})
			b := e.user("alice")
			e.db.fail(out)
			for _, path := range []string{"/get", "/set?note=lost", "/logout", "/login?user=bob"} {
				e.unavailable("GET "+path, b.get(path))
			}
			e.db.fail(nil)
			b.want("/get", "user=alice note=")
		}},
		{Name: "outage/commit", Why: "While the store is out nothing that it had to accept is answered but with 503.", run: func(e *env) {
			e.site(session.Config{}, with("/out", func(x Exchange, s session.Session) error {
				note.Set(s, "lost")
				e.db.fail(out)
				return x.Send(200, "done")
			}))
			b := e.user("alice")
			e.unavailable("a change", b.get("/out"))
			e.db.fail(nil)
			e.unavailable("a visitor's first change", e.browser().get("/out"))
			e.db.fail(nil)
			b.want("/get", "user=alice note=")
			e.rows("after the outage", 1)
		}},
		{Name: "outage/save", Why: "A handler that returns the error of Session.Save during an outage is answered with 503.", run: func(e *env) {
			e.site(session.Config{}, with("/save", func(x Exchange, s session.Session) error {
				note.Set(s, "lost")
				e.db.fail(out)
				if err := s.Save(x.Context()); err != nil {
					return err
				}
				return x.Send(200, "done")
			}))
			b := e.user("alice")
			e.unavailable("Save", b.get("/save"))
			e.db.fail(nil)
			b.want("/get", "user=alice note=")
		}},
		{Name: "outage/retry-after", Why: "While the store is out the answer says by Retry-After in how many seconds to come again.", run: func(e *env) {
			e.site(session.Config{})
			b := e.user("alice")
			e.db.fail(out)
			a := b.get("/get")
			if n, err := strconv.Atoi(a.header.Get("Retry-After")); err != nil || n < 1 {
				e.Fatalf("Retry-After is %q, want a number of seconds", a.header.Get("Retry-After"))
			}
		}},
		{Name: "outage/others", Why: "Who needs no store notices no outage: a visitor without a token, and a request that does not look at its session.", run: func(e *env) {
			e.site(session.Config{})
			b := e.user("alice")
			e.db.fail(out)
			e.browser().want("/get", "user= note=")
			b.want("/unseen", "unseen")
		}},
	}
}

// unavailable ends the case unless a is the answer to a request for which the store was out.
func (e *env) unavailable(what string, a *answer) {
	if a.status != 503 {
		e.Fatalf("%s: got %d %.100q, want 503", what, a.status, a.body)
	}
	e.silent(what, a)
	e.hides(what, a, "done")
	e.hides(what, a, outText)
}
