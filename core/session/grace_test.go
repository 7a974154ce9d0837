package session

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/qsessions/qsessions/core/cacheddb"
	"github.com/qsessions/qsessions/core/memory"
)

// TestSlowRequestByCopy: ATK-3, RPT-22. A request that a copy has let in goes on with its token, however long it takes, when a
// parallel one shows the next token meanwhile.
func TestSlowRequestByCopy(t *testing.T) {
	for _, pause := range []time.Duration{time.Second, 10 * time.Second, 90 * time.Second} {
		for name, use := range map[string]func(m *Manager, r *request) error{
			"value":   func(_ *Manager, r *request) error { color.Set(r.s, "red"); return nil },
			"save":    func(_ *Manager, r *request) error { return r.s.Save(r.ctx) },
			"require": func(m *Manager, r *request) error { _, err := m.Require(r.ctx, Requirement{Level: 1}); return err },
		} {
			synctest.Test(t, func(t *testing.T) {
				both, err := cacheddb.New(new(memory.Cache), new(memory.Store), cacheddb.Config{})
				if err != nil {
					t.Fatal(err)
				}
				m := newManager(t, both, Config{Policy: Policy{RotateEvery: rotateEvery}})
				b := newBrowser(t, m)
				b.do(func(s Session) { s.Login("alice", Remember()) })
				time.Sleep(rotateEvery - time.Second)
				b.user() // leaves a copy
				slow := b.old().start()
				time.Sleep(2 * time.Second)
				b.do(func(Session) {}) // gets the next token
				time.Sleep(pause)
				b.do(func(Session) {}) // shows it
				time.Sleep(pause)
				if err := use(m, slow); err != nil || slow.s.User() != "alice" {
					t.Errorf("%s, %v: %v, user %q", name, pause, err, slow.s.User())
				}
				if _, err := slow.end(); err != nil {
					t.Errorf("%s, %v: commit: %v", name, pause, err)
				}
			})
		}
	}
}

// TestGraceAcrossClocks: ATK-14, BAD-66. The grace and the minute of a replaced token are counted alike by nodes whose clocks
// differ, and a time far ahead, which a node with a wrong clock has left, opens nothing until it comes.
func TestGraceAcrossClocks(t *testing.T) {
	m := newManager(t, new(memory.Store), Config{Policy: Policy{RotateEvery: rotateEvery}})
	t0 := time.Now().UTC()
	old := newToken(ID{1})
	next := old.next()
	p := shown{token: old, digest: old.digest(m.realms[0])}
	for ahead, want := range map[time.Duration]bool{
		-59 * time.Second: true, 0: true, 5 * time.Second: true, 59 * time.Second: true, time.Minute: false, 24 * time.Hour: false,
	} {
		s := secret{current: next.digest(m.realms[0]), family: next.mark(m.realms[0]), issuedAt: t0, seenAt: t0.Add(ahead), replacedAt: t0.Add(ahead)}
		s.slots[0] = slot{slotOld, p.digest}
		if got := m.judge(&s, &p, t0, t0); got.open() != want || s.recent(replaced, t0, time.Minute) != want {
			t.Errorf("shown %v ahead: standing %d, recent %t; want %t", ahead, got, s.recent(replaced, t0, time.Minute), want)
		}
	}
}

// TestIssueWithoutRoom: BAD-66. Where a clock that has stepped back leaves no room for another token, none is issued.
func TestIssueWithoutRoom(t *testing.T) {
	t0 := time.Now().UTC()
	s := secret{seenAt: t0, issuedAt: t0}
	s.slots = [2]slot{{slotOld, digest{1}}, {slotOld, digest{2}}}
	before := s
	if s.issue(digest{3}, t0.Add(time.Minute-time.Microsecond), time.Minute); s != before {
		t.Errorf("got %+v, want %+v", s, before)
	}
	if s.issue(digest{3}, t0.Add(time.Minute), time.Minute); s.slots[0] != (slot{slotPending, digest{3}}) || s.slots[1] != (slot{}) {
		t.Errorf("after the grace: %+v", s)
	}
}
