package adaptertest

import (
	"time"

	"github.com/qsessions/qsessions/conformance/internal/harness"
	"github.com/qsessions/qsessions/core/session"
)

func passiveCases() []Case {
	return []Case{
		{Name: "passive/handler", Why: "A request that its handler calls no use of its session, by session.Passive and the request's context, neither prolongs it nor exchanges its token.", run: func(e *env) {
			e.passes(with("/poll", func(x Exchange, s session.Session) error {
				session.Passive(x.Context())
				return x.Send(200, state(s))
			}))
		}},
		{Name: "passive/route", Needs: Passive, Why: "A route whose requests are no use of their session neither prolongs it nor exchanges its token.", run: func(e *env) {
			poll := with("/poll", func(x Exchange, s session.Session) error { return x.Send(200, state(s)) })
			poll.Passive = true
			e.passes(poll)
		}},
	}
}

// passes ends the case unless poll, a route that shows the state of a session, leaves a session as it is.
func (e *env) passes(poll Route) {
	const every = 40 * time.Millisecond
	for _, c := range []session.Config{{}, {Policy: session.Policy{RotateEvery: every, Grace: every / 4}}} {
		e.site(c, poll)
		b := e.user("alice")
		due := time.Now().Add(every)
		if c.Policy.RotateEvery > 0 {
			harness.Every(e.ctx, 10*time.Millisecond, func() bool { return !time.Now().Before(due) })
		}
		e.ok("age", e.db.age(e.ctx, 5*time.Minute))
		before := e.stored()[0]
		a := b.want("/poll", "user=alice note=")
		e.silent("GET /poll", a)
		if now := e.stored()[0]; !now.LastSeen.Equal(before.LastSeen) || !now.ExpiresAt.Equal(before.ExpiresAt) || now.Version != before.Version {
			e.Fatalf("GET /poll: the session was seen at %v and ends at %v, want %v and %v", now.LastSeen, now.ExpiresAt, before.LastSeen, before.ExpiresAt)
		}
		a = b.want("/get", "user=alice note=") // is a use
		if got := len(a.header["Set-Cookie"]) == 1; got != (c.Policy.RotateEvery > 0) {
			e.Fatalf("GET /get: it has a new token: %t", got)
		}
		if now := e.stored()[0]; !now.LastSeen.After(before.LastSeen) {
			e.Fatalf("GET /get: the session was not seen")
		}
	}
}
