package rotation

import "github.com/qsessions/qsessions/tools/modelcheck/search"

// A Rule is a set of rules, in a row of the table.
type Rule struct {
	Name  string
	wrong mistakes
}

// A World is a column of the table.
type World struct {
	Name  string
	world world
}

// Rules are the rows: what was proposed, and what was chosen.
func Rules() []Rule {
	today := mistakes{single: true, overwrites: true, unknown: true}
	return []Rule{
		{"random, one pending, overwritten", today},
		{"derived, N by the clock, last digest", mistakes{derived: true, byClock: true, lastOnly: true}},
		{"derived, N by use, last digest", mistakes{derived: true, lastOnly: true}},
		{"derived, N by use, family", mistakes{derived: true}},
		{"two random siblings (chosen)", mistakes{}},
		{"the same, newest sibling wins", mistakes{newest: true}},
		{"the same, new one shown twice", mistakes{twice: true}},
	}
}

// Worlds are the columns.
func Worlds() []World {
	return []World{
		{"1 lost", world{every: 4, grace: 1, lost: 1}},
		{"2 lost", world{every: 4, grace: 1, lost: 2}},
		{"delays", world{every: 4, grace: 1, lost: 1, delay: 1}},
		{"late thief", world{every: 4, grace: 1, lost: 1, thief: true, late: true}},
		{"active thief", world{every: 4, grace: 1, lost: 1, thief: true}},
		{"copies", world{every: 4, grace: 1, thief: true, copies: 2}},
	}
}

// Cell judges a rule in a world by one invariant.
func Cell(r Rule, w World, i search.Invariant) Variant {
	return Variant{Name: r.Name + ", " + w.Name, Judge: []search.Invariant{i}, world: w.world, wrong: r.wrong}
}
