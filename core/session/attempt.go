package session

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

// An attempt is one write of the session. It may be sent again as it is, but for last seen: by its version, or by its ID,
// it cannot happen twice.
type attempt struct {
	work   work          // what it carries out
	old    *store.Record // what it replaces; nil: it creates
	record *store.Record
	secret secret
	token  *token // nil: the token stays
	again  bool   // the token is handed out again, with another end
}

// store creates or saves the session, until it is stored or has ended. After [ErrUnavailable] the next call goes on with
// the same attempt, which may have succeeded.
func (h *handle) store(ctx context.Context) error {
	client, stored := h.sender(), false
	defer func() { h.endTurn(stored) }()
	for kept := false; h.doubt != nil || h.dirty() || !kept && h.upkeep(); {
		a, done := h.doubt, false
		var err error
		if h.base != nil && !h.base.Live(now()) { // another request, or a, may have kept it alive
			if done, err = h.reload(ctx, a, a != nil); err != nil {
				return err
			}
			if !done {
				a = h.doubt // it may be known by now that it did not happen
			}
		}
		switch {
		case a == nil:
			if a, err = h.compose(client); err != nil {
				return err
			}
		case !done: // others may have been promised more since
			a.record.LastSeen = later(a.record.LastSeen, now())
			a.record.ExpiresAt = a.secret.expiry(a.record.LastSeen)
		}
		if !done {
			if done, err = h.send(ctx, a); err != nil {
				return err
			}
		}
		if done {
			h.doubt, kept = nil, true
			if err := h.accept(ctx, a); err != nil {
				return err
			}
			continue
		}
		h.note(Event{Kind: ConflictRetried, ID: a.record.ID, User: a.record.User})
	}
	stored = true
	return nil
}

// compose makes an attempt of the request's work.
func (h *handle) compose(client Client) (*attempt, error) {
	w := h.work
	t := now()
	n, s := h.next(&w, h.base, h.secret, client, t)
	s.renew()
	s.bound = false
	a := &attempt{work: w, old: h.base, record: n}
	st := h.standing
	if st == pending {
		s.promote(h.presented.digest, h.presented.token.mark(h.m.realms[h.presented.cookie]), t)
		st = current
	}
	s.untouched = false
	switch {
	case a.replaces():
		new := newToken(n.ID)
		a.token = &new
		s.replace(new.digest(h.m.realms[0]), new.mark(h.m.realms[0]), t)
		s.untouched = w.login != nil
	case h.exchangeDue() && h.roomAt(t):
		new := h.presented.token.next()
		a.token = &new
		s.issue(new.digest(h.m.realms[0]), t, h.m.cfg.Policy.Grace)
	default:
		a.again = h.cookieDue(&s, st, t) || h.gathers(&s, st)
	}
	switch {
	case !s.persistent:
		s.cookieEnd = time.Time{}
	case a.token != nil || a.again || h.handing == gives:
		s.cookieEnd = cookieEnd(n.ExpiresAt, t)
	}
	a.secret = s
	n.Secret = h.m.forms[0].encode(&a.secret)
	// What prolongs the session also renews the encryption: else it would outlive a key that is on its way out.
	if len(w.changes) > 0 || h.base == nil || (w.login != nil || w.limits != nil) && h.m.seal.outdated(n.Data) {
		h.mu.Lock()
		d, err, _ := h.values()
		h.mu.Unlock()
		if err == nil {
			n.Data, err = h.m.seal.seal(n.ID, d)
		}
		if err != nil && len(w.changes) > 0 {
			return nil, err
		}
	}
	return a, nil
}

