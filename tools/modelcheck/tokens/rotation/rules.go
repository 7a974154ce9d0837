package rotation

// reason is why a token is refused.
type reason uint8

const (
	unknown  reason = iota // as a guess is
	replayed               // it was replaced
	worn                   // used for three periods, and no successor was shown
	ended                  // the session was ended
)

// A verdict is the answer to a token.
type verdict struct {
	in     bool
	why    reason
	cookie token
}

// present judges t by the record of the database, and changes it as one compare-and-set does.
func (m *moves) present(s *state, t token) verdict {
	r := &s.db
	if r.ended {
		return verdict{why: ended}
	}
	if t == r.current {
		return m.current(s)
	}
	switch k, at := r.standing(t); k {
	case pending:
		switch {
		case m.v.wrong.unwritten:
		case m.v.wrong.twice:
			r.slots[at].kind = once
		default:
			m.promote(s, at)
		}
		return verdict{in: true}
	case once:
		m.promote(s, at)
		return verdict{in: true}
	case old:
		if m.graced(r) {
			if m.v.wrong.renewsOld {
				if k := r.slots[1-at].kind; k == none || k == old {
					at = 1 - at
				}
				r.slots[at] = slot{pending, s.issue(), t}
				return verdict{in: true, cookie: s.top}
			}
			return verdict{in: true}
		}
	}
	return m.refuse(r, t)
}

// graced reports whether the tokens that were replaced last are open.
func (m *moves) graced(r *record) bool {
	if m.v.wrong.graceByIssue {
		return r.exchanged < m.v.world.grace
	}
	return r.seen < m.v.world.grace
}

// current is present for the current token: it is in, and when it is due it gets a successor, twice.
func (m *moves) current(s *state) verdict {
	r, w := &s.db, &m.v.wrong
	waiting := r.waiting()
	if w.byClock && waiting > 0 && r.exchanged >= 3*m.v.world.every {
		return verdict{why: worn}
	}
	if w.derived && waiting > 0 {
		return m.again(s)
	}
	if r.issued < m.v.world.every {
		return verdict{in: true}
	}
	at := r.room()
	if waiting == 2 || w.single && waiting == 1 {
		switch {
		case w.overwrites:
			at = r.oldest()
		case w.endless:
			return verdict{in: true}
		default:
			return verdict{why: worn}
		}
	}
	if w.byClock && waiting == 0 || w.graceByIssue {
		r.exchanged = 0
	}
	r.slots[at] = slot{pending, s.issue(), r.current}
	r.issued, r.uses = 0, 0
	return verdict{in: true, cookie: s.top}
}

// again hands out the pending token that follows from the current one.
func (m *moves) again(s *state) verdict {
	r := &s.db
	if r.issued >= m.v.world.every {
		r.issued = 0
		if r.uses++; r.uses == 2 && !m.v.wrong.byClock {
			return verdict{why: worn}
		}
		r.uses = min(r.uses, 1)
	}
	return verdict{in: true, cookie: r.slots[r.oldest()].token}
}

// promote makes the token of slot at the current one: it was the first to be shown.
func (m *moves) promote(s *state, at int) {
	r, w := &s.db, &m.v.wrong
	p, other, left := r.slots[at], r.slots[1-at], slot{}
	switch {
	case other.kind == pending || other.kind == once:
		left = slot{old, other.token, 0}
		if w.siblings || w.newest && other.token > p.token {
			left = other
		}
	case other.kind == old && w.keepsOld:
		left = other
	}
	previous := r.current
	r.slots = [2]slot{left, {old, previous, 0}}
	r.current, r.issued, r.seen, r.uses = p.token, 0, 0, 0
	if w.lastOnly {
		r.last = previous
	}
}

// refuse judges a token that is none of the record's, or an old one whose grace is over.
func (m *moves) refuse(r *record, t token) verdict {
	w := &m.v.wrong
	if w.unknown || w.lastOnly && t != r.last {
		return verdict{}
	}
	if after := m.v.world.ends; after > 0 && (w.endsAtOnce || r.seen >= after) {
		r.ended = true
	}
	return verdict{why: replayed}
}

// ask judges t by the copy, which may say nothing but "in", or else by the database.
func (m *moves) ask(s *state, t token) verdict {
	r, w := &s.copy, &m.v.wrong
	k, _ := r.standing(t)
	due := r.issued >= m.v.world.every
	switch {
	case t == r.current && w.byCopy && r.waiting() > 0:
		m.Say(" by the copy")
		return verdict{in: true, cookie: r.slots[r.oldest()].token}
	case t == r.current && !due, k == old && m.graced(r) && !w.renewsOld:
		m.Say(" by the copy")
		return verdict{in: true}
	case t == r.current && w.loserToo && s.db != *r:
		m.Say(" by the copy, loses its compare-and-set")
		return verdict{in: true, cookie: s.issue()}
	}
	return m.present(s, t)
}

// issue makes a new token.
func (s *state) issue() token {
	s.top++
	return s.top
}

// waiting is the number of successors that were not shown, or not often enough.
func (r *record) waiting() int {
	n := 0
	for _, s := range r.slots {
		if s.kind == pending || s.kind == once {
			n++
		}
	}
	return n
}

// room is the slot for a new token: an empty one, or else one of an old token, whose grace is over long since.
func (r *record) room() int {
	for _, k := range []slotKind{none, old} {
		for i, s := range r.slots {
			if s.kind == k {
				return i
			}
		}
	}
	return -1
}

// oldest is the slot of the pending token that was issued first.
func (r *record) oldest() int {
	at := -1
	for i, s := range r.slots {
		if (s.kind == pending || s.kind == once) && (at < 0 || s.token < r.slots[at].token) {
			at = i
		}
	}
	return at
}
