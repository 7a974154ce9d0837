package interleave

import (
	"errors"
	"slices"
	"time"

	"github.com/qsessions/qsessions/core/session"
)

// mustRefuse tells why o may not be accepted, if so, and by which invariant.
func (r *run) mustRefuse(o *operation) (invariant, why string) {
	for _, k := range r.ops {
		if k.end >= o.start {
			continue
		}
		switch {
		case k.kind.ends() && r.promised(k) && r.covers(k, o):
			if k.pending.IsZero() || o.kind == Fresh || o.began.After(k.pending) {
				switch {
				case k.kind.aborts():
					return "T5", k.String()
				case (k.kind == RevokeUser || k.kind.sparing()) && r.signer(o.presented) != nil:
					return "I6", k.String()
				}
				return "I1", k.String()
			}
		case k.kind.replaces() && k.err == nil && r.inPlace(k) && r.ofS(o.presented) && !r.after(o.presented, k.given):
			if r.told(k, o) {
				return "RYW", k.String() + " replaced the token"
			}
		case k.kind == OthersAborted && r.dropped(k) && o.presented == k.presented:
			return "T5", k.String() + " and its token"
		case k.kind == Revoke && errors.Is(k.err, session.ErrNotFound) && !k.cacheFault && r.ofS(o.presented):
			return "I1", k.String() + " found no session"
		case r.outdone(o, k) && o.began.After(k.ended.Add(Grace)) && r.told(k, o):
			return "T2", k.String() + " showed another token, and the grace"
		}
	}
	for _, k := range r.ops { // an authoritative load leaves the copy as fresh as its answer
		if k.kind == Fresh && k.refused && !k.cacheFault && k.end < o.start && k.presented == o.presented {
			return "I1", "it was refused to " + k.String()
		}
	}
	switch {
	case r.ended != "" && o.presented == r.ended:
		return "T2", "all of its time"
	case r.c.succeeded() && o.presented == r.first && o.began.After(r.shown.Add(Grace)) && (r.c.State != Stale || o.kind == Fresh || o.began.After(r.stale)):
		return "T2", "the grace"
	case r.worn(o):
		return "T2", "two successors have gone out"
	}
	return "", ""
}

// outdone reports whether k has noted, for certain, a token of the same family while that of o was not noted.
func (r *run) outdone(o, k *operation) bool {
	if !k.noted() || !slices.Contains(r.successors(o), k) || r.after(o.presented, k.presented) {
		return false
	}
	return !r.births[o.presented].exchange || !slices.ContainsFunc(r.ops, func(l *operation) bool {
		return l != o && l.start < k.end && (r.after(l.presented, o.presented) || l.presented == o.presented)
	})
}

// worn reports whether o presents the first token while both of its successors are out, and none was presented.
func (r *run) worn(o *operation) bool {
	return r.wearing(o) && len(r.successors(o)) == 0
}

func (r *run) wearing(o *operation) bool {
	return len(r.issued) == 2 && r.c.has(Exchange) && o.presented == r.first
}

// dropped reports whether an aborted operation that had its way has left the session with its token.
func (r *run) dropped(k *operation) bool {
	return k.revoked && k.given == "" && !k.dbFault && !k.died() && !r.another(k, func(o Op) bool { return o.ends() || o.replaces() })
}

// promised reports whether k has told its caller that it ends sessions; an aborted one has no other way to tell.
func (r *run) promised(k *operation) bool {
	switch k.kind {
	case Others, OthersAborted:
		return k.revoked
	case LogoutAborted:
		return !k.dbFault && !k.died() && k.err == nil
	}
	return k.err == nil || !k.pending.IsZero()
}

// covers reports whether k, which has ended before o began, ends the session that o presents.
func (r *run) covers(k, o *operation) bool {
	signer := r.signer(o.presented)
	switch {
	case !r.ofS(o.presented):
		if k.kind != RevokeUser && !k.kind.sparing() || k.refused {
			return false
		}
		owner := r.owner(o.presented)
		return o.presented == r.also || owner.start < k.start && (owner.kind == Visit || owner.kind.signs())
	case k.kind == Switch: // a login since it read the session is not meant
		return !k.refused && !slices.ContainsFunc(r.ops, func(l *operation) bool { return l.kind.replaces() && l.start < k.end })
	case k.kind.sparing():
		return !k.refused && !k.dbFault && !k.died() && r.told(k, o) && signer != nil && signer.start < k.start && !r.after(o.presented, k.given) && !r.after(k.presented, signer.given)
	case k.kind != RevokeUser:
		return !k.refused
	}
	signedIn := !r.c.Anonymous
	for _, l := range r.ops {
		if !l.kind.signs() || l.refused || r.apart(l) {
			continue
		}
		if l.start > k.start {
			return false
		}
		signedIn = signedIn || l.err == nil && r.inPlace(l) && l.end < o.start
	}
	return signedIn
}

// told reports whether o must see what k wrote.
func (r *run) told(k, o *operation) bool {
	return !k.cacheFault || o.kind == Fresh || o.began.After(k.ended.Add(Freshness+Skew))
}

// mustAccept reports whether o presents the token of a session that is certainly live.
func (r *run) mustAccept(o *operation) bool {
	if !r.ofS(o.presented) {
		owner := r.owner(o.presented)
		return !slices.ContainsFunc(r.ops, func(k *operation) bool {
			return o.presented == r.also && (k.kind == RevokeUser || k.kind.sparing()) || owner != nil && owner.kind != Switch && r.cuts(k, owner)
		})
	}
	if r.wearing(o) && !slices.ContainsFunc(r.successors(o), func(k *operation) bool { return k.noted() && k.end < o.start }) {
		return false
	}
	if o.presented == r.ended || r.c.succeeded() && o.presented == r.first && !r.within(o, r.shown) {
		return false
	}
	for _, k := range r.ops {
		switch {
		case k == o, k.start > o.end:
		case k.kind == RevokeUser:
			if !r.c.Anonymous || slices.ContainsFunc(r.ops, func(l *operation) bool { return l.kind.signs() }) {
				return false
			}
		case k.kind.sparing() && k.refused:
		case k.kind == Switch:
			if !k.refused && !r.spared(o, k) {
				return false
			}
		case k.kind.replaces():
			if !r.apart(k) && (k.err != nil || k.end > o.start || !k.refused && !r.after(o.presented, k.given)) {
				return false
			}
			if k.kind.signs() && k.err != nil { // it may have been undone
				return false
			}
		case k.kind.ends():
			return false
		}
	}
	return !slices.ContainsFunc(r.successors(o), func(k *operation) bool { return !r.within(o, k.began) })
}

// cuts reports whether k may have revoked the user since o began.
func (r *run) cuts(k, o *operation) bool {
	return k.kind == RevokeUser && k.start > o.start || k.kind.sparing() && k.end > o.start
}

// spared reports whether k, a login as another user, has found that the session has had a login since: that of o.
func (r *run) spared(o, k *operation) bool {
	return slices.ContainsFunc(r.ops, func(l *operation) bool {
		return l.kind.replaces() && l.err == nil && r.inPlace(l) && l.wrote < k.commit && r.after(o.presented, l.given)
	})
}

// within reports whether o has ended in the grace that begins at a time.
func (r *run) within(o *operation, at time.Time) bool { return o.ended.Before(at.Add(Grace)) }
