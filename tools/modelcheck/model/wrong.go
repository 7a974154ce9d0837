package model

import "slices"

// wrong returns the variants that do one thing differently, each with the invariant that it breaks.
func wrong() []Variant {
	return slices.Concat(wrongCaches(), wrongDetails(), wrongCopies(), wrongTokens(), wrongRevocations())
}

// wrongCaches are what caches of sessions commonly do.
func wrongCaches() []Variant {
	one := cast{readers: 2, writers: 1, revokers: 1}
	readers := cast{readers: 2, revokers: 1}
	evict := world{evict: true}
	return []Variant{
		{Name: "A1 save inserts", Want: I3, Steps: 3,
			cast: one, world: evict, wrong: mistakes{upsert: true},
			About: "a save brings a removed row back"},
		{Name: "A2 fill by SET", Want: I1, Steps: 6,
			cast: readers, world: evict, wrong: mistakes{fillSet: true},
			About: "a load stores what it read before the revocation"},
		{Name: "A3 cache first", Want: I1, Steps: 6,
			cast: readers, world: evict, wrong: mistakes{cacheFirst: true},
			About: "a load fills the slot between the deletion of the copy and that of the row"},
		{Name: "A4 save without version", Want: I2, Steps: 5,
			cast: cast{writers: 2}, wrong: mistakes{blindSave: true},
			About: "the later of two saves undoes the other"},
		{Name: "A5 save by SET", Want: RYW, Steps: 7,
			cast: cast{readers: 1, writers: 2}, wrong: mistakes{saveSet: true},
			About: "two saves reach the cache in the other order"},
		{Name: "A6 fill by ADD", Want: I1, Steps: 6,
			cast: readers, world: evict, wrong: mistakes{fillAdd: true},
			About: "a deletion leaves nothing that an ADD would meet"},
		{Name: "A7 fill by ADD, tombstones", Want: I1, Steps: 7,
			cast: readers, world: evict, wrong: mistakes{fillAdd: true, tombs: true},
			About: "the tombstone is evicted"},
		{Name: "A8 save if newer", Want: I1, Steps: 6,
			cast: one, world: evict, wrong: mistakes{saveNewer: true},
			About: "a late save creates a copy after the revocation"},
		{Name: "A9 save deletes the copy first", Want: RYW, Steps: 7,
			cast: cast{readers: 2, writers: 1}, wrong: mistakes{saveFirst: true},
			About: "a load fills the slot before the row changes"},
		{Name: "A10 one lease for all", Want: I1, Steps: 7,
			cast: readers, world: evict, wrong: mistakes{sharedLease: true},
			About: "an old fill meets a new lease and takes it for its own"},
		{Name: "A11 no deadline", Want: I1b, Steps: 4,
			cast: cast{readers: 1, revokers: 1}, world: world{time: true, lose: true}, wrong: mistakes{noDeadline: true},
			About: "a copy whose deletion was lost lives on"},
		{Name: "A12 put on any connection", Want: I1, Steps: 11,
			cast: cast{readers: 3, revokers: 1}, world: world{evict: true, classic: true, restarts: 1, gets: 3},
			wrong: mistakes{noGuard: true},
			About: "memcached counts tickets from 1 again after a restart"},
		{Name: "A13 touch without version", Want: RYW, Steps: 8,
			cast: cast{readers: 1, writers: 1, touchers: 1}, world: world{time: true, lose: true}, wrong: mistakes{touchBlind: true},
			About: "a touch prolongs a copy that is no longer the row"},
		{Name: "A14 cache of yesterday", Want: I1, Steps: 5,
			cast: cast{readers: 1, revokers: 1}, world: world{rollback: true},
			About: "a failover to older data: only the bounded promise can be made"},
		{Name: "A15 shared answers", Want: I1, Steps: 5,
			cast: readers, world: evict, wrong: mistakes{join: true},
			About: "a load takes an answer that was read before the revocation"},
	}
}

