package rotation

import (
	"fmt"
	"hash/maphash"

	"github.com/qsessions/qsessions/tools/modelcheck/search"
)

// moves collects the states that can follow a state.
type moves struct {
	search.Moves[state]
	v *Variant
}

// Check tries all interleavings of v; see [search.Check].
func Check(v Variant) search.Result { return search.Check(&moves{v: &v}) }

// Starts returns the state in which the browser has a token that it has shown.
func (m *moves) Starts() []state {
	s := state{top: 1, jar: 1, db: record{current: 1, seen: m.farthest()}}
	s.thief.doomed = [2]int8{-1, -1}
	return []state{s}
}

// From adds the states that can follow s.
func (m *moves) From(s *state) {
	m.time(s)
	if !s.out {
		m.browser(s)
	}
	if m.v.world.thief {
		m.thief(s)
	}
	if m.v.world.copies > 0 && s.copyLeft == 0 {
		n := m.Branch(s, "a node reads a copy that no write will reach")
		n.copy, n.copyLeft = n.db, m.v.world.copies
	}
	for i := range m.Next {
		m.Next[i].tidy(!m.Named)
	}
}

// browser adds what the browser does, and what is done to it.
func (m *moves) browser(s *state) {
	if s.requests[0].token == 0 {
		n := m.Branch(s, "")
		m.Sayf("B sends %v", n.jar)
		n.requests[0] = request{token: n.jar, after: -1}
	}
	for i, q := range s.requests {
		if q.token == 0 || i > 0 && q == s.requests[i-1] || s.answers[0].token != 0 {
			continue
		}
		m.arrive(s, i, false)
		if s.copyLeft > 0 {
			m.arrive(s, i, true)
		}
	}
	for i, a := range s.answers {
		if a.token == 0 {
			continue
		}
		n := m.Branch(s, "")
		m.Sayf("B gets %v", a.token)
		n.answers[i] = answer{}
		n.jar = a.token
		if s.watch.lost < m.v.world.lost {
			n := m.Branch(s, "")
			m.Sayf("the answer with %v is lost", a.token)
			n.answers[i] = answer{}
			n.watch.lost++
		}
	}
	if m.v.world.killed && !s.watch.killed {
		m.kill(s)
	}
}

// arrive is a request of the browser that reaches a node.
func (m *moves) arrive(s *state, i int, byCopy bool) {
	n := m.Branch(s, "")
	q := s.requests[i]
	n.requests[i] = request{}
	m.Sayf("B shows %v", q.token)
	v := m.handle(n, q.token, false, byCopy)
	if v.cookie != 0 {
		n.answers[0] = answer{token: v.cookie}
	}
	m.judgeBrowser(n, q, v)
}

// handle is a request with t that reaches a node.
func (m *moves) handle(s *state, t token, byThief, byCopy bool) verdict {
	before := s.db
	var v verdict
	if byCopy {
		v = m.ask(s, t)
	} else {
		v = m.present(s, t)
	}
	switch {
	case v.cookie != 0:
		m.Sayf(": in, with a cookie for %v", v.cookie)
	case v.in:
		m.Say(": in")
	default:
		m.Say(": refused, " + [...]string{"as unknown", "as replaced", "as worn", "the session was ended"}[v.why])
	}
	m.judgeWrite(s, &before, t, v, byThief)
	return v
}

// kill is a browser that ends before its jar is on disk, and starts again.
func (m *moves) kill(s *state) {
	if s.disk != s.jar {
		m.Branch(s, "the jar is written to disk").disk = s.jar
	}
	if s.disk != 0 && s.disk != s.jar {
		n := m.Branch(s, "")
		m.Sayf("B is killed, and has %v again", s.disk)
		n.jar, n.requests, n.answers = s.disk, [3]request{}, [2]answer{}
		n.disk, n.watch.killed = 0, true
	}
}

// thief adds what the thief does. He keeps the stolen token and the last that he took, and is never slow.
func (m *moves) thief(s *state) {
	if !s.watch.stolen {
		if !s.out {
			n := m.Branch(s, "")
			m.Sayf("X steals %v", s.jar)
			n.watch.stolen = true
			n.thief.tokens[0] = s.jar
		}
		return
	}
	if m.v.world.late && !s.thief.late {
		return
	}
	for i, t := range s.thief.tokens {
		if t == 0 {
			continue
		}
		m.shows(s, i, false)
		if s.copyLeft > 0 {
			m.shows(s, i, true)
		}
	}
}

// shows is a request of the thief with his token i, whose cookie he drops or takes.
func (m *moves) shows(s *state, i int, byCopy bool) {
	for _, takes := range []bool{false, true} {
		n := m.Branch(s, "")
		m.Sayf("X shows %v", n.thief.tokens[i])
		v := m.handle(n, n.thief.tokens[i], true, byCopy)
		m.judgeThief(n, i, v)
		if v.cookie == 0 {
			break
		}
		if takes {
			n.thief.tokens[1], n.thief.doomed[1] = v.cookie, -1
		} else {
			m.Say(", which X drops")
		}
	}
	if m.v.world.fails {
		if v := m.present(new(*s), s.thief.tokens[i]); v.in {
			n := m.Branch(s, "")
			m.Sayf("X shows %v: in, but the request fails", n.thief.tokens[i])
			m.judgeThief(n, i, v)
		}
	}
}

// Hash tells states apart.
func (m *moves) Hash(seed maphash.Seed, s *state) uint64 { return maphash.Comparable(seed, *s) }

// Picture shows the record, the jar and what the thief has.
func (m *moves) Picture(s *state) string {
	t := fmt.Sprintf("  [%v", s.db.current)
	for _, l := range s.db.slots {
		if l.kind != none {
			t += fmt.Sprintf(", %v %s", l.token, [...]string{"", "pending", "old", "shown once"}[l.kind])
		}
	}
	if s.db.ended {
		t = "  [ended"
	}
	t += fmt.Sprintf(" | B %v", s.jar)
	if s.watch.stolen {
		t += fmt.Sprintf(" | X %v", s.thief.tokens[0])
		if s.thief.tokens[1] != 0 {
			t += fmt.Sprintf(" %v", s.thief.tokens[1])
		}
	}
	return t + "]"
}

func (t token) String() string { return fmt.Sprintf("T%d", int8(t)) }
