package session

import "context"

type contextKey struct{}

// From returns the session of the request that ctx belongs to, and loads it on first use: the one place where a store
// error appears. It returns [ErrNoSession] if there is no middleware, [ErrUnavailable] if the store could not be asked
// (a later call asks again), or [ErrClosed] after the request. A visitor without a token, or with one that opens nothing,
// gets an empty anonymous session, which is stored once something is set.
//
// With several managers it is the innermost one's session; [Manager.From] names the manager.
func From(ctx context.Context) (Session, error) {
	h, ok := find(ctx, contextKey{})
	if !ok {
		return nil, ErrNoSession
	}
	return h.get(ctx, false)
}

// Peek returns the session if [From] has loaded it. It does no I/O and does not count as use: it is for loggers and
// templates.
func Peek(ctx context.Context) (Session, bool) {
	h, ok := find(ctx, contextKey{})
	if !ok {
		return nil, false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.loaded {
		return nil, false
	}
	return h, true
}

// Passive marks the request of ctx as no use of its sessions: they are read, and neither prolonged nor given a new token. It
// is for polling, status and health checks, which would keep a session alive after its user has left. What such a request
// changes is saved all the same; a login is a use.
func Passive(ctx context.Context) {
	for h, ok := find(ctx, contextKey{}); ok; h, ok = find(h.ctx.(*carrier).Context, contextKey{}) {
		h.passive.Store(true)
	}
}

// Vary returns the name of the request header on which the response to the request of ctx depends by now, as a handler has
// asked for its session, or "". It is for adapters of frameworks in which something keeps responses inside of their
// middleware, before the [Effect] is known. With several managers it is about the innermost one's session.
func Vary(ctx context.Context) string {
	h, ok := find(ctx, contextKey{})
	if !ok {
		return ""
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.used {
		return ""
	}
	return h.m.RequestHeader()
}

// find also looks into contexts that carry another one, as those of web frameworks do.
func find(ctx context.Context, key any) (*handle, bool) {
	if h, ok := ctx.Value(key).(*handle); ok {
		return h, true
	}
	if c, ok := ctx.(interface{ Context() context.Context }); ok {
		h, ok := c.Context().Value(key).(*handle)
		return h, ok
	}
	return nil, false
}
