package session

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

// A LoginOption says how the user proved who they are, and how long the session may last.
type LoginOption func(*login)

// A Login is a login or re-authentication as Config.LoginLimits sees it.
type Login struct {
	User            string
	AuthenticatedAt time.Time
	Level           int
	Remember        bool
}

// login is a login that has not been committed yet.
type login struct {
	Login
	again  bool    // it is a re-authentication, which keeps Remember and limits
	limits *limits // of the session alone
	kept   limits  // of the policy, for a session that is kept
	begun  limits  // of the policy, for one that begins
	before []proof // in the same request
}

// Level is the assurance level that was reached, from 1 to 255; 1 if not given. [Requirement] compares it.
func Level(n int) LoginOption {
	return func(l *login) { l.Level = n }
}

// AuthenticatedAt is when the credentials were checked, for logins that take more than one request. Without it, it is the
// start of the request. A login is refused if it is more than an hour ago, or in the future: revocations of the time in
// between must still be known.
func AuthenticatedAt(t time.Time) LoginOption {
	return func(l *login) { l.AuthenticatedAt = t.UTC().Truncate(time.Microsecond) }
}

// Remember keeps the session when the browser closes, for Policy.RememberLifetime at most.
func Remember() LoginOption {
	return func(l *login) { l.Remember = true }
}

// Limits gives the session timeouts of its own, in the place of those of the Policy: it ends after idle without use, and
// lifetime after each authentication at the latest. A re-authentication keeps them and starts them anew. They are bounded as
// those of [Session].Expire are.
func Limits(idle, lifetime time.Duration) LoginOption {
	return func(l *login) { l.limits = &limits{idle, lifetime} }
}

const (
	maxAuthAge    = time.Hour       // far less than stores remember cut-offs
	authClockSkew = 2 * time.Second // between the nodes' clocks
)

func (l *login) check(now time.Time) error {
	switch {
	case !goodUser(l.User):
		return errors.New("session: login: the user is not 1 to 255 bytes of UTF-8")
	case l.Level < 1 || l.Level > 255:
		return fmt.Errorf("session: login: level %d is not between 1 and 255", l.Level)
	case l.AuthenticatedAt.Before(now.Add(-maxAuthAge)):
		return fmt.Errorf("session: login: %w: the credentials were checked more than an hour ago", ErrStale)
	case l.AuthenticatedAt.After(now.Add(authClockSkew)):
		return errors.New("session: login: AuthenticatedAt is in the future")
	}
	return nil
}

// Login implements [Session].
func (h *handle) Login(user string, opts ...LoginOption) {
	user = strings.Clone(user) // frameworks lend strings, and a session may be kept
	h.login(&login{Login: Login{User: user, AuthenticatedAt: h.started, Level: 1}}, opts)
}

// Reauthenticate implements [Session].
func (h *handle) Reauthenticate(opts ...LoginOption) {
	h.mu.Lock()
	user, replaced := h.user(), h.superseded != nil
	h.mu.Unlock()
	switch {
	case user != "":
		h.login(&login{Login: Login{User: user, AuthenticatedAt: h.started, Level: 1}, again: true}, opts)
	case replaced:
		h.fail(fmt.Errorf("session: reauthenticate: %w", ErrReplaced))
	default:
		h.fail(fmt.Errorf("session: reauthenticate: %w", ErrUnauthenticated))
	}
}

// login prepares a login without a lock, as code of the application takes part in it, and notes it.
func (h *handle) login(asked *login, opts []LoginOption) {
	for _, o := range opts {
		o(asked)
	}
	for range 100 {
		l := *asked
		generation, cart, err := h.prepare(&l)
		if err != nil {
			h.fail(err)
			return
		}
		same := true
		h.edit(func() {
			if same = h.generation == generation; same {
				h.bind(&l, cart)
			}
		})
		if same {
			return
		}
	}
	h.fail(errors.New("session: login: the session changes all the time"))
}

// prepare checks l, and completes it by what the session is at that generation.
func (h *handle) prepare(l *login) (generation int, cart *inherited, err error) {
	h.mu.Lock()
	generation, earlier, remembered := h.generation, h.work.login, h.secret.remember
	gone := l.again && h.user() != l.User
	h.mu.Unlock()
	if gone { // another goroutine has ended it
		return generation, nil, fmt.Errorf("session: reauthenticate: %w", ErrUnauthenticated)
	}
	if earlier != nil && l.again { // both in one request
		l.again, l.Remember, l.limits = earlier.again, l.Remember || earlier.Remember, cmp.Or(l.limits, earlier.limits)
		l.before = append(slices.Clip(earlier.before), proof{uint8(earlier.Level), earlier.AuthenticatedAt})
	}
	if err := l.check(h.started); err != nil {
		return generation, nil, err
	}
	if err := h.m.limit(l, remembered); err != nil {
		return generation, nil, err
	}
	return generation, h.inheritance(l), nil
}

// bind notes the login. Call it with h.io and h.mu.
func (h *handle) bind(l *login, cart *inherited) {
	if u := h.user(); u != "" && u != l.User {
		h.end(true) // another person: nothing of the old session may be seen
		cart = nil
	}
	h.work.login = l
	if cart != nil {
		h.work.twin = cart.twin
		if cart.values {
			h.opened, h.plain, h.plainErr, h.borrowed = true, cart.plain, nil, true
			if len(h.work.changes) > 0 {
				h.work.view = cart.view
			}
		}
	}
	h.name()
	h.generation++
}

