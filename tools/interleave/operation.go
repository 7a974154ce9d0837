package interleave

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/store"
)

// An Op is what an operation does. All but Visit, Revoke, RevokeUser and Forge are requests that present a token of session
// S: the latest that their client has got, if nothing else is said.
type Op uint8

// The operations.
const (
	Load          Op = iota // reads
	Fresh                   // reads what the database says
	Save                    // sets a key of its own, and counts; if signed out, for an anonymous session
	Touch                   // reads, and notes that it did
	Login                   // signs in with the first token, as a page that was open all the time, and sets a key
	Reauth                  // proves again who they are, by a second factor
	Switch                  // signs in as another user, with the first token
	Rotate                  // replaces the token
	Exchange                // presents the first token, of which the periodic exchange is due, and loses the answer
	Shown                   // presents a token that an exchange has issued before, and that was not presented yet
	Late                    // is a Save with the first token, whose successor was presented a while ago
	Logout                  //
	LogoutAborted           // is a Logout whose response fails
	Others                  // ends all other sessions of the user
	OthersAborted           // likewise, and the response fails
	Visit                   // signs in on another device
	Revoke                  // ends session S
	RevokeUser              // ends all sessions of the user
	Forge                   // writes to the cache, as an intruder who does not know the key
)

var opNames = [...]string{"load", "fresh load", "save", "touch", "login", "reauthentication", "login as another", "rotate", "exchange", "first use",
	"late save", "logout", "aborted logout", "revoke others", "aborted revoke others", "visit", "revoke", "revoke user", "forge"}

// String returns the name.
func (k Op) String() string { return opNames[k] }

// clock reports whether the order in which operations begin decides their outcome.
func (k Op) clock() bool { return k.replaces() || k == Visit || k == RevokeUser }

// ends reports whether k ends sessions.
func (k Op) ends() bool {
	return k.logsOut() || k == Switch || k == Revoke || k == RevokeUser || k.sparing()
}

func (k Op) logsOut() bool { return k == Logout || k == LogoutAborted }

// sparing reports whether k ends all sessions of the user but its own.
func (k Op) sparing() bool { return k == Others || k == OthersAborted }

// aborts reports whether the response of k fails.
func (k Op) aborts() bool { return k == LogoutAborted || k == OthersAborted }

// signs reports whether k signs the user in, in S if it can.
func (k Op) signs() bool { return k == Login || k == Reauth }

// replaces reports whether k replaces the token of S.
func (k Op) replaces() bool { return k.signs() || k == Rotate || k.sparing() }

// first reports whether k presents the first token, whatever others have got meanwhile.
func (k Op) first() bool { return k == Login || k == Switch || k == Exchange || k == Late }

// saves reports whether k saves values and nothing else.
func (k Op) saves() bool { return k == Save || k == Late }

// notes reports whether k tells the session that its token has arrived.
func (k Op) notes() bool { return k.saves() || k == Touch || k == Exchange || k == Shown }

// anyway reports whether k goes on if it finds itself signed out.
func (k Op) anyway() bool { return k.saves() || k == Login || k == Switch }

const (
	user  = "u"
	other = "v"

	base  session.Key[int] = "base"  // saved at first
	later session.Key[int] = "later" // saved by a process that could not tell the cache
	count session.Key[int] = "count"
)

// The levels of proofs.
const (
	sceneLevel  = 3
	loginLevel  = 1
	reauthLevel = 2
)

var marks = [...]session.Key[int]{"a", "b", "c"} // one for each operation

// An operation is one Op, in a request of its own.
type operation struct {
	w    *run
	kind Op
	n    int // its number
	node *node

	started, done, dead bool
	granted             chan order
	order               order
	next                command // that it wants to give
	foot                footprint

	start, commit, end int // transitions
	wrote              int // likewise: the last one that changed the row of S
	began, ended       time.Time
	outcome
}

