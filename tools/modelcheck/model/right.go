package model

import "slices"

// right returns the protocol in various worlds.
func right() []Variant {
	return slices.Concat(loads(), sessions())
}

// loads are about the one question of a cache: what a copy may still say.
func loads() []Variant {
	return []Variant{
		{Name: "P1 loads, a save, a revocation, damaged copies",
			cast: cast{readers: 2, writers: 1, revokers: 1}, world: world{evict: true, corrupt: true},
			bigger: func(v *Variant) { v.cast.readers = 3 }},
		{Name: "P2 three loads", cast: cast{readers: 3, revokers: 1}, world: world{evict: true},
			bigger: func(v *Variant) { v.cast.readers = 5 }},
		{Name: "P3 two saves", cast: cast{readers: 1, writers: 2, revokers: 1}, world: world{evict: true},
			bigger: func(v *Variant) { v.cast.readers = 2 }},
		{Name: "P4 lost calls", cast: cast{readers: 1, writers: 1, revokers: 1},
			world:  world{evict: true, lose: true, time: true},
			bigger: func(v *Variant) { v.cast.readers = 2 }},
		{Name: "P5 two saves, lost calls", cast: cast{readers: 1, writers: 2},
			world:  world{evict: true, lose: true, time: true},
			bigger: func(v *Variant) { v.cast.revokers = 1 }},
		{Name: "P6 lost and late calls, a touch, a save", cast: cast{readers: 1, writers: 1, touchers: 1},
			world:  world{lose: true, time: true},
			bigger: func(v *Variant) { v.world.evict, v.world.late = true, true }},
		{Name: "P7 lost and late calls, a touch, a revocation", cast: cast{readers: 1, touchers: 1, revokers: 1},
			world:  world{evict: true, lose: true, late: true, time: true},
			bigger: func(v *Variant) { v.cast.touchers = 2 }},
		{Name: "P8 two touches, a save", cast: cast{readers: 1, touchers: 2, writers: 1}, world: world{evict: true},
			bigger: func(v *Variant) { v.world.time, v.world.lose = true, true }},
		{Name: "P9 late calls", cast: cast{readers: 1, writers: 1, revokers: 1}, world: world{evict: true, lose: true, late: true},
			bigger: func(v *Variant) { v.cast.readers = 2 }},
		{Name: "P10 cache of yesterday, in time", cast: cast{readers: 1, writers: 1, revokers: 1},
			world:  world{rollback: true, bounded: true, time: true},
			bigger: func(v *Variant) { v.world.evict, v.world.lose = true, true }},
		{Name: "P11 classic leases, a restart", cast: cast{readers: 2, revokers: 1},
			world:  world{evict: true, classic: true, restarts: 1, gets: 4},
			bigger: func(v *Variant) { v.cast.readers, v.world.gets, v.world.restarts = 3, 5, 2 }},
		{Name: "P12 classic leases, a save, lost and late calls", cast: cast{readers: 1, writers: 1, revokers: 1},
			world:  world{evict: true, classic: true, restarts: 1, gets: 3, lose: true, late: true},
			bigger: func(v *Variant) { v.cast.readers = 2 }},
		{Name: "P13 skew, a revocation", cast: cast{readers: 1, readers1: 1, revokers: 1},
			world: world{lose: true, skewed: true, time: true}, bigger: func(v *Variant) { v.world.evict = true }},
		{Name: "P14 skew, a save", cast: cast{readers1: 1, readers: 1, writers: 1},
			world: world{skewed: true, time: true}, bigger: func(v *Variant) { v.world.evict, v.world.lose = true, true }},
		{Name: "P15 absurd deadlines", cast: cast{readers: 1, writers: 1, revokers: 1},
			world: world{lose: true, wild: true, time: true}, bigger: func(v *Variant) { v.world.evict = true }},
		{Name: "P16 LoadFresh", cast: cast{readers: 1, writers: 1, confirmers: 1},
			world: world{evict: true, lose: true}, bigger: func(v *Variant) { v.cast.readers, v.world.late = 2, true }},
		{Name: "P17 LoadFresh, two loads", cast: cast{readers: 2, writers: 1, confirmers: 1}, world: world{evict: true}},
		{Name: "P18 a node cut off", cast: cast{readers: 1, readers1: 1, writers: 1}, world: world{cut: 1, time: true},
			bigger: func(v *Variant) { v.world.cut, v.world.evict = 2, true }},
		{Name: "P19 a node cut off, a save on each", cast: cast{readers: 1, readers1: 1, writers: 1, writers1: 1}, world: world{cut: 1}},
		{Name: "P20 saves in doubt", cast: cast{readers: 1, readers1: 1, writers: 1}, world: world{evict: true, unsure: true, lose: true, time: true},
			bigger: func(v *Variant) { v.cast.readers1, v.cast.writers = 0, 2 }},
		{Name: "P21 a cache that forges copies", cast: cast{readers: 1, writers: 1, revokers: 1}, world: world{hostile: true, lose: true},
			bigger: func(v *Variant) { v.cast.touchers, v.world.evict = 1, true }},
	}
}

