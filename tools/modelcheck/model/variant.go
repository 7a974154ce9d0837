package model

// A Variant is a cast of processes, a world around them, and mistakes in the protocol.
type Variant struct {
	Name  string
	About string
	Want  Invariant // that it breaks; none: it keeps them all
	Steps int       // of the shortest trace that breaks it

	cast   cast
	world  world
	wrong  mistakes
	bigger func(*Variant) // the full size, where that is more than every test run can afford
}

// Variants returns all variants: those that are wrong on purpose, and then the protocol in various worlds.
func Variants() []Variant { return append(wrong(), right()...) }

// Full is the variant at its full size.
func (v Variant) Full() Variant {
	if v.bigger != nil {
		v.bigger(&v)
	}
	return v
}

// cast says how many processes of a kind take part. They are on node 0, but for those of the last two fields.
type cast struct {
	readers    int // Load, again and again
	confirmers int // LoadFresh, again and again
	writers    int // Load, Save of a key of its own
	touchers   int // Load, Touch
	rotators   int // Load, Save with a new token
	noters     int // Load, Save that notes that the new token has arrived
	logins     int // Load, Save with a new token and a user, look at the cut-off
	revokers   int // Delete, again until it returns nil
	revokeAlls int // DeleteUser
	readers1   int // readers on node 1
	writers1   int
}

// world says what may happen around the processes. What may happen may happen any number of times, if not said otherwise.
type world struct {
	time     bool // passes
	evict    bool // also the end of a lease
	lose     bool // a call of the cache fails, and has not happened
	late     bool // or happens later; one such call at a time
	unsure   bool // a save happens, and its caller gets an error
	corrupt  bool // copies become junk
	rollback bool // the slot returns to an earlier state
	hostile  bool // the cache makes up copies
	classic  bool // Get takes three steps, and tickets are counted by the server
	restarts int8 // of that server, which then counts from 1 again
	gets     int8 // the most tickets that it gives: bounds the loads
	skewed   bool // the clocks of the nodes differ by up to a tick
	wild     bool // a copy has an absurd deadline
	cut      int8 // times that node 0 cannot reach the cache, for any time
	sweep    bool // removed rows are forgotten when no copy can be fresh
	absent   bool // it starts without a row: logins create it
	bound    bool // the session has a user from the start
	grace    bool // rotation leaves the old token some time
	bounded  bool // only the bounded promises are made: the cache may return to older data
	dies     bool // revokers stop after their commit
}

// mistakes are what broken variants do.
type mistakes struct {
	// Load
	fillSet    bool // stores its copy in any slot
	fillAdd    bool // stores its copy in an empty slot
	fillClock  bool // counts the copy's deadline from when it stores it
	ticketLate bool // asks for its ticket after it has read the row
	join       bool // takes the answer that another one has got before
	trustCopy  bool // refuses a client by a copy
	anyDate    bool // believes absurd deadlines
	noDeadline bool // believes copies for ever
	takeForged bool // does not tell a forged copy from a genuine one

	// LoadFresh
	leaveOld      bool // leaves the copy as it is
	keepOnRefusal bool // leaves the copy that it may not replace

	// Save and Touch
	upsert      bool // inserts
	blindSave   bool // does not look at the version
	touchBlind  bool // the same, in Touch
	saveSet     bool // stores its copy in any slot
	saveNewer   bool // stores its copy unless a newer one is there
	saveFirst   bool // deletes the copy before the database has its save, and not after
	saveSilent  bool // leaves the copy
	reapply     bool // does not check the client's token again after a conflict
	notUntold   bool // forgets that it could not tell the cache
	untoldDoubt bool // forgets it after a save of unknown outcome

	// Login
	loginOld  bool // leaves the old token some time
	lookFirst bool // looks at the cut-off before it writes, and not after

	// Delete, DeleteUser and Sweep
	cacheFirst bool // tell the cache before the database
	tombs      bool // leave a mark in the slot
	skipAgain  bool // do not tell the cache of what is dead already
	forget     bool // leave no trace of a row
	sweepEarly bool // forget that trace while copies may be fresh
	oneCommit  bool // make the cut-off known only with the removal
	noSkew     bool // promise an end that forgets the skew of the clocks

	// Caches
	sharedLease bool // give all leases one ticket
	noGuard     bool // send a put on a connection that is younger than the ticket
}

type kind uint8

const (
	reader kind = iota
	confirmer
	writer
	toucher
	rotator
	noter
	login
	revoker
	revokeAll
)

// A role is the part of one process.
type role struct {
	name  string
	kind  kind
	node  int
	key   uint8 // that it sets
	token int8  // that it makes
	class uint8 // processes of one class are interchangeable
}

// roles returns the parts of the cast.
func (v *Variant) roles() []role {
	var all []role
	var keys, class uint8
	tokens := int8(1)
	add := func(n int, name string, k kind, node int) {
		for i := range n {
			r := role{name: name, kind: k, node: node}
			if n > 1 {
				r.name += string(rune('1' + i))
			}
			switch k {
			case reader, confirmer, revoker, revokeAll, toucher: // interchangeable
				if i == 0 {
					class++
				}
			default:
				class++
			}
			if k == writer {
				r.key = 1 << keys
				keys++
			}
			if k == rotator || k == login {
				tokens++
				r.token = tokens
			}
			r.class = class
			all = append(all, r)
		}
	}
	c := &v.cast
	add(c.readers, "R", reader, 0)
	add(c.readers1, "B", reader, 1)
	add(c.confirmers, "A", confirmer, 0)
	add(c.writers, "W", writer, 0)
	add(c.writers1, "V", writer, 1)
	add(c.touchers, "T", toucher, 0)
	add(c.rotators, "X", rotator, 0)
	add(c.noters, "N", noter, 0)
	add(c.logins, "L", login, 0)
	add(c.revokers, "K", revoker, 0)
	add(c.revokeAlls, "U", revokeAll, 0)
	if len(all) > maxProcs {
		panic("model: " + v.Name + ": too many processes")
	}
	return all
}

// eps is ε, the skew that the protocol allows.
func (v *Variant) eps() int8 {
	if v.world.skewed {
		return 1
	}
	return 0
}
