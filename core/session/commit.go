package session

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

// Save implements [Session].
func (h *handle) Save(ctx context.Context) error { return h.commit(ctx) }

// commit carries out what the request asked for, or nothing, which is the common case.
func (h *handle) commit(ctx context.Context) error {
	h.mu.Lock()
	if err := h.err; err != nil || !h.loaded {
		h.mu.Unlock()
		return err
	}
	if h.closed {
		h.mu.Unlock()
		return ErrClosed
	}
	idle := h.work.drop.IsZero() && !h.dirty() && !h.touchDue() && !h.upkeep()
	h.mu.Unlock()
	if idle {
		return nil
	}
	// A client that goes away must not leave the outcome open.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), h.m.cfg.StoreTimeout)
	defer cancel()
	err := h.write(ctx)
	h.raise()
	return err
}

// write does the work. It holds h.io, which keeps all fields as they are, so that it may read them without h.mu. A function
// of Update and the store may panic.
func (h *handle) write(ctx context.Context) error {
	h.io.Lock()
	defer h.io.Unlock()
	w := h.work
	if !w.drop.IsZero() {
		if err := h.remove(ctx); err != nil {
			return fmt.Errorf("session: logout: %w", err)
		}
	}
	if h.sent.Load() && h.dirty() && (w.login != nil || w.rotate || h.base == nil) {
		return ErrTooLate
	}
	if !h.dirty() {
		return h.keep(ctx)
	}
	err := h.store(ctx)
	if errors.Is(err, ErrRevoked) || errors.Is(err, ErrTooMany) {
		h.mu.Lock()
		h.forget() // there is nothing left that another try could save
		h.mu.Unlock()
	}
	return err
}

// remove deletes the session that Logout ended.
func (h *handle) remove(ctx context.Context) error {
	id, user := h.work.drop, h.work.dropUser
	err := h.m.store.Delete(ctx, id)
	var pending *PendingError
	if err != nil && !errors.As(err, &pending) {
		return unavailable(ctx, err)
	}
	h.mu.Lock()
	h.work.drop = ID{}
	h.out, h.hasOut = h.m.carry("", 0), true
	h.mu.Unlock()
	h.note(Event{Kind: LoggedOut, ID: id, User: user, Err: err})
	return nil
}

// keep does what a request that changed nothing leaves behind. Its failure costs the client nothing.
func (h *handle) keep(ctx context.Context) error {
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
	return nil
}

func (h *handle) touchDue() bool {
	return h.base != nil && h.started.Sub(h.base.LastSeen) >= h.m.cfg.Policy.touchEvery(h.secret.idle)
}

func (h *handle) touch(ctx context.Context) error {
	if !h.base.Live(now()) {
		return nil
	}
	n, s := h.next(&work{}, h.base, h.secret, h.sender())
	before := Client{h.base.IP, h.base.UserAgent}
	r := *h.base
	err := h.m.store.Touch(ctx, &r, store.Touch{LastSeen: n.LastSeen, ExpiresAt: n.ExpiresAt, IP: n.IP, UserAgent: n.UserAgent})
	switch {
	case errors.Is(err, store.ErrConflict):
		return nil // somebody else did it, or the session has ended: the next load tells
	case err != nil:
		return unavailable(ctx, err)
	}
	h.mu.Lock()
	h.base, h.secret = &r, s
	h.mu.Unlock()
	h.noteClient(before, &r)
	return nil
}

func (h *handle) noteClient(before Client, r *store.Record) {
	if after := (Client{r.IP, r.UserAgent}); after != before {
		h.note(Event{Kind: ClientChanged, ID: r.ID, User: r.User, Client: after})
	}
}

// rotationDue reports whether the token is old enough to be replaced by the way.
func (h *handle) rotationDue() bool {
	every := h.m.cfg.Policy.RotateEvery
	return every > 0 && h.base != nil && !h.sent.Load() && h.started.Sub(h.secret.rotatedAt) >= every
}

// upkeep reports whether the token needs a save of its own: a periodic rotation, or a note that its result has arrived.
func (h *handle) upkeep() bool {
	return h.rotationDue() || h.base != nil && h.secret.unseen() && h.secret.current.equal(&h.presented)
}

