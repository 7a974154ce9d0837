package session

import (
	"context"
	"errors"
	"fmt"

	"github.com/qsessions/qsessions/core/store"
)

// get returns the session, and loads it on first use. With fresh it asks the database, whatever a cache says.
func (h *handle) get(ctx context.Context, fresh bool) (Session, error) {
	h.mu.Lock()
	h.used = true
	h.use()
	known := h.loaded && (h.closed || !fresh || !h.m.cached)
	h.mu.Unlock()
	if known {
		return h, nil
	}
	ctx, cancel := h.m.bounded(ctx)
	defer cancel()
	err := h.load(ctx, fresh)
	h.raise()
	if err != nil {
		return nil, err
	}
	return h, nil
}

func (h *handle) load(ctx context.Context, fresh bool) error {
	h.io.Lock()
	defer h.io.Unlock()
	h.mu.Lock()
	if h.loaded {
		base, presented := h.base, h.presented
		h.mu.Unlock()
		if fresh && base != nil {
			return h.confirm(ctx, base, &presented)
		}
		return nil
	}
	if h.closed {
		h.mu.Unlock()
		return ErrClosed
	}
	var tokens [maxCandidates]string
	var ids [maxCandidates]ID
	var verifiers [maxCandidates]verifier
	n := h.m.candidates(h.header, &tokens)
	for i := range n {
		ids[i], verifiers[i], _ = parseToken(tokens[i]) // values: nothing is borrowed any more
	}
	h.mu.Unlock()
	for i := range n {
		d := verifiers[i].digest()
		r, s, err := h.find(ctx, ids[i], &d, fresh)
		if err != nil {
			return err
		}
		if r != nil {
			h.install(r, s, d)
			return nil
		}
	}
	h.mu.Lock()
	h.loaded = true
	h.mu.Unlock()
	return nil
}

// confirm asks the database whether a session that a cache may have told is still there.
func (h *handle) confirm(ctx context.Context, base *store.Record, presented *digest) error {
	r, s, err := h.find(ctx, base.ID, presented, true)
	if err != nil {
		return err
	}
	h.mu.Lock()
	dirty := h.dirty()
	if r == nil && !dirty {
		h.forget()
	}
	h.mu.Unlock()
	switch {
	case r == nil && dirty:
		return ErrRevoked
	case r != nil && !dirty: // with changes the commit finds out by itself what they meet
		h.install(r, s, *presented)
	}
	return nil
}

func (h *handle) install(r *store.Record, s secret, d digest) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.base, h.secret, h.presented, h.id, h.loaded = r, s, d, r.ID, true
	h.opened, h.plain, h.plainErr = false, nil, nil
	h.generation++
}

// find returns the live record of id to which d opens the door, or nil. Only the database says no: what a copy does not
// grant is asked again, but for an unknown ID, of which there is no copy.
func (h *handle) find(ctx context.Context, id ID, d *digest, fresh bool) (*store.Record, secret, error) {
	r, s, verdict, err := h.look(ctx, id, d, fresh)
	if err == nil && verdict != granted && verdict != absent && h.m.cached && !fresh {
		r, s, verdict, err = h.look(ctx, id, d, true)
	}
	if err != nil {
		return nil, secret{}, fmt.Errorf("session: load: %w", err)
	}
	switch verdict {
	case granted:
		return r, s, nil
	case absent, unknown:
		h.note(Event{Kind: UnknownToken, ID: id})
	case mismatch:
		h.note(Event{Kind: TokenMismatch, ID: id, User: r.User})
	case expired:
		h.note(Event{Kind: Expired, ID: id, User: r.User})
	}
	return nil, secret{}, nil
}

type verdict uint8

const (
	granted verdict = iota
	absent
	unknown
	mismatch
	expired
)

func (h *handle) look(ctx context.Context, id ID, d *digest, fresh bool) (*store.Record, secret, verdict, error) {
	var r *store.Record
	var err error
	if fresh {
		r, err = store.LoadFresh(ctx, h.m.store, id)
	} else {
		r, err = h.m.store.Load(ctx, id)
	}
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, secret{}, absent, nil
	case err == nil && r.ID != id: // a record under another ID is not this session
		return nil, secret{}, unknown, nil
	case err != nil:
		return nil, secret{}, unknown, unavailable(ctx, err)
	}
	s, ok := decodeSecret(r.Secret)
	t := now()
	switch {
	case !ok || !s.opens(d, t, h.m.cfg.Policy.Grace):
		return r, s, mismatch, nil
	case !r.Live(t) || !t.Before(s.deadline):
		return r, s, expired, nil
	}
	return r, s, granted, nil
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
