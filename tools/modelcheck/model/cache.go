package model

// What Get finds.
type found uint8

const (
	nothing found = iota // and perhaps a lease
	usable               // a fresh copy
	stale                // a copy that may not be used, and its ticket
	marked               // a tombstone
	missing              // nothing, and the lease is still to be taken
)

// newTicket returns a ticket that nobody has: the smallest one, so that equal states are recognized. To a process an old
// number that nobody remembers is as good as one that never was. A server that counts does count.
func (m *moves) newTicket(s *state) int8 {
	if m.v.world.classic {
		s.cas++
		return s.cas
	}
	for t := int8(1); ; t++ {
		used := s.slot.ticket == t || s.late.old == t || s.late.slot.ticket == t || s.snapshot.ticket == t
		for i := range m.roles {
			used = used || s.procs[i].ticket == t
		}
		if !used {
			return t
		}
	}
}

// get is the call Get, or its first step on a classic server.
func (m *moves) get(s *state, p *proc, i int) found {
	p.had = s.slot.kind != empty && s.slot.kind != leased
	p.ticket, p.boot = 0, s.boot
	switch s.slot.kind {
	case empty:
		if m.v.wrong.fillSet || m.v.wrong.fillAdd {
			return nothing
		}
		if m.v.world.classic {
			return missing
		}
		m.lease(s, p)
	case full, forged:
		p.ticket = s.slot.ticket
		if m.genuine(s) && m.fresh(s, i) {
			p.rec = s.slot.copy
			return usable
		}
		return stale
	case junk:
		p.ticket = s.slot.ticket
		return stale
	case tomb:
		return marked
	}
	return nothing
}

// genuine reports whether the copy in the slot passes for one of the protocol's own.
func (m *moves) genuine(s *state) bool {
	return s.slot.kind == full || s.slot.kind == forged && m.v.wrong.takeForged
}

func (m *moves) lease(s *state, p *proc) {
	s.slot = slot{}
	t := m.newTicket(s)
	if m.v.wrong.sharedLease {
		t = 100
	}
	s.slot = slot{kind: leased, ticket: t}
	p.ticket = t
}

func (m *moves) fresh(s *state, i int) bool {
	now := m.clock(s, i)
	switch {
	case m.v.wrong.noDeadline:
		return true
	case !m.v.wrong.anyDate && s.slot.notAfter > now+F+m.eps:
		return false
	}
	return now <= s.slot.notAfter
}

// copyOf is the slot that holds what p knows.
func (p *proc) copyOf() slot {
	return slot{kind: full, copy: p.rec, notAfter: p.asOf + F}
}

// store puts a copy in the slot, whatever is there.
func (m *moves) store(s *state, c slot) {
	s.slot = slot{}
	c.ticket = m.newTicket(s)
	s.slot = c
}

// put is the call Put. It reports whether the copy was stored.
func (m *moves) put(s *state, p *proc) bool {
	t := p.ticket
	p.ticket = 0
	if t == 0 || t != s.slot.ticket || !m.connected(s, p) {
		return false
	}
	m.store(s, p.copyOf())
	return true
}

// connected reports whether p may send its put: on a connection from before the ticket was read, which does not survive
// a restart of the server.
func (m *moves) connected(s *state, p *proc) bool { return p.boot == s.boot || m.v.wrong.noGuard }

// giveUp is what a call of the cache leaves that failed: nothing, or the call itself.
func (m *moves) giveUp(s *state, i int, c call, then func(*state, *proc)) {
	unreachable := s.cut && m.roles[i].node == 0
	if !m.v.world.lose && !unreachable {
		return
	}
	n, p := m.step(s, i, "cannot tell the cache")
	p.ticket = 0
	then(n, p)
	sent := c.kind != putCall || m.connected(s, &s.procs[i])
	if m.v.world.late && !unreachable && sent && s.late.kind == noCall {
		n, p = m.step(s, i, "gives up a call of the cache, which may still run")
		n.late = c
		p.ticket = 0
		then(n, p)
	}
}
