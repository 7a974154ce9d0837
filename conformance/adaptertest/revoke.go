package adaptertest

import "github.com/qsessions/qsessions/core/session"

func revokeCases() []Case {
	return []Case{
		{Name: "revoke/next", Why: "A session that was revoked is refused from the next request on, and its cookie is left alone.", run: func(e *env) {
			e.site(session.Config{})
			b, other := e.user("alice"), e.user("alice")
			var id session.ID
			e.effect(&e.db.Store, other.prefix+other.token, func(s session.Session) { id = s.ID() })
			e.ok("RevokeID", e.m.RevokeID(e.ctx, id))
			e.silent("a revoked session", other.want("/get", "user= note="))
			b.want("/get", "user=alice note=")
			_, err := e.m.RevokeUser(e.ctx, "alice")
			e.ok("RevokeUser", err)
			e.silent("a revoked user's session", b.want("/get", "user= note="))
		}},
		{Name: "revoke/meanwhile", Why: "A change in a request whose session was revoked meanwhile is answered by the error page with 401, and brings nothing back.", run: func(e *env) {
			began, revoked := make(chan bool, 1), make(chan bool)
			e.site(session.Config{}, with("/slow", func(x Exchange, s session.Session) error {
				began <- true
				e.hold(revoked)
				note.Set(s, "late")
				return x.Send(200, bodyText)
			}))
			b := e.user("alice")
			answers := make(chan *answer, 1)
			go func() {
				a, err := e.try(request{method: "GET", path: "/slow", header: []string{b.line()}})
				if err != nil {
					e.Errorf("GET /slow: %v", err)
				}
				answers <- a
			}()
			e.await(began)
			_, err := e.m.RevokeUser(e.ctx, "alice")
			close(revoked)
			a := <-answers
			e.ok("RevokeUser", err)
			e.Still()
			if a.status != 401 {
				e.Fatalf("got %d %.100q, want 401", a.status, a.body)
			}
			e.silent("a change after the revocation", a)
			e.hides("a change after the revocation", a, bodyText)
			e.rows("after the revocation", 0)
		}},
		{Name: "revoke/own", Why: "The context of a request is that of its session: a handler that revokes its own session is signed out by it, and its cookie is taken back.", run: func(e *env) {
			e.site(session.Config{}, with("/revoke", func(x Exchange, s session.Session) error {
				if err := e.m.Revoke(x.Context(), s.User(), s.ID()); err != nil {
					return err
				}
				return x.Send(200, "revoked")
			}))
			b := e.user("alice")
			a := b.want("/revoke", "revoked")
			e.once("the revocation of one's own session", a)
			if b.token != "" {
				e.Fatalf("after the revocation of one's own session the browser still has a token")
			}
			e.rows("after the revocation", 0)
		}},
		{Name: "revoke/newer-login", Why: "A logout that a login of the same browser has overtaken ends its own session, and not the newer one.", run: func(e *env) {
			began, overtaken := make(chan bool, 1), make(chan bool)
			e.site(session.Config{}, with("/slow", func(x Exchange, s session.Session) error {
				began <- true
				e.hold(overtaken)
				s.Logout()
				return x.Send(200, "out")
			}))
			b := e.user("alice")
			before := *b
			done := make(chan bool)
			go func() {
				defer close(done)
				if _, err := e.try(request{method: "GET", path: "/slow", header: []string{before.line()}}); err != nil {
					e.Errorf("GET /slow: %v", err)
				}
			}()
			e.await(began)
			a, err := e.try(request{method: "GET", path: "/login?user=bob", header: []string{b.line()}})
			close(overtaken)
			<-done
			e.ok("GET /login", err)
			b.take(a)
			b.want("/get", "user=bob note=")
			e.rows("one login", 1)
		}},
	}
}

// hold keeps a handler until open is closed, or the case is over.
func (e *env) hold(open <-chan bool) {
	select {
	case <-open:
	case <-e.ctx.Done():
	}
}

// await ends the case unless the handler says that it was called.
func (e *env) await(began <-chan bool) {
	select {
	case <-began:
	case <-e.ctx.Done():
		e.Fatalf("the handler was not called")
	}
}
