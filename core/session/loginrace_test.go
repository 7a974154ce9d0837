package session

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/qsessions/qsessions/core/memory"
)

// TestReauthenticateAgainstEnd: SEC-10, BAD-47. A re-authentication during which another goroutine of the request ends the
// session signs no user in again.
func TestReauthenticateAgainstEnd(t *testing.T) {
	for name, end := range map[string]func(m *Manager, r *request){
		"Logout":     func(_ *Manager, r *request) { r.s.Logout() },
		"RevokeUser": func(m *Manager, r *request) { _, _ = m.RevokeUser(r.ctx, "alice") },
	} {
		var during func()
		m := newManager(t, new(memory.Store), Config{LoginLimits: func(Login) (a, b time.Duration) {
			if f := during; f != nil {
				during = nil
				f()
			}
			return 0, 0
		}})
		b := newBrowser(t, m)
		b.do(func(s Session) { s.Login("alice") })
		r := b.start()
		during = func() {
			var other sync.WaitGroup
			other.Go(func() { end(m, r) })
			other.Wait()
		}
		r.s.Reauthenticate()
		if err := r.s.Err(); !errors.Is(err, ErrUnauthenticated) {
			t.Errorf("%s: got %v, want ErrUnauthenticated", name, err)
		}
		_, _ = r.end()
		if list, err := Collect(m.Find(t.Context(), Query{})); err != nil || len(list) != 0 {
			t.Errorf("%s: left: %v, %v", name, list, err)
		}
	}
}

// TestProofsAtOnce: RPT-41. A proof that another goroutine notes while one is checked is kept beside it.
func TestProofsAtOnce(t *testing.T) {
	var during func()
	m := newManager(t, new(memory.Store), Config{LoginLimits: func(Login) (a, b time.Duration) {
		if f := during; f != nil {
			during = nil
			f()
		}
		return 0, 0
	}})
	b := newBrowser(t, m)
	b.do(func(s Session) { s.Login("alice") })
	b.do(func(s Session) {
		during = func() {
			var other sync.WaitGroup
			other.Go(func() { s.Reauthenticate(Level(2)) })
			other.Wait()
		}
		s.Reauthenticate()
	})
	r := b.start()
	if _, err := m.Require(r.ctx, Requirement{Level: 2}); err != nil {
		t.Errorf("the proof of level 2 is lost: %v", err)
	}
	_, _ = r.end()
}

// TestProofsOfOneRequest: RPT-41. Each proof that a request notes keeps its own level and time, also those of goroutines that
// note them at once.
func TestProofsOfOneRequest(t *testing.T) {
	m := newManager(t, new(memory.Store), Config{})
	for range 50 {
		b := newBrowser(t, m)
		b.do(func(s Session) { s.Login("alice") })
		r := b.start()
		var wg sync.WaitGroup
		for level := range 6 {
			wg.Go(func() {
				r.s.Reauthenticate(Level(1+level/2), AuthenticatedAt(time.Now().Add(-time.Duration(10*(1+level/2))*time.Minute)))
				r.s.Info()
			})
		}
		wg.Wait()
		wg.Go(func() { r.s.Info() })
		wg.Go(func() { _ = r.s.Save(r.ctx) })
		wg.Wait()
		if _, err := r.end(); err != nil {
			t.Fatal(err)
		}
		r = b.start()
		for want, q := range map[Requirement]error{
			{Level: 3}: nil, {Level: 3, MaxAge: 31 * time.Minute}: nil, {Level: 3, MaxAge: 25 * time.Minute}: ErrStale,
			{Level: 2, MaxAge: 21 * time.Minute}: nil, {Level: 2, MaxAge: 15 * time.Minute}: ErrStale, {Level: 4}: ErrStale,
		} {
			if _, err := m.Require(r.ctx, want); !errors.Is(err, q) {
				t.Errorf("%+v: got %v, want %v", want, err, q)
			}
		}
		_, _ = r.end()
	}
}

// TestProofOfLowerLevel: RPT-41, ATK-8. A proof of a lower level in the same request makes none of a higher level fresh.
func TestProofOfLowerLevel(t *testing.T) {
	m := newManager(t, new(memory.Store), Config{})
	b := newBrowser(t, m)
	b.do(func(s Session) {
		s.Login("alice", Level(2), AuthenticatedAt(time.Now().Add(-50*time.Minute)))
		s.Reauthenticate()
	})
	r := b.start()
	for q, want := range map[Requirement]error{
		{Level: 2}: nil, {MaxAge: 5 * time.Minute}: nil, {Level: 2, MaxAge: time.Hour}: nil, {Level: 2, MaxAge: 5 * time.Minute}: ErrStale,
	} {
		if _, err := m.Require(r.ctx, q); !errors.Is(err, want) {
			t.Errorf("%+v: got %v, want %v", q, err, want)
		}
	}
	_, _ = r.end()
}

// TestProofAhead: ATK-14, RPT-41. A proof that a node with a wrong clock has left in the future counts for nothing, and does
// not take the place of one that is given now.
func TestProofAhead(t *testing.T) {
	now := time.Now()
	for level := range 3 {
		var p proofs
		p.add(proof{uint8(1 + level), now.Add(48 * time.Hour)}, now.Add(48*time.Hour))
		p.add(proof{1, now}, now)
		if p.level() != 1 || !p.meet(Requirement{MaxAge: 5 * time.Minute}, now) || p.meet(Requirement{Level: 2}, now) {
			t.Errorf("beside one of level %d ahead: %+v", 1+level, p)
		}
	}
}
