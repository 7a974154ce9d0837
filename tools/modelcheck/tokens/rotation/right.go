package rotation

import "github.com/qsessions/qsessions/tools/modelcheck/search"

// Variants returns all variants: those that are wrong on purpose, the limits of the rules, and the rules in various worlds.
func Variants() []Variant { return append(append(wrong(), limits()...), right()...) }

type judge = []search.Invariant

// right returns the rules in various worlds.
func right() []Variant {
	honest := judge{H, A, G}
	slow := judge{H, G} // a slow request may be taken for a replay, see limits
	stolen := judge{H, G, K, E, S, C}
	thief := world{every: 4, grace: 1, lost: 1, thief: true}
	return []Variant{
		{Name: "P1 a lost answer, pauses", Judge: honest, world: world{every: 4, grace: 1, lost: 1}},
		{Name: "P2 two lost answers", Judge: honest, world: world{every: 4, grace: 1, lost: 2},
			bigger: func(v *Variant) { v.world.lost = 4 }},
		{Name: "P3 delays shorter than grace", Judge: honest, world: world{every: 8, grace: 2, lost: 1, delay: 1},
			bigger: func(v *Variant) { v.world = world{every: 16, grace: 4, lost: 2, delay: 3} }},
		{Name: "P4 delays of a quarter of RotateEvery", Judge: slow, world: world{every: 4, grace: 1, lost: 1, delay: 1},
			bigger: func(v *Variant) { v.world = world{every: 12, grace: 3, lost: 2, delay: 3} }},
		{Name: "P5 delays, copies", Judge: slow, world: world{every: 4, grace: 1, lost: 1, delay: 1, copies: 2},
			bigger: func(v *Variant) { v.world = world{every: 8, grace: 2, lost: 2, delay: 2, copies: 4} }},
		{Name: "P6 delays, a replay ends the session", Judge: slow, world: world{every: 4, grace: 1, lost: 1, delay: 1, ends: 2},
			bigger: func(v *Variant) { v.world = world{every: 8, grace: 2, lost: 2, delay: 2, ends: 3} }},
		{Name: "P7 late thief", Judge: All(), world: world{every: 4, grace: 1, lost: 1, thief: true, late: true}},
		{Name: "P8 late thief, copies", Judge: All(), world: world{every: 4, grace: 1, lost: 1, thief: true, late: true, copies: 2},
			bigger: func(v *Variant) { v.world.every, v.world.grace, v.world.copies = 8, 2, 3 }},
		{Name: "P9 active thief", Judge: stolen, world: thief,
			bigger: func(v *Variant) { v.world.every, v.world.grace, v.world.delay = 8, 2, 1 }},
		{Name: "P10 active thief, by turns", Judge: judge{F}, world: thief,
			bigger: func(v *Variant) { v.world.every, v.world.grace, v.world.delay = 8, 2, 1 }},
		{Name: "P11 active thief, copies", Judge: stolen, world: world{every: 4, grace: 1, thief: true, copies: 2},
			bigger: func(v *Variant) { v.world.lost, v.world.delay = 1, 1 }},
		{Name: "P12 active thief, copies, by turns", Judge: judge{F}, world: world{every: 4, grace: 1, thief: true, copies: 2},
			bigger: func(v *Variant) { v.world.lost, v.world.delay = 1, 1 }},
		{Name: "P13 active thief, a replay ends the session", Judge: stolen, world: world{every: 4, grace: 1, lost: 1, thief: true, ends: 2},
			bigger: func(v *Variant) { v.world.delay = 1 }},
		{Name: "P14 active thief, two lost answers", Judge: stolen, world: world{every: 4, grace: 1, lost: 2, thief: true},
			bigger: func(v *Variant) { v.world.delay, v.world.copies = 1, 2 }},
		{Name: "P15 active thief whose requests fail", Judge: judge{H, G, E, S, C}, world: world{every: 4, grace: 1, lost: 1, thief: true, fails: true}},
		{Name: "P16 active thief whose requests fail, by turns", Judge: judge{F}, world: world{every: 4, grace: 1, thief: true, fails: true}},
	}
}

// limits returns what the rules do not promise.
func limits() []Variant {
	return []Variant{
		{Name: "L1 delays of half of RotateEvery", Want: H, Steps: 19, Judge: judge{H},
			world: world{every: 4, grace: 1, delay: 2},
			About: "a successor that was issued meanwhile arrives after its sibling was shown"},
		{Name: "L2 delays of Grace", Want: A, Steps: 12, Judge: judge{A},
			world: world{every: 4, grace: 1, delay: 1},
			About: "a request arrives when its token is dead: reported, and nothing else"},
		{Name: "L3 a browser that is killed", Want: H, Steps: 14, Judge: judge{H},
			world: world{every: 4, grace: 1, killed: true},
			About: "an older jar holds a dead token"},
		{Name: "L4 an active thief", Want: V, Steps: 14, Judge: judge{V},
			world: world{every: 4, grace: 1, lost: 1, thief: true},
			About: "he shows his token before the browser shows its sibling"},
		{Name: "L5 a thief whose requests fail", Want: K, Steps: 19, Judge: judge{K},
			world: world{every: 4, grace: 1, thief: true, fails: true},
			About: "what is not written counts no use: without the browser the token lives until the session's idle timeout"},
	}
}