// An outcome is what an operation, or a load afterwards, has to show.
type outcome struct {
	presented string // token
	err       error
	refused   bool // the token did not open session S
	user      string
	level     int
	values    values
	left      values // as they were when the changes were made
	given     string // a new token
	cleared   bool
	revoked   bool      // the other sessions have ended, as it was told
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
	case Forge:
		o.err = o.w.forge()
	case Visit:
		o.request(ctx, m, "", o.change())
	default:
		o.presented = o.w.token
		if o.kind.first() {
			o.presented = o.w.first
		} else if o.kind == Shown {
			o.presented = o.w.issued[o.w.c.nth(o.n)%len(o.w.issued)]
		}
		o.request(ctx, m, o.presented, o.change())
		if o.given != "" && idOf(o.given) == o.w.id && o.kind != Exchange {
			o.w.token = o.given
		}
	}
	if p, ok := errors.AsType[*store.PendingError](o.err); ok {
		o.pending = p.EffectiveBy
	}
}

// A change is what a handler does to its session.
type change func(context.Context, *session.Manager, session.Session) error

// plain is a change that does not fail.
func plain(f func(session.Session)) change {
	return func(_ context.Context, _ *session.Manager, s session.Session) error {
		f(s)
		return nil
	}
}

// change is what o does to the session; nil: it does not commit.
func (o *operation) change() change {
	mark := func(s session.Session) { marks[o.n].Set(s, 1) }
	switch o.kind {
	case Save, Late:
		return plain(func(s session.Session) {
			mark(s)
			count.Update(s, func(n int) int { return n + 1 })
		})
	case Touch, Exchange, Shown:
		return plain(func(session.Session) {})
	case Login:
		return plain(func(s session.Session) { s.Login(user); mark(s) })
	case Visit:
		return plain(func(s session.Session) { s.Login(user) })
	case Switch:
		return plain(func(s session.Session) { s.Login(other) })
	case Reauth:
		return plain(func(s session.Session) { s.Reauthenticate(session.Level(reauthLevel)) })
	case Rotate:
		return plain(session.Session.Rotate)
	case Logout, LogoutAborted:
		return plain(session.Session.Logout)
	case Others, OthersAborted:
		return func(ctx context.Context, m *session.Manager, s session.Session) error {
			_, err := m.RevokeOthers(ctx, s)
			if p, ok := errors.AsType[*store.PendingError](err); ok {
				o.pending, err = p.EffectiveBy, nil
			}
			o.revoked = err == nil
			return err
		}
	}
	return nil
}

// request makes a request with a token. One that finds itself signed out does no more, if not [Op.anyway].
func (o *operation) request(ctx context.Context, m *session.Manager, token string, change change) {
	var lines []string
	if token != "" {
		lines = append(lines, token)
	}
	ctx, _ = m.Start(ctx, session.Client{}, lines...)
	defer m.Close(ctx)
	if o.kind == Fresh {
		_, err := m.Require(ctx, session.Requirement{Level: 1})
		if err != nil && !errors.Is(err, session.ErrUnauthenticated) && !errors.Is(err, session.ErrReplaced) {
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
		o.refused, o.user, o.level, o.values = s.ID() != idOf(token), s.User(), s.Info().Level, read(s)
		if o.refused && !o.kind.anyway() {
			return
		}
	}
	if change == nil {
		return
	}
	if o.err = change(ctx, m, s); o.err != nil {
		return
	}
	o.left, o.commit = read(s), o.w.seq
	var e session.Effect
	if o.kind.aborts() {
		e = m.Close(ctx)
	} else {
		e, o.err = m.Commit(ctx)
	}
	if o.kind.signs() && o.err == nil {
		o.left = read(s) // a login beside another one finds out by its commit what it may take over
	}
	o.given, o.cleared = e.Value, e.Name != "" && e.Value == ""
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

// has reports whether one of the operations of c is of the given kind.
func (c *Config) has(k Op) bool { return slices.Contains(c.Ops, k) }

// nth returns how many operations of the kind of the nth one are before it.
func (c *Config) nth(n int) (before int) {
	for _, k := range c.Ops[:n] {
		if k == c.Ops[n] {
			before++
		}
	}
	return before
}
