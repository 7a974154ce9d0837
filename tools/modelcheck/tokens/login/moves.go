package login

import (
	"cmp"
	"fmt"
	"hash/maphash"
	"strings"

	"github.com/qsessions/qsessions/tools/modelcheck/search"
)

// moves collects the states that can follow a state.
type moves struct {
	search.Moves[state]
	v *Variant
}

// Check tries all interleavings of v; see [search.Check].
func Check(v Variant) search.Result { return search.Check(&moves{v: &v}) }

// Starts returns the state in which the browser has the token of its first session, and has not pressed.
func (m *moves) Starts() []state {
	w := &m.v.world
	r := row{live: true, user: w.base, epoch: 1, open: 1 << 1, values: cart}
	switch w.base {
	case alice:
		r.level, r.values = 1, cart|private
	case mallory:
		r.level, r.values = 1, foreign
	}
	s := state{jar: token{1, 1}}
	s.rows[1] = r
	return []state{s}
}

// From adds the states that can follow s.
func (m *moves) From(s *state) {
	w := &m.v.world
	for i := range s.logins {
		if i != attack || w.attack {
			m.login(s, i)
		}
	}
	m.pages(s)
	if w.revoke {
		m.revoke(s)
	}
	m.around(s)
	for j := range m.Next {
		m.judge(&m.Next[j], j)
	}
}

// login adds the next step of login i.
func (m *moves) login(s *state, i int) {
	name := [...]string{"P1", "P2", "X"}[i]
	step := func(text string) (*state, *login) {
		n := m.Branch(s, name)
		m.Say(" " + text)
		return n, &n.logins[i]
	}
	switch l := &s.logins[i]; l.at {
	case idle:
		m.send(s, i)
	case sent:
		n, l := step("loads")
		m.load(n, l, false)
		if s.copies && s.copied.opens(l.token) {
			n, l := step("loads a copy")
			m.load(n, l, true)
		}
	case loaded:
		n, l := step("proves who it is")
		l.at, l.auth = proved, n.epoch
	case proved:
		n, l := step("commits")
		m.commit(n, l, int8(i+1))
	case looking:
		n, l := step("looks at the cut-off")
		m.look(n, l)
	case answering:
		n, l := step("is answered")
		m.answered(n, l, i)
		if i != attack && m.v.world.lose && !s.lost {
			n, l := step("is answered, which is lost")
			*l, n.lost = login{at: done}, true
		}
	}
}

// send starts login i.
func (m *moves) send(s *state, i int) {
	w := &m.v.world
	switch {
	case i == second && (s.logins[first].at == idle || s.jar != token{1, 1}): // one press after the other, on one page
	case i != attack:
		n := m.Branch(s, "")
		m.Sayf("B presses, with %v", s.jar)
		n.logins[i] = login{at: sent, token: s.jar, user: alice, level: w.level}
		if w.page && n.page == idle {
			n.page = sent
		}
	default:
		for _, u := range []user{alice, mallory} {
			n := m.Branch(s, "")
			m.Sayf("X signs in as %v, with %v", u, token{1, 1})
			n.logins[i] = login{at: sent, token: token{1, 1}, user: u, level: 1}
		}
	}
}

// answered is an answer that arrives.
func (m *moves) answered(s *state, l *login, i int) {
	if i == attack {
		s.stolen = l.cookie
	} else {
		s.right = true
		if l.cookie.row != 0 {
			s.jar = l.cookie
			m.Sayf(", B has %v", s.jar)
		}
	}
	*l = login{at: done}
}

// pages adds what other requests do.
func (m *moves) pages(s *state) {
	if s.page == sent {
		n := m.Branch(s, "")
		m.Sayf("a page of B with %v", token{1, 1})
		n.page = done
		r := n.row(token{1, 1})
		switch {
		case r.opens(token{1, 1}) || !r.live:
		case m.v.wrong.answers:
			fresh, at := n.add()
			*fresh = row{live: true, epoch: 1, open: 1 << 1}
			n.jar = token{at, 1}
			m.Sayf(": a new session, B has %v", n.jar)
			if r.recent && m.v.judges(DEAD) {
				m.Breaks(DEAD)
			}
		case m.v.wrong.clears:
			n.jar = token{}
			m.Say(": refused, the cookie is cleared")
		}
	}
	if !m.v.world.write {
		return
	}
	if r, ok := s.opens(s.jar); ok && r.user == alice && r.values&private == 0 {
		n := m.Branch(s, "B saves a value")
		n.row(s.jar).values |= private
		n.row(s.jar).fresh = false
	}
	if r, ok := s.opens(s.stolen); ok && r.user == mallory && r.values&foreign == 0 {
		n := m.Branch(s, "X saves a value")
		n.row(s.stolen).values |= foreign
		n.row(s.stolen).fresh = false
	}
}

// revoke adds the next step of RevokeUser(alice).
func (m *moves) revoke(s *state) {
	switch {
	case s.epoch == 0:
		n := m.Branch(s, "RevokeUser sets the cut-off")
		n.epoch, n.cutoff = 1, 1
	case !s.revoked:
		n := m.Branch(s, "RevokeUser ends the sessions, returns nil")
		n.revoked = true
		for i := range n.rows {
			if r := &n.rows[i]; r.user == alice && r.auth < n.cutoff {
				*r = row{epoch: r.epoch}
			}
		}
	}
}

// around adds time and copies.
func (m *moves) around(s *state) {
	for i := range s.rows {
		if s.rows[i].recent && s.page != sent {
			n := m.Branch(s, "")
			m.Sayf("W has passed since the login in S%d", i)
			n.rows[i].recent = false
		}
	}
	if m.v.world.copy && !s.used {
		n := m.Branch(s, "a node reads a copy of S1 that no write will reach")
		n.copied, n.copies, n.used = n.rows[1], true, true
	}
	if s.copies {
		n := m.Branch(s, "the copy is too old")
		n.copied, n.copies = row{}, false
	}
}

// Hash tells states apart.
func (m *moves) Hash(seed maphash.Seed, s *state) uint64 { return maphash.Comparable(seed, *s) }

// Picture shows the sessions, and the tokens of the browser and the attacker.
func (m *moves) Picture(s *state) string {
	var parts []string
	for i, r := range s.rows {
		if r.live {
			parts = append(parts, fmt.Sprintf("S%d %v, level %d, %s", i, r.user, r.level, picture(r.values)))
		}
	}
	parts = append(parts, fmt.Sprintf("B %v", s.jar))
	if s.stolen.row != 0 {
		parts = append(parts, fmt.Sprintf("X %v", s.stolen))
	}
	return "  [" + strings.Join(parts, " | ") + "]"
}

func picture(values uint8) string {
	var names []string
	for i, name := range []string{"cart", "private", "secret", "foreign"} {
		if values&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return cmp.Or(strings.Join(names, " "), "no values")
}

func (t token) String() string {
	if t.row == 0 {
		return "no token"
	}
	return fmt.Sprintf("T%d.%d", t.row, t.epoch)
}

func (u user) String() string { return [...]string{"anonymous", "alice", "mallory"}[u] }
