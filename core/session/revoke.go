package session

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/qsessions/qsessions/core/internal/deadline"
	"github.com/qsessions/qsessions/core/store"
)

const (
	maxSessions  = 1000 // of one user, in Sessions
	describePage = 50   // sessions that are enriched together
)

// Sessions iterates over the live sessions of user, latest first, with the facts of the enrichers; at most 1000 of them.
// [Find] has all. The session of the request that ctx belongs to is marked as current.
func (m *Manager) Sessions(ctx context.Context, user string) iter.Seq2[Info, error] {
	if !goodUser(user) {
		return fails(errors.New("session: Sessions: the user is not 1 to 255 bytes of UTF-8"))
	}
	return m.Find(ctx, Query{User: user, Limit: maxSessions})
}

// Find iterates over the sessions that q selects, latest ID first, with the facts of the enrichers. Unless q asks for
// expired ones it selects live ones. To show them in pages set q.Limit, and q.After to the last ID of the page before. An
// error comes last; it is [ErrUnavailable], or [errors.ErrUnsupported] if the store is no store.Indexed. The loop may
// revoke sessions.
func (m *Manager) Find(ctx context.Context, q Query) iter.Seq2[Info, error] {
	if m.indexed == nil {
		return fails(unsupported("Find"))
	}
	return func(yield func(Info, error) bool) {
		var page []Info
		flush := func() bool {
			m.describe(ctx, page)
			for _, i := range page {
				if !yield(i, nil) {
					return false
				}
			}
			page = page[:0]
			return true
		}
		for i, err := range m.Scan(ctx, q) {
			if err != nil {
				if flush() {
					yield(Info{}, err)
				}
				return
			}
			page = append(page, i)
			if (len(m.cfg.Enrichers) == 0 || len(page) == describePage) && !flush() {
				return
			}
		}
		flush()
	}
}

// Scan is [Manager.Find] without the facts of the enrichers: for counting, for sorting, and for choosing which ones to
// describe.
func (m *Manager) Scan(ctx context.Context, q Query) iter.Seq2[Info, error] {
	if m.indexed == nil {
		return fails(unsupported("Find"))
	}
	if q.User != "" && !goodUser(q.User) {
		return func(func(Info, error) bool) {} // no session has that
	}
	q.Data = false
	if q.Live.IsZero() && q.Expired.IsZero() {
		q.Live = now()
	}
	return func(yield func(Info, error) bool) {
		var current ID
		if s, err := m.From(ctx); err == nil {
			current = s.ID()
		}
		for r, err := range m.list(ctx, q) {
			if err != nil {
				yield(Info{}, fmt.Errorf("session: find: %w", err))
				return
			}
			i := infoOf(r, current)
			i.ExpiresAt = m.listedEnd(r)
			if !yield(i, nil) {
				return
			}
		}
	}
}

// Collect returns what an iterator of sessions yields, or its error.
func Collect(seq iter.Seq2[Info, error]) ([]Info, error) {
	var all []Info
	for i, err := range seq {
		if err != nil {
			return nil, err
		}
		all = append(all, i)
	}
	return all, nil
}

func fails(err error) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) { yield(Info{}, err) }
}

// Revoke ends one session of user. It returns [ErrNotFound] both if there is no such session and if it is somebody
// else's: who asks learns nothing of other people's sessions. If it is the session of the request that ctx belongs to,
// that request is signed out. A [PendingError] says that a cache could not be told. If it matches ErrNotFound too, there was
// nothing to end, but for what an earlier call may have ended without being able to tell the cache.
func (m *Manager) Revoke(ctx context.Context, user string, id ID) error {
	if !goodUser(user) {
		return errors.New("session: Revoke: the user is not 1 to 255 bytes of UTF-8")
	}
	return m.revoke(ctx, id, func(r *store.Record) bool { return r.User == user })
}

// RevokeID ends one session, whosever it is: for operators. Errors as [Manager.Revoke].
func (m *Manager) RevokeID(ctx context.Context, id ID) error {
	return m.revoke(ctx, id, func(*store.Record) bool { return true })
}

// RevokeListed is [Manager.RevokeID] for a session of a list: it ends it only if it still is of the user, or of nobody, as it
// was when listed. Anyone who has signed in since is not meant; that is ErrNotFound.
func (m *Manager) RevokeListed(ctx context.Context, i Info) error {
	return m.revoke(ctx, i.ID, func(r *store.Record) bool { return r.User == i.User })
}

func (m *Manager) revoke(ctx context.Context, id ID, allowed func(*store.Record) bool) error {
	if id.IsZero() {
		return fmt.Errorf("session: revoke: %w", ErrNotFound)
	}
	ctx, cancel := m.detached(ctx)
	defer cancel()
	r, err := store.LoadFresh(ctx, m.store, id)
	if err == nil && !allowed(r) { // the user of a record is set once: nothing can change between here and the deletion
		// Neither the answer nor what is asked of the store may tell it from a session that is not there.
		id, err = m.newID(now()), store.ErrNotFound
	}
	switch {
	case errors.Is(err, store.ErrNotFound):
		if m.cached { // an earlier call may have removed it without being able to tell the cache
			err := m.store.Delete(ctx, id)
			var p *PendingError
			if errors.As(err, &p) && errors.Is(p.Err, ErrUnavailable) { // and not as a cache is always behind
				return fmt.Errorf("session: revoke: %w: %w", ErrNotFound, err)
			}
		}
		return fmt.Errorf("session: revoke: %w", ErrNotFound)
	case err != nil:
		return fmt.Errorf("session: revoke: %w", unavailable(ctx, err))
	}
	err = m.store.Delete(ctx, id)
	if err = revokeError(ctx, err); err == nil || isPending(err) {
		m.observe(ctx, Event{Kind: Revoked, ID: id, User: r.User, Reason: ReasonRevoke, Err: err})
		if h, ok := m.handle(ctx); ok {
			h.revoked(func(own ID, _ string) bool { return own == id })
		}
	}
	return err
}

