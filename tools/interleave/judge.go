package interleave

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/qsessions/qsessions/core/session"
)

// A violation is an invariant that does not hold, and how that shows.
type violation struct{ invariant, what string }

func (r *run) violate(invariant, format string, args ...any) {
	r.broken = append(r.broken, violation{invariant, fmt.Sprintf(format, args...)})
}

func (r *run) counterexample() *Counterexample {
	x := &Counterexample{Trace: r.trace, length: r.seq}
	var what []string
	for _, v := range r.broken {
		if !slices.Contains(x.Invariants, v.invariant) {
			x.Invariants = append(x.Invariants, v.invariant)
		}
		what = append(what, v.invariant+": "+v.what)
	}
	x.What = strings.Join(what, "; ")
	return x
}

// judge compares what the operations and the loads have shown with the invariants.
func (r *run) judge() {
	r.descent()
	for _, o := range r.ops {
		r.judgeError(o)
		if o.cleared && !o.kind.logsOut() {
			r.violate("I5", "%v cleared the token of its client", o)
		}
	}
	for _, o := range slices.Concat(r.ops, r.loads) {
		if o.presented == "" {
			continue
		}
		invariant, why := r.mustRefuse(o)
		accepted := !o.refused && !errors.Is(o.err, session.ErrRevoked) && !errors.Is(o.err, session.ErrReplaced)
		switch {
		case o.died():
		case accepted && why != "" && o.err == nil:
			r.violate(invariant, "%s is accepted after %s", r.describe(o), why)
		case !accepted && why == "" && r.mustAccept(o):
			invariant = "I4"
			switch b := r.births[o.presented]; {
			case o.dbFault:
				invariant = "I5"
			case b.exchange && b.by != nil:
				invariant = "T1"
			case b.exchange, len(r.successors(o)) > 0, r.c.periodic() && o.presented == r.first:
				invariant = "T3"
			}
			r.violate(invariant, "%s is refused", r.describe(o))
		}
		if o.err == nil && !o.refused {
			r.judgeValues(o)
		}
	}
	r.judgeTokens()
	r.judgeLogins()
	r.judgeRows()
}

func (r *run) describe(o *operation) string {
	if o.n >= 0 {
		return o.String()
	}
	whose := "a session of its own"
	switch o.presented {
	case r.token:
		whose = "S"
	case r.first:
		whose = "the first token of S"
	case r.also:
		whose = "the other session"
	case r.ended:
		whose = "a token that is over"
	default:
		if slices.Contains(r.issued, o.presented) {
			whose = "an issued token of S"
		} else if r.ofS(o.presented) {
			whose = "another token of S"
		}
	}
	at := "A"
	switch o.node {
	case r.nodes[0]:
	case r.nodes[1]:
		at = "B"
	default:
		at = "C"
	}
	return fmt.Sprintf("a %v of %s at %s, %v after the end,", o.kind, whose, at, o.began.Sub(r.over()))
}

// judgeError looks at what an operation told its caller.
func (r *run) judgeError(o *operation) {
	if !o.pending.IsZero() {
		if !o.cacheFault {
			r.violate("I4", "%v is pending, though the cache was told", o)
		}
		if o.pending.After(o.ended.Add(Freshness + Skew)) {
			r.violate("I1", "%v is not in effect before %v", o, o.pending.Sub(o.ended))
		}
	}
	invariant := "I4"
	if o.dbFault {
		invariant = "I5"
	}
	switch {
	case o.err == nil, !o.pending.IsZero() && !o.kind.sparing(), o.died():
	case errors.Is(o.err, session.ErrUnavailable) && o.dbFault:
	case o.kind == Forge && o.cacheFault:
	case errors.Is(o.err, session.ErrNotFound) && o.kind == Revoke && r.another(o, Op.ends):
	case errors.Is(o.err, session.ErrRevoked) && (o.kind == Visit || o.kind.signs() && o.refused):
		if !slices.ContainsFunc(r.ops, func(k *operation) bool { return r.cuts(k, o) }) {
			r.violate("I4", "%v is refused, and no one has revoked its user since it began", o)
		}
	case errors.Is(o.err, session.ErrRevoked) && (r.another(o, Op.ends) || o.kind.sparing() && (r.another(o, Op.signs) || r.another(o, Op.replaces))):
	case errors.Is(o.err, session.ErrReplaced) && o.kind.signs() && o.kind != Reauth: // whose token a stale copy may have let in
		r.violate("T4", "%v got %v", o, o.err)
	case errors.Is(o.err, session.ErrReplaced) && (r.another(o, Op.replaces) || o.kind == Late):
	default:
		r.violate(invariant, "%v got %v", o, o.err)
	}
}

// another reports whether another operation of some kind has begun before o ended.
func (r *run) another(o *operation, kind func(Op) bool) bool {
	return slices.ContainsFunc(r.ops, func(k *operation) bool { return k != o && k.start < o.end && kind(k.kind) })
}

// judgeRows looks at what is left in the database.
func (r *run) judgeRows() {
	end := &operation{kind: Fresh, n: -1, start: r.seq + 1, began: r.over()}
	for _, row := range r.db.rows {
		if row.User == other && (row.ID == r.id || !r.c.has(Switch)) {
			r.violate("I7", "a row has the user of a forged copy")
		}
		if row.dead {
			continue
		}
		for _, k := range r.ops {
			if !k.kind.ends() || !r.promised(k) {
				continue
			}
			if end.presented = r.token; row.ID == r.id && r.covers(k, end) {
				invariant := "I3"
				if k.kind.aborts() {
					invariant = "T5"
				}
				r.violate(invariant, "the row of S lives after %v", k)
			}
			if (k.kind == RevokeUser || k.kind.sparing() && row.ID != r.id) && row.User == user && row.AuthenticatedAt.Before(k.began) && !r.ghosts() {
				r.violate("I6", "a row of the user lives after %v", k)
			}
		}
	}
}

// ghosts reports whether a login may have left a row of which no one has the token: it was not able to undo itself.
func (r *run) ghosts() bool {
	return slices.ContainsFunc(r.ops, func(o *operation) bool {
		return (o.kind.signs() || o.kind == Visit) && (o.dbFault || o.died())
	})
}

// signature is what can be told of the schedule from outside, and what it leaves behind.
func (r *run) signature() string {
	var b strings.Builder
	for i, o := range r.ops {
		fmt.Fprint(&b, class(o.err), o.refused, o.user, o.level, o.values, r.inPlace(o), r.apart(o), o.cleared, o.pending.IsZero())
		for _, k := range r.ops[:i] {
			fmt.Fprint(&b, k.end < o.start, o.end < k.start)
		}
	}
	var loads []string // how many there are depends on when things ended, to the millisecond
	for _, o := range r.loads {
		whose, _, _ := strings.Cut(r.describe(o), ",")
		loads = append(loads, fmt.Sprint(whose, class(o.err), o.refused, o.user, o.level, o.values))
	}
	slices.Sort(loads)
	return b.String() + strings.Join(slices.Compact(loads), "\n")
}

// class is err without the times in it.
func class(err error) error {
	for _, known := range []error{session.ErrUnavailable, session.ErrRevoked, session.ErrReplaced, session.ErrNotFound} {
		if errors.Is(err, known) {
			return known
		}
	}
	if _, ok := errors.AsType[*session.PendingError](err); ok {
		return errPending
	}
	return err
}

var errPending = errors.New("interleave: pending")