// send writes the attempt. It is done if a is stored; if it is not, the session has been reloaded.
func (h *handle) send(ctx context.Context, a *attempt) (done bool, err error) {
	write := h.m.store.Save
	if a.old == nil {
		write = h.m.store.Create
	}
	again := h.doubt == a
	err = write(ctx, a.record)
	if err != nil && !definite(err) && ctx.Err() == nil {
		again = true
		err = write(ctx, a.record)
	}
	if err != nil && !definite(err) {
		h.doubt = a
		return false, fmt.Errorf("session: save: %w", unavailable(ctx, err))
	}
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, ErrNoUser):
		h.doubt = nil
		h.m.cfg.Logger.LogAttrs(ctx, slog.LevelError, "session: the users table does not have the user of a session: is it the user's name, and not the ID?",
			slog.String("user", a.record.User), slog.Any("error", err))
		return false, fmt.Errorf("session: save: %w", err)
	case errors.Is(err, ErrTooLarge):
		h.doubt = nil
		return false, fmt.Errorf("session: save: %w", err)
	case errors.Is(err, store.ErrConflict) && a.old != nil, errors.Is(err, store.ErrExists) && a.old == nil && again:
		if again {
			h.doubt = a
		}
		if a.old != nil {
			if err := h.giveWay(ctx); err != nil {
				return false, err
			}
			if r := h.handedOn(a.old.Version); r != nil && !again {
				return h.meet(ctx, h.id, r, a, false)
			}
		}
		if done, err = h.reload(ctx, a, again); err == nil || errors.Is(err, ErrRevoked) {
			h.doubt = nil
		}
		return done, err
	}
	return false, fmt.Errorf("session: save: %w", unavailable(ctx, err))
}

// reload reads the session again, and applies the request's changes to what it finds. It is done if a is a part of that:
// then an earlier try of a, whose outcome was unknown, had succeeded. With again there was such a try; if so many others
// have saved since that the record has forgotten it, its outcome stays unknown.
func (h *handle) reload(ctx context.Context, a *attempt, again bool) (done bool, err error) {
	id := h.id
	r, err := store.LoadFresh(ctx, h.m.store, id) // a copy could be the one that just lost
	switch {
	case errors.Is(err, store.ErrNotFound):
		return false, ErrRevoked
	case err != nil:
		return false, fmt.Errorf("session: reload: %w", unavailable(ctx, err))
	}
	return h.meet(ctx, id, r, a, again)
}

// meet is reload with the record as the database has it.
func (h *handle) meet(ctx context.Context, id ID, r *store.Record, a *attempt, again bool) (done bool, err error) {
	f, err := h.same(r, id)
	switch {
	case errors.Is(err, ErrUnavailable):
		return false, err
	case a != nil && f.record == nil && errors.Is(err, ErrRevoked):
		return false, err
	case a != nil && slices.Contains(f.secret.nonces[:], a.secret.nonces[0]):
		h.land(a, r, f.secret)
		return true, nil
	case errors.Is(err, ErrReplaced) && h.work.renew && f.record.AuthenticatedAt.Before(h.floor): // not by a login since
		if e := h.endKept(ctx, f); e != nil {
			return false, e
		}
		if h.work.login == nil {
			return false, ErrRevoked
		}
		return false, h.supersede(ctx, f, h.apart(f))
	case errors.Is(err, ErrReplaced) && h.work.login != nil:
		return false, h.supersede(ctx, f, h.apart(f))
	case err != nil:
		return false, h.supersede(ctx, f, err)
	case again && r.Version-a.old.Version > saves && !a.replaces() && (len(a.work.changes) > 0 || a.work.limits != nil):
		return false, fmt.Errorf("session: save: %w: others have saved since, and whether this is done cannot be told", ErrUnavailable)
	case again && r.Version > a.old.Version:
		h.doubt = nil // it did not happen, and cannot any more
	}
	return false, h.rebase(f)
}

// rebase applies the request's changes to the session as f has it.
func (h *handle) rebase(f found) error {
	plain, plainErr := h.m.seal.open(f.record.ID, f.record.Data)
	view, err := h.reapply(plain, plainErr, h.work.changes)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.base, h.secret, h.work.view, h.standing, h.vouched = f.record, f.secret, view, f.standing, true
	h.opened, h.plain, h.plainErr = true, plain, plainErr
	h.generation++
	return nil
}

