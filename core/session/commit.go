package session

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

// Save implements [Session].
func (h *handle) Save(ctx context.Context) error {
	h.mu.Lock()
	clean := h.loaded && h.err == nil && h.base != nil && h.work.drop.id.IsZero() && !h.dirty()
	closed := h.closed && h.err == nil
	h.mu.Unlock()
	switch {
	case closed:
		return ErrClosed
	case !clean:
		return h.commit(ctx, false)
	}
	began := time.Now()
	ctx, cancel := h.m.detached(ctx)
	defer cancel()
	err := h.attend(ctx)
	h.raise()
	return h.m.explain(err, began)
}

// attend notes that a session without changes is still used, or asks whether it is still there.
func (h *handle) attend(ctx context.Context) error {
	h.io.Lock()
	defer h.io.Unlock()
	if h.base == nil {
		return nil // another goroutine has ended it
	}
	if h.upkeep() {
		return h.forgetIfGone(h.store(ctx))
	}
	if now().Sub(h.base.LastSeen) >= h.m.cfg.Policy.touchEvery(h.secret.idle) && !h.passive.Load() {
		if touched, err := h.touch(ctx); touched || err != nil {
			return err
		}
	}
	return h.forgetIfGone(h.confirm(ctx))
}

// forgetIfGone makes the session a new anonymous one if err says that there is nothing left that another try could save.
func (h *handle) forgetIfGone(err error) error {
	if errors.Is(err, ErrRevoked) || errors.Is(err, ErrReplaced) || errors.Is(err, ErrTooMany) {
		h.mu.Lock()
		h.forget()
		h.mu.Unlock()
	}
	return err
}

// commit carries out what the request asked for, or nothing, which is the common case.
func (h *handle) commit(ctx context.Context, last bool) error {
	h.mu.Lock()
	err, closed, idle := h.err, h.closed, true
	if h.loaded && !h.work.drop.id.IsZero() {
		idle = false
	} else if h.loaded && (err == nil || h.work.renew) {
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
	began := time.Now()
	ctx, cancel := h.m.detached(ctx)
	defer cancel()
	err = h.write(ctx, last)
	h.raise()
	return h.m.explain(err, began)
}

// abort carries out what ends access in a request whose other changes are dropped, and notes that a pending token was shown: who
// makes requests fail on purpose must not keep the old one alive by it. A store that did not answer the commit is not waited
// for again.
func (h *handle) abort(ctx context.Context) {
	var logout, token bool
	h.mu.Lock()
	if h.content != nil && !h.closed && h.loaded && !h.hung {
		logout = !h.abortive && !h.work.drop.id.IsZero() && !h.work.drop.implied
		token = h.base != nil && (h.standing == pending || h.work.renew && !h.sent.Load())
	}
	h.mu.Unlock()
	if !logout && !token {
		return
	}
	ctx, cancel := h.m.detached(ctx)
	defer cancel()
	err := h.abortWith(ctx, logout)
	if err != nil && !isPending(err) && !errors.Is(err, ErrRevoked) && !errors.Is(err, ErrReplaced) {
		h.m.cfg.Logger.LogAttrs(ctx, slog.LevelError, "session: the end of a session, in a request that failed, could not be stored", slog.Any("error", err))
	}
	h.raise()
	h.noteHung(err)
}

// noteHung notes whether err says that the store did not answer in time.
func (h *handle) noteHung(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.hung = hung(err)
}

func (h *handle) abortWith(ctx context.Context, logout bool) error {
	h.io.Lock()
	defer h.io.Unlock()
	switch {
	case logout:
		return h.remove(ctx)
	case h.base == nil, h.sent.Load() && h.doubt != nil: // the commit has tried, and the store does not answer
		return nil
	}
	return h.forgetIfGone(h.endAccess(ctx))
}

// endAccess stores what becomes of the token, and nothing else. A write of unknown outcome is not sent again: if it has
// happened, its token is known.
func (h *handle) endAccess(ctx context.Context) error {
	h.mu.Lock()
	renew := h.work.renew && !h.sent.Load()
	h.work = work{rotate: renew, renew: renew}
	doubt := h.doubt
	h.doubt, h.opened = nil, false // the values are those of the next record that is read
	h.generation++
	h.mu.Unlock()
	if doubt != nil {
		doubt.work.changes, doubt.work.view = nil, nil
		done, err := h.reload(ctx, doubt, false)
		if err != nil {
			return err
		}
		if done {
			if err := h.accept(ctx, doubt); err != nil {
				return err
			}
		}
	}
	return h.store(ctx)
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
	if !h.work.drop.id.IsZero() && !h.work.drop.implied {
		if err := h.remove(ctx); isPending(err) {
			pending = err
		} else if err != nil {
			return fmt.Errorf("session: logout: %w", err)
		}
	}
	if err := h.Err(); err != nil {
		if h.work.renew && h.base != nil && !h.sent.Load() { // what RevokeOthers began does not hang on a value
			err = errors.Join(err, h.forgetIfGone(h.endAccess(ctx)))
		}
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
	} else if err := h.storable(); err != nil {
		return err
	} else if err := h.forgetIfGone(h.store(ctx)); err != nil {
		return err
	}
	if h.work.drop.implied && h.base != nil { // now that there is another session
		if err := h.remove(ctx); isPending(err) {
			pending = err
		} else if err != nil {
			return fmt.Errorf("session: the session before the login: %w", err)
		}
	}
	if late {
		return ErrTooLate
	}
	return pending
}

// storable refuses a new anonymous session for which a cookie would do harm: the browser may have a better one.
func (h *handle) storable() error {
	switch {
	case h.base != nil || h.work.login != nil:
		return nil
	case h.superseded != nil:
		return fmt.Errorf("session: save: %w", ErrReplaced)
	case h.withheld && h.jar == jar{}:
		return fmt.Errorf("session: save: %w", ErrCrossSite)
	}
	return nil
}

// remove deletes the session that Logout ended, or a login as another user. A [PendingError] is no failure.
func (h *handle) remove(ctx context.Context) error {
	d := h.work.drop
	if d.implied {
		if other, err := h.otherEpoch(ctx, d); err != nil {
			return err
		} else if other { // its user has signed in since, and a token from before must not end that
			h.mu.Lock()
			h.work.drop = drop{}
			h.mu.Unlock()
			return nil
		}
	}
	err := h.m.store.Delete(ctx, d.id)
	if err != nil && !isPending(err) {
		h.mu.Lock()
		h.abortive = true
		h.mu.Unlock()
		return unavailable(ctx, err)
	}
	h.mu.Lock()
	h.work.drop = drop{}
	if !d.implied { // else the token of the login takes its place
		h.handing = takes
	}
	h.mu.Unlock()
	h.note(Event{Kind: LoggedOut, ID: d.id, User: d.user, Err: err})
	return err
}

// otherEpoch reports whether a session has had another login, or a rotation on demand, since the request read it.
func (h *handle) otherEpoch(ctx context.Context, d drop) (bool, error) {
	r, err := store.LoadFresh(ctx, h.m.store, d.id)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return false, nil
	case err != nil:
		return false, unavailable(ctx, err)
	}
	var s secret
	err = h.m.decode(r.Secret, &s)
	return err == nil && s.epoch != d.epoch, nil
}