// wrongDetails are this protocol with a detail left out.
func wrongDetails() []Variant {
	readers := cast{readers: 2, revokers: 1}
	evict := world{evict: true}
	return []Variant{
		{Name: "B1 deadline from the fill", Want: I1b, Steps: 7,
			cast: cast{readers: 2, revokers: 1}, world: world{time: true, lose: true}, wrong: mistakes{fillClock: true},
			About: "F must be counted from before the row was read"},
		{Name: "B2 skew forgotten", Want: I1b, Steps: 4,
			cast: cast{readers: 1, readers1: 1, revokers: 1}, world: world{time: true, skewed: true, lose: true}, wrong: mistakes{noSkew: true},
			About: "the copy's deadline is by the clock of another node"},
		{Name: "B3 absurd deadline believed", Want: I1b, Steps: 5,
			cast: cast{readers: 1, revokers: 1}, world: world{time: true, lose: true, wild: true}, wrong: mistakes{anyDate: true},
			About: "the cache may say anything"},
		{Name: "B4 second delete skips the cache", Want: I1, Steps: 4,
			cast: cast{readers: 1, revokers: 1}, world: world{lose: true}, wrong: mistakes{skipAgain: true},
			About: "a retry finds no live row and returns nil"},
		{Name: "B5 LoadFresh leaves the copy", Want: Fresh, Steps: 5,
			cast: cast{readers: 1, writers: 1, confirmers: 1}, world: evict, wrong: mistakes{leaveOld: true},
			About: "the next load is older than LoadFresh"},
		{Name: "B6 LoadFresh leaves the copy when refused", Want: Fresh, Steps: 10,
			cast: cast{readers: 2, writers: 1, confirmers: 1}, world: evict, wrong: mistakes{keepOnRefusal: true},
			About: "somebody else's lease is filled with what was read before"},
		{Name: "B7 node forgets what it could not tell", Want: RYW, Steps: 4,
			cast: cast{readers: 1, writers: 1}, world: world{lose: true}, wrong: mistakes{notUntold: true},
			About: "a node does not see its own save"},
		{Name: "B8 node forgets after a save in doubt", Want: RYW, Steps: 6,
			cast: cast{readers: 1, writers: 1}, world: world{lose: true, unsure: true}, wrong: mistakes{untoldDoubt: true},
			About: "the save is found to be there by a LoadFresh that could not tell the cache"},
		{Name: "B9 ticket after the read", Want: I1, Steps: 6,
			cast: readers, world: evict, wrong: mistakes{ticketLate: true},
			About: "the ticket is younger than what it stores"},
	}
}

// wrongCopies are about who may have made a copy.
func wrongCopies() []Variant {
	return []Variant{
		{Name: "E1 a forged copy answers", Want: I7, Steps: 2,
			cast: cast{readers: 1}, world: world{hostile: true}, wrong: mistakes{takeForged: true},
			About: "anyone who can write to the cache is let in"},
		{Name: "E2 a forged copy is saved", Want: I7, Steps: 3,
			cast: cast{writers: 1}, world: world{hostile: true}, wrong: mistakes{takeForged: true},
			About: "and stays so for good"},
	}
}

// wrongTokens are about what a token opens.
func wrongTokens() []Variant {
	return []Variant{
		{Name: "C1 copy may refuse", Want: I4, Steps: 4,
			cast: cast{readers1: 1, rotators: 1}, world: world{lose: true}, wrong: mistakes{trustCopy: true},
			About: "the new token meets the old copy"},
		{Name: "C2 rotation leaves the copy", Want: Token, Steps: 3,
			cast: cast{readers: 1, rotators: 1}, wrong: mistakes{saveSilent: true},
			About: "the old token opens the old copy"},
		{Name: "C3 login with grace", Want: Token, Steps: 4,
			cast: cast{readers: 1, logins: 1}, wrong: mistakes{loginOld: true},
			About: "a token from before the login opens the session of the user"},
		{Name: "C4 save applied again blindly", Want: Token, Steps: 8,
			cast: cast{writers: 1, rotators: 1}, wrong: mistakes{reapply: true},
			About: "what an old token set gets into the session of the new one"},
	}
}

// wrongRevocations are about the revocation of all sessions.
func wrongRevocations() []Variant {
	return []Variant{
		{Name: "D1 look, then save", Want: I6, Steps: 8,
			cast: cast{readers: 1, logins: 1, revokeAlls: 1}, wrong: mistakes{lookFirst: true},
			About: "the revocation comes between the look and the save of the login"},
		{Name: "D2 look, then create", Want: I6, Steps: 9,
			cast: cast{readers: 1, logins: 1, revokeAlls: 1}, world: world{absent: true}, wrong: mistakes{lookFirst: true},
			About: "the same inside of an INSERT, whose look is older than its commit"},
		{Name: "D3 revocation in one commit", Want: I6, Steps: 9,
			cast: cast{readers: 1, logins: 1, revokeAlls: 1}, wrong: mistakes{oneCommit: true},
			About: "the index is read before the cut-off can be seen"},
		{Name: "D4 rows forgotten at once", Want: I1, Steps: 8,
			cast: cast{readers: 1, revokeAlls: 2}, world: world{bound: true}, wrong: mistakes{forget: true},
			About: "the second revocation finds no row, and does not know of the copy"},
		{Name: "D5 rows forgotten too early", Want: I1, Steps: 9,
			cast: cast{readers: 1, revokeAlls: 2}, world: world{bound: true, sweep: true, time: true}, wrong: mistakes{sweepEarly: true},
			About: "a sweep forgets the row while its copy may be fresh"},
	}
}
