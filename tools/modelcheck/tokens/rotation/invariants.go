package rotation

import "github.com/qsessions/qsessions/tools/modelcheck/search"

// The invariants.
const (
	// H: the browser of a session that nobody else uses is not refused. With two lost answers it may be, as worn.
	H search.Invariant = "H"
	// A: none of its requests is taken for a replay.
	A search.Invariant = "A"
	// G: a request that was sent before its token was replaced, and is less than Grace late, is in.
	G search.Invariant = "G"
	// V: the thief does not end a token of the browser by showing an older one or a sibling.
	V search.Invariant = "V"
	// K: the stolen token is not in in a fourth period of its use by the thief, but for Grace; with copies, Grace and F.
	K search.Invariant = "K"
	// E: once the browser was the first to show a token, the tokens that the thief has are dead after Grace; with copies,
	// after Grace and F.
	E search.Invariant = "E"
	// S: the browser is not refused before anything was reported.
	S search.Invariant = "S"
	// F: thief and browser are not both in, by turns, for more than [Rounds] periods with nothing reported.
	F search.Invariant = "F"
	// C: a dead token does not get a token that is open.
	C search.Invariant = "C"
)

// Rounds is how many periods thief and browser can both be in, and FailedRounds how many where requests of the thief fail.
const (
	Rounds       = 5
	FailedRounds = 9
)

// All are the invariants, in the order of the table.
func All() []search.Invariant { return []search.Invariant{H, A, G, V, K, E, S, F, C} }

// watch is what the invariants remember. What no invariant of the variant needs stays zero.
type watch struct {
	lost     int8
	killed   bool
	stolen   bool
	reported bool // since the token was stolen

	periods int8 // in which the thief used the stolen token
	since   int8 // ticks since the last of them began

	in     uint8 // who was in during this round
	round  int8  // ticks since it began
	rounds int8  // complete
}

const (
	browserIn = 1 << iota
	thiefIn
)

// breaks notes that the latest step breaks i, if the variant is judged by it.
func (m *moves) breaks(i search.Invariant) {
	if m.v.judges(i) {
		m.Breaks(i)
	}
}

// judgeWrite judges the change of the record from before, made by a request with t.
func (m *moves) judgeWrite(s *state, before *record, t token, v verdict, byThief bool) {
	r := &s.db
	if promoted := r.current; promoted != before.current {
		for i := range s.requests {
			if q := &s.requests[i]; m.v.judges(G) && q.token != 0 && q.token != promoted && before.opens(q.token) {
				q.after = 0
			}
		}
		if s.watch.stolen && promoted != s.thief.tokens[0] {
			s.thief.late = true
		}
		for i := range s.thief.tokens {
			if h := s.thief.tokens[i]; m.v.judges(E) && !byThief && h != 0 && h != promoted && s.thief.doomed[i] < 0 {
				s.thief.doomed[i] = 0
			}
		}
	}
	if byThief && !r.ended && before.opens(s.jar) && !r.opens(s.jar) && !s.out {
		_, at := before.standing(r.current)
		if at < 0 || before.slots[at].base != s.jar {
			m.breaks(V)
		}
	}
	if k, _ := before.standing(t); v.cookie != 0 && t != before.current && (k == none || k == old && !m.graced(before)) && r.opens(v.cookie) {
		m.breaks(C)
	}
	if !v.in && s.watch.stolen && v.why != unknown {
		s.watch.reported = true
	}
}

// judgeBrowser judges the answer to request q of the browser.
func (m *moves) judgeBrowser(s *state, q request, v verdict) {
	w := &s.watch
	if v.in {
		m.turn(s, browserIn)
		return
	}
	if q.after >= 0 && q.after < m.v.world.grace && v.why != ended {
		m.breaks(G)
	}
	if q.token != s.jar {
		if !w.stolen && v.why == replayed {
			m.breaks(A)
		}
		return
	}
	switch {
	case !w.stolen && (w.lost < 2 || v.why != worn):
		m.breaks(H)
	case w.stolen && !w.reported:
		m.breaks(S)
	}
	s.out, s.disk, s.requests, s.answers = true, 0, [3]request{}, [2]answer{}
}

// judgeThief judges the answer to the thief, who has shown his token i.
func (m *moves) judgeThief(s *state, i int, v verdict) {
	w, world := &s.watch, &m.v.world
	if !v.in {
		return
	}
	m.turn(s, thiefIn)
	if m.v.judges(E) && s.thief.doomed[i] >= world.grace+world.copies {
		m.breaks(E)
	}
	if i == 0 && m.v.judges(K) {
		if w.periods == 0 || w.since >= world.every {
			w.periods++
			w.since = 0
		}
		if w.periods > 4 || w.periods == 4 && w.since >= world.grace+world.copies {
			m.breaks(K)
		}
	}
}

// turn notes who is in.
func (m *moves) turn(s *state, who uint8) {
	w := &s.watch
	if !m.v.judges(F) || !w.stolen || w.reported {
		return
	}
	if w.in |= who; w.in != browserIn|thiefIn || w.round < m.v.world.every {
		return
	}
	w.in, w.round = who, 0
	most := int8(Rounds)
	if m.v.world.fails {
		most = FailedRounds
	}
	if w.rounds++; w.rounds > most {
		m.breaks(F)
	}
}