// keep does what a request that changed nothing leaves behind. Its failure costs the client nothing.
func (h *handle) keep(ctx context.Context) {
	var err error
	began := time.Now()
	switch {
	case h.base == nil:
	case h.upkeep():
		err = h.store(ctx)
	case h.touchDue():
		_, err = h.touch(ctx)
	}
	if err != nil && !errors.Is(err, ErrRevoked) && !errors.Is(err, ErrReplaced) {
		h.m.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "session: last seen was not written", slog.String("session", h.id.String()), slog.Any("error", h.m.explain(err, began)))
	}
}

func (h *handle) touchDue() bool {
	return h.base != nil && !h.passive.Load() && h.started.Sub(h.base.LastSeen) >= h.m.cfg.Policy.touchEvery(h.secret.idle)
}

// touch reports whether it has written "last seen". If another request was faster, or the session has ended, it has not.
func (h *handle) touch(ctx context.Context) (bool, error) {
	t := now()
	if !h.base.Live(t) {
		return false, nil
	}
	n, _ := h.next(&work{}, h.base, h.secret, h.sender(), t)
	old, r := h.base, *h.base
	err := h.m.store.Touch(ctx, &r, store.Touch{LastSeen: n.LastSeen, ExpiresAt: n.ExpiresAt, IP: n.IP, UserAgent: n.UserAgent})
	switch {
	case errors.Is(err, store.ErrConflict):
		return false, nil
	case err != nil:
		return false, unavailable(ctx, err)
	}
	h.mu.Lock()
	h.base, h.vouched = &r, true
	h.mu.Unlock()
	h.noteClient(old, &r)
	return true, nil
}
