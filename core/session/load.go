package session

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

// get returns the session, and loads it on first use. With exact it asks the database, whatever a cache or an earlier answer
// says.
func (h *handle) get(ctx context.Context, exact bool) (Session, error) {
	h.mu.Lock()
	h.used = true
	h.use()
	known := h.loaded && !exact
	h.mu.Unlock()
	if known {
		return h, nil
	}
	ctx, cancel := h.m.bounded(ctx)
	defer cancel()
	err := h.load(ctx, exact)
	h.raise()
	if err != nil {
		return nil, h.m.explain(err, time.Time{})
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
			if h.forget(); errors.Is(err, ErrRevoked) {
				h.refusal = UnknownToken
			}
			return nil
		}
		return err
	}
	if h.closed {
		h.mu.Unlock()
		return ErrClosed
	}
	var c candidates // values: nothing is borrowed any more
	h.m.candidates(h.header, &c)
	h.jar = c.jar()
	h.mu.Unlock()
	for i := range c.all() {
		p := &c.found[i]
		p.digest = p.token.digest(h.m.realms[p.cookie])
	}
	var best found
	if err := h.choose(ctx, &c, exact, &best); err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.loaded = true
	if best.record != nil {
		h.install(&best)
		h.vouched, h.superseded = best.exact, nil
	}
	return nil
}

// A found session is one that a token has opened.
type found struct {
	record   *store.Record // nil: none
	secret   secret
	shown    shown
	standing standing
	exact    bool // the database has said so
}

// choose finds the session of a request. Where the name of today opens several, as a browser has several cookies of it,
// that is the one of a user, and of users the one who signed in last. An old name counts where that of today opens nothing.
func (h *handle) choose(ctx context.Context, c *candidates, exact bool, best *found) error {
	var err error
	var other found
	for _, group := range [2][]shown{c.found[:c.own], c.found[c.own:c.n]} {
		var gone []ID
		if len(group) > 2 {
			gone = h.unknown(ctx, idsOf(group))
		}
		for len(group) > 0 {
			id, same := group[0].token.id, 1 // tokens of one session
			for i := 1; i < len(group); i++ {
				if group[i].token.id == id {
					group[same], group[i] = group[i], group[same]
					same++
				}
			}
			if !slices.Contains(gone, id) {
				f := best
				if best.record != nil {
					f = &other
				}
				err = cmp.Or(err, h.find(ctx, group[:same], exact, f)) // another one may have a copy
				if other.record != nil && other.record.AuthenticatedAt.After(best.record.AuthenticatedAt) {
					*best = other
				}
			}
			group = group[same:]
		}
		if best.record != nil {
			return nil
		}
		if err != nil || h.superseded != nil { // nothing is known to be wrong with today's cookie
			break
		}
	}
	return err
}

