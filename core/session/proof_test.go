package session

import (
	"errors"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qsessions/qsessions/core/memory"
)

// TestProofsAgainstList: RPT-41. Against a list of all proofs: never is a requirement met that the list does not meet, and where
// nothing had to be dropped, each one that it meets. With more levels than there is room for, the lowest is dropped.
func TestProofsAgainstList(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for range 3000 {
		levels := 1 + r.IntN(6)
		var kept proofs
		var all []proof
		at, last := start, start
		dropped := 0 // the highest level that may have been dropped
		for range 1 + r.IntN(12) {
			at = at.Add(time.Duration(r.IntN(7)-1) * time.Minute) // now and then one that came in late
			p := proof{uint8(1 + r.IntN(levels)), at}
			last = later(last, at)
			kept.add(p, last)
			all = append(all, p)
			if n := front(all); len(n) > maxProofs {
				dropped = max(dropped, int(n[len(n)-maxProofs-1].level))
			}
		}
		now := last.Add(time.Duration(r.IntN(5)) * time.Minute)
		for level := range levels + 2 {
			for _, age := range []time.Duration{0, -time.Minute, time.Minute, 3 * time.Minute, 10 * time.Minute, time.Hour} {
				req := Requirement{MaxAge: age, Level: level}
				naive := false
				for _, p := range all {
					naive = naive || meetsAlone(p, req, now)
				}
				switch got := kept.meet(req, now); {
				case got && !naive:
					t.Fatalf("%v of %v meet %+v at %v", kept, all, req, now)
				case !got && naive && level > dropped:
					t.Fatalf("%v of %v do not meet %+v at %v", kept, all, req, now)
				}
			}
		}
		if kept.level() != int(highest(all)) {
			t.Fatalf("%v of %v: level %d", kept, all, kept.level())
		}
	}
}

func meetsAlone(p proof, r Requirement, now time.Time) bool {
	return int(p.level) >= r.Level && r.MaxAge >= 0 && (r.MaxAge == 0 || now.Sub(p.at) <= r.MaxAge) && !p.at.After(now.Add(2*time.Second))
}

func highest(all []proof) (n uint8) {
	for _, p := range all {
		n = max(n, p.level)
	}
	return n
}

// front returns those of all that no other one outdoes, by rising levels.
func front(all []proof) (best []proof) {
	for level := 1; level <= 255; level++ {
		var n proof
		for _, p := range all {
			if int(p.level) == level && (n.level == 0 || p.at.After(n.at)) {
				n = p
			}
		}
		for _, p := range all {
			if p.level > n.level && !p.at.Before(n.at) {
				n = proof{}
				break
			}
		}
		if n.level != 0 {
			best = append(best, n)
		}
	}
	return best
}

// TestSecondFactorWithinFiveMinutes: RPT-41, ATK-8. A route that asks for a second factor within five minutes is not opened by
// one of an hour ago and a password just now.
func TestSecondFactorWithinFiveMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, st := range stacks(t) {
			m := newManager(t, st.store, Config{})
			b := newBrowser(t, m)
			check := func(when string, want map[Requirement]error) {
				t.Helper()
				for r, err := range want {
					x := b.start()
					if _, got := m.Require(x.ctx, r); !errors.Is(got, err) || err == nil && got != nil {
						t.Errorf("%s, %s: %+v: got %v, want %v", st.name, when, r, got, err)
					}
					m.Close(x.ctx)
				}
			}
			five := 5 * time.Minute
			b.do(func(s Session) { s.Login("alice", Level(2)) })
			check("at once", map[Requirement]error{{Level: 2, MaxAge: five}: nil, {Level: 1, MaxAge: five}: nil, {Level: 3}: ErrStale})
			for range 5 { // 50 minutes of use
				time.Sleep(10 * time.Minute)
				b.do(func(Session) {})
			}
			b.do(func(s Session) { s.Reauthenticate() }) // a password
			check("after a password", map[Requirement]error{
				{Level: 2, MaxAge: five}: ErrStale, {Level: 2}: nil, {Level: 2, MaxAge: time.Hour}: nil,
				{Level: 1, MaxAge: five}: nil, {MaxAge: five}: nil,
			})
			b.do(func(s Session) { s.Reauthenticate(Level(2)) })
			check("after the second factor", map[Requirement]error{{Level: 2, MaxAge: five}: nil, {Level: 1, MaxAge: five}: nil})
			time.Sleep(time.Second)
			b.do(func(s Session) { s.Login("alice") })
			check("after a login by password", map[Requirement]error{{Level: 2}: ErrStale, {Level: 2, MaxAge: 24 * time.Hour}: ErrStale, {Level: 1, MaxAge: five}: nil})
			b.do(func(s Session) { s.Logout() })
			check("after a logout", map[Requirement]error{{Level: 1}: ErrUnauthenticated})
		}
	})
}

