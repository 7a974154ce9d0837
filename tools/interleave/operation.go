package interleave

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/store"
)

// An Op is what an operation does. All but Visit, Revoke and RevokeUser are requests that present the token of session S.
type Op uint8

// The operations.
const (
	Load       Op = iota // reads
	Fresh                // reads what the database says
	Save                 // sets a key of its own, and counts
	Touch                // reads, and notes that it did
	Login                // signs in, or proves again who they are
	Rotate               // replaces the token
	Logout               //
	Visit                // signs in on another device
	Revoke               // ends session S
	RevokeUser           // ends all sessions of the user
)

var opNames = [...]string{"load", "fresh load", "save", "touch", "login", "rotate", "logout", "visit", "revoke", "revoke user"}

// String returns the name.
func (k Op) String() string { return opNames[k] }

// clock reports whether the order in which operations begin decides their outcome.
func (k Op) clock() bool { return k == Login || k == Visit || k == RevokeUser }

// ends reports whether k ends sessions.
func (k Op) ends() bool { return k == Logout || k == Revoke || k == RevokeUser }

// replaces reports whether k replaces the token of S.
func (k Op) replaces() bool { return k == Login || k == Rotate }

const (
	user = "u"

	base  session.Key[int] = "base"  // saved at first
	later session.Key[int] = "later" // saved by a process that could not tell the cache
	count session.Key[int] = "count"
)

var marks = [...]session.Key[int]{"a", "b", "c"} // one for each operation

// An operation is one Op, in a request of its own.
type operation struct {
	w    *run
	kind Op
	n    int // its number
	node *node

	started, done bool
	granted       chan order
	order         order
	next          command // that it wants to give
	foot          footprint

	start, end   int // transitions
	began, ended time.Time
	outcome
}

// An outcome is what an operation, or a load afterwards, has to show.
type outcome struct {
	presented string // token
	err       error
	refused   bool // the token did not open session S
	user      string
	values    values
	given     string // a new token
	cleared   bool
	pending   time.Time // EffectiveBy

	cacheFault, dbFault bool
}

// values are what a request found in the session.
type values struct {
	base, later bool
	marks       [len(marks)]bool
	count       int
}

// String names o in traces.
func (o *operation) String() string { return fmt.Sprintf("%d %v", o.n+1, o.kind) }

// run carries o out.
func (o *operation) run() {
	ctx, m := context.Background(), o.node.manager
	switch o.kind {
	case Revoke:
		o.err = m.RevokeID(ctx, o.w.id)
	case RevokeUser:
		_, o.err = m.RevokeUser(ctx, user)
	case Visit:
		o.request(ctx, m, "", func(s session.Session) { s.Login(user) })
	default:
		o.presented = o.w.token
		o.request(ctx, m, o.presented, o.change())
		if o.given != "" {
			o.w.token = o.given
		}
	}
	if p, ok := errors.AsType[*store.PendingError](o.err); ok {
		o.pending = p.EffectiveBy
	}
}

// change is what o does to the session; nil: it does not commit.
func (o *operation) change() func(session.Session) {
	switch o.kind {
	case Save:
		return func(s session.Session) {
			marks[o.n].Set(s, 1)
			count.Update(s, func(n int) int { return n + 1 })
		}
	case Touch:
		return func(session.Session) {}
	case Login:
		return func(s session.Session) { s.Login(user) }
	case Rotate:
		return session.Session.Rotate
	case Logout:
		return session.Session.Logout
	}
	return nil
}

// request makes a request with a token. A request that finds itself signed out does no more.
func (o *operation) request(ctx context.Context, m *session.Manager, token string, change func(session.Session)) {
	var lines []string
	if token != "" {
		lines = append(lines, token)
	}
	ctx, _ = m.Start(ctx, session.Client{}, lines...)
	defer m.Close(ctx)
	if o.kind == Fresh {
		if _, err := m.Require(ctx, session.Requirement{Level: 1}); err != nil && !errors.Is(err, session.ErrUnauthenticated) {
			o.err = err
			return
		}
	}
	s, err := m.From(ctx)
	if err != nil {
		o.err = err
		return
	}
	if token != "" {
		o.refused, o.user, o.values = s.ID() != idOf(token), s.User(), read(s)
		if o.refused {
			return
		}
	}
	if change == nil {
		return
	}
	change(s)
	e, err := m.Commit(ctx)
	o.err, o.given, o.cleared = err, e.Value, e.Name != "" && e.Value == ""
}

func read(s session.Session) values {
	v := values{base: base.Has(s), later: later.Has(s), count: count.Get(s)}
	for i, k := range marks {
		v.marks[i] = k.Has(s)
	}
	return v
}

// idOf returns the ID in a token.
func idOf(token string) (id store.ID) {
	b, _ := base64.RawURLEncoding.DecodeString(token)
	copy(id[:], b)
	return id
}
