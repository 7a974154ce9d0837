package session

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/qsessions/qsessions/core/internal/deadline"
	"github.com/qsessions/qsessions/core/store"
)

// A Manager starts, commits, lists and revokes sessions over one store. It is safe for concurrent use, starts no
// goroutine and needs no closing.
type Manager struct {
	cfg     Config
	store   store.Store
	indexed store.Indexed // nil if store is not
	cached  bool          // store may answer from copies
	seal    *sealer       // nil: values are stored as they are
	lastID  atomic.Int64  // the latest millisecond that an ID was made for
}

// New returns a manager over s. It validates c completely, and refuses what s cannot do.
func New(s store.Store, c Config) (*Manager, error) {
	if s == nil {
		return nil, errors.New("session: the store is nil")
	}
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	c.Enrichers = slices.Clone(c.Enrichers)
	m := &Manager{cfg: c, store: s}
	m.indexed, _ = s.(store.Indexed)
	_, m.cached = s.(store.Cached)
	if m.indexed == nil && c.PerUser.Max > 0 {
		return nil, fmt.Errorf("session: Config.PerUser needs a store.Indexed, and %T is none", s)
	}
	if len(c.Keys) > 0 {
		if m.seal, err = newSealer(c.Keys, c.ReadPlaintext); err != nil {
			return nil, err
		}
		m.cfg.Keys = nil // the sealer has its own copy
	}
	if c.Cookie.Insecure && c.Header == "" {
		c.Logger.Warn("session: Config.Cookie.Insecure is set: the token travels in the clear")
	}
	return m, nil
}

// Policy returns the policy in force, defaults included.
func (m *Manager) Policy() Policy { return m.cfg.Policy }

// RequestHeader is the name of the request header that an adapter passes to Start: "Cookie", or Config.Header.
func (m *Manager) RequestHeader() string {
	if m.cfg.Header != "" {
		return m.cfg.Header
	}
	return "Cookie"
}

func (m *Manager) responseHeader() string {
	if m.cfg.Header != "" {
		return m.cfg.Header
	}
	return "Set-Cookie"
}

// candidates returns the well-formed tokens in the lines of the request header.
func (m *Manager) candidates(lines []string, found *[maxCandidates]string) int {
	if m.cfg.Header == "" {
		return m.cfg.Cookie.candidates(lines, found)
	}
	if len(lines) == 0 {
		return 0
	}
	t := lines[0]
	if len(t) > len("Bearer ") && strings.EqualFold(t[:len("Bearer ")], "Bearer ") {
		t = t[len("Bearer "):]
	}
	if _, _, ok := parseToken(t); !ok {
		return 0
	}
	found[0] = t
	return 1
}

// carry renders the value of the response header that hands a token to the client, or takes it back if it is empty.
func (m *Manager) carry(token string, age time.Duration) string {
	if m.cfg.Header != "" {
		return token
	}
	return m.cfg.Cookie.header(token, age)
}

// newID returns an ID of a millisecond that is not before that of any made before, whatever the clock does.
func (m *Manager) newID(t time.Time) ID {
	ms := t.UnixMilli()
	for {
		last := m.lastID.Load()
		if ms <= last {
			return store.NewID(time.UnixMilli(last))
		}
		if m.lastID.CompareAndSwap(last, ms) {
			return store.NewID(t)
		}
	}
}

// bounded gives ctx a deadline if it has none.
func (m *Manager) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	return deadline.WithTimeout(ctx, m.cfg.StoreTimeout)
}

// Start returns a context that carries the session of a request, without any I/O. header has the lines of the request
// header that [Manager.RequestHeader] names. It is false if ctx carries a session of m already: then an outer adapter
// takes care of it. The strings in c and header are borrowed until [Manager.Close].
func (m *Manager) Start(ctx context.Context, c Client, header ...string) (context.Context, bool) {
	if h, ok := m.handle(ctx); ok && !h.ended() {
		return ctx, false
	}
	r := &carrier{Context: ctx, handle: handle{m: m, header: header, client: c, started: now()}}
	r.handle.ctx = r
	return r, true
}

// Commit makes the changes of a request durable: it creates the session, saves it, touches it, or does nothing. An
// adapter calls it before the first byte of the response, which gets the Effect even if there is an error; then the body
// of the response must not be sent. A later call saves what was changed since, and fails with [ErrTooLate] if that needs
// a new token. The store is called under a context of its own, so that a client that went away does not leave the outcome
// open. Errors: those of [Session].Save.
func (m *Manager) Commit(ctx context.Context) (Effect, error) { return m.commit(ctx, false) }

// Finish is [Manager.Commit] for the last time: a change that another goroutine makes after it is refused with
// [ErrClosed], instead of being accepted and lost. An adapter calls it when the handler has returned.
func (m *Manager) Finish(ctx context.Context) (Effect, error) { return m.commit(ctx, true) }

func (m *Manager) commit(ctx context.Context, last bool) (Effect, error) {
	h, ok := m.handle(ctx)
	if !ok {
		return Effect{}, ErrNoSession
	}
	late, id := h.sent.Load(), h.ID() // a commit that fails may forget the ID
	err := h.commit(ctx, last)
	if isPending(err) { // of a logout: it is final, and an event has said so
		err = nil
	}
	if late && err != nil { // there is no response any more that could tell
		m.cfg.Logger.LogAttrs(ctx, slog.LevelError, "session: a change after the response began is lost",
			slog.String("session", id.String()), slog.Any("error", err))
	}
	return h.effect(), err
}

// Close ends the session of a request; every request that was started must be closed. What was not committed is dropped:
// a request that fails or panics is closed without a commit. The Effect is of what Session.Save stored before, for a
// response that has not begun.
func (m *Manager) Close(ctx context.Context) Effect {
	h, ok := m.handle(ctx)
	if !ok {
		return Effect{}
	}
	e := h.effect()
	h.close()
	return e
}

// From is like the function [From], for the sessions of m.
func (m *Manager) From(ctx context.Context) (Session, error) {
	h, ok := m.handle(ctx)
	if !ok {
		return nil, ErrNoSession
	}
	return h.get(ctx, false)
}

func (m *Manager) handle(ctx context.Context) (*handle, bool) {
	if c, ok := ctx.(*carrier); ok && c.handle.m == m {
		return &c.handle, true
	}
	return find(ctx, m)
}

// A Requirement is what a route asks of a session. The zero value asks for a user.
type Requirement struct {
	MaxAge time.Duration // of the authentication; 0: any; negative: none is fresh enough
	Level  int           // of the authentication, at least
}

// Require returns the session if it meets r. It returns [ErrUnauthenticated] if nobody is signed in, [ErrStale] if r asks
// for more, or the errors of [From]. With MaxAge or Level a cached copy does not count (ASVS 5.0 7.5.1): what counts is
// what the database said in this request, even where a cache has not heard of a revocation.
func (m *Manager) Require(ctx context.Context, r Requirement) (Session, error) {
	h, ok := m.handle(ctx)
	if !ok {
		return nil, ErrNoSession
	}
	strict := r.MaxAge != 0 || r.Level != 0
	s, err := h.get(ctx, strict)
	switch {
	case err != nil:
		return nil, err
	case s.User() == "":
		return nil, ErrUnauthenticated
	}
	if strict {
		i := s.Info()
		if r.MaxAge != 0 && time.Since(i.AuthenticatedAt) > r.MaxAge || i.Level < r.Level {
			return nil, ErrStale
		}
	}
	return s, nil
}
