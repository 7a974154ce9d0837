package search

import (
	"hash/maphash"
	"math"
	"time"
)

// A Model knows the states of S. It embeds a [Moves].
type Model[S any] interface {
	Starts() []S
	From(s *S) // fills the Moves; neither the steps nor their order may depend on Named
	Hash(seed maphash.Seed, s *S) uint64
	Picture(s *S) string // for traces
	Steps() *Moves[S]    // the same at every call
}

// A Result is what [Check] found.
type Result struct {
	Broken Invariant // empty if all invariants hold
	Trace  []string  // from the start, its first line, to the state that breaks the invariant
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

type search[S any] struct {
	model  Model[S]
	seed   maphash.Seed
	seen   map[uint64]struct{}
	visits []visit
}

// Check tries all interleavings of m, shorter ones first, and stops at the first broken invariant.
//
// States are known by 64 bits of hash, so that with n of them one is overlooked with a probability of n²/2⁶⁵.
func Check[S any](m Model[S]) Result {
	start := time.Now()
	s := &search[S]{model: m, seed: maphash.MakeSeed(), seen: map[uint64]struct{}{}}
	r := s.run(m.Starts())
	r.States, r.Took = len(s.visits), time.Since(start)
	return r
}

func (s *search[S]) run(starts []S) Result {
	var frontier, next []S
	moves := s.model.Steps()
	for i := range starts {
		s.seen[s.model.Hash(s.seed, &starts[i])] = struct{}{}
		s.visits = append(s.visits, visit{-1, uint8(i)})
	}
	frontier = append(frontier, starts...)
	for first := 0; len(frontier) > 0; frontier, next = next, frontier[:0] {
		level := len(s.visits)
		for i := range frontier {
			moves.reset()
			s.model.From(&frontier[i])
			if len(moves.Next) > math.MaxUint8 || len(s.visits) > math.MaxInt32-math.MaxUint8 {
				panic("search: too many states")
			}
			for j := range moves.Next {
				n := &moves.Next[j]
				if broken := moves.Broken[j]; broken != "" {
					return Result{Broken: broken, Trace: s.trace(starts, int32(first+i), uint8(j))}
				}
				h := s.model.Hash(s.seed, n)
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

// trace walks again from the start to the last choice made after visit at.
func (s *search[S]) trace(starts []S, at int32, last uint8) []string {
	choices := []uint8{last}
	for ; s.visits[at].parent >= 0; at = s.visits[at].parent {
		choices = append(choices, s.visits[at].choice)
	}
	n := starts[s.visits[at].choice]
	lines := []string{"start" + s.model.Picture(&n)}
	moves := s.model.Steps()
	moves.Named = true
	for i := len(choices) - 1; i >= 0; i-- {
		moves.reset()
		s.model.From(&n)
		before := s.model.Picture(&n)
		n = moves.Next[choices[i]]
		line := moves.Texts[choices[i]]
		if after := s.model.Picture(&n); after != before {
			line += after
		}
		lines = append(lines, line)
	}
	return lines
}
