package session

import (
	"context"
	"fmt"
	"log/slog"
	"slices"

	"github.com/qsessions/qsessions/core/store"
)

// settle decides whether the login that was just stored by a may stay. It looks only now, after the write: a RevokeUser
// that came before is seen here, and one that comes after sees the record. Whatever is undone, nobody has got its token
// yet.
func (h *handle) settle(ctx context.Context, a *attempt) error {
	m, n := h.m, a.record
	if m.indexed == nil {
		return nil
	}
	cutoff, err := m.indexed.Cutoff(ctx, n.User)
	if err != nil && ctx.Err() == nil {
		cutoff, err = m.indexed.Cutoff(ctx, n.User)
	}
	if err != nil {
		return h.undo(ctx, n, fmt.Errorf("session: login: %w", unavailable(ctx, err)))
	}
	since := n.AuthenticatedAt
	if n.User == h.floorUser { // the request's own revocation, also where it came after a write of unknown outcome
		since = later(since, h.floor)
	}
	if cutoff.After(since) {
		h.note(Event{Kind: Revoked, ID: n.ID, User: n.User, Reason: ReasonCutoff})
		return h.undo(ctx, n, ErrRevoked)
	}
	if again := a.old != nil && a.old.User == n.User; m.cfg.PerUser.Max > 0 && !again {
		return h.trim(ctx, n)
	}
	return nil
}

// undo removes a login that must not stay. The values stay with the request: another try stores them under a new ID.
func (h *handle) undo(ctx context.Context, n *store.Record, why error) error {
	ctx, cancel := h.m.leftover(ctx)
	defer cancel()
	if err := h.m.store.Delete(ctx, n.ID); err != nil && !isPending(err) {
		h.m.cfg.Logger.LogAttrs(ctx, slog.LevelError, "session: a refused login could not be removed; nobody has its token",
			slog.String("session", n.ID.String()), slog.Any("error", err))
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	_, _, _ = h.values() // opens them while base is there
	h.borrowed = h.borrowed || h.base != nil && h.base.User != ""
	h.base, h.secret, h.id, h.presented, h.standing = nil, secret{}, ID{}, shown{}, stranger
	h.name()
	return why
}

// maxTrim is how many sessions beyond the cap one login removes at the most.
const maxTrim = 1000

// trim enforces the cap. Every login judges by the same order, and after its own record is there, so that the last one
// sees all of them, and none removes what another would keep.
func (h *handle) trim(ctx context.Context, n *store.Record) error {
	m := h.m
	var all []*store.Record
	for r, err := range m.indexed.List(ctx, Query{User: n.User, Live: h.started, Limit: m.cfg.PerUser.Max + maxTrim}) {
		if err != nil {
			return h.undo(ctx, n, fmt.Errorf("session: login: %w", unavailable(ctx, err)))
		}
		if m.listedEnd(r).After(h.started) {
			all = append(all, r)
		}
	}
	if len(all) <= m.cfg.PerUser.Max {
		return nil
	}
	if m.cfg.PerUser.Refuse {
		return h.undo(ctx, n, ErrTooMany)
	}
	slices.SortFunc(all, func(a, b *store.Record) int { // latest first
		if c := b.AuthenticatedAt.Compare(a.AuthenticatedAt); c != 0 {
			return c
		}
		return slices.Compare(b.ID[:], a.ID[:])
	})
	var over []ID
	var ousted error
	for _, r := range all[m.cfg.PerUser.Max:] {
		if over = append(over, r.ID); r.ID == n.ID {
			ousted = errOusted // by logins that came later, and were faster
		}
	}
	err := m.store.Delete(ctx, over...)
	if err != nil && !isPending(err) {
		return h.undo(ctx, n, fmt.Errorf("session: login: %w", unavailable(ctx, err)))
	}
	if ousted != nil {
		h.note(Event{Kind: LoggedIn, ID: n.ID, User: n.User})
	}
	for _, id := range over {
		h.note(Event{Kind: Revoked, ID: id, User: n.User, Reason: ReasonLimit, Err: err})
	}
	return ousted
}

// errOusted says that a login has happened, and that the cap has ended its session at once.
var errOusted = fmt.Errorf("session: login: its session was the oldest of too many: %w", ErrRevoked)