// RevokeUser ends all sessions of user, logins in flight included: a login whose request began before does not survive.
// It returns how many live sessions it ended. The request that ctx belongs to may log in again ("new password, revoke all,
// log in"); if the session of that request is user's, it ends too, and so does a login of user that came before in the same
// request. Like the other revocations it goes on when ctx is canceled. A [PendingError] says that a cache could not be
// told; after [ErrUnavailable] some sessions may have ended: call it again.
//
// Behind a cache that an attacker can write to, a genuine old copy that is put back is accepted for Freshness and Skew of
// cacheddb after that copy was made. [Manager.Require] with a MaxAge or a Level never accepts it.
func (m *Manager) RevokeUser(ctx context.Context, user string) (int, error) {
	if !goodUser(user) {
		return 0, errors.New("session: RevokeUser: the user is not 1 to 255 bytes of UTF-8")
	}
	cutoff := now()
	n, err := m.revokeUser(ctx, user, cutoff, ReasonRevokeUser)
	if h, ok := m.handle(ctx); ok && (err == nil || isPending(err)) {
		h.raiseFloor(user, cutoff)
		h.revoked(func(_ ID, own string) bool { return own == user })
	}
	return n, err
}

// RevokeOthers ends all sessions of the user of s but s itself, which gets a new token, and logins in flight (ASVS 5.0
// 7.4.3). Call it when a password or another factor changes. It returns how many it ended. It returns
// [ErrUnauthenticated] if no user is signed in, [ErrNoSession] if s is another manager's, and otherwise the errors of
// [Manager.RevokeUser]; or, when the others have ended, [ErrTooLate] or [ErrClosed] if s cannot get its new token, as the
// response has begun or the request has ended. The new token is stored by the commit, also if the request fails. If another
// request has replaced the token by then, s ends too, and the commit fails with [ErrReplaced], or goes on with a session of
// its own after a Login or Reauthenticate. While a cache cannot be told that s has a new token, other processes may accept
// the old one.
func (m *Manager) RevokeOthers(ctx context.Context, s Session) (int, error) {
	h := s.self()
	user := h.User()
	switch {
	case h.m != m:
		return 0, ErrNoSession
	case user == "":
		return 0, ErrUnauthenticated
	}
	cutoff := now()
	n, err := m.revokeUser(ctx, user, cutoff, ReasonRevokeOthers, h.ID())
	if err == nil || isPending(err) {
		h.raiseFloor(user, cutoff)
		if late := h.renew(); late != nil {
			return n, errors.Join(late, err)
		}
	}
	return n, err
}

func (m *Manager) revokeUser(ctx context.Context, user string, cutoff time.Time, reason string, keep ...ID) (int, error) {
	if m.indexed == nil {
		return 0, unsupported("RevokeUser")
	}
	ctx, cancel := deadline.Detached(ctx, m.long())
	defer cancel()
	// DeleteUser also names sessions that ended long ago, for the sake of caches: what was live before is what counts.
	live := map[ID]bool{}
	for r, err := range m.indexed.List(ctx, Query{User: user, Live: cutoff}) {
		if err != nil {
			return 0, fmt.Errorf("session: revoke: %w", unavailable(ctx, err))
		}
		live[r.ID] = true
	}
	ids, err := m.indexed.DeleteUser(ctx, user, cutoff, keep...)
	err = revokeError(ctx, err)
	n := 0
	for _, id := range ids {
		if live[id] {
			n++
			m.observe(ctx, Event{Kind: Revoked, ID: id, User: user, Reason: reason, Err: err})
		}
	}
	return n, err
}

// renew is Rotate that says whether there is still a response which can carry the new token.
func (h *handle) renew() error {
	h.io.Lock()
	defer h.io.Unlock()
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.closed, h.final:
		return fmt.Errorf("session: revoke: no new token: %w", ErrClosed)
	case h.sent.Load():
		return fmt.Errorf("session: revoke: no new token: %w", ErrTooLate)
	}
	h.work.rotate, h.work.renew = true, true
	return nil
}

// raiseFloor lets the request that revoked user's sessions log in again.
func (h *handle) raiseFloor(user string, cutoff time.Time) {
	h.io.Lock()
	defer h.io.Unlock()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.use()
	h.floorUser, h.floor = user, cutoff
}

// revoked ends the request's own session, or login, if it is one of those that were revoked.
func (h *handle) revoked(which func(id ID, user string) bool) {
	h.io.Lock()
	defer h.io.Unlock()
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.content == nil:
	case h.base != nil && which(h.base.ID, h.base.User):
		h.forget()
		if !h.sent.Load() {
			h.handing = takes
		}
	case h.work.login != nil && which(h.id, h.work.login.User):
		h.work.login = nil
		h.generation++
		if h.base == nil && h.borrowed { // of the user whose sessions have ended
			d := h.work.drop
			h.forget()
			h.work.drop = d
			return
		}
		if h.doubt == nil || h.doubt.work.login == nil {
			return
		}
		h.doubt = nil // sent again, it would still log in
		if h.base == nil {
			h.id = ID{} // it may be taken now
			if h.dirty() {
				h.name()
			}
		}
	}
}

func revokeError(ctx context.Context, err error) error {
	switch {
	case err == nil, errors.Is(err, errors.ErrUnsupported), isPending(err):
		return err
	}
	return fmt.Errorf("session: revoke: %w", unavailable(ctx, err))
}

func isPending(err error) bool {
	if err == nil {
		return false // without an allocation
	}
	var p *PendingError
	return errors.As(err, &p)
}
