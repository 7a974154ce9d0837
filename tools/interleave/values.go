package interleave

import "slices"

// judgeValues looks at what an accepted request found.
func (r *run) judgeValues(o *operation) {
	r.judgeUser(o)
	if !r.ofS(o.presented) {
		return
	}
	wrong := func(format string, args ...any) {
		invariant := "RYW"
		if o.kind == Fresh {
			invariant = "I2"
		}
		r.violate(invariant, "%s "+format, append([]any{r.describe(o)}, args...)...)
	}
	least, most := 0, 0
	for i, k := range r.ops {
		certain := k.err == nil && !k.refused && k.end < o.start && r.told(k, o)
		switch {
		case k.start > o.end:
		case k.kind.saves():
			if !k.refused {
				most++
			}
			if certain {
				least++
			}
			if certain && !o.values.marks[i] {
				wrong("misses what %v saved", k)
			}
		case k.kind == Login && certain && r.inPlace(k) && !o.values.marks[i]:
			wrong("misses what %v saved", k)
		case k.kind == Login && r.apart(k) && o.values.marks[i]:
			r.violate("T4", "%s finds what %v saved, which has a session of its own", r.describe(o), k)
		}
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

// judgeUser looks at who an accepted request is, by which proof, and whether a session of its own has its values.
func (r *run) judgeUser(o *operation) {
	want := user
	switch owner := r.owner(o.presented); {
	case owner != nil && owner.kind == Switch:
		want = other
	case owner != nil && owner.kind.saves(), owner == nil && r.c.Anonymous && r.ofS(o.presented) && r.signer(o.presented) == nil:
		want = ""
	}
	if o.user != want {
		invariant := "I4"
		if o.user == other {
			invariant = "I7"
		}
		r.violate(invariant, "%s finds user %q", r.describe(o), o.user)
	}
	if level := r.level(o.presented); o.level != level {
		r.violate("T4", "%s finds level %d instead of %d", r.describe(o), o.level, level)
	}
	if owner := r.owner(o.presented); owner != nil && r.without(owner, o.values) != r.without(owner, owner.left) {
		r.violate("T4", "%s finds %v instead of %v, as %v left it", r.describe(o), o.values, owner.left, owner)
	}
}

// without takes out of v what o may have read while it was saving, and before another login came: what was saved beside it
// with the same token.
func (r *run) without(o *operation, v values) values {
	if o.refused {
		return v
	}
	v.later = false
	for i, k := range r.ops {
		if k != o && k.kind.saves() && !k.refused && r.signer(k.presented) == r.signer(o.presented) {
			v.marks[i], v.count = false, 0
		}
	}
	return v
}

// judgeLogins: a login never joins the session of another one, and takes over no values that were saved after that.
func (r *run) judgeLogins() {
	for _, o := range r.ops {
		if o.kind.signs() && o.err == nil && r.apart(o) {
			r.judgeApart(o)
		}
	}
}

func (r *run) judgeApart(o *operation) {
	left := o.left
	if o.kind == Login {
		if !left.marks[o.n] {
			r.violate("T4", "%v has not its own value", o)
		}
		left.marks[o.n] = false
	}
	read := o.values
	read.later = left.later         // what was saved before may have been read again in a conflict
	if !o.refused && left == read { // L2
		return
	}
	// L3, or no values: also where a stale copy alone had let the token in
	heir := slices.ContainsFunc(r.ops, func(k *operation) bool {
		return k != o && k.kind.signs() && k.start < o.end && !r.apart(k) && r.level(o.given) >= r.proved(k)
	})
	if left != (values{}) && !heir {
		r.violate("T4", "%v has %v of a session that it has not the proofs for", o, left)
	}
	for i, k := range r.ops {
		if !left.marks[i] || k == o {
			continue
		}
		if login := r.signer(k.presented); k.kind.saves() && login != nil {
			r.violate("T4", "%v has what %v saved after %v", o, k, login)
		}
	}
	if k := r.ops[0]; len(r.ops) == 2 && k.kind == Login && r.ops[1] == o && k.err == nil && r.inPlace(k) && k.end < o.start &&
		!o.dbFault && !left.base && o.ended.Sub(k.began) < replacedFor {
		r.violate("T4", "%v has lost the values by a button that was pressed twice", o)
	}
}

// proved returns the level of a session behind k, which has signed in there.
func (r *run) proved(k *operation) int {
	if k.kind == Reauth {
		return max(reauthLevel, r.level(k.presented))
	}
	return loginLevel
}
