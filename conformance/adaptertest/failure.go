package adaptertest

import (
	"errors"
	"io"

	"github.com/qsessions/qsessions/core/session"
)

var errHandler = errors.New("the handler has failed: private detail")

func failureCases() []Case {
	status := func(x Exchange) error { return x.Send(500, "failed") }
	return []Case{
		{Name: "failure/status", Why: "A response with a status of 500 or more commits no value, no login and no rotation, and has no new token.", run: func(e *env) {
			e.fails(500, status)
			e.fails(503, func(x Exchange) error { return x.Send(503, "failed") })
		}},
		{Name: "failure/error-handler", Why: "A status of 500 or more commits no value, no login and no rotation, also if the framework's error handler makes the response.", run: func(e *env) {
			e.fails(500, func(x Exchange) error { return x.Fail(500) })
			e.fails(503, func(x Exchange) error { return x.Fail(503) })
		}},
		{Name: "failure/error", Why: "An error of a handler commits no value, no login and no rotation, and its text is not in the response.", run: func(e *env) {
			e.fails(500, func(Exchange) error { return errHandler })
		}},
		{Name: "failure/saved", Why: "What Session.Save has stored before a failure stays, and its token is sent.", run: func(e *env) {
			for what, f := range map[string]func(Exchange) error{
				"Send": status, "Fail": func(x Exchange) error { return x.Fail(502) }, "an error": func(Exchange) error { return errHandler },
			} {
				e.site(session.Config{}, saving(f))
				b := e.browser()
				a := b.get("/saving")
				if a.status < 500 {
					e.Fatalf("Save, then %s: got %d", what, a.status)
				}
				e.once("Save, then "+what, a)
				b.want("/get", "user= note=saved")
			}
		}},
		{Name: "failure/panic", Why: "A panic of a handler commits no value, no login and no rotation, and harms no other request.", run: func(e *env) {
			e.site(session.Config{}, with("/panic", func(_ Exchange, s session.Session) error {
				note.Set(s, "lost")
				s.Login("mallory")
				s.Rotate()
				panic("on purpose")
			}))
			b := e.holder(set("kept"))
			calls := e.db.count("Create", "Save", "Delete")
			if a, err := e.try(request{method: "GET", path: "/panic", header: []string{b.line()}}); err == nil {
				if a.status < 500 {
					e.Fatalf("a panic became %d %.100q", a.status, a.body)
				}
				e.silent("a panic", a)
			}
			if got := e.db.count("Create", "Save", "Delete"); got != calls {
				e.Fatalf("a panic caused %d writes", got-calls)
			}
			b.want("/get", "user= note=kept")
		}},
		{Name: "failure/panic-saved", Why: "What Session.Save has stored before a panic stays; if there is an answer, its token is sent.", run: func(e *env) {
			e.site(session.Config{}, saving(func(Exchange) error { panic("on purpose") }))
			b := e.browser()
			if a, err := e.try(request{method: "GET", path: "/saving"}); err == nil {
				b.take(a)
				e.once("Save, then a panic", a)
				b.want("/get", "user= note=saved")
			}
			e.rows("Save, then a panic", 1)
		}},
		{Name: "failure/panic-late", Why: "A panic in the middle of a response commits nothing more.", Needs: Flush, run: func(e *env) {
			e.site(session.Config{}, with("/panic", func(x Exchange, s session.Session) error {
				return x.Stream(func(w io.Writer, flush func() error) {
					_, _ = io.WriteString(w, "some")
					_ = flush()
					note.Set(s, "lost")
					panic("on purpose")
				})
			}))
			b := e.holder(set("kept"))
			_, _ = e.try(request{method: "GET", path: "/panic", header: []string{b.line()}}) // it may be cut
			b.want("/get", "user= note=kept")
		}},
	}
}

// saving is a route whose handler saves and sets more, and then ends with f.
func saving(f func(Exchange) error) Route {
	return with("/saving", func(x Exchange, s session.Session) error {
		note.Set(s, "saved")
		if err := s.Save(x.Context()); err != nil {
			return err
		}
		note.Set(s, "lost")
		return f(x)
	})
}

// fails ends the case unless a handler that fails by f commits nothing, and is answered with the status.
func (e *env) fails(status int, f func(Exchange) error) {
	e.site(session.Config{},
		with("/fail/set", func(x Exchange, s session.Session) error { note.Set(s, "lost"); return f(x) }),
		with("/fail/login", func(x Exchange, s session.Session) error { s.Login("mallory"); return f(x) }),
		with("/fail/rotate", func(x Exchange, s session.Session) error { s.Rotate(); return f(x) }))
	b := e.holder(set("kept"))
	for _, path := range []string{"/fail/set", "/fail/login", "/fail/rotate"} {
		for _, who := range []*browser{b, e.browser()} {
			a := who.get(path)
			if a.status != status {
				e.Fatalf("%s: got %d, want %d", path, a.status, status)
			}
			e.silent(path, a)
			e.hides(path, a, "private detail")
		}
	}
	if got := e.db.count("Create", "Save", "Delete"); got != 0 {
		e.Fatalf("requests that failed caused %d writes", got)
	}
	b.want("/get", "user= note=kept")
}
