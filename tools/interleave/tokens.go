package interleave

import "time"

// replacedFor is for how long a replaced token is certainly told to use the newest one.
const replacedFor = 50 * time.Second

// judgeTokens looks at who got tokens, and at what was saved with which.
func (r *run) judgeTokens() {
	exchanged, most := 0, 0
	if r.c.has(Exchange) {
		most = 1
	}
	for _, o := range r.ops {
		if o.given == "" {
			continue
		}
		if r.births[o.given].exchange {
			exchanged++
			for _, k := range r.db.writers { // in their order
				if k == o {
					break
				}
				if r.outdone(o, k) {
					r.violate("T1", "%v got a token for one that %v has overtaken", o, k)
				}
			}
			if r.c.succeeded() && o.presented == r.first {
				r.violate("T1", "%v got a token for one that is over", o)
			}
		}
		if dead := r.replaced(o); dead != nil && o.kind.saves() && r.apart(o) {
			r.violate("T1", "%v got a token for one that %v has replaced", o, dead)
		}
	}
	if exchanged > most {
		r.violate("T1", "%d tokens were given in exchange", exchanged)
	}
	r.judgeWriters()
}

// replaced returns the operation that has certainly replaced the token of o a moment ago, in a session that is there.
func (r *run) replaced(o *operation) *operation {
	if r.another(o, Op.ends) {
		return nil
	}
	for _, k := range r.ops {
		if k.end < o.start && k.kind.replaces() && k.err == nil && r.inPlace(k) && !r.after(o.presented, k.given) && o.ended.Sub(k.began) < replacedFor {
			return k
		}
	}
	return nil
}

// judgeWriters: behind the save that replaces the tokens only their successors save, whatever they read before.
func (r *run) judgeWriters() {
	var last *operation
	for _, k := range r.db.writers {
		if last != nil && k != last && !r.after(k.presented, last.given) {
			invariant := "T1"
			if last.kind.signs() && k.kind.signs() {
				invariant = "T4"
			}
			r.violate(invariant, "%v has saved after %v replaced its token", k, last)
		}
		if k.kind.replaces() {
			last = k
		}
	}
}
