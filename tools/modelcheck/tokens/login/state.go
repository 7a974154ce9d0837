package login

type user uint8

const (
	nobody user = iota
	alice
	mallory
)

// Values of a session, by their origin.
const (
	cart    uint8 = 1 << iota // set before anyone signed in
	private                   // set by a page of alice's, after her login
	secret                    // set by her login itself, which had both factors
	foreign                   // set by a page of mallory's
)

// A token opens a row. It is known by the row, from 1, and the epoch that began with it. The zero token stands for none.
type token struct{ row, epoch int8 }

// A row is a session.
type row struct {
	live   bool
	user   user
	level  int8
	epoch  int8
	open   uint8 // epochs whose tokens open it: the last, and with wrong rules others
	values uint8
	auth   int8 // how many revocations had begun when the user's credentials were checked
	fresh  bool // nothing was saved since the login that began the epoch
	recent bool // that login is less than W ago
	writer int8 // the login, from 1
}

func (r *row) opens(t token) bool { return r.live && r.open&(1<<t.epoch) != 0 }

type step uint8

const (
	idle step = iota
	sent
	loaded
	proved
	looking
	answering
	done
)

// A login is a request that signs a user in, or steps up. It remembers what it has loaded.
type login struct {
	at    step
	token token // of the request
	user  user
	level int8 // that it proves
	auth  int8 // as in row

	base   standing
	read   row   // as loaded
	ended  bool  // refused as revoked
	cookie token // of the answer
}

// standing is what the token of a login was when it was loaded.
type standing uint8

const (
	visitor  standing = iota // no session: no token, an unknown one, or one replaced more than W ago
	open                     // its session's
	replaced                 // replaced by a login less than W ago
)

const (
	first = iota // press of the browser
	second
	attack // login of the attacker
	logins
)

type state struct {
	rows   [5]row
	copied row  // of row 1, where one node has a copy that no write reaches
	copies bool // whether there is one
	used   bool // whether there was one

	logins [logins]login
	jar    token
	page   step  // a request of the browser that left with its first token: idle, sent, done
	right  bool  // the browser has got the answer to a right password
	lost   bool  // an answer to it was lost
	stolen token // of the attacker's login

	epoch   int8 // revocations that have begun
	cutoff  int8 // logins whose credentials were checked before it are cut off
	revoked bool // a revocation has returned
}

// row returns the row of t.
func (s *state) row(t token) *row { return &s.rows[t.row] }

// opens reports whether t opens a session, and which.
func (s *state) opens(t token) (*row, bool) {
	if t.row == 0 {
		return nil, false
	}
	r := s.row(t)
	return r, r.opens(t)
}
