package model

// save is a step of a process that loads, and then saves or touches.
func (m *moves) save(s *state, i int) {
	switch s.procs[i].at {
	case idle:
		m.startSave(s, i)
	case saving:
		m.commit(s, i)
	case telling:
		m.tell(s, i)
	case dropping:
		m.drop(s, i, "deletes the copy")
	case looking:
		m.look(s, i)
	case undoing:
		m.undo(s, i)
	case undone:
		m.tellRemoved(s, i)
	case done:
	default:
		m.reload(s, i)
	}
}

// startSave loads the record: the copy with its ticket, or the row without one.
func (m *moves) startSave(s *state, i int) {
	role := &m.roles[i]
	if m.v.world.absent {
		n, p := m.step(s, i, "begins a new session")
		m.ready(n, p, i)
		return
	}
	for token := range int8(len(s.promises.token)) {
		if s.promises.handed&(1<<token) == 0 || role.kind == noter && token != s.row.token {
			continue
		}
		trusts := !(s.cut && role.node == 0) && m.clock(s, i) > s.untold[role.node]
		if trusts && m.genuine(s) && m.fresh(s, i) && s.slot.copy.opens(token, m.clock(s, i)) {
			n, p := m.step(s, i, "loads the copy")
			p.rec, p.ticket, p.boot, p.token = s.slot.copy, s.slot.ticket, s.boot, token
			m.ready(n, p, i)
			if !m.v.world.lose {
				continue
			}
		}
		if s.life == live && s.row.opens(token, m.clock(s, i)) {
			n, p := m.step(s, i, "loads the row")
			p.rec, p.token = s.row, token
			m.ready(n, p, i)
		}
	}
}

// ready goes on when the record is there.
func (m *moves) ready(s *state, p *proc, i int) {
	p.at = saving
	if m.roles[i].kind == login {
		p.epoch = s.epoch + 1
		if m.v.wrong.lookFirst {
			p.at = looking
		}
	}
	if m.v.wrong.saveFirst {
		p.at, p.asOf = dropping, 0
	}
}

// commit is the call of the database, Save, Touch or Create.
func (m *moves) commit(s *state, i int) {
	wrong, role := &m.v.wrong, &m.roles[i]
	old := &s.procs[i].rec
	current := s.life == live && s.row.version == old.version
	switch {
	case role.kind == toucher:
		current = s.life == live && (wrong.touchBlind || current && s.row.seen == old.seen)
	case m.v.world.absent:
		current = s.life == unknown && !s.promises.gone
	case wrong.upsert:
		current = true
	case wrong.blindSave:
		current = s.life == live
	}
	if !current {
		m.conflict(s, i)
		return
	}
	n, p := m.step(s, i, "saves")
	if role.kind != toucher && s.life == live && !s.row.opens(p.token, m.clock(s, i)) {
		m.Breaks(Token)
	}
	m.apply(n, p, i)
	p.asOf, p.fresh, p.at = m.clock(s, i), false, telling
	m.promise(n, p, i, m.inTime(n, i))
	if wrong.saveFirst || wrong.saveSilent {
		m.saved(n, p, i, true)
	}
	if m.v.world.unsure && role.kind != toucher {
		n, p := m.step(s, i, "saves, and cannot know") // tries again, meets another version, and looks
		m.apply(n, p, i)
		m.promise(n, p, i, m.inTime(n, i))
		*p = proc{at: getting, fresh: true, token: p.token, epoch: p.epoch, mine: p.rec.version}
	}
}

func (m *moves) conflict(s *state, i int) {
	_, p := m.step(s, i, "meets another version")
	if m.roles[i].kind == toucher {
		*p = proc{at: done}
		return
	}
	*p = proc{at: getting, fresh: true, token: p.token, epoch: p.epoch}
}

