package model

import "github.com/qsessions/qsessions/tools/modelcheck/search"

// An Invariant is a promise of the protocol.
type Invariant = search.Invariant

// The invariants. A promise that is kept "in time" is kept by every load that starts later than F and the allowed skew
// after the commit.
const (
	I1    Invariant = "I1"    // after a revocation returned nil no load accepts the session
	I1b   Invariant = "I1b"   // after any revocation none does, in time
	I2    Invariant = "I2"    // what a save has acknowledged stays in the row
	I3    Invariant = "I3"    // a row that was removed is never live again
	I4    Invariant = "I4"    // no load refuses a token that opens a live row
	I6    Invariant = "I6"    // no login survives a revocation of all sessions that began after it
	I7    Invariant = "I7"    // no load accepts what only the cache has said, and no save puts it into the row
	RYW   Invariant = "RYW"   // loads see a save that could tell the cache; those of its own node any save; all in time
	Token Invariant = "Token" // a token that was replaced opens nothing, as RYW, and changes nothing
	Fresh Invariant = "Fresh" // no load is older than a LoadFresh that had returned
)

// promises are what the processes have been told, as far as later loads may be held to it.
type promises struct {
	acked  uint8 // keys whose saves returned
	key    [2]int8
	handed uint8 // tokens that clients have
	token  [4]int8
	gone   bool // the row was removed
	ended  int8
	cut    [2]int8 // for each cut-off
	floor  int8    // version that a LoadFresh returned
}

func noPromises() promises {
	p := promises{handed: 1 << 1, ended: never}
	p.key = [2]int8{never, never}
	p.cut = [2]int8{never, never}
	p.token = [4]int8{never, never, never, never}
	return p
}

// A duty is what one load owes, by the promises made before it started.
type duty struct {
	keys           uint8
	floor          int8
	token          bool
	ended, endedBy bool
	cut, cutBy     int8
}

// inTime is when what i commits now is known to everybody. Whoever commits where clocks differ is on node 0.
func (m *moves) inTime(s *state, i int) int8 {
	if m.v.wrong.noSkew {
		return m.clock(s, i) + F
	}
	return m.clock(s, i) + F + m.eps
}

// soon moves a promise forward to at.
func soon(promise *int8, at int8) { *promise = min(*promise, at) }

// told moves a promise forward to now, unless only the bounded ones are made.
func (m *moves) told(promise *int8) {
	if !m.v.world.bounded {
		soon(promise, always)
	}
}

// begin starts a load of i for a client with token.
func (m *moves) begin(s *state, p *proc, i int, token int8) {
	due := func(promise int8) bool { return max(0, m.clock(s, i)) > promise }
	d := &p.duty
	*d = duty{floor: s.promises.floor}
	for k := range s.promises.key {
		if due(s.promises.key[k]) {
			d.keys |= 1 << k
		}
	}
	for j := range m.roles { // a node sees its own saves at once
		if r := &m.roles[j]; r.kind == writer && r.node == m.roles[i].node && !m.v.world.bounded {
			d.keys |= r.key & s.promises.acked
		}
	}
	for c := range s.promises.cut {
		switch promise := s.promises.cut[c]; {
		case promise == always:
			d.cut = int8(c + 1)
		case due(promise):
			d.cutBy = int8(c + 1)
		}
	}
	d.ended, d.endedBy = s.promises.ended == always, due(s.promises.ended)
	d.token = due(s.promises.token[token])
	p.token = token
}

// accepts judges that i accepts its record, and ends its duty.
func (m *moves) accepts(s *state, p *proc) {
	d, r := &p.duty, &p.rec
	switch {
	case r.keys&forgery != 0:
		m.Breaks(I7)
	case d.ended:
		m.Breaks(I1)
	case d.endedBy:
		m.Breaks(I1b)
	case r.auth > 0 && r.auth <= d.cut && s.life == live:
		m.Breaks(I6)
	case r.auth > 0 && r.auth <= d.cut:
		m.Breaks(I1)
	case r.auth > 0 && r.auth <= d.cutBy:
		m.Breaks(I1b)
	case d.token:
		m.Breaks(Token)
	case d.keys&^r.keys != 0:
		m.Breaks(RYW)
	case r.version < d.floor:
		m.Breaks(Fresh)
	}
	p.duty = duty{}
}

// refuses judges that i refuses its client, and ends its duty.
func (m *moves) refuses(s *state, p *proc, i int) {
	if s.life == live && s.row.opens(p.token, m.clock(s, i)) {
		m.Breaks(I4)
	}
	p.duty = duty{}
}

// rows judges the row.
func (s *state) rows() Invariant {
	switch {
	case s.life == live && s.row.keys&forgery != 0:
		return I7
	case s.promises.gone && s.life == live:
		return I3
	case s.life == live && s.promises.acked&^s.row.keys != 0:
		return I2
	}
	return ""
}
