package session

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

// A handing is what the response does with the client's token.
type handing uint8

const (
	keeps handing = iota
	gives         // handle.given
	takes         // back
)

// exchangeDue reports whether the token of the request is to be followed by another one: because of its age, or as it came
// under an old name and another realm.
func (h *handle) exchangeDue() bool {
	if h.base == nil || h.standing != current || h.passive.Load() || h.sent.Load() {
		return false
	}
	return h.m.exchangeDue(&h.secret, h.started) || h.renamed() && h.started.Sub(h.secret.issuedAt) >= h.m.cfg.Policy.Grace
}

// roomAt reports whether there is room for another pending token.
func (h *handle) roomAt(t time.Time) bool { return h.secret.room(t, h.m.cfg.Policy.Grace) >= 0 }

// renamed reports whether the token came under an old name in whose place it cannot be handed out, as its digest is bound to
// that.
func (h *handle) renamed() bool {
	return h.m.realms[h.presented.cookie] != h.m.realms[0]
}

// upkeep reports whether the session needs a save of its own: an exchange of its token, a note that the result of one has
// arrived, a cookie that is to be sent again, or limits of a policy that has become stricter.
func (h *handle) upkeep() bool {
	switch {
	case h.base == nil:
		return false
	case h.standing == pending:
		return true
	case h.passive.Load():
		return false
	case h.secret.bound: // lists and sweeps go by what is stored
		return true
	case h.exchangeDue() && h.roomAt(now()):
		return true
	case h.secret.persistent && h.cookieDue(&h.secret, h.standing, now()):
		return true
	}
	// A cookie of a domain or path that is none of ours cannot be taken back. Of a name that may have those, the attempt is
	// made along with another write, unless the token itself came under an old name.
	return h.gathers(&h.secret, h.standing) && (h.presented.cookie != 0 || h.m.obeys(h.jar) || h.touchDue())
}

// repeatable reports whether the token of the request, of the given standing in s, may be handed out again: it must be the
// only one that the browser can have by now, or it would take the place of its successor.
func (h *handle) repeatable(s *secret, st standing) bool {
	return h.base != nil && st == current && h.m.cfg.Header == "" && !h.sent.Load() && !h.renamed() && !s.awaited()
}

// cookieDue reports whether the cookie is to be sent again at t, as its session ends at another time by now: a tenth of what
// is left, or more.
func (h *handle) cookieDue(s *secret, st standing, t time.Time) bool {
	if !s.persistent || !h.repeatable(s, st) {
		return false
	}
	end := cookieEnd(s.expiry(later(h.base.LastSeen, t)), t)
	return end.Sub(s.cookieEnd).Abs() > end.Sub(t)/10
}

// gathers reports whether the browser has several cookies, or one of an old name or scope, so that the token is to be handed
// out again and all others are to be taken back.
func (h *handle) gathers(s *secret, st standing) bool {
	return (h.jar.old != 0 || h.m.crowded(h.jar)) && h.repeatable(s, st)
}

// cookieEnd is when the cookie of a session ends.
func cookieEnd(expiresAt, now time.Time) time.Time {
	if most := now.Add(maxCookieAge); most.Before(expiresAt) {
		return most
	}
	return expiresAt
}

// hand makes t the token that the response hands out. Call it with h.mu.
func (h *handle) hand(t *token) { h.handing, h.given = gives, *t }

// recheck asks the database whether the token that a Save got a while ago may still be handed out: handed out late, a dead one
// would take the place of its successor.
func (h *handle) recheck(ctx context.Context) {
	h.mu.Lock()
	due := !h.hung && h.handing == gives && !h.sent.Load() && h.base != nil && now().Sub(h.givenAt) >= time.Second
	h.mu.Unlock()
	if !due {
		return
	}
	ctx, cancel := h.m.detached(ctx)
	defer cancel()
	h.io.Lock()
	defer h.io.Unlock()
	if h.base == nil { // another goroutine has ended it
		return
	}
	r, err := store.LoadFresh(ctx, h.m.store, h.id)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return
	}
	f, err := h.same(r, h.id)
	if h.mu.Lock(); err != nil && !errors.Is(err, ErrUnavailable) || err == nil && !h.m.opensNow(&f.secret, &h.given) {
		h.handing = keeps
	}
	h.mu.Unlock()
}

// render puts the token into e. One that another request has replaced since is not handed out any more. What is taken back
// beside is taken back by a response that hands out the token of today, or takes it back: two releases, of which each takes
// back the cookie of the other, would else leave none. Call it with h.mu.
func (h *handle) render(e *Effect) {
	switch {
	case h.handing == gives && h.base != nil && h.m.opensNow(&h.secret, &h.given):
		e.Name, e.Value = h.m.responseHeader(), h.m.carry(h.given.text(), h.age())
	case h.handing == takes:
		e.Name, e.Value = h.m.responseHeader(), h.m.carry("", 0)
	default:
		return
	}
	if h.m.cfg.Header != "" {
		return
	}
	e.TakeBack = h.m.takeBack(h.jar)
	if h.m.cfg.NoStore && h.handing == takes {
		e.TakeBack = strings.TrimPrefix(e.TakeBack+"\n"+h.m.cookies[0].emptied(), "\n")
	}
}

// opensNow reports whether t is the current token of s, or a pending one.
func (m *Manager) opensNow(s *secret, t *token) bool {
	d := t.digest(m.realms[0])
	ok := s.current.equal(&d)
	for i := range s.slots {
		ok = ok || s.slots[i].kind == slotPending && s.slots[i].digest.equal(&d)
	}
	return ok
}

// age is for how long the cookie of the session is kept; 0: until the browser closes.
func (h *handle) age() time.Duration {
	s := &h.secret
	if !s.persistent {
		return 0
	}
	t, end := now(), s.cookieEnd
	if end.IsZero() { // the session has been prolonged when no cookie could be sent
		end = cookieEnd(s.expiry(t), t)
	}
	return max(end.Sub(t).Round(time.Second), time.Second)
}
