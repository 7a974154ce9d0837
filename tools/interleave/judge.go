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
	for _, o := range r.ops {
		r.judgeError(o)
		if o.cleared && o.kind != Logout {
			r.violate("I5", "%v cleared the token of its client", o)
		}
	}
	for _, o := range slices.Concat(r.ops, r.loads) {
		if o.presented == "" {
			continue
		}
		invariant, why := r.mustRefuse(o)
		switch accepted := !o.refused && !errors.Is(o.err, session.ErrRevoked); {
		case errors.Is(o.err, errDied):
		case accepted && why != "" && o.err == nil:
			r.violate(invariant, "%s is accepted after %s", r.describe(o), why)
		case !accepted && why == "" && r.mustAccept(o):
			invariant = "I4"
			if o.dbFault {
				invariant = "I5"
			}
			r.violate(invariant, "%s is refused", r.describe(o))
		}
		if o.err == nil && !o.refused {
			r.judgeValues(o)
		}
	}
	r.judgeRows()
}

func (r *run) describe(o *operation) string {
	if o.n >= 0 {
		return o.String()
	}
	whose := "a visitor"
	switch o.presented {
	case r.token:
		whose = "S"
	case r.first:
		whose = "the first token of S"
	case r.also:
		whose = "the other session"
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
	case o.err == nil, !o.pending.IsZero(), errors.Is(o.err, errDied):
	case errors.Is(o.err, session.ErrUnavailable) && o.dbFault:
	case errors.Is(o.err, session.ErrNotFound) && o.kind == Revoke && r.another(o, Op.ends):
	case errors.Is(o.err, session.ErrRevoked) && o.kind == Visit:
		if !slices.ContainsFunc(r.ops, func(k *operation) bool { return k.kind == RevokeUser && k.start > o.start }) {
			r.violate("I4", "%v is refused, and nobody has revoked its user since it began", o)
		}
	case errors.Is(o.err, session.ErrRevoked) && (r.another(o, Op.ends) || r.another(o, Op.replaces)):
	default:
		r.violate(invariant, "%v got %v", o, o.err)
	}
}

// another reports whether another operation of some kind has begun before o ended.
func (r *run) another(o *operation, kind func(Op) bool) bool {
	return slices.ContainsFunc(r.ops, func(k *operation) bool { return k != o && k.start < o.end && kind(k.kind) })
}

// mustRefuse tells why o may not be accepted, if so, and by which invariant.
func (r *run) mustRefuse(o *operation) (invariant, why string) {
	for _, k := range r.ops {
		if k.end >= o.start {
			continue
		}
		switch {
		case k.kind.ends() && (k.err == nil || !k.pending.IsZero()) && r.covers(k, o):
			if k.pending.IsZero() || o.kind == Fresh || o.began.After(k.pending) {
				if k.kind == RevokeUser && idOf(o.presented) != idOf(r.first) && o.presented != r.also {
					return "I6", k.String()
				}
				return "I1", k.String()
			}
		case k.kind.replaces() && k.err == nil && k.given != "" && o.presented == k.presented:
			if r.told(k, o) {
				return "RYW", k.String() + " replaced the token"
			}
		case k.kind == Revoke && errors.Is(k.err, session.ErrNotFound) && !k.cacheFault && idOf(o.presented) == r.id:
			return "I1", k.String() + " found no session"
		}
	}
	for _, k := range r.ops { // an authoritative load leaves the copy as fresh as its answer
		if k.kind == Fresh && k.refused && !k.cacheFault && k.end < o.start && k.presented == o.presented {
			return "I1", "it was refused to " + k.String()
		}
	}
	return "", ""
}

// covers reports whether k, which has ended before o began, ends the session that o presents.
func (r *run) covers(k, o *operation) bool {
	if idOf(o.presented) == r.id {
		if k.kind != RevokeUser {
			return !k.refused
		}
		signedIn := !r.c.Anonymous
		for _, l := range r.ops {
			if l.kind != Login || l.refused {
				continue
			}
			if l.start > k.start {
				return false
			}
			signedIn = signedIn || l.err == nil && l.given != "" && l.end < o.start
		}
		return signedIn
	}
	return k.kind == RevokeUser && (o.presented == r.also || r.visit(o.presented).start < k.start)
}

// visit returns the operation that has got a token.
func (r *run) visit(token string) *operation {
	i := slices.IndexFunc(r.ops, func(o *operation) bool { return o.kind == Visit && o.given == token })
	return r.ops[i]
}

