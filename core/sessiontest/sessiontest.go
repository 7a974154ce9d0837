// Package sessiontest helps applications to test handlers that use sessions, over an empty store in memory.
package sessiontest

import (
	"context"
	"strings"

	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/session"
)

// TB is what this package needs of [testing.TB].
type TB interface {
	Context() context.Context
	Helper()
	Fatalf(format string, args ...any)
}

// New returns a manager over an empty store in memory.
func New(t TB, c session.Config) *session.Manager {
	t.Helper()
	m, err := session.New(new(memory.Store), c)
	if err != nil {
		t.Fatalf("sessiontest: %v", err)
	}
	return m
}

// Context returns a context that carries a session of m as setup leaves it, stored and loaded, for a handler that is
// called without middleware: nobody commits what it changes, but the test can look at it. Middleware would take it for the
// session of an outer one, and not commit either: for requests through it use [Header]. setup may be nil: an anonymous
// visitor.
func Context(t TB, m *session.Manager, setup func(session.Session)) context.Context {
	t.Helper()
	var lines []string
	if setup != nil {
		_, value := Header(t, m, setup)
		lines = append(lines, value)
	}
	ctx, _ := m.Start(t.Context(), session.Client{}, lines...)
	if _, err := m.From(ctx); err != nil {
		t.Fatalf("sessiontest: %v", err)
	}
	return ctx
}

// Header returns the request header of a client that holds a session of m as setup leaves it:
//
//	req.Header.Set(sessiontest.Header(t, m, func(s session.Session) { s.Login("alice") }))
func Header(t TB, m *session.Manager, setup func(session.Session)) (name, value string) {
	t.Helper()
	if setup == nil {
		t.Fatalf("sessiontest: Header needs a setup: without a session there is no header")
	}
	ctx, _ := m.Start(t.Context(), session.Client{})
	defer m.Close(ctx)
	s, err := m.From(ctx)
	if err != nil {
		t.Fatalf("sessiontest: %v", err)
	}
	setup(s)
	e, err := m.Commit(ctx)
	switch {
	case err != nil:
		t.Fatalf("sessiontest: %v", err)
	case e.Name == "":
		t.Fatalf("sessiontest: setup neither logs in nor sets anything: there is no session")
	}
	value, _, _ = strings.Cut(e.Value, ";")
	return m.RequestHeader(), value
}
