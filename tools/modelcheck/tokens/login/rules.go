package login

// load is a login that reads the session of its token, maybe from a copy.
func (m *moves) load(s *state, l *login, byCopy bool) {
	l.at = loaded
	if l.token.row == 0 {
		return
	}
	r := s.row(l.token)
	if byCopy {
		r = &s.copied
	}
	switch {
	case r.opens(l.token):
		l.base, l.read = open, *r
	case r.live && r.recent && l.token.epoch == r.epoch-1:
		l.base, l.read = replaced, *r
	}
}

// commit stores the login.
func (m *moves) commit(s *state, l *login, id int8) {
	r := s.row(l.token)
	same := l.read.user == l.user
	if m.v.world.stepUp && id != attack+1 && l.base != open { // there is no user whose proof it could be
		m.Say(": refused")
		l.at, l.ended = answering, true
		return
	}
	switch l.base {
	case visitor:
		m.create(s, l, id, 0, l.level)
	case replaced:
		m.late(s, l, id)
	case open:
		switch {
		case !r.live && (l.read.user == nobody || same || m.v.wrong.gone): // L5
			m.Say(": its session is gone, refused")
			l.at, l.ended = answering, true
		case l.read.user != nobody && !same: // another user: his session ends, if it is the one that was read
			if r.live && r.epoch == l.read.epoch {
				*r = row{epoch: r.epoch}
			}
			values := uint8(0)
			if m.v.wrong.anyBase {
				values = l.read.values
			}
			m.create(s, l, id, values, l.level)
		case r.epoch == l.read.epoch: // L1
			m.inPlace(r, l, id)
		default:
			m.beside(s, l, id)
		}
	}
}

// inPlace is rule L1.
func (m *moves) inPlace(r *row, l *login, id int8) {
	if !m.v.world.stepUp || id == attack+1 {
		r.level = 0
	}
	r.epoch++
	if r.open = 1 << r.epoch; m.v.wrong.keepsOpen {
		r.open |= 1 << (r.epoch - 1)
	}
	r.user, r.level, r.auth, r.writer = l.user, max(r.level, l.level), l.auth, id
	r.values |= l.own()
	r.fresh, r.recent = true, true
	l.at, l.cookie = looking, token{l.token.row, r.epoch}
	m.Say(": in place")
}

// beside is rule L2: the session was replaced after it was loaded, and lives.
func (m *moves) beside(s *state, l *login, id int8) {
	r, w := s.row(l.token), &m.v.wrong
	if m.joins(s, l) {
		return
	}
	values, level := l.read.values, l.level
	if w.reloads {
		values = r.values
	}
	if w.inherits {
		level = max(level, r.level)
	}
	m.create(s, l, id, values, level)
}

// late is rules L3 and L4: the token was replaced before it was loaded.
func (m *moves) late(s *state, l *login, id int8) {
	r, w := &l.read, &m.v.wrong
	if m.joins(s, l) {
		return
	}
	values := uint8(0)
	if r.user == l.user && (r.fresh || w.copies || w.touched) && (l.level >= r.level || w.copies || w.anyLevel) {
		values = r.values
	}
	m.create(s, l, id, values, l.level)
}

// joins is what wrong rules do in the place of L2 to L4.
func (m *moves) joins(s *state, l *login) bool {
	r, w := s.row(l.token), &m.v.wrong
	switch {
	case w.refuses:
		m.Say(": refused")
		l.at, l.ended = answering, true
		return true
	case (w.joins || w.joinsLower) && r.live && r.user == l.user:
		m.Say(": joins the session")
		r.epoch++
		r.open |= 1 << r.epoch
		if w.joinsLower {
			r.level = min(r.level, l.level)
		}
		l.at, l.cookie = looking, token{l.token.row, r.epoch}
		return true
	}
	return false
}

// create makes a new session for the login.
func (m *moves) create(s *state, l *login, id int8, values uint8, level int8) {
	r, at := s.add()
	*r = row{
		live: true, user: l.user, level: level, epoch: 1, open: 1 << 1,
		values: values | l.own(), auth: l.auth, fresh: true, recent: true, writer: id,
	}
	l.at, l.cookie = looking, token{at, 1}
	m.Say(": a new session")
}

// own are the values that the login itself sets.
func (l *login) own() uint8 {
	if l.user == alice && l.level == 2 {
		return secret
	}
	return 0
}

// add finds a row that was never used.
func (s *state) add() (*row, int8) {
	for i := 1; i < len(s.rows); i++ {
		if r := &s.rows[i]; r.epoch == 0 {
			return r, int8(i)
		}
	}
	panic("login: too many sessions")
}

// look is the check of the cut-off after the commit, which undoes a login that was cut off.
func (m *moves) look(s *state, l *login) {
	l.at = answering
	if l.user != alice || l.auth >= s.cutoff || m.v.wrong.neverLooks {
		return
	}
	m.Say(": cut off, undone")
	if r, ok := s.opens(l.cookie); ok {
		*r = row{epoch: r.epoch}
	}
	l.cookie, l.ended = token{}, true
}
