package login

// Variants returns all variants: those that are wrong on purpose, the limits of the rules, and the rules in various worlds.
func Variants() []Variant { return append(append(wrong(), limits()...), right()...) }

// right returns the rules in various worlds.
func right() []Variant {
	lose := func(v *Variant) { v.world.lose = true }
	return []Variant{
		{Name: "P1 two presses, anonymous", world: world{level: 2, lose: true, page: true, write: true, copy: true}},
		{Name: "P2 two presses, signed in", world: world{base: alice, level: 2, lose: true, page: true, write: true, copy: true}},
		{Name: "P3 two presses, another user signed in", world: world{base: mallory, level: 2, lose: true, page: true, write: true, copy: true}},
		{Name: "P4 step-up pressed twice", world: world{base: alice, stepUp: true, level: 2, page: true, write: true, copy: true}},
		{Name: "P5 attacker, anonymous", world: world{level: 2, attack: true, write: true, copy: true}, bigger: lose},
		{Name: "P6 attacker, one factor", world: world{level: 1, attack: true, write: true, copy: true}, bigger: lose},
		{Name: "P7 attacker, his own session planted", world: world{base: mallory, level: 2, attack: true, write: true, copy: true}},
		{Name: "P8 revocation, anonymous", world: world{level: 2, revoke: true, write: true, copy: true}},
		{Name: "P9 revocation, signed in", world: world{base: alice, level: 2, revoke: true, write: true, copy: true}},
		{Name: "P10 revocation, another user signed in", world: world{base: mallory, level: 2, revoke: true, write: true, copy: true}},
		{Name: "P11 revocation, step-up", world: world{base: alice, stepUp: true, level: 2, revoke: true, write: true, copy: true}},
		{Name: "P12 attacker, revocation", world: world{level: 2, attack: true, revoke: true, write: true}, bigger: lose},
	}
}

// limits returns what the rules do not promise.
func limits() []Variant {
	return []Variant{
		{Name: "L1 step-up pressed again when it was stored", Want: OUT, Steps: 11, world: world{base: alice, stepUp: true, level: 2, lose: true},
			About: "its answer is lost, and the dead token names no user whose proof the second press could be"},
	}
}
