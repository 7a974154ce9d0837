package adaptertest

import (
	"slices"

	"github.com/qsessions/qsessions/core/session"
)

// failing are the ways in which a request fails and is answered.
func failing() map[string]func(Exchange) error {
	return map[string]func(Exchange) error{
		"a status of 500": func(x Exchange) error { return x.Send(500, "failed") },
		"a status of 503": func(x Exchange) error { return x.Send(503, "failed") },
		"a failure":       func(x Exchange) error { return x.Fail(502) },
		"an error":        func(Exchange) error { return errHandler },
	}
}

func endingCases() []Case {
	return []Case{
		{Name: "ending/logout", Why: "A logout is carried out, and its cookie taken back, also if the response has a status of 500 or more: who signed out must not stay signed in.", run: func(e *env) {
			for what, f := range failing() {
				e.failedLogout("a logout, then "+what, f)
			}
		}},
		{Name: "ending/logout-panic", Why: "A logout is carried out also if the handler panics after it; if there is an answer, it takes the cookie back.", run: func(e *env) {
			e.failedLogout("a logout, then a panic", func(Exchange) error { panic("on purpose") })
		}},
		{Name: "ending/logout-outage", Why: "If the store cannot be asked when a request that failed ends a session, the cookie is left alone: the session may still be there.", run: func(e *env) {
			e.site(session.Config{}, with("/out", func(x Exchange, s session.Session) error {
				e.db.fail(out)
				s.Logout()
				return x.Send(500, "failed")
			}))
			b := e.user("alice")
			a := b.get("/out")
			e.db.fail(nil)
			e.answered("a logout during an outage", a, 500, "failed")
			e.silent("a logout during an outage", a)
			b.want("/get", "user=alice note=")
		}},
		{Name: "ending/revoke-others", Why: "A session that has ended the user's other ones gets its new token also if the response has a status of 500 or more; the earlier token is dead, and nothing else is committed.", run: func(e *env) {
			for what, f := range failing() {
				e.failedRevocation("RevokeOthers, then "+what, f)
			}
		}},
		{Name: "ending/revoke-others-panic", Why: "The earlier token of a session that has ended the user's other ones is dead also if the handler panics after it; if there is an answer, it has the new one.", run: func(e *env) {
			e.failedRevocation("RevokeOthers, then a panic", func(Exchange) error { panic("on purpose") })
		}},
	}
}

// failedLogout ends the case unless a logout is carried out in a request that fails by f.
func (e *env) failedLogout(what string, f func(Exchange) error) {
	e.site(session.Config{}, with("/out", func(x Exchange, s session.Session) error {
		s.Logout()
		note.Set(s, "lost")
		return f(x)
	}))
	b := e.holder(login("alice"))
	kept := *b
	if a, err := e.try(request{method: "GET", path: "/out", header: []string{b.line()}}); err == nil { // after a panic there may be no answer
		if a.status < 500 {
			e.Fatalf("%s: got %d", what, a.status)
		}
		e.tells(what, a, e.goldenEnd())
		e.hides(what, a, "private detail")
	}
	if !e.until(func() bool { return len(e.stored()) == 0 }) {
		e.Fatalf("%s: %d sessions are stored, want none", what, len(e.stored()))
	}
	kept.want("/get", "user= note=")
	visitor := e.browser()
	if a, err := e.try(request{method: "GET", path: "/out"}); err == nil {
		e.silent(what+", of a visitor", a)
		visitor.take(a)
	}
	e.rows(what+", of a visitor", 0)
}

// failedRevocation ends the case unless RevokeOthers, and nothing else, is carried out in a request that fails by f.
func (e *env) failedRevocation(what string, f func(Exchange) error) {
	e.site(session.Config{}, with("/others", func(x Exchange, s session.Session) error {
		note.Set(s, "lost")
		if _, err := e.m.RevokeOthers(x.Context(), s); err != nil {
			return x.Send(418, err.Error())
		}
		return f(x)
	}))
	b := e.holder(func(s session.Session) { s.Login("alice"); note.Set(s, "kept") })
	other, earlier := e.user("alice"), *b
	a, err := e.try(request{method: "GET", path: "/others", header: []string{b.line()}})
	if !e.until(func() bool { return earlier.state() == "user= note=" }) {
		e.Fatalf("%s: the earlier token still opens the session", what)
	}
	other.want("/get", "user= note=")
	if rows := e.stored(); len(rows) != 1 || rows[0].User != "alice" {
		e.Fatalf("%s: %d sessions are stored, want the one", what, len(rows))
	}
	if err != nil {
		return
	}
	if a.status < 500 {
		e.Fatalf("%s: got %d %.100q", what, a.status, a.body)
	}
	e.once(what, a)
	if b.take(a); slices.Contains([]string{"", earlier.token}, b.token) {
		e.Fatalf("%s: the answer has no new token", what)
	}
	b.want("/get", "user=alice note=kept")
}
