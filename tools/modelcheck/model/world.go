package model

// world adds what may happen around the processes.
func (m *moves) world(s *state) {
	w := &m.v.world
	if w.time {
		m.pass(m.Branch(s, "time passes"))
	}
	if w.evict && s.slot.kind != empty {
		m.Branch(s, "the cache evicts the slot").slot = slot{}
	}
	if w.corrupt && s.slot.kind == full {
		n := m.Branch(s, "the copy is damaged")
		n.slot = slot{kind: junk, ticket: s.slot.ticket}
	}
	if w.hostile && s.slot.kind != forged {
		n := m.Branch(s, "the cache forges a copy")
		c := slot{kind: forged, copy: s.row, notAfter: F}
		c.copy.keys |= forgery
		m.store(n, c)
	}
	if w.wild && s.slot.kind == full && s.slot.notAfter != never {
		m.Branch(s, "the copy has an absurd deadline").slot.notAfter = never
	}
	if s.late.kind != noCall {
		m.runLate(s)
	}
	if w.rollback {
		m.rollBack(s)
	}
	if w.classic && s.boot < w.restarts {
		n := m.Branch(s, "the cache restarts, and counts from 1")
		n.boot++
		n.cas, n.slot, n.late = 0, slot{}, call{}
	}
	if s.cut {
		m.Branch(s, "node 0 can reach the cache again").cut = false
	} else if s.cuts < w.cut {
		n := m.Branch(s, "node 0 is cut off from the cache")
		n.cut = true
		n.cuts++
	}
	if w.sweep && s.life == removed && (m.v.wrong.sweepEarly || 0 > s.removedAt+F+m.eps) {
		n := m.Branch(s, "a sweep forgets the row")
		n.life, n.row, n.removedAt = unknown, record{}, 0
	}
}

// runLate runs the call that its caller gave up.
func (m *moves) runLate(s *state) {
	n := m.Branch(s, "the cache runs the late call")
	c := n.late
	n.late = call{}
	switch {
	case c.kind == deleteCall:
		n.slot = slot{}
	case c.old != 0 && c.old == n.slot.ticket:
		m.store(n, c.slot)
	default:
		m.Say(": refused")
	}
}

// rollBack is a cache that returns to an earlier state: an old snapshot, a replica that was behind.
func (m *moves) rollBack(s *state) {
	if s.snapshot != s.slot || !s.taken {
		n := m.Branch(s, "(a snapshot of the cache)")
		n.snapshot, n.taken = s.slot, true
	}
	if s.taken && s.snapshot != s.slot {
		m.Branch(s, "the cache returns to the snapshot").slot = s.snapshot
	}
}

// starts returns the states in which the variant may begin.
func (v *Variant) starts() []state {
	var s state
	s.promises = noPromises()
	s.untold = [2]int8{always, always}
	if v.world.absent {
		s.promises.handed = 0
		return []state{s}
	}
	s.life, s.row = live, record{version: 1, token: 1}
	if v.world.bound {
		s.row.auth = 1
	}
	skews := []int8{0}
	if v.world.skewed {
		skews = []int8{-1, 0, 1}
	}
	var all []state
	for _, skew := range skews {
		s.skew = skew
		all = append(all, s)
		warm := s
		warm.slot = slot{kind: full, ticket: 1, copy: s.row, notAfter: F}
		warm.cas = 1
		all = append(all, warm)
	}
	return all
}

// checksFresh reports whether LoadFresh makes promises to later loads.
func (v *Variant) checksFresh() bool { return v.cast.confirmers > 0 }
