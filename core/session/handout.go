package session

import "time"

// exchangeDue reports whether the token of the request is to be followed by another one: because of its age, or as it came
// under an old name and another realm.
func (h *handle) exchangeDue() bool {
	if h.base == nil || h.standing != current || h.passive || h.sent.Load() {
		return false
	}
	grace := h.m.cfg.Policy.Grace
	due := h.m.exchangeDue(&h.secret, h.started) || h.renamed() && h.started.Sub(h.secret.issuedAt) >= grace
	return due && h.secret.room(h.started, grace) >= 0
}

// renamed reports whether the token came under an old name in whose place it cannot be handed out, as its digest is bound to
// that.
func (h *handle) renamed() bool {
	return h.m.realms[h.presented.cookie] != h.m.realms[0]
}

// upkeep reports whether the token needs a save of its own: an exchange, a note that the result of one has arrived, or a
// cookie with a new end.
func (h *handle) upkeep() bool {
	return h.base != nil && (h.standing == pending || h.exchangeDue() || !h.passive && h.cookieDue(&h.secret, h.secret.expiry(later(h.base.LastSeen, h.started))))
}

// cookieDue reports whether a cookie that was handed out is to be sent again, as its session ends at another time by now: a
// tenth of what is left, or more.
func (h *handle) cookieDue(s *secret, expiresAt time.Time) bool {
	if !s.persistent || h.standing < current || h.m.cfg.Header != "" || h.sent.Load() || h.renamed() {
		return false
	}
	end := cookieEnd(expiresAt, h.started)
	return end.Sub(s.cookieEnd).Abs() > end.Sub(h.started)/10
}

// cookieEnd is when the cookie of a session ends.
func cookieEnd(expiresAt, now time.Time) time.Time {
	if most := now.Add(maxCookieAge); most.Before(expiresAt) {
		return most
	}
	return expiresAt
}

// hand makes t the token that the response hands out. Call it with h.mu.
func (h *handle) hand(t *token, s *secret) {
	var age time.Duration
	if s.persistent {
		t := now()
		end := s.cookieEnd
		if end.IsZero() { // the session has been prolonged when no cookie could be sent
			end = cookieEnd(s.expiry(t), t)
		}
		age = max(end.Sub(t).Round(time.Second), time.Second)
	}
	h.out, h.hasOut = h.m.carry(t.text(), age), true
}

// tidy hands the token out anew where the browser has several cookies, or one of an old name or scope, and returns the lines
// that take back all but that one. Nothing is taken back by a response that hands out nothing: two releases, of which each
// takes back the cookie of the other, would leave none. Call it with h.mu.
func (h *handle) tidy(e *Effect) string {
	if h.m.cfg.Header != "" {
		return ""
	}
	if e.Name == "" && h.scattered() {
		h.hand(&h.presented.token, &h.secret)
		e.Name, e.Value = h.m.responseHeader(), h.out
	}
	if e.Name == "" {
		return ""
	}
	return h.m.takeBack(h.jar)
}

// scattered reports whether the token is to be handed out anew although it stays as it is: only where no other request can
// have been given a successor of it, which it would replace.
func (h *handle) scattered() bool {
	if h.base == nil || h.standing != current || h.passive || h.secret.awaited() || h.m.exchangeDue(&h.secret, now()) {
		return false
	}
	// A cookie of a domain or path that is none of ours cannot be taken back. Of a name that may have those, the attempt
	// is made along with a write, which is once in Policy.TouchEvery, and not in each response.
	crowded := h.m.crowded(h.jar) && (h.written || h.m.cookies[0].host())
	return crowded || h.jar.old != 0 && !h.renamed()
}