// TestProofInOneRequest: RPT-41. A login and a step-up in one request count at once, each with its own level; a step-up that
// proves less leaves that of before.
func TestProofInOneRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, new(memory.Store), Config{})
		b := newBrowser(t, m)
		x := b.start()
		x.s.Login("alice")
		_, low := m.Require(x.ctx, Requirement{Level: 2})
		x.s.Reauthenticate(Level(2))
		_, high := m.Require(x.ctx, Requirement{Level: 2, MaxAge: time.Minute})
		if !errors.Is(low, ErrStale) || high != nil {
			t.Errorf("before and after the step-up: %v, %v", low, high)
		}
		if _, err := x.end(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Minute)
		x = b.start()
		x.s.Reauthenticate()
		_, stale := m.Require(x.ctx, Requirement{Level: 2, MaxAge: time.Minute})
		_, kept := m.Require(x.ctx, Requirement{Level: 2})
		if !errors.Is(stale, ErrStale) || kept != nil || x.s.Info().Level != 2 {
			t.Errorf("before the commit: %v, %v", stale, kept)
		}
		if _, err := x.end(); err != nil {
			t.Fatal(err)
		}
	})
}

// TestOldProofInOneRequest: RPT-41, ATK-8. Nor does a password just now make the second factor fresh with which the same request
// has signed in, and which was checked before.
func TestOldProofInOneRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, new(memory.Store), Config{})
		b := newBrowser(t, m)
		b.do(func(s Session) {
			s.Login("alice", Level(2), AuthenticatedAt(time.Now().Add(-30*time.Minute)))
			s.Reauthenticate()
		})
		for r, want := range map[Requirement]error{{Level: 2, MaxAge: 5 * time.Minute}: ErrStale, {Level: 2}: nil, {MaxAge: 5 * time.Minute}: nil} {
			x := b.start()
			if _, err := m.Require(x.ctx, r); !errors.Is(err, want) || want == nil && err != nil {
				t.Errorf("%+v: got %v, want %v", r, err, want)
			}
			m.Close(x.ctx)
		}
	})
}

// TestFutureIsNotFresh: ATK-14. A proof that a node with a wrong clock has dated two days ahead is not fresh, for a strict route
// of any kind; a skew of two seconds is none.
func TestFutureIsNotFresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, ahead := range []time.Duration{0, 2 * time.Second, 2*time.Second + time.Microsecond, time.Minute, 48 * time.Hour} {
			db := new(memory.Store)
			m := newManager(t, db, Config{Policy: Policy{Idle: 12 * time.Hour}})
			b := newBrowser(t, m)
			b.do(logsIn("alice"))
			r, err := db.Load(t.Context(), b.id())
			if err != nil {
				t.Fatal(err)
			}
			var s secret
			if err := m.decode(r.Secret, &s); err != nil {
				t.Fatal(err)
			}
			s.proofs[0].at = now().Add(ahead)
			r.AuthenticatedAt, r.Secret = s.proofs[0].at, s.encode()
			if err := db.Save(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			for _, q := range []Requirement{{MaxAge: time.Minute}, {MaxAge: 100 * time.Hour}, {Level: 1}, {Level: 1, MaxAge: time.Minute}} {
				x := b.start()
				if _, err := m.Require(x.ctx, q); (err == nil) != (ahead <= 2*time.Second) || err != nil && !errors.Is(err, ErrStale) {
					t.Errorf("%v ahead: %+v: %v", ahead, q, err)
				}
				m.Close(x.ctx)
			}
			x := b.start()
			if _, err := m.Require(x.ctx, Requirement{}); err != nil {
				t.Errorf("%v ahead: without a requirement: %v", ahead, err)
			}
			m.Close(x.ctx)
			b.do(func(s Session) { s.Reauthenticate() }) // mends it
			x = b.start()
			if _, err := m.Require(x.ctx, Requirement{MaxAge: time.Minute}); err != nil {
				t.Errorf("%v ahead: after a re-authentication: %v", ahead, err)
			}
			m.Close(x.ctx)
		}
	})
}