// apart lets a login go on in a session of its own, as another request has signed in, in f, since this one read the session:
// with the values as they were read, and no proof but its own. It never joins the other one's session, which may have been
// opened with more factors, and takes over none of the values of that.
func (h *handle) apart(f found) error {
	h.mu.Lock()
	base, login, changes := h.base, h.work.login, h.work.changes
	plain, plainErr, _ := h.values() // opens them while base is there
	if len(changes) > 0 {
		plain, plainErr = h.plain, h.plainErr
	}
	h.mu.Unlock()
	// Without the database's word the token may have been dead when it came, and a copy have let it in.
	dead := !h.vouched && (f.standing != replaced || f.secret.replacedAt.Before(h.started))
	switch {
	case base == nil, base.User != "" && base.User != login.User, dead && login.again:
		return ErrReplaced
	case dead:
		plain, _ = h.left(&f, login)
		plainErr = nil
	}
	view, err := h.reapply(plain, plainErr, changes)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if f.record.User == login.User && !h.work.renew {
		h.work.twin = f.record.ID
	}
	h.base, h.secret, h.id, h.presented, h.standing, h.doubt = nil, secret{}, ID{}, shown{}, stranger, nil
	h.opened, h.plain, h.plainErr, h.work.view = true, plain, plainErr, view
	h.borrowed = base.User != ""
	h.work.rotate, h.work.renew = false, false
	h.name()
	h.generation++
	return nil
}

// land notes that a is a part of what is stored in r, as if its answer had come: others may have saved since, which the
// next save finds out.
func (h *handle) land(a *attempt, r *store.Record, s secret) {
	if s.nonces[0] == a.secret.nonces[0] {
		a.record = r
		return
	}
	a.record.Version = 1
	if a.old != nil {
		a.record.Version = a.old.Version + 1
	}
	if a.token != nil && !h.m.opensNow(&s, a.token) {
		a.token = nil // replaced
	}
}

// endKept ends the session that RevokeOthers has kept, but whose token another request has replaced since.
func (h *handle) endKept(ctx context.Context, f found) error {
	err := h.m.store.Delete(ctx, f.record.ID)
	if err != nil && !isPending(err) {
		return fmt.Errorf("session: revoke: %w", unavailable(ctx, err))
	}
	h.note(Event{Kind: Revoked, ID: f.record.ID, User: f.record.User, Reason: ReasonRevokeOthers, Err: err})
	return nil
}

// reapply applies changes to values that another request has saved.
func (h *handle) reapply(d data, err error, changes []change) (data, error) {
	if len(changes) == 0 {
		return nil, nil
	}
	if err != nil && changes[0].op != opClear {
		return nil, err
	}
	if d, err = applyAll(d, changes); err != nil {
		return nil, err
	}
	if len(d) > h.m.cfg.MaxData {
		return nil, fmt.Errorf("session: save: %w", ErrTooLarge)
	}
	return d, nil
}

// accept takes over what the store has accepted.
func (h *handle) accept(ctx context.Context, a *attempt) error {
	n, s, w := a.record, a.secret, &a.work
	if w.login != nil {
		if err := h.settle(ctx, a); err != nil {
			return err
		}
	}
	h.mu.Lock()
	h.base, h.secret, h.id, h.vouched, h.borrowed = n, s, n.ID, true, false
	if len(w.changes) > 0 {
		h.opened, h.plain, h.plainErr = true, w.view, nil
	}
	h.work.changes = h.work.changes[len(w.changes):] // what is left was made after an attempt whose outcome was unknown
	if len(h.work.changes) == 0 {
		h.work.changes, h.work.view = nil, nil
	}
	if h.work.login == w.login {
		h.work.login = nil
	}
	if h.work.limits == w.limits {
		h.work.limits = nil
	}
	h.work.rotate, h.work.renew = h.work.rotate && !w.rotate, h.work.renew && !w.rotate
	h.superseded = nil
	h.generation++
	switch {
	case a.token != nil:
		if a.replaces() { // after an exchange the old token is the one that is known to have arrived
			h.presented, h.standing = shown{token: *a.token, digest: s.current}, current
		}
		h.hand(a.token)
	case a.again:
		h.hand(&h.presented.token)
	}
	if h.standing == pending {
		h.standing = current
	}
	h.givenAt = now()
	h.mu.Unlock()
	if a.old == nil {
		h.note(Event{Kind: Created, ID: n.ID, User: n.User})
	} else {
		h.noteClient(a.old, n)
	}
	switch {
	case w.login != nil:
		h.note(Event{Kind: LoggedIn, ID: n.ID, User: n.User, Twin: w.twin})
	case a.token != nil && a.old != nil:
		h.note(Event{Kind: Rotated, ID: n.ID, User: n.User})
	}
	return nil
}

// replaces reports whether the token of before is dead at once.
func (a *attempt) replaces() bool { return a.old == nil || a.work.login != nil || a.work.rotate }