// told reports whether o must see what k wrote.
func (r *run) told(k, o *operation) bool {
	return !k.cacheFault || o.kind == Fresh || o.began.After(k.ended.Add(Freshness+Skew))
}

// mustAccept reports whether o presents the token of a session that is certainly live.
func (r *run) mustAccept(o *operation) bool {
	if idOf(o.presented) != r.id {
		return !slices.ContainsFunc(r.ops, func(k *operation) bool {
			return k.kind == RevokeUser && (o.presented == r.also || k.start > r.visit(o.presented).start)
		})
	}
	if o.n < 0 && o.presented != r.token {
		return false
	}
	for _, k := range r.ops {
		switch {
		case k == o, k.start > o.end:
		case k.kind == RevokeUser:
			if !r.c.Anonymous || slices.ContainsFunc(r.ops, func(l *operation) bool { return l.kind == Login }) {
				return false
			}
		case k.kind.ends():
			return false
		case k.kind.replaces():
			if k.err != nil || k.end > o.start {
				return false
			}
		}
	}
	return true
}

// judgeValues looks at what an accepted request found.
func (r *run) judgeValues(o *operation) {
	wrong := func(format string, args ...any) {
		invariant := "RYW"
		if o.kind == Fresh {
			invariant = "I2"
		}
		r.violate(invariant, "%s "+format, append([]any{r.describe(o)}, args...)...)
	}
	login := !r.c.Anonymous
	least, most := 0, 0
	for i, k := range r.ops {
		switch {
		case k.start > o.end:
		case k.kind == Login:
			login = true
		case k.kind == Save && idOf(o.presented) == r.id:
			if !k.refused {
				most++
			}
			if k.err == nil && !k.refused && k.end < o.start && r.told(k, o) {
				least++
				if !o.values.marks[i] {
					wrong("misses what %v saved", k)
				}
			}
		}
	}
	if o.user != user && (o.user != "" || !r.c.Anonymous || idOf(o.presented) != r.id) || o.user == user && !login && idOf(o.presented) == r.id {
		r.violate("I4", "%s finds user %q", r.describe(o), o.user)
	}
	if idOf(o.presented) != r.id {
		return
	}
	if !o.values.base {
		wrong("misses what was there")
	}
	if r.c.State == Stale && !o.values.later && (o.kind == Fresh || o.began.After(r.stale)) {
		wrong("misses what was saved before")
	}
	if o.values.count < least || o.values.count > most {
		wrong("counts %d saves of %d to %d", o.values.count, least, most)
	}
}

// judgeRows looks at what is left in the database.
func (r *run) judgeRows() {
	end := &operation{kind: Fresh, n: -1, start: r.seq + 1}
	for _, k := range r.ops {
		if !k.kind.ends() || k.err != nil && k.pending.IsZero() {
			continue
		}
		for _, row := range r.db.rows {
			if row.dead {
				continue
			}
			if end.presented = r.token; row.ID == r.id && r.covers(k, end) {
				r.violate("I3", "the row of S lives after %v", k)
			}
			if k.kind == RevokeUser && row.User == user && row.AuthenticatedAt.Before(k.began) && !r.ghosts() {
				r.violate("I6", "a row of the user lives after %v", k)
			}
		}
	}
}

// ghosts reports whether a login may have left a row of which nobody has the token: it was not able to undo itself.
func (r *run) ghosts() bool {
	return slices.ContainsFunc(r.ops, func(o *operation) bool {
		return (o.kind == Login || o.kind == Visit) && (o.dbFault || errors.Is(o.err, errDied))
	})
}

// signature is what can be told of the schedule from outside, and what it leaves behind.
func (r *run) signature() string {
	var b strings.Builder
	for i, o := range r.ops {
		fmt.Fprint(&b, class(o.err), o.refused, o.user, o.values, o.given != "", o.cleared, o.pending.IsZero())
		for _, k := range r.ops[:i] {
			fmt.Fprint(&b, k.end < o.start, o.end < k.start)
		}
	}
	var loads []string // how many there are depends on when things ended, to the millisecond
	for _, o := range r.loads {
		whose, _, _ := strings.Cut(r.describe(o), ",")
		loads = append(loads, fmt.Sprint(whose, class(o.err), o.refused, o.user, o.values))
	}
	slices.Sort(loads)
	return b.String() + strings.Join(slices.Compact(loads), "\n")
}

// class is err without the times in it.
func class(err error) error {
	for _, known := range []error{session.ErrUnavailable, session.ErrRevoked, session.ErrNotFound} {
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