// store creates or saves the session, until it is stored or has ended.
func (h *handle) store(ctx context.Context) error {
	client := h.sender()
	var maybe *[8]byte // the nonce of a save whose outcome is unknown
	for try := 0; ; try++ {
		if !h.dirty() && !h.upkeep() {
			return nil // another request did it
		}
		n, s, v, err := h.compose(client)
		if err != nil {
			return err
		}
		if h.base == nil {
			err = h.create(ctx, n)
		} else if !h.base.Live(now()) {
			return ErrRevoked
		} else {
			err = h.m.store.Save(ctx, n)
			if err != nil && !definite(err) && maybe == nil && ctx.Err() == nil {
				nonce := s.nonce
				maybe = &nonce
				err = h.m.store.Save(ctx, n) // by version: it cannot happen twice
			}
		}
		switch {
		case err == nil:
			return h.stored(ctx, n, s, v)
		case errors.Is(err, store.ErrNoUser):
			return fmt.Errorf("session: save: %w: %w", ErrRevoked, err)
		case errors.Is(err, ErrTooLarge):
			return fmt.Errorf("session: save: %w", err)
		case !errors.Is(err, store.ErrConflict) || h.base == nil:
			return fmt.Errorf("session: save: %w", unavailable(ctx, err))
		}
		done, err := h.reload(ctx, maybe)
		if err != nil {
			return err
		}
		if done { // the save whose outcome was unknown had succeeded
			return h.stored(ctx, h.base, h.secret, v)
		}
		maybe = nil
		h.note(Event{Kind: ConflictRetried, ID: n.ID, User: n.User})
		if err := backOff(ctx, try); err != nil {
			return fmt.Errorf("session: save: %w: too many requests change this session", ErrUnavailable)
		}
	}
}

