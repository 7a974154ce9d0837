package rotation

import (
	"slices"

	"github.com/qsessions/qsessions/tools/modelcheck/search"
)

// A Rule is a set of rules: a row of the table.
type Rule struct {
	Name  string
	wrong mistakes
}

// A World is a column of the table.
type World struct {
	Name  string
	world world
}

// Rules returns what was considered, and what was chosen.
func Rules() []Rule {
	return []Rule{
		{"random, one pending, overwritten", mistakes{single: true, overwrites: true, unknown: true}},
		{"derived, N by the clock, last digest", mistakes{derived: true, byClock: true, lastOnly: true}},
		{"derived, N by use, last digest", mistakes{derived: true, lastOnly: true}},
		{"derived, N by use, family", mistakes{derived: true}},
		{"two random siblings (chosen)", mistakes{}},
		{"the same, newest sibling wins", mistakes{newest: true}},
		{"the same, new token has to show twice", mistakes{twice: true}},
	}
}

// Worlds returns the worlds in which all of them are judged.
func Worlds() []World {
	return []World{
		{"1 lost, pauses", world{every: 4, grace: 1, lost: 1}},
		{"2 lost", world{every: 4, grace: 1, lost: 2}},
		{"delays", world{every: 4, grace: 1, lost: 1, delay: 1}},
		{"late thief", world{every: 2, grace: 1, thief: true, late: true}},
		{"active thief", world{every: 2, grace: 1, thief: true}},
		{"copies", world{every: 2, grace: 1, thief: true, copies: 1}},
	}
}

// Cell names the invariants that r breaks in w, and the states of the longest search.
func Cell(r Rule, w World) (letters string, states int) {
	var broken judge
	for _, left := range []judge{{H, A, G, V, S, C}, {K}, {E}, {F}} { // those that remember much are judged alone
		for len(left) > 0 {
			found := Check(Variant{Judge: left, world: w.world, wrong: r.wrong})
			states = max(states, found.States)
			if found.Broken == "" {
				break
			}
			broken = append(broken, found.Broken)
			left = slices.DeleteFunc(slices.Clone(left), func(i search.Invariant) bool { return i == found.Broken })
		}
	}
	for _, i := range All() {
		if slices.Contains(broken, i) {
			letters += string(i)
		}
	}
	return letters, states
}
