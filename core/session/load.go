package session

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/qsessions/qsessions/core/store"
)

// get returns the session, and loads it on first use. With exact it asks the database, whatever a cache or an earlier answer
// says.
func (h *handle) get(ctx context.Context, exact bool) (Session, error) {
	h.mu.Lock()
	h.used = true
	h.use()
	known := h.loaded && (h.closed || !exact)
	h.mu.Unlock()
	if known {
		return h, nil
	}
	ctx, cancel := h.m.bounded(ctx)
	defer cancel()
	err := h.load(ctx, exact)
	h.raise()
	if err != nil {
		return nil, err
	}
	return h, nil
}

func (h *handle) load(ctx context.Context, exact bool) error {
	h.io.Lock()
	defer h.io.Unlock()
	h.mu.Lock()
	if h.loaded {
		known := h.base != nil
		h.mu.Unlock()
		if !exact || !known {
			return nil
		}
		err := h.confirm(ctx)
		if errors.Is(err, ErrRevoked) || errors.Is(err, ErrReplaced) {
			h.mu.Lock()
			defer h.mu.Unlock()
			if h.dirty() {
				return err
			}
			h.forget()
			return nil
		}
		return err
	}
	if h.closed {
		h.mu.Unlock()
		return ErrClosed
	}
	c := h.m.candidates(h.header) // values: nothing is borrowed any more
	h.jar = c.jar()
	h.mu.Unlock()
	for i := range c.all() {
		p := &c.found[i]
		p.digest = p.token.digest(h.m.realms[p.cookie])
	}
	found, err := h.choose(ctx, &c, exact)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.loaded = true
	if found.record != nil {
		h.install(found)
		h.superseded = nil
	}
	return nil
}

// A found session is one that a token has opened.
type found struct {
	record   *store.Record // nil: none
	secret   secret
	shown    shown
	standing standing
}

// choose returns the session of a request. Where the name of today opens several, as a browser has several cookies of it,
// that is the one of a user, and of users the one who signed in last. An old name counts where that of today opens nothing.
func (h *handle) choose(ctx context.Context, c *candidates, exact bool) (best found, err error) {
	for _, group := range [][]shown{c.found[:c.own], c.found[c.own:c.n]} {
		if group, err = h.known(ctx, group); err != nil {
			return found{}, err
		}
		for len(group) > 0 {
			same := 1 // tokens of one session
			for i := range group[1:] {
				if group[1+i].token.id == group[0].token.id {
					group[same], group[1+i] = group[1+i], group[same]
					same++
				}
			}
			f, err := h.find(ctx, group[:same], exact)
			if err != nil {
				return found{}, err
			}
			if f.record != nil && (best.record == nil || f.record.AuthenticatedAt.After(best.record.AuthenticatedAt)) {
				best = f
			}
			group = group[same:]
		}
		if best.record != nil {
			break
		}
	}
	return best, nil
}

// known leaves of several tokens those whose IDs there are, by one call of the store: anyone may send many. Where that cannot
// be asked each is looked up.
func (h *handle) known(ctx context.Context, tokens []shown) ([]shown, error) {
	if len(tokens) <= 2 || h.m.indexed == nil {
		return tokens, nil
	}
	var ids []ID
	for i := range tokens {
		if id := tokens[i].token.id; !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	if len(ids) <= 2 {
		return tokens, nil
	}
	there, err := h.m.existing(ctx, ids)
	if err != nil {
		return tokens, ctx.Err()
	}
	for _, id := range ids {
		if !slices.Contains(there, id) {
			h.note(Event{Kind: UnknownToken, ID: id})
		}
	}
	return slices.DeleteFunc(tokens, func(s shown) bool { return !slices.Contains(there, s.token.id) }), nil
}

// existing returns those of ids of which there is a session.
func (m *Manager) existing(ctx context.Context, ids []ID) (there []ID, err error) {
	for r, err := range m.indexed.List(ctx, Query{IDs: ids}) {
		if err != nil {
			return nil, err
		}
		there = append(there, r.ID)
	}
	return there, nil
}

// install makes f the session of the request. Call it with h.mu.
func (h *handle) install(f found) {
	h.base, h.secret, h.id = f.record, f.secret, f.record.ID
	h.presented, h.standing = f.shown, f.standing
	h.opened, h.plain, h.plainErr = false, nil, nil
	h.generation++
	h.noticeClient()
}

// confirm asks the database whether the session is still there, and takes over what it says, unless there are changes: then
// the commit finds out by itself what they meet. It returns ErrRevoked or ErrReplaced if it is not.
func (h *handle) confirm(ctx context.Context) error {
	id := h.base.ID
	r, err := store.LoadFresh(ctx, h.m.store, id)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("session: load: %w", unavailable(ctx, err))
	}
	f, err := h.same(r, id)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.dirty() {
		h.install(f)
	}
	return nil
}

