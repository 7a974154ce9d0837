package cacheddb

import (
	"errors"
	"testing"

	"github.com/qsessions/qsessions/core/session"
)

// A revocation that is asked for again, as the first one was pending, is pending until the cache knows: not just "no such
// session", while another process goes on to accept it.
func TestRevokeAgain(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		sessions, err := session.New(w.a, session.Config{})
		w.ok(err)
		r := w.create()
		w.warm(r.ID)
		w.cacheFails(errDown, "Get", "Put", "Delete")
		var first, again *session.PendingError
		if err := sessions.Revoke(w.Context(), r.User, r.ID); !errors.As(err, &first) {
			t.Fatalf("got %v, want a PendingError", err)
		}
		if err := sessions.Revoke(w.Context(), r.User, r.ID); !errors.As(err, &again) || !errors.Is(err, session.ErrNotFound) {
			t.Fatalf("again: got %v, want a PendingError that is ErrNotFound as well", err)
		}
		w.cacheWorks()
		w.load(w.b, r.ID) // the copy that could not be deleted
		if err := sessions.Revoke(w.Context(), r.User, r.ID); !errors.Is(err, session.ErrNotFound) {
			t.Fatalf("with a cache that answers: got %v, want ErrNotFound", err)
		}
		w.gone(w.b, r.ID)

		lagging, err := New(laggingCache{w.cache}, w.db, Config{})
		w.ok(err)
		sessions, err = session.New(lagging, session.Config{})
		w.ok(err)
		if err := sessions.Revoke(w.Context(), r.User, r.ID); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("of what is not there, by a cache with a lag: got %v, want ErrNotFound", err)
		}
	})
}
