package model

import (
	"fmt"
	"hash/maphash"
	"math"
	"time"
)

// A Result is what [Check] found.
type Result struct {
	Broken Invariant // none: the variant keeps them all
	Trace  []string  // of the states from the start to the one that breaks it; its first line is the start
	States int
	Took   time.Duration
}

// Steps is the length of the trace.
func (r *Result) Steps() int { return max(0, len(r.Trace)-1) }

// A visit is how the search came to a state.
type visit struct {
	parent int32
	choice uint8
}

type search struct {
	moves  *moves
	seed   maphash.Seed
	seen   map[uint64]struct{}
	visits []visit
}

// Check tries all interleavings of v, shorter ones first, and stops at the first broken invariant.
//
// States are known by 64 bits of hash, so that with n of them one is overlooked with a probability of n²/2⁶⁵.
func Check(v Variant) Result {
	start := time.Now()
	s := newSearch(&v)
	r := s.run(v.starts())
	r.States, r.Took = len(s.visits), time.Since(start)
	return r
}

func newSearch(v *Variant) *search {
	return &search{moves: newMoves(v), seed: maphash.MakeSeed(), seen: map[uint64]struct{}{}}
}

func (s *search) run(starts []state) Result {
	var frontier, next []state
	for i := range starts {
		s.seen[s.hash(&starts[i])] = struct{}{}
		s.visits = append(s.visits, visit{-1, uint8(i)})
	}
	frontier = append(frontier, starts...)
	for first := 0; len(frontier) > 0; frontier, next = next, frontier[:0] {
		level := len(s.visits)
		for i := range frontier {
			s.moves.from(&frontier[i])
			if len(s.moves.next) > math.MaxUint8 || len(s.visits) > math.MaxInt32-math.MaxUint8 {
				panic("model: too many states")
			}
			for j := range s.moves.next {
				n := &s.moves.next[j]
				broken := s.moves.broken[j]
				if broken == "" {
					broken = n.rows()
				}
				if broken != "" {
					return Result{Broken: broken, Trace: s.trace(starts, int32(first+i), uint8(j))}
				}
				h := s.hash(n)
				if _, ok := s.seen[h]; ok {
					continue
				}
				s.seen[h] = struct{}{}
				s.visits = append(s.visits, visit{int32(first + i), uint8(j)})
				next = append(next, *n)
			}
		}
		first = level
	}
	return Result{}
}

// hash is the same for states in which processes of one class have changed places.
func (s *search) hash(n *state) uint64 {
	h := maphash.Comparable(s.seed, n.shared)
	for i := range s.moves.roles {
		h += maphash.Comparable(s.seed, struct {
			proc
			class uint8
		}{n.procs[i], s.moves.roles[i].class})
	}
	return h
}

// trace walks again from the start to the last choice made after visit at.
func (s *search) trace(starts []state, at int32, last uint8) []string {
	choices := []uint8{last}
	for ; s.visits[at].parent >= 0; at = s.visits[at].parent {
		choices = append(choices, s.visits[at].choice)
	}
	n := starts[s.visits[at].choice]
	lines := []string{"start" + n.picture()}
	s.moves.reads = true
	for i := len(choices) - 1; i >= 0; i-- {
		s.moves.from(&n)
		before := n.picture()
		n = s.moves.next[choices[i]]
		line := s.moves.texts[choices[i]]
		if after := n.picture(); after != before {
			line += after
		}
		lines = append(lines, line)
	}
	return lines
}

// picture shows the row and the slot.
func (s *state) picture() string {
	row := [...]string{"no row", "row " + s.row.picture(), "dead row"}[s.life]
	at := [...]string{"empty", "leased", s.slot.copy.picture() + " till " + fmt.Sprintf("%+d", s.slot.notAfter), "junk", "tombstone", "a forged copy"}[s.slot.kind]
	if s.slot.ticket != 0 {
		at += fmt.Sprintf(" #%d", s.slot.ticket)
	}
	return fmt.Sprintf("  [%s | %s]", row, at)
}

func (r *record) picture() string {
	t := fmt.Sprintf("v%d", r.version)
	if r.seen > 0 {
		t += fmt.Sprintf(" seen %d", r.seen)
	}
	if r.keys > 0 {
		t += fmt.Sprintf(" keys %02b", r.keys)
	}
	if r.token > 1 {
		t += fmt.Sprintf(" token %d", r.token)
	}
	if r.auth > 0 {
		t += " of the user"
	}
	return t
}
