package login

import (
	"slices"

	"github.com/qsessions/qsessions/tools/modelcheck/search"
)

// A Variant is a set of rules in a world.
type Variant struct {
	Name  string
	About string
	Want  search.Invariant   // that it breaks; empty: it keeps all that it is judged by
	Steps int                // of the shortest trace that breaks it
	Judge []search.Invariant // nil: all

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

func (v *Variant) judges(i search.Invariant) bool {
	return v.Judge == nil || slices.Contains(v.Judge, i)
}

// world says who takes part.
type world struct {
	base   user // of the session of the browser's first token; nobody: it is anonymous
	stepUp bool // the browser proves a second factor of the session's user; otherwise it signs alice in
	level  int8 // that the browser proves
	attack bool // the attacker knows the first token, and logs in once: as mallory, or with alice's password as alice
	revoke bool // RevokeUser(alice), once, at any time
	lose   bool // the answer to one press is lost
	page   bool // another request of the browser is on its way with the first token
	write  bool // pages save values
	copy   bool // a node has a copy of the first session that no write reaches
}

// mistakes are what wrong rules do with a login whose token was replaced meanwhile or before.
type mistakes struct {
	refuses    bool // it is refused
	reloads    bool // it takes the values of the commit's time, not those that it had loaded
	joins      bool // it joins the session, and its token opens it too
	joinsLower bool // the same, and the session's level falls to its own
	copies     bool // it takes the values whenever the user is the same
	touched    bool // it takes the values that were saved after the login too
	anyLevel   bool // it takes the values whatever its level
	anyBase    bool // it takes the values of another user's session
	inherits   bool // it takes over the session's level
	answers    bool // a page with a replaced token makes an anonymous session, and sets its cookie
	clears     bool // a page with a replaced token clears the cookie
	neverLooks bool // it does not look at the cut-off
	keepsOpen  bool // login leaves the token open that it replaces
	gone       bool // it is refused when the session of another user is gone
}