// sessions are about tokens, logins, and revocations.
func sessions() []Variant {
	return []Variant{
		{Name: "S1 a revoker dies", cast: cast{readers: 2, revokers: 1}, world: world{evict: true, lose: true, dies: true, time: true},
			bigger: func(v *Variant) { v.cast.readers = 3 }},
		{Name: "S2 two revokers, lost calls", cast: cast{readers: 1, revokers: 2}, world: world{evict: true, lose: true, late: true, time: true},
			bigger: func(v *Variant) { v.cast.readers = 2 }},
		{Name: "S3 rotation, a save", cast: cast{readers: 1, writers: 1, rotators: 1}, world: world{evict: true, lose: true},
			bigger: func(v *Variant) { v.cast.readers, v.world.time = 2, true }},
		{Name: "S4 rotation on another node", cast: cast{readers1: 1, rotators: 1}, world: world{evict: true, lose: true, late: true, time: true},
			bigger: func(v *Variant) { v.cast.confirmers = 1 }},
		{Name: "S5 rotation with grace", cast: cast{readers: 1, rotators: 1, noters: 1}, world: world{evict: true, grace: true, lose: true, time: true},
			bigger: func(v *Variant) { v.cast.readers1 = 1 }},
		{Name: "S6 login, a revocation of all", cast: cast{readers: 2, logins: 1, revokeAlls: 1}, world: world{evict: true}},
		{Name: "S7 login in a new session", cast: cast{readers: 2, logins: 1, revokeAlls: 1}, world: world{evict: true, lose: true, absent: true},
			bigger: func(v *Variant) { v.cast.revokeAlls, v.world.time = 2, true }},
		{Name: "S8 login, lost calls", cast: cast{readers: 1, logins: 1, revokeAlls: 1}, world: world{lose: true, time: true},
			bigger: func(v *Variant) { v.world.evict, v.world.late = true, true }},
		{Name: "S9 login in doubt", cast: cast{readers: 1, logins: 1, revokeAlls: 1}, world: world{evict: true, unsure: true, lose: true},
			bigger: func(v *Variant) { v.world.time = true }},
		{Name: "S10 two revocations of all", cast: cast{readers: 2, revokeAlls: 2}, world: world{evict: true, bound: true, lose: true, sweep: true, time: true}},
		{Name: "S11 login, two revocations of all", cast: cast{readers: 1, logins: 1, revokeAlls: 2}, world: world{sweep: true, time: true},
			bigger: func(v *Variant) { v.world.evict, v.world.lose = true, true }},
		{Name: "S12 login, a save of before", cast: cast{readers: 1, writers: 1, logins: 1, revokeAlls: 1}, world: world{},
			bigger: func(v *Variant) { v.world.evict, v.world.lose = true, true }},
	}
}
