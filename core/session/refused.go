package session

import "context"

// Refused reports why the token of the request that ctx belongs to opened no session, for pages that tell people more than
// "sign in": [Expired], [UnknownToken] if no session is known by it, as after a revocation, or one of [TokenReplaced],
// [TokenReplayed] and [TokenWorn]. ok is false if the request presented no token, or has a session, or nothing has asked for
// the session yet. A client can send any token: nothing may be decided by the answer. Refused does no I/O and is safe for
// concurrent use.
func (m *Manager) Refused(ctx context.Context) (why EventKind, ok bool) {
	h, there := m.handle(ctx)
	if !there {
		return 0, false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.content == nil || h.base != nil || h.refusal == Created {
		return 0, false
	}
	return h.refusal, true
}