// inherited is what a login takes over of the session whose token another request has just replaced.
type inherited struct {
	twin        ID
	values      bool
	plain, view data
}

// inheritance gives a login whose token another request has just replaced, by a login of the same user, the values of that
// one's session, so that pressing a button twice loses no cart. The session must be as that login left it, and the proof no
// less: else the values of a session could be had with fewer factors than it was opened with. It is nil if there is no such
// session.
func (h *handle) inheritance(l *login) *inherited {
	h.mu.Lock()
	f, changes := h.superseded, h.work.changes
	eligible := f != nil && h.base == nil && !h.opened
	h.mu.Unlock()
	if f == nil || f.record.User != l.User || !f.secret.recent(f.standing, now(), h.m.cfg.Policy.Grace) {
		return nil
	}
	cart := &inherited{twin: f.record.ID}
	plain, ok := h.left(f, l)
	if !eligible || !ok {
		return cart
	}
	if view, err := h.reapply(plain, nil, changes); err == nil {
		cart.values, cart.plain, cart.view = true, plain, view
	}
	return cart
}

// left returns the values of a session whose token another login has just replaced, if l may have them.
func (h *handle) left(f *found, l *login) (data, bool) {
	t := now()
	if f.standing != replaced || f.record.User != l.User || !f.record.Live(t) || !f.secret.recent(f.standing, t, h.m.cfg.Policy.Grace) ||
		!f.secret.untouched || f.secret.proofs.level() > l.Level {
		return nil, false
	}
	plain, err := h.m.seal.open(f.record.ID, f.record.Data)
	return plain, err == nil
}

// Logout implements [Session].
func (h *handle) Logout() {
	h.edit(func() {
		if h.base == nil && h.superseded != nil && h.work.login == nil {
			h.setErr(fmt.Errorf("session: logout: %w", ErrReplaced)) // the session goes on under a newer token
			return
		}
		h.end(false)
	})
}

// end makes the session a new anonymous one, and notes that the stored one is to be deleted. Call it with h.mu.
func (h *handle) end(implied bool) {
	d := h.work.drop
	switch {
	case h.base != nil:
		d = drop{h.base.ID, h.base.User, implied, h.secret.epoch}
	case h.doubt != nil: // it may be there
		d = drop{h.doubt.record.ID, h.doubt.record.User, implied, h.doubt.secret.epoch}
	}
	d.implied = d.implied && implied
	h.forget()
	h.work.drop = d
}

// forget makes the session a new anonymous one without any work to do. Call it with h.mu.
func (h *handle) forget() {
	h.base, h.secret, h.id, h.presented, h.standing = nil, secret{}, ID{}, shown{}, stranger
	h.opened, h.plain, h.plainErr = false, nil, nil
	h.work, h.doubt = work{}, nil
	h.vouched, h.borrowed = false, false
	if h.handing == gives {
		h.handing = keeps
	}
	h.generation++
}

// Rotate implements [Session].
func (h *handle) Rotate() { h.edit(func() { h.work.rotate = true }) }

// next returns base and its secret as the request leaves them at t, but for tokens and values.
func (h *handle) next(w *work, base *store.Record, s secret, client Client, t time.Time) (*store.Record, secret) {
	p := &h.m.cfg.Policy
	var n store.Record
	if base != nil {
		n = *base
	} else {
		n = store.Record{ID: h.id, CreatedAt: h.started}
		s = secret{idle: p.AnonymousIdle, lifetime: p.AnonymousLifetime, persistent: p.AnonymousPersist}
		s.deadline = h.started.Add(s.lifetime)
	}
	if l := w.login; l != nil {
		n.User, n.AuthenticatedAt = l.User, l.AuthenticatedAt
		if l.User == h.floorUser {
			n.AuthenticatedAt = later(l.AuthenticatedAt, h.floor)
		}
		s.restart(l, base != nil, t)
		s.deadline = h.started.Add(s.lifetime)
	}
	if l := w.limits; l != nil {
		deadline := h.started.Add(l.lifetime)
		// An end that the application moves back, or sets anew, is the cookie's too; an earlier one is no reason to outlive
		// the browser.
		s.persistent = s.persistent || !deadline.Before(s.deadline)
		s.idle, s.lifetime, s.limited, s.deadline = l.idle, l.lifetime, true, deadline
	}
	if client.IP.IsValid() {
		n.IP = client.IP
	}
	n.UserAgent = client.stored(n.UserAgent)
	if !h.passive.Load() || base == nil || w.login != nil {
		n.LastSeen = later(n.LastSeen, t) // never back, whatever the clocks do
	}
	n.ExpiresAt = s.expiry(n.LastSeen)
	return &n, s
}

// restart notes the proof and the timeouts of l. What a session has beside is kept by a re-authentication of that session
// alone.
func (s *secret) restart(l *login, stored bool, now time.Time) {
	again := l.again && stored
	if !again {
		s.proofs, s.limited, s.remember, s.persistent = proofs{}, false, false, false
	}
	for _, p := range append(slices.Clip(l.before), proof{uint8(l.Level), l.AuthenticatedAt}) {
		s.proofs.add(p, now)
	}
	s.remember = s.remember || l.Remember
	s.persistent = s.persistent || s.remember
	switch {
	case l.limits != nil:
		s.idle, s.lifetime, s.limited = l.limits.idle, l.limits.lifetime, true
	case s.limited:
	case again:
		s.idle, s.lifetime = l.kept.idle, l.kept.lifetime
	default:
		s.idle, s.lifetime = l.begun.idle, l.begun.lifetime
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
