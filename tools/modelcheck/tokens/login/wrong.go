package login

import "github.com/qsessions/qsessions/tools/modelcheck/search"

// wrong returns the rules with one thing done differently, each with the invariant that it breaks.
func wrong() []Variant {
	presses := world{level: 2, lose: true}
	attacked := world{level: 2, attack: true, write: true}
	weak := world{level: 1, attack: true, write: true}
	return []Variant{
		{Name: "M1 the second login is refused", Want: OUT, Steps: 11, world: presses, wrong: mistakes{refuses: true},
			About: "the first answer is the one that a browser drops"},
		{Name: "M2 values read again at the commit", Want: VAL, Steps: 11, world: weak, wrong: mistakes{reloads: true},
			About: "mallory, who has planted the token, gets alice's values"},
		{Name: "M3 join the session", Want: LVL, Steps: 10, world: attacked, wrong: mistakes{joins: true},
			About: "a password, and no second factor"},
		{Name: "M4 join with the lower level", Want: VAL2, Steps: 10, world: attacked, wrong: mistakes{joinsLower: true},
			About: "the session is shared all the same"},
		{Name: "M5 values taken over always", Want: VAL2, Steps: 10, world: attacked, wrong: mistakes{copies: true},
			About: "a password gives what was set after the second factor"},
		{Name: "M5b values saved after the login taken over", Want: VAL2, Steps: 13, world: weak, wrong: mistakes{touched: true},
			About: "they are none that the attacker could have had by the planted token"},
		{Name: "M6 values taken over at any level", Want: VAL2, Steps: 10, world: attacked, wrong: mistakes{anyLevel: true},
			About: "the login itself has set some"},
		{Name: "M7 values of another user's session", Want: VAL, Steps: 4, world: world{base: mallory, level: 2}, wrong: mistakes{anyBase: true},
			About: "a login over another user's session begins anew"},
		{Name: "M8 proofs inherited", Want: LVL, Steps: 10, world: attacked, wrong: mistakes{inherits: true},
			About: "a password, and no second factor"},
		{Name: "M9 cookie for a dead token", Want: DEAD, Steps: 5, world: world{level: 2, page: true}, wrong: mistakes{answers: true},
			About: "a page that was on its way gets a new session"},
		{Name: "M9b cookie for a dead token, signed out", Want: OUT, Steps: 7, Judge: []search.Invariant{OUT},
			world: world{level: 2, page: true}, wrong: mistakes{answers: true},
			About: "whose cookie replaces that of the login"},
		{Name: "M10 cookie of a dead token cleared", Want: OUT, Steps: 7, world: world{level: 2, page: true}, wrong: mistakes{clears: true},
			About: "the same"},
		{Name: "M11 no look at the cut-off", Want: GHOST, Steps: 8, world: world{level: 2, revoke: true}, wrong: mistakes{neverLooks: true},
			About: "a login that began before the revocation makes a session after it"},
		{Name: "M12 login leaves the old token open", Want: FIX, Steps: 4, world: attacked, wrong: mistakes{keepsOpen: true},
			About: "who planted the token is signed in with it"},
		{Name: "M13 another user's session gone", Want: OUT, Steps: 11, world: world{base: mallory, level: 2, lose: true}, wrong: mistakes{gone: true},
			About: "the first press has ended it, and its answer is lost"},
	}
}
