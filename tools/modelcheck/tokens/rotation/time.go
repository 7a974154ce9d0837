package rotation

// Times are ticks ago, up to the last one that matters. So the clock has no end, and pauses of any length are covered.

// farthest is when it no longer matters how long ago the current token was shown.
func (m *moves) farthest() int8 { return max(m.v.world.grace, m.v.world.ends) }

// time lets a tick pass, unless something on its way has to arrive before.
func (m *moves) time(s *state) {
	w := &m.v.world
	for _, q := range s.requests {
		if q.token != 0 && q.age == w.delay {
			return
		}
	}
	for _, a := range s.answers {
		if a.token != 0 && a.age == w.delay {
			return
		}
	}
	n := m.Branch(s, "a tick")
	m.age(&n.db)
	if n.copyLeft > 0 {
		m.age(&n.copy)
		if n.copyLeft--; n.copyLeft == 0 {
			n.copy = record{}
		}
	}
	for i := range n.requests {
		if q := &n.requests[i]; q.token != 0 {
			q.age++
			if q.after >= 0 {
				q.after = min(q.after+1, w.grace)
			}
		}
	}
	for i := range n.answers {
		if a := &n.answers[i]; a.token != 0 {
			a.age++
		}
		if d := &n.thief.doomed[i]; *d >= 0 {
			*d = min(*d+1, w.grace+w.copies)
		}
	}
	if n.watch.periods > 0 {
		n.watch.since = min(n.watch.since+1, w.every)
	}
	if n.watch.stolen && m.v.judges(F) {
		n.watch.round = min(n.watch.round+1, w.every)
	}
}

// age moves the times of r.
func (m *moves) age(r *record) {
	w := &m.v.world
	r.issued = min(r.issued+1, w.every)
	r.seen = min(r.seen+1, m.farthest())
	switch {
	case m.v.wrong.byClock && r.waiting() > 0:
		r.exchanged = min(r.exchanged+1, 3*w.every)
	case m.v.wrong.graceByIssue:
		r.exchanged = min(r.exchanged+1, w.grace)
	}
}