// same judges whether r, as the database has it, is still the session of the request. A token that was let in stays good
// for its request while the family of the session is the same.
func (h *handle) same(r *store.Record, id ID) (found, error) {
	if r == nil || r.ID != id {
		return found{}, ErrRevoked
	}
	s, err := h.m.decode(r.Secret)
	if errors.Is(err, errVersion) {
		return found{}, fmt.Errorf("session: load: %w: %w", ErrUnavailable, err)
	}
	t := now()
	switch {
	case err != nil || !r.Live(t) || !t.Before(s.deadline):
		return found{}, ErrRevoked
	}
	f := found{r, s, h.presented, h.m.judge(&s, &h.presented, h.started, t)}
	switch f.standing {
	case stranger, replaced:
		if s.epoch > h.secret.epoch {
			by := f
			h.mu.Lock()
			h.superseded = &by
			h.mu.Unlock()
			return f, ErrReplaced
		}
		return f, ErrRevoked // the copy that let the token in was not of this session
	}
	return f, nil
}

// find returns the live session that one of the tokens, which are all of one ID, opens. Only the database says no: a copy
// that does not let a token in is asked again, but for an unknown ID, of which there is no copy.
func (h *handle) find(ctx context.Context, tokens []shown, exact bool) (found, error) {
	f, verdict, err := h.look(ctx, tokens, exact)
	if err == nil && verdict != granted && verdict != absent && h.m.cached && !exact {
		f, verdict, err = h.look(ctx, tokens, true)
	}
	if err != nil {
		return found{}, fmt.Errorf("session: load: %w", err)
	}
	id := tokens[0].token.id
	switch verdict {
	case granted:
		return f, nil
	case absent:
		h.note(Event{Kind: UnknownToken, ID: id})
	case damaged:
		h.note(Event{Kind: ValueCorrupt, ID: id, User: f.record.User, Err: errDamaged})
		h.m.cfg.Logger.LogAttrs(ctx, slog.LevelError, "session: a stored session cannot be read", slog.String("session", id.String()), slog.Any("error", errDamaged))
	case expired:
		h.note(Event{Kind: Expired, ID: id, User: f.record.User})
	case refused:
		h.refuse(ctx, f)
	}
	return found{}, nil
}

// refuse reports a token that opens its session no more.
func (h *handle) refuse(ctx context.Context, f found) {
	e := Event{Kind: UnknownToken, ID: f.record.ID}
	if f.standing != stranger {
		e.User = f.record.User
	}
	switch f.standing {
	case worn:
		e.Kind = TokenWorn
	case replaced:
		e.Kind = TokenReplaced
	case replayed:
		e.Kind = TokenReplayed
	}
	h.note(e)
	t := now()
	if f.standing == replayed && h.m.cfg.Policy.EndOnReplay && !t.Before(f.secret.seenAt.Add(replayAfter)) {
		err := h.m.store.Delete(ctx, f.record.ID)
		if err != nil && !isPending(err) {
			h.m.cfg.Logger.LogAttrs(ctx, slog.LevelError, "session: a session whose token was replayed could not be ended",
				slog.String("session", f.record.ID.String()), slog.Any("error", err))
			return
		}
		h.note(Event{Kind: Revoked, ID: f.record.ID, User: f.record.User, Reason: ReasonReplay, Err: err})
		return
	}
	if f.secret.recent(f.standing, t, h.m.cfg.Policy.Grace) {
		by := f // a copy: f would be moved to the heap in any case
		h.mu.Lock()
		h.superseded = &by
		h.mu.Unlock()
	}
}

type verdict uint8

const (
	granted verdict = iota
	absent
	damaged
	refused // the token
	expired
)

func (h *handle) look(ctx context.Context, tokens []shown, exact bool) (found, verdict, error) {
	var r *store.Record
	var err error
	id := tokens[0].token.id
	if exact {
		r, err = store.LoadFresh(ctx, h.m.store, id)
	} else {
		r, err = h.m.store.Load(ctx, id)
	}
	switch {
	case errors.Is(err, store.ErrNotFound):
		return found{}, absent, nil
	case err != nil:
		return found{}, absent, unavailable(ctx, err)
	case r.ID != id: // a record under another ID is not this session
		return found{record: &store.Record{ID: id}}, refused, nil
	}
	s, err := h.m.decode(r.Secret)
	switch {
	case errors.Is(err, errVersion) && (exact || !h.m.cached):
		return found{}, damaged, fmt.Errorf("%w: %w", ErrUnavailable, err)
	case err != nil:
		return found{record: r}, damaged, nil
	}
	t := now()
	f := found{record: r, secret: s}
	for i := range tokens {
		if st := h.m.judge(&s, &tokens[i], h.started, t); i == 0 || st > f.standing {
			f.shown, f.standing = tokens[i], st
		}
	}
	switch {
	case f.standing >= worn && (!r.Live(t) || !t.Before(s.deadline)):
		return f, expired, nil
	case !f.standing.open():
		return f, refused, nil
	}
	return f, granted, nil
}

// unavailable is err as [ErrUnavailable], unless it is the caller's own cancellation.
func unavailable(ctx context.Context, err error) error {
	if errors.Is(err, context.Canceled) && errors.Is(ctx.Err(), context.Canceled) {
		return err
	}
	if !errors.Is(err, ErrUnavailable) {
		err = fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return timedOut{err}
	}
	return err
}

// timedOut is an ErrUnavailable that is no [context.DeadlineExceeded]: it was not the request that had no more time, which
// middleware of web frameworks answers in another way.
type timedOut struct{ error }

// Is implements the interface of [errors.Is].
func (timedOut) Is(target error) bool { return target == ErrUnavailable }
