package model

// A record is a session as the row has it, a copy of it, or somebody's memory.
type record struct {
	version int8
	seen    int8  // times that it was touched
	keys    uint8 // that were set
	token   int8  // that opens it; nobody has token 0
	prev    int8  // opens it too, until the grace ends
	grace   int8  // when it does; never, before the new token has been seen
	auth    int8  // when the user's credentials were checked, see shared.epoch; 0: anonymous
}

// forgery is the key that only an attacker who writes to the cache sets.
const forgery uint8 = 1 << 7

// opens reports whether a client with token gets in at now.
func (r *record) opens(token, now int8) bool {
	return token == r.token || token == r.prev && now < r.grace
}

type life uint8

const (
	unknown life = iota // never created, or forgotten by a sweep
	live
	removed // dead, but still known
)

type slotKind uint8

const (
	empty slotKind = iota
	leased
	full
	junk // a copy that does not pass its checks
	tomb // of broken variants: "revoked"
	forged
)

type slot struct {
	kind     slotKind
	ticket   int8
	copy     record
	notAfter int8 // inside the copy
}

// A call is one of the cache that its caller has given up, and that the server may still run.
type call struct {
	kind callKind
	slot slot // that a put would leave
	old  int8 // ticket of the put
}

type callKind uint8

const (
	noCall callKind = iota
	putCall
	deleteCall
)

// shared is what all processes see, and what the invariants remember.
type shared struct {
	row       record
	life      life
	removedAt int8
	cutoff    int8 // logins up to this epoch are cut off; the database shows it

	slot     slot
	cas      int8 // last ticket of a server that counts
	boot     int8 // restarts of that server
	late     call
	snapshot slot
	taken    bool // whether there is a snapshot

	skew   int8    // how far the clock of node 1 is ahead of node 0
	epoch  int8    // revocations of all sessions that have begun; the n-th cuts off what authenticated before it, up to n
	cut    bool    // node 0 cannot reach the cache
	cuts   int8    // times that happened
	untold [2]int8 // for each node: until when it bypasses a copy that it could not replace

	promises promises
}

// A proc is what one process remembers. It is zero when the process is idle, so that equal states are recognized.
type proc struct {
	at     step
	fresh  bool // it is in LoadFresh
	again  bool // LoadFresh follows
	had    bool // a copy was there
	rec    record
	ticket int8
	boot   int8 // restarts before the ticket was read
	asOf   int8 // what it knows was true then, by its clock
	token  int8 // that its client presents
	epoch  int8 // of a login: when its credentials were checked; of a revocation: its cut-off
	mine   int8 // version that it has written, perhaps
	duty   duty
}

// A step is what a process does next.
type step uint8

const (
	idle step = iota
	done

	getting // Load, LoadFresh
	adding
	checking
	reading
	putting
	deleting

	saving // Save, Touch
	telling
	dropping
	looking // Login
	undoing
	undone

	removing // Delete, DeleteUser
	cutting
	finding
	revoking
)

const maxProcs = 6

type state struct {
	shared
	procs [maxProcs]proc
}
