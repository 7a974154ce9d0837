package rotation

import (
	"slices"

	"github.com/qsessions/qsessions/tools/modelcheck/search"
)

// A Variant is a set of rules in a world.
type Variant struct {
	Name  string
	About string
	Want  search.Invariant // that it breaks; empty: it keeps all that it is judged by
	Steps int              // of the shortest trace that breaks it
	Judge []search.Invariant

	world  world
	wrong  mistakes
	bigger func(*Variant) // the full size, where that is more than every test run can afford
}

// Full is the variant at its full size.
func (v Variant) Full() Variant {
	if v.bigger != nil {
		v.bigger(&v)
	}
	return v
}

func (v *Variant) judges(i search.Invariant) bool { return slices.Contains(v.Judge, i) }

// world says how long things take, and what can happen. Times are in ticks.
type world struct {
	every  int8 // RotateEvery
	grace  int8 // Grace
	delay  int8 // the most that a request and that an answer take
	lost   int8 // answers with a cookie that do not arrive
	thief  bool // the token in the jar is stolen, once, at any time
	fails  bool // requests of the thief can fail in the handler: they are in, and nothing of them is written
	late   bool // the thief comes only after another token has been shown
	copies int8 // ticks for which a node judges by a copy that no write reaches; one copy at a time, made at any time
	killed bool // the browser is killed once, and comes back with an older jar
	ends   int8 // a replay ends the session, so many ticks after the current token was first shown; 0: it does not
}

// mistakes are what wrong rules do.
type mistakes struct {
	single       bool // one pending token, not two
	derived      bool // the pending token follows from the current one: each request gets the same
	byClock      bool // the old token ends three periods after its first exchange, used or not
	overwrites   bool // the oldest pending token makes room for a new one
	endless      bool // the old token does not end as long as no successor is shown
	keepsOld     bool // old tokens of earlier exchanges stay in their slots
	lastOnly     bool // only the last replaced token is known
	unknown      bool // no replaced token is known
	newest       bool // a newer sibling of the token shown first stays pending
	siblings     bool // every sibling stays pending
	twice        bool // a pending token becomes current when it is shown the second time
	unwritten    bool // a pending token is in without becoming current: the write failed, or was left out
	renewsOld    bool // an old token gets a new one during its grace
	graceByIssue bool // grace counts from the exchange
	byCopy       bool // the pending token is handed out on a copy's word
	loserToo     bool // a request gets a cookie although its compare-and-set was lost
	endsAtOnce   bool // a replay ends the session however short a time ago the current token was first shown
}
