// Package sessiontest helps applications to test handlers that use sessions, over a store in memory.
//
//   - [Session] is for a handler that takes its session as an argument, as those of nethttp's With do.
//   - [Context] is for a handler that asks for it by [session.From].
//   - [Header] is for one request through the middleware, and a [Client] for several, with a cookie jar, an address and a
//     User-Agent.
//   - A [Store] can be taken down, to test how handlers take an outage.
package sessiontest

import (
	"context"

	"github.com/qsessions/qsessions/core/session"
)

// TB is what this package needs of [testing.TB].
type TB interface {
	Context() context.Context
	Helper()
	Fatalf(format string, args ...any)
}

// New returns a manager over an empty store in memory. For one that can be taken down pass a [Store] to [session.New].
func New(t TB, c session.Config) *session.Manager {
	t.Helper()
	m, err := session.New(new(Store), c)
	if err != nil {
		t.Fatalf("sessiontest: %v", err)
	}
	return m
}

// Context returns a context that carries a session of m as setup leaves it, stored and loaded, for a handler that is
// called without middleware. The handler's changes are not committed, but the test can look at them. Middleware would take
// the session for that of an outer one, and not commit either: for requests through middleware use [Header]. If setup is nil,
// the session is that of an anonymous visitor.
func Context(t TB, m *session.Manager, setup func(session.Session)) context.Context {
	t.Helper()
	c := &Client{t: t, m: m}
	if setup != nil {
		prepare(t, c, setup)
	}
	ctx := c.Context()
	c.Session(ctx)
	return ctx
}

// Session returns the session of such a [Context], for a handler that takes it as an argument.
func Session(t TB, m *session.Manager, setup func(session.Session)) session.Session {
	t.Helper()
	s, err := m.From(Context(t, m, setup))
	if err != nil {
		t.Fatalf("sessiontest: %v", err)
	}
	return s
}

// Header returns the request header of a client that holds a session of m as setup leaves it:
//
//	req.Header.Set(sessiontest.Header(t, m, func(s session.Session) { s.Login("alice") }))
func Header(t TB, m *session.Manager, setup func(session.Session)) (name, value string) {
	t.Helper()
	if setup == nil {
		t.Fatalf("sessiontest: Header needs a setup: without a session there is no header")
	}
	c := &Client{t: t, m: m}
	prepare(t, c, setup)
	return m.RequestHeader(), c.value()
}

// prepare gives c the session that setup leaves.
func prepare(t TB, c *Client, setup func(session.Session)) {
	t.Helper()
	c.Do(setup)
	if c.value() == "" {
		t.Fatalf("sessiontest: setup neither logs in nor sets anything: there is no session")
	}
}
