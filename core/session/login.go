package session

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// A LoginOption says how the user proved who they are.
type LoginOption func(*login)

// login is a login that has not been committed yet.
type login struct {
	user     string
	at       time.Time
	level    int
	remember bool
}

// Level is the assurance level that was reached, from 1 to 255; 1 if not given. [Requirement] compares it.
func Level(n int) LoginOption {
	return func(l *login) { l.level = n }
}

// AuthenticatedAt is when the credentials were checked, for logins that take more than one request. Without it, it is the
// start of the request. A login is refused if it is more than an hour ago, or in the future: revocations of the time in
// between must still be known.
func AuthenticatedAt(t time.Time) LoginOption {
	return func(l *login) { l.at = t.UTC().Truncate(time.Microsecond) }
}

// Remember keeps the session when the browser closes, for Policy.RememberLifetime at most.
func Remember() LoginOption {
	return func(l *login) { l.remember = true }
}

const (
	maxAuthAge    = time.Hour       // far less than stores remember cut-offs
	authClockSkew = 2 * time.Second // between the nodes' clocks
)

func (l *login) check(now time.Time) error {
	switch {
	case !goodUser(l.user):
		return errors.New("session: login: the user is not 1 to 255 bytes of UTF-8")
	case l.level < 1 || l.level > 255:
		return fmt.Errorf("session: login: level %d is not between 1 and 255", l.level)
	case l.at.Before(now.Add(-maxAuthAge)):
		return fmt.Errorf("session: login: %w: the credentials were checked more than an hour ago", ErrStale)
	case l.at.After(now.Add(authClockSkew)):
		return errors.New("session: login: AuthenticatedAt is in the future")
	}
	return nil
}

// Login implements [Session].
func (h *handle) Login(user string, opts ...LoginOption) {
	user = strings.Clone(user) // frameworks lend strings, and a session may be kept
	h.edit(func() { h.login(&login{user: user, at: h.started, level: 1}, opts) })
}

// Reauthenticate implements [Session].
func (h *handle) Reauthenticate(opts ...LoginOption) {
	h.edit(func() {
		if h.user() == "" {
			h.setErr(fmt.Errorf("session: reauthenticate: %w", ErrUnauthenticated))
			return
		}
		h.login(&login{user: h.user(), at: h.started, level: max(h.level(), 1), remember: h.remembered()}, opts)
	})
}

func (h *handle) login(l *login, opts []LoginOption) {
	for _, o := range opts {
		o(l)
	}
	if err := l.check(h.started); err != nil {
		h.setErr(err)
		return
	}
	if u := h.user(); u != "" && u != l.user {
		h.end() // another person: nothing of the old session may be seen
	}
	h.work.login, h.work.limits = l, nil
	h.name()
}

// Logout implements [Session].
func (h *handle) Logout() { h.edit(h.end) }

// end makes the session a new anonymous one, and notes that the stored one is to be deleted. Call it with h.mu.
func (h *handle) end() {
	drop, user := h.work.drop, h.work.dropUser
	switch {
	case h.base != nil:
		drop, user = h.base.ID, h.base.User
	case h.doubt != nil: // it may be there
		drop, user = h.doubt.record.ID, h.doubt.record.User
	}
	h.forget()
	h.work.drop, h.work.dropUser = drop, user
}

// forget makes the session a new anonymous one without any work to do. Call it with h.mu.
func (h *handle) forget() {
	h.base, h.secret, h.id, h.presented = nil, secret{}, ID{}, digest{}
	h.opened, h.plain, h.plainErr = false, nil, nil
	h.work, h.doubt = work{}, nil
	h.generation++
}

// Rotate implements [Session].
func (h *handle) Rotate() { h.edit(func() { h.work.rotate = true }) }

// limits are timeouts of one session alone.
type limits struct{ idle, lifetime time.Duration }

// Expire implements [Session].
func (h *handle) Expire(idle, lifetime time.Duration) {
	h.edit(func() {
		p := &h.m.cfg.Policy
		if most := max(p.Lifetime, p.RememberLifetime); idle < time.Second || idle > lifetime || lifetime > most {
			h.setErr(fmt.Errorf("session: expire: idle %v and lifetime %v do not keep to 1s <= idle <= lifetime <= %v", idle, lifetime, most))
			return
		}
		h.work.limits = &limits{idle, lifetime}
	})
}
