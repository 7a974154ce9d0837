package session

import (
	"context"
	"time"
)

// A Requirement is what a route asks of a session. The zero value asks for a user. With both fields it asks for one proof
// that is both: a level of 2 within five minutes is not met by a level of 2 an hour ago and a password just now.
type Requirement struct {
	MaxAge time.Duration // since the user proved who they are; 0: any; negative: no proof is fresh enough
	Level  int           // of that proof, at least
}

// Require returns the session if it meets r. It returns [ErrUnauthenticated] if no user is signed in, [ErrReplaced] if the
// request came with a token that another request has just replaced, or has replaced since this one began, [ErrStale] if r
// asks for more, or the errors of [From].
// With MaxAge or Level a cached copy does not count (ASVS 5.0 7.5.1), and neither does an earlier answer: each call asks the
// database, so that a long request learns of a revocation.
func (m *Manager) Require(ctx context.Context, r Requirement) (Session, error) {
	h, ok := m.handle(ctx)
	if !ok {
		return nil, ErrNoSession
	}
	strict := r.MaxAge != 0 || r.Level != 0
	s, err := h.get(ctx, strict)
	if err != nil {
		return nil, err
	}
	if err := h.meets(r, strict); err != nil {
		return nil, err
	}
	return s, nil
}

// meets returns nil if the session meets r.
func (h *handle) meets(r Requirement, strict bool) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.user() == "" && h.superseded != nil:
		return ErrReplaced
	case h.user() == "":
		return ErrUnauthenticated
	}
	if strict {
		t := now()
		if _, s := h.next(&h.work, h.base, h.secret, Client{}, t); !s.proofs.meet(r, t) {
			return ErrStale
		}
	}
	return nil
}
