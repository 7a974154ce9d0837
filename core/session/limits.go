package session

import (
	"fmt"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

// limits are timeouts of one session alone.
type limits struct{ idle, lifetime time.Duration }

// Expire implements [Session].
func (h *handle) Expire(idle, lifetime time.Duration) {
	h.edit(func() {
		l := &limits{idle, lifetime}
		if err := h.m.cfg.Policy.checkLimits("expire", l); err != nil {
			h.setErr(err)
			return
		}
		h.work.limits = l
	})
}

func (p *Policy) checkLimits(what string, l *limits) error {
	if most := p.longest(); l.idle < time.Second || l.idle > l.lifetime || l.lifetime > most {
		return fmt.Errorf("session: %s: idle %v and lifetime %v do not keep to 1s <= idle <= lifetime <= %v", what, l.idle, l.lifetime, most)
	}
	return nil
}

// limit finds the timeouts of l.
func (m *Manager) limit(l *login, remembered bool) error {
	if l.limits != nil {
		l.kept, l.begun = *l.limits, *l.limits
		return m.cfg.Policy.checkLimits("login", l.limits)
	}
	var err error
	l.begun, err = m.loginLimits(l.Login)
	if l.kept = l.begun; err == nil && l.again && remembered && !l.Remember {
		kept := l.Login
		kept.Remember = true
		l.kept, err = m.loginLimits(kept)
	}
	return err
}

// bind applies today's limits to a session that was stored under others: of each two the stricter one counts. Limits of the
// session alone are bound by the longest that it could be given today.
func (m *Manager) bind(r *store.Record, s *secret) {
	l := m.limitsOf(r, s)
	if s.idle <= l.idle && s.lifetime <= l.lifetime {
		return
	}
	s.bound = true
	if l.lifetime < s.lifetime {
		s.deadline = s.deadline.Add(l.lifetime - s.lifetime)
		s.lifetime = l.lifetime
	}
	s.idle = min(s.idle, l.idle)
	if e := s.expiry(r.LastSeen); e.Before(r.ExpiresAt) {
		r.ExpiresAt = e
	}
}

// limitsOf returns the timeouts that the policy has for a stored session.
func (m *Manager) limitsOf(r *store.Record, s *secret) limits {
	p := &m.cfg.Policy
	most := limits{p.longest(), p.longest()}
	switch {
	case s.limited:
		return most
	case r.User == "":
		return limits{p.AnonymousIdle, p.AnonymousLifetime}
	}
	l, err := m.loginLimits(Login{r.User, r.AuthenticatedAt, s.proofs.levelAt(r.AuthenticatedAt), s.remember})
	if err != nil { // a login would tell
		return most
	}
	return l
}

// listedEnd returns the end of a record in a list. It goes by what is stored, and by the longest limit that the policy has
// today: lists know nothing else of a session.
func (m *Manager) listedEnd(r *store.Record) time.Time {
	if most := r.LastSeen.Add(m.cfg.Policy.longest()); most.Before(r.ExpiresAt) {
		return most
	}
	return r.ExpiresAt
}

// loginLimits returns the timeouts of the policy for l.
func (m *Manager) loginLimits(l Login) (limits, error) {
	p := &m.cfg.Policy
	n := limits{p.Idle, p.Lifetime}
	if l.Remember {
		n = limits{p.RememberIdle, p.RememberLifetime}
	}
	if m.cfg.LoginLimits == nil {
		return n, nil
	}
	idle, lifetime := m.cfg.LoginLimits(l)
	if lifetime != 0 {
		n.lifetime = lifetime
		n.idle = min(n.idle, lifetime)
	}
	if idle != 0 {
		n.idle = idle
	}
	return n, p.checkLimits("Config.LoginLimits", &n)
}
