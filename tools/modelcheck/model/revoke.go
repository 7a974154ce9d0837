package model

// look is a login's look at the cut-off, after its write.
func (m *moves) look(s *state, i int) {
	n, p := m.step(s, i, "reads the cut-off")
	switch cut := p.epoch <= s.cutoff; {
	case cut && m.v.wrong.lookFirst:
		*p = proc{at: done}
	case cut:
		m.Say(": came too late")
		p.at = undoing
	case m.v.wrong.lookFirst:
		p.at = saving
	default:
		n.promises.handed |= 1 << m.roles[i].token
		*p = proc{at: done}
	}
}

// undo removes the row of a login that may not stay.
func (m *moves) undo(s *state, i int) {
	n, p := m.step(s, i, "removes the row")
	m.remove(n, i)
	p.at = undone
}

// remove is what the database does at Delete.
func (m *moves) remove(s *state, i int) {
	if s.life == live {
		s.row = record{version: s.row.version + 1, auth: s.row.auth}
		s.life, s.removedAt = removed, 0
		if m.v.wrong.forget {
			s.row, s.life = record{}, unknown
		}
		s.promises.gone = true
	}
	soon(&s.promises.ended, m.inTime(s, i))
}

// tellRemoved empties the slot after a Delete. Nothing is left to do for a login.
func (m *moves) tellRemoved(s *state, i int) {
	n, p := m.step(s, i, "deletes the copy, returns nil")
	n.slot = slot{}
	if m.v.wrong.tombs {
		m.store(n, slot{kind: tomb})
	}
	m.told(&n.promises.ended)
	*p = proc{at: done}
	m.giveUp(s, i, call{kind: deleteCall}, func(_ *state, p *proc) {
		m.Say(", says so")
		*p = proc{at: done}
		if m.roles[i].kind == revoker {
			p.at = idle // who calls tries again, at any time or never
		}
	})
}

// revoke is a step of Delete: the row first, then the copy.
func (m *moves) revoke(s *state, i int) {
	wrong := &m.v.wrong
	switch s.procs[i].at {
	case idle:
		if wrong.cacheFirst {
			n, p := m.step(s, i, "deletes the copy")
			n.slot = slot{}
			p.at = removing
			return
		}
		if wrong.skipAgain && s.life != live {
			n, p := m.step(s, i, "finds no live row, returns nil")
			m.told(&n.promises.ended)
			p.at = done
			return
		}
		n, p := m.step(s, i, "removes the row")
		m.remove(n, i)
		p.at = telling
		if m.v.world.dies {
			m.Say(", and dies")
			p.at = done
		}
	case removing:
		n, p := m.step(s, i, "removes the row, returns nil")
		m.remove(n, i)
		m.told(&n.promises.ended)
		p.at = done
	case telling:
		m.tellRemoved(s, i)
	}
}

// revokeAll is a step of DeleteUser: the cut-off, then the index, then the rows, then the copies.
func (m *moves) revokeAll(s *state, i int) {
	switch s.procs[i].at {
	case idle:
		n, p := m.step(s, i, "is to revoke all")
		n.epoch++
		p.epoch, p.at = n.epoch, cutting
		if m.v.wrong.oneCommit {
			p.at = finding
		}
	case cutting:
		n, p := m.step(s, i, "commits the cut-off")
		n.cutoff = max(n.cutoff, p.epoch)
		p.at = finding
	case finding:
		n, p := m.step(s, i, "reads the index")
		p.had = s.life != unknown && m.cutOff(s, p)
		p.at = revoking
		if !p.had && !m.v.wrong.oneCommit {
			m.Say(": no session, returns nil")
			m.told(&n.promises.cut[p.epoch-1])
			*p = proc{at: done}
		}
	case revoking:
		n, p := m.step(s, i, "removes the rows")
		if p.had && m.cutOff(n, p) {
			m.remove(n, i)
		}
		n.cutoff = max(n.cutoff, p.epoch)
		soon(&n.promises.cut[p.epoch-1], m.inTime(n, i))
		p.at = telling
	case telling:
		n, p := m.step(s, i, "deletes the copies, returns nil")
		if p.had {
			n.slot = slot{}
		}
		m.told(&n.promises.cut[p.epoch-1])
		*p = proc{at: done}
		m.giveUp(s, i, call{kind: deleteCall}, func(_ *state, p *proc) { *p = proc{at: done} })
	}
}

// cutOff reports whether the row is one that p's cut-off ends.
func (m *moves) cutOff(s *state, p *proc) bool { return s.row.auth > 0 && s.row.auth <= p.epoch }
