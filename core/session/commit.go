package session

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/qsessions/qsessions/core/internal/deadline"
	"github.com/qsessions/qsessions/core/store"
)

// Save implements [Session].
func (h *handle) Save(ctx context.Context) error { return h.commit(ctx, false) }

// commit carries out what the request asked for, or nothing, which is the common case.
func (h *handle) commit(ctx context.Context, last bool) error {
	h.mu.Lock()
	err, closed, idle := h.err, h.closed, true
	if h.loaded && !h.work.drop.IsZero() {
		idle = false
	} else if h.loaded && err == nil {
		idle = !h.dirty() && !h.touchDue() && !h.upkeep()
	}
	if idle && last {
		h.final = true
	}
	h.mu.Unlock()
	switch {
	case idle:
		return err
	case closed:
		return ErrClosed
	}
	ctx, cancel := h.m.detached(ctx)
	defer cancel()
	err = h.write(ctx, last)
	h.raise()
	return err
}

// detached returns a context of its own for writes: a client that goes away must not leave their outcome open.
func (m *Manager) detached(ctx context.Context) (context.Context, context.CancelFunc) {
	return deadline.WithTimeout(context.WithoutCancel(ctx), m.cfg.StoreTimeout)
}

// write does the work. It holds h.io, which keeps what is to be written as it is, so that it may read that without h.mu.
// A function of Update and the store may panic.
func (h *handle) write(ctx context.Context, last bool) error {
	h.io.Lock()
	defer h.io.Unlock()
	if last {
		defer h.finish()
	}
	var pending error
	if !h.work.drop.IsZero() {
		if err := h.remove(ctx); isPending(err) {
			pending = err
		} else if err != nil {
			return fmt.Errorf("session: logout: %w", err)
		}
	}
	if err := h.Err(); err != nil {
		return err
	}
	late := false
	if h.sent.Load() && h.dirty() {
		if h.work.login != nil || h.base == nil {
			return ErrTooLate
		}
		h.mu.Lock()
		late, h.work.rotate = h.work.rotate, false // the values can still be saved
		if h.doubt != nil && h.doubt.replaces() {
			h.doubt = nil // sent again, it would replace a token that the client cannot get any more
		}
		h.mu.Unlock()
	}
	if !h.dirty() {
		h.keep(ctx)
	} else if err := h.store(ctx); err != nil {
		if errors.Is(err, ErrRevoked) || errors.Is(err, ErrTooMany) {
			h.mu.Lock()
			h.forget() // there is nothing left that another try could save
			h.mu.Unlock()
		}
		return err
	}
	if late {
		return ErrTooLate
	}
	return pending
}

// remove deletes the session that Logout ended. A [PendingError] is no failure.
func (h *handle) remove(ctx context.Context) error {
	id, user := h.work.drop, h.work.dropUser
	err := h.m.store.Delete(ctx, id)
	if err != nil && !isPending(err) {
		return unavailable(ctx, err)
	}
	h.mu.Lock()
	h.work.drop = ID{}
	h.out, h.hasOut = h.m.carry("", 0), true
	h.mu.Unlock()
	h.note(Event{Kind: LoggedOut, ID: id, User: user, Err: err})
	return err
}

// keep does what a request that changed nothing leaves behind. Its failure costs the client nothing.
func (h *handle) keep(ctx context.Context) {
	var err error
	switch {
	case h.base == nil:
	case h.upkeep():
		err = h.store(ctx)
	case h.touchDue():
		err = h.touch(ctx)
	}
	if err != nil && !errors.Is(err, ErrRevoked) {
		h.m.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "session: last seen was not written", slog.String("session", h.id.String()), slog.Any("error", err))
	}
}

func (h *handle) touchDue() bool {
	return h.base != nil && h.started.Sub(h.base.LastSeen) >= h.m.cfg.Policy.touchEvery(h.secret.idle)
}

func (h *handle) touch(ctx context.Context) error {
	t := now()
	if !h.base.Live(t) {
		return nil
	}
	n, _ := h.next(&work{}, h.base, h.secret, h.sender(), t)
	old, r := h.base, *h.base
	err := h.m.store.Touch(ctx, &r, store.Touch{LastSeen: n.LastSeen, ExpiresAt: n.ExpiresAt, IP: n.IP, UserAgent: n.UserAgent})
	switch {
	case errors.Is(err, store.ErrConflict):
		return nil // somebody else did it, or the session has ended: the next load tells
	case err != nil:
		return unavailable(ctx, err)
	}
	h.mu.Lock()
	h.base = &r
	h.mu.Unlock()
	h.noteClient(old, &r)
	return nil
}

func (h *handle) noteClient(old, r *store.Record) {
	if changed(old, r) {
		h.note(Event{Kind: ClientChanged, ID: r.ID, User: r.User})
	}
}

// rotationDue reports whether the token is old enough to be replaced by the way. A request that came with the token of
// before, while the new one is known to have arrived, replaces nothing.
func (h *handle) rotationDue() bool {
	every := h.m.cfg.Policy.RotateEvery
	return every > 0 && h.base != nil && !h.sent.Load() && h.started.Sub(h.secret.rotatedAt) >= every &&
		(h.secret.current.equal(&h.presented) || h.secret.unseen())
}

// upkeep reports whether the token needs a save of its own: a periodic rotation, or a note that its result has arrived.
func (h *handle) upkeep() bool {
	return h.rotationDue() || h.base != nil && h.secret.unseen() && h.secret.current.equal(&h.presented)
}

// next returns base and its secret as the request leaves them at t, but for tokens and values.
func (h *handle) next(w *work, base *store.Record, s secret, client Client, t time.Time) (*store.Record, secret) {
	p := &h.m.cfg.Policy
	var n store.Record
	if base != nil {
		n = *base
	} else {
		n = store.Record{ID: h.id, CreatedAt: h.started}
		s = secret{idle: p.Idle, deadline: h.started.Add(p.Lifetime)}
	}
	if l := w.login; l != nil {
		n.User, n.AuthenticatedAt = l.user, l.at
		if l.user == h.floorUser {
			n.AuthenticatedAt = later(l.at, h.floor)
		}
		s.level, s.remember = uint8(l.level), l.remember
		s.idle, s.deadline = p.Idle, h.started.Add(p.Lifetime)
		if s.remember {
			s.idle, s.deadline = p.RememberIdle, h.started.Add(p.RememberLifetime)
		}
	}
	if w.limits != nil {
		s.idle, s.deadline = w.limits.idle, h.started.Add(w.limits.lifetime)
	}
	if client.IP.IsValid() {
		n.IP = client.IP
	}
	n.UserAgent = client.stored(n.UserAgent)
	n.LastSeen = later(n.LastSeen, t) // never back, whatever the clocks do
	n.ExpiresAt = s.expiry(n.LastSeen)
	return &n, s
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