func idsOf(tokens []shown) (ids []ID) {
	for i := range tokens {
		if id := tokens[i].token.id; !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// unknown returns those of several IDs that no session has, by one call of the store: anyone may send many. It returns none
// where that cannot be asked; then each is looked up.
func (h *handle) unknown(ctx context.Context, ids []ID) []ID {
	if len(ids) <= 2 || h.m.indexed == nil {
		return nil
	}
	var there []ID
	for r, err := range h.m.indexed.List(ctx, Query{IDs: ids}) {
		if err != nil {
			return nil
		}
		there = append(there, r.ID)
	}
	gone := slices.DeleteFunc(ids, func(id ID) bool { return slices.Contains(there, id) })
	for _, id := range gone {
		h.note(Event{Kind: UnknownToken, ID: id})
	}
	return gone
}

// install makes f the session of the request. Call it with h.mu.
func (h *handle) install(f *found) {
	h.base, h.secret, h.id = f.record, f.secret, f.record.ID
	h.presented, h.standing = f.shown, f.standing
	h.opened, h.plain, h.plainErr = false, nil, nil
	h.generation++
	h.noticeClient()
}

// confirm asks the database whether the session is still there, and takes over what it says, also beside changes: a copy may
// have said something else of the user or the level. It returns ErrRevoked or ErrReplaced if it is not there.
func (h *handle) confirm(ctx context.Context) error {
	id := h.base.ID
	r, err := store.LoadFresh(ctx, h.m.store, id)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("session: load: %w", unavailable(ctx, err))
	}
	f, err := h.same(r, id)
	if err != nil {
		return h.supersede(ctx, f, err)
	}
	h.mu.Lock()
	dirty := h.dirty()
	if h.vouched = true; !dirty {
		h.install(&f)
	}
	h.mu.Unlock()
	switch {
	case !dirty:
		return nil
	case h.doubt != nil:
		return fmt.Errorf("session: load: %w: a write of this request has no known outcome", ErrUnavailable)
	}
	return h.rebase(f)
}

// same judges whether r, as the database has it, is still the session of the request. A token that the database has let in
// stays good for its request while the epoch of the session is the same; one that a copy has let in must have been open when
// the request began.
func (h *handle) same(r *store.Record, id ID) (found, error) {
	if r == nil || r.ID != id {
		return found{}, ErrRevoked
	}
	var s secret
	err := h.m.decode(r.Secret, &s)
	if errors.Is(err, errVersion) {
		return found{}, fmt.Errorf("session: load: %w: %w", ErrUnavailable, err)
	}
	if err == nil {
		h.m.bind(r, &s)
	}
	t := now()
	switch {
	case err != nil || !r.Live(t) || !t.Before(s.deadline):
		return found{}, ErrRevoked
	}
	f := found{r, s, h.presented, h.m.judge(&s, &h.presented, h.started, t), true}
	then := f.standing
	if !h.vouched {
		began := h.started
		if s.seenAt.After(began) && !s.seenAt.After(t) { // until then an old token was the current one
			began = s.seenAt
		}
		then = h.m.judge(&s, &h.presented, h.started, began)
	}
	switch {
	case then.open(), h.vouched && then != stranger && s.epoch == h.secret.epoch:
		return f, nil
	case then == stranger && s.epoch <= h.secret.epoch:
		return f, ErrRevoked // the copy that let the token in was not of this session
	}
	return f, ErrReplaced
}

// supersede notes that the token of the request was replaced by another one, if err says so, or reports that it is one which
// the database would not have let in.
func (h *handle) supersede(ctx context.Context, f found, err error) error {
	switch {
	case !errors.Is(err, ErrReplaced):
	case !h.vouched && (f.standing == replayed || f.standing == worn):
		h.refuse(ctx, &f)
	default:
		h.mu.Lock()
		defer h.mu.Unlock()
		h.superseded = new(found)
		*h.superseded = f
	}
	return err
}

// find returns the live session that one of the tokens, which are all of one ID, opens. Only the database says no: a copy
// that does not let a token in is asked again, but for an unknown ID, of which there is no copy.
func (h *handle) find(ctx context.Context, tokens []shown, exact bool, f *found) error {
	verdict, err := h.look(ctx, tokens, exact, f)
	if err == nil && verdict != granted && verdict != absent && h.m.cached && !exact {
		verdict, err = h.look(ctx, tokens, true, f)
	}
	if err == nil && verdict == granted {
		return nil
	}
	id, user := tokens[0].token.id, ""
	if f.record != nil {
		user = f.record.User
	}
	switch {
	case err != nil:
		err = fmt.Errorf("session: load: %w", err)
	case verdict == absent:
		h.note(Event{Kind: UnknownToken, ID: id})
	case verdict == damaged:
		h.note(Event{Kind: ValueCorrupt, ID: id, User: user, Err: errDamaged})
		h.m.cfg.Logger.LogAttrs(ctx, slog.LevelError, "session: a stored session cannot be read", slog.String("session", id.String()), slog.Any("error", errDamaged))
	case verdict == expired:
		h.note(Event{Kind: Expired, ID: id, User: user})
	case verdict == refused:
		h.refuse(ctx, f)
	}
	*f = found{}
	return err
}

// refuse reports a token that opens its session no more.
func (h *handle) refuse(ctx context.Context, f *found) {
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
	if f.standing == replayed && h.m.cfg.Policy.EndOnReplay && !f.secret.seenAt.IsZero() && !t.Before(f.secret.seenAt.Add(replayAfter)) {
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
		h.mu.Lock()
		h.superseded = new(found)
		*h.superseded = *f
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

// look asks the store, and judges the best of the tokens. f has the record unless there is none.
func (h *handle) look(ctx context.Context, tokens []shown, exact bool, f *found) (verdict, error) {
	var r *store.Record
	var err error
	id := tokens[0].token.id
	if exact {
		r, err = store.LoadFresh(ctx, h.m.store, id)
	} else {
		r, err = h.m.store.Load(ctx, id)
	}
	f.record, f.exact = r, exact || !h.m.cached
	switch {
	case errors.Is(err, store.ErrNotFound):
		f.record = nil
		return absent, nil
	case err != nil:
		f.record = nil
		return absent, unavailable(ctx, err)
	case r.ID != id: // a record under another ID is not this session
		f.record, f.standing = &store.Record{ID: id}, stranger
		return refused, nil
	}
	err = h.m.decode(r.Secret, &f.secret)
	switch {
	case errors.Is(err, errVersion) && f.exact:
		return damaged, fmt.Errorf("%w: %w", ErrUnavailable, err)
	case err != nil:
		return damaged, nil
	}
	h.m.bind(r, &f.secret)
	t := now()
	for i := range tokens {
		if st := h.m.judge(&f.secret, &tokens[i], h.started, t); i == 0 || st > f.standing {
			f.shown, f.standing = tokens[i], st
		}
	}
	switch {
	case f.standing >= worn && (!r.Live(t) || !t.Before(f.secret.deadline)):
		return expired, nil
	case !f.standing.open():
		return refused, nil
	}
	return granted, nil
}
