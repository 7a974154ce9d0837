package interleave

import (
	"errors"
	"slices"
)

// A birth is how a token came about.
type birth struct {
	parent   string     // the token of the same session that was presented for it; "": it is the session's first
	by       *operation // nil: it is of the scene
	exchange bool       // the parent is open beside it, until one of the two is presented
}

// descent notes how all tokens came about.
func (r *run) descent() {
	r.births = map[string]birth{r.first: {}, r.also: {}}
	for _, t := range r.issued {
		r.births[t] = birth{parent: r.first, exchange: true}
	}
	for _, o := range r.ops {
		switch {
		case o.given == "":
		case r.inPlace(o):
			r.births[o.given] = birth{o.presented, o, !o.kind.replaces()}
		default:
			r.births[o.given] = birth{by: o}
		}
	}
}

// ofS reports whether a token is one of session S.
func (r *run) ofS(token string) bool { return idOf(token) == r.id }

// inPlace reports whether o has got a new token of session S.
func (r *run) inPlace(o *operation) bool { return o.given != "" && r.ofS(o.given) }

// apart reports whether o has got a session of its own.
func (r *run) apart(o *operation) bool { return o.given != "" && !r.ofS(o.given) }

// owner returns the operation whose session of its own a token is of, or nil.
func (r *run) owner(token string) *operation {
	i := slices.IndexFunc(r.ops, func(o *operation) bool { return r.apart(o) && idOf(o.given) == idOf(token) })
	if i < 0 {
		return nil
	}
	return r.ops[i]
}

// after reports whether a token is t, or one that came about by t. No token came about by "".
func (r *run) after(token, t string) bool {
	for ; token != ""; token = r.births[token].parent {
		if token == t {
			return true
		}
	}
	return false
}

// family returns the first of the tokens that periodic exchanges have made of one another.
func (r *run) family(token string) string {
	for r.births[token].exchange {
		token = r.births[token].parent
	}
	return token
}

// signer returns the latest login, or re-authentication, that a token came about by; nil is that of the scene.
func (r *run) signer(token string) *operation {
	for ; token != ""; token = r.births[token].parent {
		if o := r.births[token].by; o != nil && (o.kind.signs() || o.kind == Visit || o.kind == Switch) {
			return o
		}
	}
	return nil
}

// level returns the level of what was proved for the session that a token opens.
func (r *run) level(token string) int {
	b := r.births[token]
	switch o := b.by; {
	case token == r.also, o != nil && (o.kind == Login || o.kind == Visit || o.kind == Switch):
		return loginLevel
	case o != nil && o.kind == Reauth && b.parent != "":
		return max(reauthLevel, r.level(b.parent))
	case o != nil && o.kind == Reauth:
		return reauthLevel
	case b.parent != "":
		return r.level(b.parent)
	case o == nil && !r.c.Anonymous:
		return sceneLevel
	}
	return 0
}

// successors are the operations that note that another token of the family has arrived, and begin before o ends.
func (r *run) successors(o *operation) (all []*operation) {
	for _, k := range r.ops {
		p := k.presented
		if k != o && k.start <= o.end && k.kind.notes() && p != o.presented && r.births[p].exchange && r.family(p) == r.family(o.presented) {
			all = append(all, k)
		}
	}
	return all
}

// noted reports whether k has certainly noted that the token which it presents has arrived.
func (k *operation) noted() bool { return k.kind.notes() && k.err == nil && !k.refused && !k.dbFault }

// died reports whether the process of o has ended.
func (o *operation) died() bool { return errors.Is(o.err, errDied) }
