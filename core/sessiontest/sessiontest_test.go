package sessiontest_test

import (
	"fmt"
	"testing"

	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/sessiontest"
)

const cart session.Key[[]string] = "cart"

func TestContext(t *testing.T) {
	t.Parallel()
	m := sessiontest.New(t, session.Config{})
	ctx := sessiontest.Context(t, m, func(s session.Session) {
		s.Login("alice")
		cart.Set(s, []string{"tea"})
	})
	s, err := session.From(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.User(); got != "alice" {
		t.Errorf("user: got %q, want alice", got)
	}
	if got := fmt.Sprint(cart.Get(s)); got != "[tea]" {
		t.Errorf("cart: got %s, want [tea]", got)
	}
}

func TestContextAnonymous(t *testing.T) {
	t.Parallel()
	s, err := session.From(sessiontest.Context(t, sessiontest.New(t, session.Config{}), nil))
	if err != nil || s.User() != "" || !s.ID().IsZero() {
		t.Errorf("got %v, %v, want an empty session", s, err)
	}
}

// fatal is a TB that notes a failure instead of ending the test.
type fatal struct {
	*testing.T
	failed bool
}

func (f *fatal) Fatalf(string, ...any) { f.failed = true; panic(f) }

func TestHeaderWithoutSession(t *testing.T) {
	t.Parallel()
	f := &fatal{T: t}
	func() {
		defer func() { _ = recover() }()
		sessiontest.Header(f, sessiontest.New(t, session.Config{}), func(session.Session) {})
	}()
	if !f.failed {
		t.Error("Header of a session that was never stored did not fail")
	}
}
