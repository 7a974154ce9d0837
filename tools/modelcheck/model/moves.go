package model

// moves collects the states that can follow a state.
type moves struct {
	v     *Variant
	roles []role
	eps   int8 // ε, in ticks

	next   []state
	broken []Invariant // of each of next: what the step broke
	texts  []string    // of each of next, when somebody reads them
	reads  bool
}

func newMoves(v *Variant) *moves {
	return &moves{v: v, roles: v.roles(), eps: v.eps()}
}

// from fills next.
func (m *moves) from(s *state) {
	m.next, m.broken, m.texts = m.next[:0], m.broken[:0], m.texts[:0]
	m.world(s)
	for i := range m.roles {
		switch m.roles[i].kind {
		case reader, confirmer:
			m.load(s, i)
		case revoker:
			m.revoke(s, i)
		case revokeAll:
			m.revokeAll(s, i)
		default:
			m.save(s, i)
		}
	}
}

// branch adds a state that is like s, for the caller to change at once.
func (m *moves) branch(s *state, text string) *state {
	m.next = append(m.next, *s)
	m.broken = append(m.broken, "")
	if m.reads {
		m.texts = append(m.texts, text)
	}
	return &m.next[len(m.next)-1]
}

// step is branch for a step of process i.
func (m *moves) step(s *state, i int, text string) (*state, *proc) {
	n := m.branch(s, "")
	if m.reads {
		m.texts[len(m.texts)-1] = m.roles[i].name + " " + text
	}
	return n, &n.procs[i]
}

// say adds to the text of the latest branch.
func (m *moves) say(text string) {
	if m.reads {
		m.texts[len(m.texts)-1] += text
	}
}

// breaks notes that the latest branch breaks an invariant.
func (m *moves) breaks(i Invariant) { m.broken[len(m.broken)-1] = i }
