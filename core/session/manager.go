package session

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

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
	cookies []Cookie      // that of today, then old ones
	realms  []string      // of tokens, by the cookie that they come under
	forms   []secretForm  // of Record.Secret; the first one is written
	clients changes       // of clients, that were reported
	turns   turns         // of requests that save one session
	corrupt throttle      // of log lines about values that cannot be read
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
	m := &Manager{cfg: c, store: s, forms: secretForms()}
	m.cookies = append([]Cookie{c.Cookie}, c.OldCookies...)
	for _, o := range m.cookies {
		m.realms = append(m.realms, cmp.Or(c.Realm, c.Header, o.Name))
	}
	m.indexed, _ = s.(store.Indexed)
	_, m.cached = s.(store.Cached)
	if m.indexed == nil && c.PerUser.Max > 0 {
		return nil, fmt.Errorf("session: Config.PerUser needs a store.Indexed, and %T is none", s)
	}
	if len(c.Keys) > 0 {
		if m.seal, err = newSealer(c.Keys, c.ReadPlaintext); err != nil {
			return nil, err
		}
		m.seal.off = c.WritePlaintext
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

// candidates collects the well-formed tokens in the lines of the request header.
func (m *Manager) candidates(lines []string, c *candidates) {
	if m.cfg.Header != "" {
		c.readHeader(lines)
	} else {
		c.read(m.cookies, lines)
	}
}

// cacheControl is of responses that depend on a signed-in user.
func (m *Manager) cacheControl() string {
	if m.cfg.NoStore {
		return "no-store"
	}
	return "private, no-cache"
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

// NoteFetch says how the request of ctx came about. An adapter calls it after Start for requests of other sites, those with
// "Sec-Fetch-Site: cross-site": where the browser keeps the session's cookie back from such a request, an anonymous session
// is not stored, as its cookie would replace that of a session that the browser may have. A login is.
func (m *Manager) NoteFetch(ctx context.Context, f Fetch) {
	if h, ok := m.handle(ctx); ok && m.cfg.Header == "" && f.withholds(m.cfg.Cookie.SameSite) {
		h.mu.Lock()
		h.withheld = true
		h.mu.Unlock()
	}
}

// Commit makes the changes of a request durable: it creates the session, saves it, touches it, or does nothing. An
// adapter calls it before the first byte of the response, which gets the Effect even if there is an error; then the body
// of the response must not be sent. A later call saves the changes made since, and fails with [ErrTooLate] if that needs
// a new token. The store is called under a context of its own, so that a client that went away does not leave the outcome
// open. It returns [ErrNoSession] if ctx carries no session of m, and otherwise the errors of [Session].Save but
// three, with which the response is right, and of which events and Config.Logger tell: ErrCrossSite, the PendingError of a
// Logout, and the ErrRevoked of a login whose session Config.PerUser ended at once.
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
	switch {
	case isPending(err), // of a logout: it is final, and an event has said so
		errors.Is(err, errOusted),    // the login has happened
		errors.Is(err, ErrCrossSite): // it is right for this request
		if !isPending(err) {
			m.cfg.Logger.LogAttrs(ctx, slog.LevelInfo, "session: a session was not kept", slog.Any("error", err))
		}
		err = nil
	}
	if late && err != nil { // there is no response any more that could tell
		m.cfg.Logger.LogAttrs(ctx, slog.LevelError, "session: a change after the response began is lost",
			slog.String("session", id.String()), slog.Any("error", err))
	}
	h.noteHung(err)
	h.recheck(ctx)
	return h.effect(), err
}

// Close ends the session of a request; every request that was started must be closed. What was not committed is dropped:
// a request that fails or panics is closed without a commit. Only changes that end access are carried out all the same: a
// Logout, the new token of the session that called [Manager.RevokeOthers], and the end of a token whose periodic successor
// the request has presented. The Effect belongs to those, and to what Session.Save stored before, for a response that has
// not begun. Close may call the store, for at most Config.StoreTimeout each time; errors go to Config.Logger.
func (m *Manager) Close(ctx context.Context) Effect {
	h, ok := m.handle(ctx)
	if !ok {
		return Effect{}
	}
	h.abort(ctx)
	h.recheck(ctx)
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
