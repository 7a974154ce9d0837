package model

// load is a step of a process that only loads.
func (m *moves) load(s *state, i int) {
	if s.procs[i].at != idle {
		m.reload(s, i)
		return
	}
	for token := range int8(len(s.promises.token)) {
		if s.promises.handed&(1<<token) == 0 {
			continue
		}
		m.startLoad(s, i, token)
	}
}

func (m *moves) startLoad(s *state, i int, token int8) {
	role := &m.roles[i]
	if m.v.wrong.join {
		for j := range m.roles {
			if o := &s.procs[j]; j != i && m.roles[j].kind == reader && o.at == putting {
				n, p := m.step(s, i, "takes the answer of "+m.roles[j].name+", accepts")
				m.begin(n, p, i, token)
				p.rec = o.rec
				m.accepts(n, p)
				*p = proc{}
			}
		}
	}
	if role.kind == reader && m.clock(s, i) <= s.untold[role.node] {
		n, p := m.step(s, i, "loads past the copy that it could not replace")
		m.begin(n, p, i, token)
		p.at = reading
		return
	}
	m.ask(s, i, func(n *state, p *proc) {
		p.fresh = role.kind == confirmer
		m.begin(n, p, i, token)
	})
}

// ask is the call Get, and what may become of it.
func (m *moves) ask(s *state, i int, begin func(*state, *proc)) {
	unreachable := s.cut && m.roles[i].node == 0
	if m.v.world.lose || unreachable {
		n, p := m.step(s, i, "cannot ask the cache")
		begin(n, p)
		p.at = reading
	}
	if unreachable {
		return
	}
	n, p := m.step(s, i, "asks the cache")
	begin(n, p)
	m.got(n, p, i, m.get(n, p, i))
}

// got goes on with what Get has found.
func (m *moves) got(s *state, p *proc, i int, f found) {
	switch {
	case f == missing:
		m.Say(": nothing")
		p.at = adding
	case f == marked:
		m.Say(": revoked, refuses")
		m.refuses(s, p, i)
		*p = proc{}
	case f != usable || p.fresh:
		p.rec = record{}
		p.at = reading
	case p.rec.opens(p.token, m.clock(s, i)):
		m.Say(": a fresh copy, accepts")
		m.accepts(s, p)
		*p = proc{}
	case m.v.wrong.trustCopy:
		m.Say(": a fresh copy, refuses")
		m.refuses(s, p, i)
		*p = proc{}
	default: // only the database says no
		m.Say(": a copy that its token does not open")
		*p = proc{at: getting, fresh: true, token: p.token, duty: p.duty}
	}
}

// reload is a step of Load or LoadFresh after the first.
func (m *moves) reload(s *state, i int) {
	switch p := &s.procs[i]; p.at {
	case getting:
		m.ask(s, i, func(*state, *proc) {})
	case adding:
		m.add(s, i)
	case checking:
		m.check(s, i)
	case reading:
		m.read(s, i)
	case putting:
		m.fill(s, i)
	case deleting:
		n, p := m.step(s, i, "empties the slot")
		n.slot = slot{}
		m.loaded(n, p, i, true)
		m.giveUp(s, i, call{kind: deleteCall}, func(n *state, p *proc) { m.loaded(n, p, i, false) })
	}
}

// add and check are the other two steps of Get on a classic server.
func (m *moves) add(s *state, i int) {
	if s.slot.kind != empty {
		n, p := m.step(s, i, "adds a lease: refused")
		m.got(n, p, i, nothing)
		return
	}
	if s.cas >= m.v.world.gets {
		return
	}
	n, p := m.step(s, i, "adds a lease")
	m.lease(n, p)
	p.boot, p.at = n.boot, checking
}

func (m *moves) check(s *state, i int) {
	n, p := m.step(s, i, "asks for its ticket")
	mine := n.slot.kind == leased && n.slot.ticket == p.ticket && n.boot == p.boot // by its nonce
	switch {
	case mine:
		p.at = reading
	case n.slot.kind == full || n.slot.kind == forged:
		m.got(n, p, i, m.get(n, p, i))
	default:
		p.ticket = 0
		m.got(n, p, i, nothing)
	}
}

// read is the call of the database.
func (m *moves) read(s *state, i int) {
	n, p := m.step(s, i, "reads the row")
	if s.life != live {
		m.Say(": none")
		p.rec = record{}
		switch {
		case !p.fresh: // a copy could have hidden it, and the caller asks again
			*p = proc{at: getting, fresh: true, token: p.token, duty: p.duty}
		case p.had:
			m.answer(n, p, i, false)
			p.at = deleting
		default:
			m.answer(n, p, i, false)
			m.loaded(n, p, i, false)
		}
		return
	}
	p.rec, p.asOf, p.had = s.row, m.clock(s, i), false
	opened := p.rec.opens(p.token, p.asOf)
	p.again = !opened && !p.fresh
	if !p.again {
		m.answer(n, p, i, opened)
	}
	switch {
	case p.fresh && m.v.wrong.leaveOld:
		m.loaded(n, p, i, true)
	case p.ticket != 0, m.v.wrong.fillSet, m.v.wrong.fillAdd:
		p.at = putting
	case p.fresh && !m.v.wrong.keepOnRefusal:
		p.at = deleting
	default:
		m.loaded(n, p, i, false)
	}
}

// answer judges what a reader tells its client. Others go on with the record.
func (m *moves) answer(s *state, p *proc, i int, opened bool) {
	k := m.roles[i].kind
	switch {
	case k != reader && k != confirmer:
	case opened:
		m.Say(", accepts")
		m.accepts(s, p)
	default:
		m.Say(", refuses")
		m.refuses(s, p, i)
	}
	if k == reader || k == confirmer {
		p.token = 0
	}
}

// fill stores what was read.
func (m *moves) fill(s *state, i int) {
	p := &s.procs[i]
	put := call{kind: putCall, old: p.ticket, slot: p.copyOf()}
	n, p := m.step(s, i, "fills the slot")
	if m.v.wrong.fillClock {
		p.asOf = m.clock(s, i)
	}
	if m.v.wrong.ticketLate {
		if n.slot.kind == empty {
			m.lease(n, p)
		}
		p.ticket = n.slot.ticket
	}
	stored := true
	switch {
	case m.v.wrong.fillSet || m.v.wrong.fillAdd && n.slot.kind == empty:
		m.store(n, p.copyOf())
	default:
		stored = m.put(n, p)
	}
	switch {
	case stored:
		m.loaded(n, p, i, true)
	case p.fresh && !m.v.wrong.keepOnRefusal:
		m.Say(": refused")
		p.at = deleting
	default:
		m.Say(": refused")
		m.loaded(n, p, i, p.fresh)
	}
	m.giveUp(s, i, put, func(n *state, p *proc) { m.loaded(n, p, i, false) })
}

// loaded ends Load or LoadFresh; healed says that LoadFresh has left a copy as fresh as its answer, or none.
func (m *moves) loaded(s *state, p *proc, i int, healed bool) {
	if healed && p.fresh && m.v.checksFresh() {
		s.promises.floor = max(s.promises.floor, p.rec.version)
	}
	switch k := m.roles[i].kind; {
	case p.again:
		*p = proc{at: getting, fresh: true, token: p.token, duty: p.duty}
	case k == reader || k == confirmer:
		*p = proc{}
	default:
		m.reloaded(s, p, i, healed)
	}
}