// backOff gives way to the other requests that change the session.
func backOff(ctx context.Context, try int) error {
	if try < 2 {
		return ctx.Err()
	}
	timer := time.NewTimer(mathrand.N(time.Millisecond << min(try-2, 5)))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

func (h *handle) create(ctx context.Context, n *store.Record) error {
	err := h.m.store.Create(ctx, n)
	if err == nil || definite(err) || ctx.Err() != nil {
		return err
	}
	// The outcome is unknown. Nobody else knows the ID: one that is taken now was taken by us.
	if err := h.m.store.Create(ctx, n); !errors.Is(err, store.ErrExists) {
		return err
	}
	r, err := store.LoadFresh(ctx, h.m.store, n.ID)
	if err == nil && string(r.Secret) != string(n.Secret) {
		err = store.ErrExists
	}
	if err == nil {
		n.Version, n.Tag = r.Version, r.Tag
	}
	return err
}

// reload reads the session again after a conflict, and applies the request's changes to what it finds. It is done if the
// record is the one that was saved under the nonce maybe.
func (h *handle) reload(ctx context.Context, maybe *[8]byte) (done bool, err error) {
	id := h.base.ID
	r, err := store.LoadFresh(ctx, h.m.store, id) // a copy could be the one that just lost
	switch {
	case errors.Is(err, store.ErrNotFound):
		return false, ErrRevoked
	case err != nil:
		return false, fmt.Errorf("session: reload: %w", unavailable(ctx, err))
	}
	s, ok := decodeSecret(r.Secret)
	t := now()
	switch {
	case !ok || r.ID != id || !r.Live(t):
		return false, ErrRevoked
	case maybe != nil && s.nonce == *maybe:
		done = true
	case s.match(&h.presented, t, h.m.cfg.Policy.Grace) == presentedOther:
		return false, ErrRevoked // what this request knew of the session was before a login
	case r.User != h.base.User:
		return false, ErrRevoked
	}
	plain, plainErr := h.m.seal.open(id, r.Data)
	view := plain
	if changes := h.work.changes; !done && len(changes) > 0 {
		if plainErr != nil && changes[0].op != opClear {
			return false, plainErr
		}
		if view, err = applyAll(plain, changes); err != nil {
			return false, err
		}
		if len(view) > h.m.cfg.MaxData {
			return false, fmt.Errorf("session: save: %w", ErrTooLarge)
		}
	}
	h.mu.Lock()
	h.base, h.secret, h.work.view = r, s, view
	h.opened, h.plain, h.plainErr = true, plain, plainErr
	h.generation++
	h.mu.Unlock()
	return done, nil
}

// compose returns the record to store, its secret, and the verifier if it is a new one.
func (h *handle) compose(client Client) (*store.Record, secret, *verifier, error) {
	w := &h.work
	n, s := h.next(w, h.base, h.secret, client)
	_, _ = rand.Read(s.nonce[:])
	t := h.started
	if s.unseen() && s.current.equal(&h.presented) {
		s.seenAt = t
	}
	if !s.seenAt.IsZero() && !t.Before(s.seenAt.Add(h.m.cfg.Policy.Grace)) {
		s.previous, s.seenAt = digest{}, time.Time{}
	}
	var v *verifier
	switch {
	case h.base == nil || w.login != nil || w.rotate:
		s.previous, s.seenAt = digest{}, time.Time{}
		v = new(verifier)
	case h.rotationDue():
		s.previous, s.seenAt = h.presented, time.Time{}
		v = new(verifier)
	}
	if v != nil {
		*v = newVerifier()
		s.current, s.rotatedAt = v.digest(), t
	}
	n.Secret = s.encode()
	if len(w.changes) > 0 {
		var err error
		if n.Data, err = h.m.seal.seal(n.ID, w.view); err != nil {
			return nil, s, nil, err
		}
	}
	return n, s, v, nil
}

// next returns base and its secret as the request leaves them, but for tokens and values.
func (h *handle) next(w *work, base *store.Record, s secret, client Client) (*store.Record, secret) {
	p, t := &h.m.cfg.Policy, h.started
	var n store.Record
	if base != nil {
		n = *base
	} else {
		n = store.Record{ID: h.id, CreatedAt: t}
		s = secret{idle: p.Idle, deadline: t.Add(p.Lifetime)}
	}
	if l := w.login; l != nil {
		n.User, n.AuthenticatedAt = l.user, later(l.at, h.floor)
		s.remember = l.remember || l.keepMemory && s.remember
		if !l.keepLevel || s.level == 0 {
			s.level = uint8(l.level)
		}
		s.idle, s.deadline = p.Idle, t.Add(p.Lifetime)
		if s.remember {
			s.idle, s.deadline = p.RememberIdle, t.Add(p.RememberLifetime)
		}
	}
	if w.limits != nil {
		s.idle, s.deadline = w.limits.idle, t.Add(w.limits.lifetime)
	}
	if client.IP.IsValid() {
		n.IP = client.IP
	}
	if client.UserAgent != "" {
		n.UserAgent = client.UserAgent
	}
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

// stored takes over what the store has accepted. v is the new verifier, if there is one.
func (h *handle) stored(ctx context.Context, n *store.Record, s secret, v *verifier) error {
	old, w := h.base, h.work
	if w.login != nil {
		if err := h.settle(ctx, n, old != nil && old.User == n.User); err != nil {
			return err
		}
	}
	periodic := v != nil && old != nil && w.login == nil && !w.rotate
	h.mu.Lock()
	if len(w.changes) > 0 {
		h.plain, h.plainErr, h.opened = w.view, nil, true
	}
	h.base, h.secret, h.id, h.work = n, s, n.ID, work{}
	h.generation++
	if v != nil {
		if !periodic { // after a periodic rotation the old token is the one that is known to have arrived
			h.presented = s.current
		}
		var age time.Duration
		if s.remember {
			age = s.deadline.Sub(h.started)
		}
		h.out, h.hasOut = h.m.carry(formatToken(n.ID, v), age), true
	}
	h.mu.Unlock()
	if old == nil {
		h.note(Event{Kind: Created, ID: n.ID, User: n.User})
	} else {
		h.noteClient(Client{old.IP, old.UserAgent}, n)
	}
	switch {
	case w.login != nil:
		h.note(Event{Kind: LoggedIn, ID: n.ID, User: n.User})
	case v != nil && old != nil:
		h.note(Event{Kind: Rotated, ID: n.ID, User: n.User})
	}
	return nil
}
