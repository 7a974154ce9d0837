package interleave

// An object is what steps can touch in common.
type object uint8

const (
	rowS      object = 1 << iota // the record of the session that the operations are about
	rowOther                     // all other records
	index                        // which records a user has
	cutoffs                      // when users were revoked
	slotS                        // as the rows, in the cache
	slotOther                    // likewise
)

// A footprint is what a transition touched, and what else fixes its place in the order.
type footprint struct {
	actor       int // of which operation; or one of the others
	read, wrote object
	first, last bool // the operation began, ended: which other operations that is before or behind counts
	clock       bool // it took the time that a login or a RevokeUser goes by
	fault       bool // it used one of the faults of the schedule
	barrier     bool // it touched everything
}

func (f *footprint) add(g footprint) {
	f.read |= g.read
	f.wrote |= g.wrote
}

// dependent reports whether the order of two transitions counts.
func dependent(a, b footprint) bool {
	return a.actor == b.actor || a.barrier || b.barrier ||
		a.wrote&(b.read|b.wrote) != 0 || b.wrote&a.read != 0 ||
		a.first && b.last || a.last && b.first ||
		a.clock && b.clock || a.fault && b.fault
}

// A command is one that a fake got.
type command struct {
	name   string
	cache  bool             // of the cache, not the database
	writes bool             // it may change something
	reply  bool             // it is the late reply to one that was done
	effect func() footprint // carries it out
}

// An order says what becomes of the next step of an operation, or what happens beside the operations.
type order uint8

const (
	none    order = iota
	proceed       // the next step is done
	fail          // the next step fails without effect
	late          // the next step fails, and has its effect later
	slow          // the next step is done, and its reply is late
	die           // the process ends before the next step
	quit          // the schedule is given up
	land          // the late effect comes
	look          // loads are made before the late effect comes
	evict         // the cache drops what is in the slot
	restart       // the cache begins anew
	jump          // time passes, more than copies are fresh
	pause         // a little time passes
)

var orderNames = [...]string{"", "", " FAILS", " FAILS, with a late effect", ", the reply is late", " is not reached: the process DIES", "", "the late effect comes", "loads are made",
	"the cache evicts the slot", "the cache restarts", "time passes", "a little time passes"}

// A transition is one choice of the scheduler.
type transition struct {
	actor int
	order order
}

// The actors beside the operations, which have the numbers from 0.
const (
	world = 100 + iota // faults
	delay              // what comes late
)
