package session

import (
	"slices"
	"time"
)

// A proof is one time at which the user proved who they are.
type proof struct {
	level uint8
	at    time.Time
}

// proofs are those of a session that no other one outdoes in both level and time, the newest first, so that levels rise
// from one to the next. Unused ones are zero.
type proofs [maxProofs]proof

const maxProofs = 3

// level is the highest that was proved; 0 if nothing was.
func (p *proofs) level() int {
	n := 0
	for _, o := range p {
		n = max(n, int(o.level))
	}
	return n
}

// levelAt is what was proved at t, or with the newest proof if none was then.
func (p *proofs) levelAt(t time.Time) int {
	for _, o := range p {
		if o.level > 0 && o.at.Equal(t) {
			return int(o.level)
		}
	}
	return int(p[0].level)
}

// add notes a proof. Where there is no room for it and all others, the lowest level goes: a route may then ask for a proof
// that was given, and never takes one that was not. One that lies in the future, as some clock was wrong, goes, too: it would
// outdo all that are to come.
func (p *proofs) add(n proof, now time.Time) {
	all := make([]proof, 0, maxProofs+1)
	for _, o := range append(p[:], n) {
		outdone := func(x proof) bool { return x.level >= o.level && !x.at.Before(o.at) }
		if o.level == 0 || o.at.After(now.Add(authClockSkew)) || slices.ContainsFunc(all, outdone) {
			continue
		}
		all = slices.DeleteFunc(all, func(x proof) bool { return x.level <= o.level && !x.at.After(o.at) })
		all = append(all, o)
	}
	slices.SortFunc(all, func(a, b proof) int { return b.at.Compare(a.at) })
	if len(all) > maxProofs {
		all = all[1:]
	}
	*p = proofs{}
	copy(p[:], all)
}

// meet reports whether one of the proofs alone is all that r asks for. One that lies in the future, beyond the skew of the
// nodes' clocks, counts for nothing.
func (p *proofs) meet(r Requirement, now time.Time) bool {
	for _, o := range p {
		if r.MaxAge < 0 || o.level == 0 || o.at.After(now.Add(authClockSkew)) {
			continue
		}
		if int(o.level) >= r.Level && (r.MaxAge == 0 || now.Sub(o.at) <= r.MaxAge) {
			return true
		}
	}
	return false
}
