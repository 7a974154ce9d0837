package session

import (
	"fmt"
	"time"
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
