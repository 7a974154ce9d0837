package model

// Times are ticks from now on, by the clock of node 0: when time passes, all of them move. So the clock has no end, and
// states that differ in what is long past are equal.
const (
	F = 1 // how long a copy is fresh

	always int8 = -100 // was, and will be
	never  int8 = 100
)

// clock is the time on the clock of i's node.
func (m *moves) clock(s *state, i int) int8 {
	if m.roles[i].node == 1 {
		return s.skew
	}
	return 0
}

// pass lets a tick pass.
func (m *moves) pass(s *state) {
	past := -1 - m.eps // on all clocks
	move := func(t *int8, past int8) {
		if *t != always && *t != never {
			*t = max(*t-1, past)
		}
	}
	known := func(r *record) {
		if r.prev != 0 {
			move(&r.grace, past)
		}
	}
	copied := func(c *slot) {
		if c.kind == full {
			move(&c.notAfter, past)
			known(&c.copy)
		}
	}
	known(&s.row)
	copied(&s.slot)
	copied(&s.snapshot)
	copied(&s.late.slot)
	if s.life == removed {
		move(&s.removedAt, past-F)
	}
	for n := range s.untold {
		if move(&s.untold[n], past); s.untold[n] == past {
			s.untold[n] = always
		}
	}
	p := &s.promises
	move(&p.ended, past)
	for i := range p.key {
		move(&p.key[i], past)
	}
	for i := range p.cut {
		move(&p.cut[i], past)
	}
	for i := range p.token {
		move(&p.token[i], past)
	}
	for i := range m.roles {
		p := &s.procs[i]
		known(&p.rec)
		if p.at == putting || p.at == telling {
			move(&p.asOf, past-F)
		}
	}
}
