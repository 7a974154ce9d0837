package session

import "time"

// A standing is what a presented token is to a session. From one to the next:
//
//	            exchange               first shown             Grace
//	(random) ─────────────→ pending ───────────────→ current ────────→ old ──────→ replayed
//	                           └──── a sibling or successor is shown ───┘
//	any of them ── login, re-authentication, rotation on demand ──→ replaced ── another ──→ stranger
//
// An exchange gives a new random token to one request alone: the winner of the compare-and-set. There are at most two
// pending tokens, so that a lost answer costs nothing: the holder of the current token gets another one a period later, and
// the first of the two that is shown wins. A current token is worn in the third period in which it is used while neither
// was shown: its holder does not get the answers, or throws them away, as a thief would who does not want to be noticed.
//
// The family mark tells each earlier token of an epoch from a guess. This is the refresh token rotation of RFC 9700,
// section 4.14.2, with "first shown wins" in the place of its leeway.
type standing uint8

const (
	stranger  standing = iota // no token that the session is known to have had
	replaced                  // of the family before: a login or a rotation on demand has ended it
	replayed                  // of the family, and over
	worn                      // current, for too long without a successor that was shown
	lingering                 // old, within Policy.Grace
	current
	pending // last: where a browser shows both, in two cookies, the answer has arrived
)

// open reports whether the token is let in.
func (st standing) open() bool { return st >= lingering }

// A shown token is one that a request has presented.
type shown struct {
	token  token
	cookie uint8  // of Manager.cookies; 0 also for Config.Header
	digest digest // in the realm of the name that it came under
}

// judge returns the standing of a token with a policy's period of exchange, for a request that began at started.
func (m *Manager) judge(s *secret, p *shown, started, now time.Time) standing {
	// All comparisons always run: the time taken says nothing of which one matched.
	isCurrent := s.current.equal(&p.digest)
	kind := slotFree
	for i := range s.slots {
		if s.slots[i].digest.equal(&p.digest) && s.slots[i].kind != slotFree {
			kind = s.slots[i].kind
		}
	}
	switch {
	case isCurrent && m.exchangeDue(s, started) && s.room(now, m.cfg.Policy.Grace) < 0:
		return worn
	case isCurrent:
		return current
	case kind == slotPending:
		return pending
	case kind == slotOld && within(s.seenAt, m.cfg.Policy.Grace, now):
		return lingering
	}
	family := p.token.mark(m.realms[p.cookie])
	switch {
	case family.equal(&s.family):
		return replayed
	case family.equal(&s.before):
		return replaced
	}
	return stranger
}

// exchangeDue reports whether the current token is old enough to be replaced by the way.
func (m *Manager) exchangeDue(s *secret, started time.Time) bool {
	every := m.cfg.Policy.RotateEvery
	return every > 0 && started.Sub(s.issuedAt) >= every
}

// room returns the index of a slot for a new pending token, or -1.
func (s *secret) room(now time.Time, grace time.Duration) int {
	for i := range s.slots {
		if k := s.slots[i].kind; k == slotFree || k == slotOld && !now.Before(s.seenAt.Add(grace)) {
			return i
		}
	}
	return -1
}

// awaited reports whether a pending token may be shown.
func (s *secret) awaited() bool {
	return s.slots[0].kind == slotPending || s.slots[1].kind == slotPending
}

// issue adds the digest of a new token of the family. What is over leaves its slot: a later seenAt must not open it again.
func (s *secret) issue(d digest, now time.Time, grace time.Duration) {
	i := s.room(now, grace)
	if i < 0 {
		return // the clock has stepped back since there was room
	}
	s.slots[i] = slot{slotPending, d}
	if o := &s.slots[1-i]; o.kind == slotOld && !now.Before(s.seenAt.Add(grace)) {
		*o = slot{}
	}
	s.issuedAt = now
}

// promote makes a pending token the current one: the first shown wins. A token that came under another name than the one
// before has another mark.
func (s *secret) promote(d digest, family mark, now time.Time) {
	i := 0
	if s.slots[1].digest.equal(&d) {
		i = 1
	}
	s.slots[i] = slot{slotOld, s.current}
	if o := &s.slots[1-i]; o.kind == slotPending {
		o.kind = slotOld
	} else {
		*o = slot{}
	}
	s.current, s.seenAt, s.issuedAt = d, now, now
	if !family.equal(&s.family) {
		s.before, s.family, s.replacedAt = s.family, family, now
	}
}

// replace begins a family: every token of before is dead at once.
func (s *secret) replace(d digest, family mark, now time.Time) {
	s.before, s.family = s.family, family
	s.current, s.slots = d, [2]slot{}
	s.issuedAt, s.replacedAt, s.seenAt = now, now, time.Time{}
	s.epoch++
}

const (
	// replacedFor is for how long a replaced token is told to use the newest one, instead of being an unknown visitor's.
	// Forever would keep a browser whose login was answered in vain from ever having an anonymous session again.
	replacedFor = time.Minute
	// replayAfter is how long after the first use of a successor a replayed token may end the session: a request that was
	// merely slow has come by then.
	replayAfter = 5 * time.Minute
)

// recent reports whether a token of the given standing was replaced a moment ago.
func (s *secret) recent(st standing, now time.Time, grace time.Duration) bool {
	switch st {
	case replaced:
		return within(s.replacedAt, replacedFor, now)
	case replayed:
		return within(s.seenAt, grace+replacedFor, now)
	}
	return false
}

// within reports whether now is less than d after t, or before it: the clocks of two nodes differ. A node whose clock was far
// ahead must not keep a token open until then.
func within(t time.Time, d time.Duration, now time.Time) bool {
	return now.Sub(t).Abs() < d
}
