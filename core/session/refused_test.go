package session

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// TestRefused: PAG-8. A request can ask why its token opened no session; one without a token, or with a session, has no reason.
func TestRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := manager(t, new(spy), Config{Policy: Policy{Idle: time.Hour}})
		ask := func(v *visitor) (why EventKind, ok bool) {
			t.Helper()
			v.do(func(s Session) { why, ok = m.Refused(s.self().ctx) })
			return why, ok
		}
		if _, ok := m.Refused(context.Background()); ok {
			t.Error("a context without a session has a reason")
		}
		v := &visitor{t: t, m: m}
		if why, ok := ask(v); ok {
			t.Errorf("without a token: %v", why)
		}
		v.do(func(s Session) { s.Login("alice") })
		token := v.token
		if why, ok := ask(v); ok {
			t.Errorf("signed in: %v", why)
		}
		time.Sleep(2 * time.Hour)
		if why, ok := ask(v); !ok || why != Expired {
			t.Errorf("expired: %v, %v", why, ok)
		}
		if err := m.RevokeID(t.Context(), idOf(token)); err != nil {
			t.Fatal(err)
		}
		v.token = token
		if why, ok := ask(v); !ok || why != UnknownToken {
			t.Errorf("revoked: %v, %v", why, ok)
		}
	})
}
