package login

import "github.com/qsessions/qsessions/tools/modelcheck/search"

// The invariants.
const (
	// FIX: the planted token opens no session of alice's.
	FIX search.Invariant = "FIX"
	// LVL: no token of the attacker's opens a session of a level that he has not proved.
	LVL search.Invariant = "LVL"
	// VAL: no values of one user are in a session of another.
	VAL search.Invariant = "VAL"
	// VAL2: no token of the attacker's opens a session with values that alice set after her login, or in one with more proof.
	VAL2 search.Invariant = "VAL2"
	// GHOST: no session whose credentials were checked before RevokeUser survives it, once the login has been answered.
	GHOST search.Invariant = "GHOST"
	// OUT: when an answer to a right password has arrived, and all requests are done, the browser is signed in.
	OUT search.Invariant = "OUT"
	// DEAD: a token that a login replaced less than W ago gets no cookie, unless it logs in.
	DEAD search.Invariant = "DEAD"
)

// All are the invariants.
func All() []search.Invariant { return []search.Invariant{FIX, LVL, VAL, VAL2, GHOST, OUT, DEAD} }

// judge notes what s, the state of branch j, breaks.
func (m *moves) judge(s *state, j int) {
	broken := func(i search.Invariant) {
		if m.Broken[j] == "" && m.v.judges(i) {
			m.Broken[j] = i
		}
	}
	m.judgeAttacker(s, broken)
	for i := range s.rows {
		r := &s.rows[i]
		switch {
		case !r.live:
		case r.user == mallory && r.values&(private|secret) != 0, r.user == alice && r.values&foreign != 0:
			broken(VAL)
		case r.user == alice && s.revoked && r.auth < s.cutoff && (r.writer == 0 || s.logins[r.writer-1].at == done):
			broken(GHOST)
		}
	}
	if m.out(s) {
		broken(OUT)
	}
}

// judgeAttacker judges what the attacker's tokens open.
func (m *moves) judgeAttacker(s *state, broken func(search.Invariant)) {
	if !m.v.world.attack {
		return
	}
	if r, ok := s.opens(token{1, 1}); ok && r.user == alice {
		broken(FIX)
	}
	r, ok := s.opens(s.stolen)
	if ok && r.level > 1 {
		broken(LVL)
	}
	if ok && r.values&(private|secret) != 0 {
		broken(VAL2)
	}
}

// out reports whether the browser is signed out, or not stepped up, although it got the answer to a right proof.
func (m *moves) out(s *state) bool {
	if !s.right || s.page == sent || s.epoch > 0 {
		return false
	}
	for _, l := range s.logins[:attack] {
		if l.at != idle && l.at != done {
			return false
		}
	}
	r, ok := s.opens(s.jar)
	return !ok || r.user != alice || m.v.world.stepUp && r.level < m.v.world.level
}
