package model

import (
	"fmt"
	"hash/maphash"

	"github.com/qsessions/qsessions/tools/modelcheck/search"
)

// moves collects the states that can follow a state.
type moves struct {
	search.Moves[state]
	v     *Variant
	roles []role
	eps   int8 // ε, in ticks
}

func newMoves(v *Variant) *moves {
	return &moves{v: v, roles: v.roles(), eps: v.eps()}
}

// Check tries all interleavings of v; see [search.Check].
func Check(v Variant) search.Result { return search.Check(newMoves(&v)) }

// Starts returns the states in which the variant may begin.
func (m *moves) Starts() []state { return m.v.starts() }

// From adds the states that can follow s.
func (m *moves) From(s *state) {
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
	for j := range m.Next {
		if broken := m.Next[j].rows(); m.Broken[j] == "" {
			m.Broken[j] = broken
		}
	}
}

// step is Branch for a step of process i.
func (m *moves) step(s *state, i int, text string) (*state, *proc) {
	n := m.Branch(s, "")
	if m.Named {
		m.Texts[len(m.Texts)-1] = m.roles[i].name + " " + text
	}
	return n, &n.procs[i]
}

// Hash is the same for states in which processes of one class have changed places.
func (m *moves) Hash(seed maphash.Seed, n *state) uint64 {
	h := maphash.Comparable(seed, n.shared)
	for i := range m.roles {
		h += maphash.Comparable(seed, struct {
			proc
			class uint8
		}{n.procs[i], m.roles[i].class})
	}
	return h
}

// Picture shows the row and the slot.
func (m *moves) Picture(s *state) string {
	row := [...]string{"no row", "row " + s.row.picture(), "dead row"}[s.life]
	at := [...]string{"empty", "leased", s.slot.copy.picture() + " till " + fmt.Sprintf("%+d", s.slot.notAfter), "junk", "tombstone", "a forged copy"}[s.slot.kind]
	if s.slot.ticket != 0 {
		at += fmt.Sprintf(" #%d", s.slot.ticket)
	}
	return fmt.Sprintf("  [%s | %s]", row, at)
}

func (r *record) picture() string {
	t := fmt.Sprintf("v%d", r.version)
	if r.seen > 0 {
		t += fmt.Sprintf(" seen %d", r.seen)
	}
	if r.keys > 0 {
		t += fmt.Sprintf(" keys %02b", r.keys)
	}
	if r.token > 1 {
		t += fmt.Sprintf(" token %d", r.token)
	}
	if r.auth > 0 {
		t += " of the user"
	}
	return t
}
