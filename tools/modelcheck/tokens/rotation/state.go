package rotation

import (
	"cmp"
	"slices"
)

// A token is known by its number, and a newer one has a higher number. 0 stands for none.
type token int8

type slotKind uint8

const (
	none slotKind = iota
	pending
	old
	once // of a wrong rule: pending, and shown once
)

// A slot is one of the two tokens beside the current one.
type slot struct {
	kind  slotKind
	token token
	base  token // current when the token was issued
}

// A record is the part of a session that its tokens depend on. Times are ticks ago, up to the last one that matters.
type record struct {
	current token
	slots   [2]slot
	issued  int8 // since the last exchange, or since the current token was first shown
	seen    int8 // since the current token was first shown
	ended   bool // by a replay, where that is chosen

	// Of wrong rules.
	last      token // current before this one, and the only one that is known
	uses      int8  // periods in which the current token was used beside a pending one
	exchanged int8  // since the exchange that the rule counts from
}

// A request has left the browser, and has not reached a node.
type request struct {
	token token
	age   int8
	after int8 // ticks since another token took its token's place on the way; -1: none has
}

// An answer has left a node with a cookie, and has not reached the browser.
type answer struct {
	token token
	age   int8
}

// A thief has the token that was stolen, and the newest one that a cookie gave.
type thief struct {
	tokens [2]token
	doomed [2]int8 // for each: ticks since the browser was the first to show another one; -1: it was not
	late   bool    // another token than the stolen one has been shown: the late thief comes
}

type state struct {
	db       record
	copy     record
	copyLeft int8  // ticks for which a node still judges by the copy; 0: there is none
	top      token // the newest

	jar      token
	disk     token // the jar as the browser will have it when it is killed
	requests [3]request
	answers  [2]answer
	out      bool // the browser was refused with the token in its jar

	thief thief
	watch watch
}

// standing is how the record knows t, and in which slot.
func (r *record) standing(t token) (k slotKind, at int) {
	for i, s := range r.slots {
		if s.kind != none && s.token == t {
			return s.kind, i
		}
	}
	return none, -1
}

// opens reports whether t is the current token or may become it.
func (r *record) opens(t token) bool {
	k, _ := r.standing(t)
	return t == r.current || k == pending || k == once
}

// tokens calls f with each place in s that holds a token.
func (s *state) tokens(f func(*token)) {
	for _, r := range []*record{&s.db, &s.copy} {
		f(&r.current)
		f(&r.last)
		for i := range r.slots {
			f(&r.slots[i].token)
			f(&r.slots[i].base)
		}
	}
	f(&s.jar)
	f(&s.disk)
	for i := range s.requests {
		f(&s.requests[i].token)
	}
	for i := range s.answers {
		f(&s.answers[i].token)
		f(&s.thief.tokens[i])
	}
}

// tidy makes states equal that differ in nothing but numbers, in their order, or in what no longer matters.
//
// In a trace tokens keep their numbers: their order is the same.
func (s *state) tidy(renumber bool) {
	slices.SortFunc(s.requests[:], func(a, b request) int {
		return cmp.Or(cmp.Compare(a.token, b.token), cmp.Compare(a.age, b.age), cmp.Compare(a.after, b.after))
	})
	slices.SortFunc(s.answers[:], func(a, b answer) int { return cmp.Or(cmp.Compare(a.token, b.token), cmp.Compare(a.age, b.age)) })
	if !renumber {
		return
	}
	var used [128]bool
	var number [128]token
	s.tokens(func(t *token) { used[*t] = true })
	n := token(0)
	for t := 1; t < len(used); t++ {
		if used[t] {
			n++
			number[t] = n
		}
	}
	s.tokens(func(t *token) { *t = number[*t] })
	s.top = n
}