// reloaded goes on after the LoadFresh that follows a conflict, which may have been with the process's own save.
func (m *moves) reloaded(s *state, p *proc, i int, healed bool) {
	if p.mine != 0 && p.mine == p.rec.version {
		m.saved(s, p, i, healed)
		return
	}
	if p.rec.version == 0 || !p.rec.opens(p.token, m.clock(s, i)) && !m.v.wrong.reapply {
		*p = proc{at: done} // revoked, or another token's by now
		return
	}
	*p = proc{at: saving, rec: p.rec, token: p.token, epoch: p.epoch}
}

// apply changes p's record as its role does, and the row.
func (m *moves) apply(s *state, p *proc, i int) {
	role, r := &m.roles[i], &p.rec
	if role.kind == toucher {
		s.row.seen++
		r.seen = s.row.seen
		return
	}
	r.version++
	r.keys |= role.key
	switch role.kind {
	case rotator:
		r.token, r.prev, r.grace = role.token, 0, 0
		if m.v.world.grace {
			r.prev, r.grace = p.token, never
		}
	case noter:
		if r.grace == never {
			r.grace = m.clock(s, i) + 1
		}
	case login:
		if !m.v.wrong.loginOld {
			r.prev, r.grace = 0, 0
		} else {
			r.prev, r.grace = p.token, never
		}
		r.token, r.auth = role.token, p.epoch
	}
	s.life, s.row = live, *r
}

// promise notes what loads must know of the save of i from tick at on.
func (m *moves) promise(s *state, p *proc, i int, at int8) {
	for k := range s.promises.key {
		if m.roles[i].key == 1<<k {
			soon(&s.promises.key[k], at)
		}
	}
	switch kind, r := m.roles[i].kind, &p.rec; {
	case kind == rotator && !m.v.world.grace || kind == login && !m.v.world.absent:
		soon(&s.promises.token[p.token], at)
	case kind == noter && r.grace != never && r.prev != 0:
		soon(&s.promises.token[r.prev], max(at, r.grace-1))
	}
}

// tell is what follows in the cache: the copy that was loaded is replaced, or else deleted.
func (m *moves) tell(s *state, i int) {
	wrong, p := &m.v.wrong, &s.procs[i]
	if p.ticket == 0 && !wrong.saveSet && !wrong.saveNewer {
		m.drop(s, i, "deletes the copy")
		return
	}
	put := call{kind: putCall, old: p.ticket, slot: p.copyOf()}
	n, p := m.step(s, i, "replaces the copy")
	switch {
	case wrong.saveSet:
		m.store(n, p.copyOf())
		m.saved(n, p, i, true)
	case wrong.saveNewer:
		if n.slot.kind != full || n.slot.copy.version < p.rec.version {
			m.store(n, p.copyOf())
		}
		m.saved(n, p, i, true)
	case m.put(n, p):
		m.saved(n, p, i, true)
	default:
		m.Say(": refused")
		p.at, p.asOf = dropping, 0
	}
	m.giveUp(s, i, put, func(n *state, p *proc) { m.saved(n, p, i, false) })
}

func (m *moves) drop(s *state, i int, text string) {
	n, p := m.step(s, i, text)
	n.slot = slot{}
	if m.v.wrong.saveFirst {
		p.at = saving
		return
	}
	m.saved(n, p, i, true)
	m.giveUp(s, i, call{kind: deleteCall}, func(n *state, p *proc) { m.saved(n, p, i, false) })
}

// saved ends Save or Touch, which returns nil also when the cache could not be told.
func (m *moves) saved(s *state, p *proc, i int, told bool) {
	role := &m.roles[i]
	s.promises.acked |= role.key
	switch {
	case told && !m.v.world.bounded:
		m.promise(s, p, i, always)
	case !told && !m.v.wrong.notUntold && !(p.mine != 0 && m.v.wrong.untoldDoubt):
		s.untold[role.node] = m.clock(s, i) + F + m.eps
	}
	switch {
	case role.kind == login && !m.v.wrong.lookFirst:
		*p = proc{at: looking, epoch: p.epoch}
		return
	case role.kind == login || role.kind == rotator:
		s.promises.handed |= 1 << role.token
	}
	*p = proc{at: done}
}
