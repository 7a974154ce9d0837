package session

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

// holders are browsers and thieves that hold tokens of one session, over a manager that replaces them periodically.
type holders struct {
	t     *testing.T
	m     *Manager
	db    *counting
	kinds []EventKind
}

func newHolders(t *testing.T, p Policy) *holders {
	h := &holders{t: t, db: new(counting)}
	p.RotateEvery, p.RememberIdle = rotateEvery, 30*24*time.Hour
	h.m = newManager(t, h.db, Config{Policy: p, Observe: func(_ context.Context, e Event) {
		if e.Kind != Created && e.Kind != LoggedIn && e.Kind != Rotated && e.Kind != ConflictRetried {
			h.kinds = append(h.kinds, e.Kind)
		}
	}})
	return h
}

func (h *holders) login() *browser {
	b := newBrowser(h.t, h.m)
	b.do(func(s Session) { s.Login("alice", Remember()) })
	return b
}

// use makes a request of b and reports whether it was let in. Where lost is true its answer does not arrive.
func (h *holders) use(b *browser, lost bool) bool {
	h.t.Helper()
	cookie := b.cookie
	in := b.user() == "alice"
	if lost {
		b.cookie = cookie
	}
	return in
}

// reported returns what was reported since the last call.
func (h *holders) reported() []EventKind {
	k := h.kinds
	h.kinds = nil
	return k
}

// TestLateThief: ATK-3, ATK-6. A stolen token that is shown after the victim has moved on opens nothing, and is reported as a
// replay, however many generations old it is.
func TestLateThief(t *testing.T) {
	for _, generations := range []int{1, 2, 10} {
		synctest.Test(t, func(t *testing.T) {
			h := newHolders(t, Policy{})
			victim := h.login()
			thief := victim.old()
			for range generations {
				time.Sleep(rotateEvery)
				h.use(victim, false) // gets the next token
				h.use(victim, false) // shows it
			}
			time.Sleep(61 * time.Second)
			h.reported()
			if h.use(thief, false) || !slices.Equal(h.reported(), []EventKind{TokenReplayed}) {
				t.Errorf("%d generations: the stolen token is let in, or not reported as replayed", generations)
			}
			if !h.use(victim, false) || len(h.reported()) != 0 {
				t.Errorf("%d generations: the victim is out", generations)
			}
		})
	}
}

// TestActiveThief: ATK-3. Where a thief is the one who exchanges the stolen token, one of the two is out within a period of
// both being active, and it is reported when that one shows up: never do both go on unnoticed.
func TestActiveThief(t *testing.T) {
	for _, drops := range []bool{false, true} { // whether the thief throws new tokens away
		synctest.Test(t, func(t *testing.T) {
			h := newHolders(t, Policy{})
			victim := h.login()
			thief := victim.old()
			both := 0
			for range 8 {
				time.Sleep(rotateEvery)
				in := h.use(thief, drops)
				if h.use(victim, false) && in {
					both++
				}
				time.Sleep(2 * time.Minute)
				h.use(victim, false)
				h.use(thief, drops)
			}
			reported := h.reported()
			if both > 2 || !slices.Contains(reported, TokenReplayed) && !slices.Contains(reported, TokenWorn) {
				t.Errorf("drops %t: both were in %d periods, reported %v", drops, both, reported)
			}
		})
	}
}

// TestWorn: ATK-3. A token whose holder drops what it is given ends in the third period of its own use; a pause is no use.
func TestWorn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHolders(t, Policy{})
		b := h.login()
		for i := range 2 {
			time.Sleep(20 * rotateEvery)
			if !h.use(b, true) {
				t.Fatalf("out in period %d", i)
			}
		}
		time.Sleep(rotateEvery - time.Second)
		if !h.use(b, true) {
			t.Error("out before the third period")
		}
		time.Sleep(20 * rotateEvery)
		h.reported()
		if h.use(b, true) || !slices.Equal(h.reported(), []EventKind{TokenWorn}) {
			t.Error("let in in the third period, or not reported as worn")
		}
	})
}

// TestNeverOverwritten: ATK-3. A pending token stays good until it or its sibling is shown: a slow request with the old one
// must not take the place of the new one that has been delivered.
func TestNeverOverwritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHolders(t, Policy{})
		b := h.login()
		late := b.old()
		time.Sleep(rotateEvery)
		h.use(b, false) // the new token is delivered, and the user pauses
		time.Sleep(rotateEvery)
		h.use(late, true) // another answer, which is lost
		if !h.use(b, false) {
			t.Error("signed out")
		}
	})
}

// TestSiblings: ATK-3. Of two pending tokens the first that is shown wins, also at two nodes at once.
func TestSiblings(t *testing.T) {
	for _, second := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			h := newHolders(t, Policy{})
			b := h.login()
			time.Sleep(rotateEvery)
			first := b.old()
			h.use(first, false)
			time.Sleep(rotateEvery)
			other := b.old()
			h.use(other, false)
			if first.cookie == other.cookie || first.cookie == b.cookie {
				t.Fatal("there are no two pending tokens")
			}
			winner, loser := first, other
			if second {
				winner, loser = other, first
			}
			w, l := winner.start(), loser.start()
			if _, err := w.end(); err != nil {
				t.Fatal(err)
			}
			if e, err := l.end(); err != nil || e.Name != "" {
				t.Errorf("the loser: %v, %v", e, err)
			}
			time.Sleep(61 * time.Second)
			if !h.use(winner, false) || h.use(loser, false) || h.use(b, false) {
				t.Error("not the one that was shown first alone is open")
			}
		})
	}
}

// TestGuess: ATK-6, BAD-7. Anyone who knows an ID alone changes nothing, and makes nothing happen but an event that nothing can be
// made of.
func TestGuess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHolders(t, Policy{EndOnReplay: true})
		b := h.login()
		before, err := h.db.Store.Load(t.Context(), b.id())
		if err != nil {
			t.Fatal(err)
		}
		h.reported()
		writes := h.db.writes()
		known, _ := parseToken(b.cookie[len("__Host-session="):])
		for i := range 3000 {
			guess := newToken(before.ID)
			switch i % 3 {
			case 1:
				guess.family[0] ^= 1
				guess.verifier = known.verifier
			case 2:
				guess.verifier = [16]byte{}
			}
			g := &browser{t: t, m: h.m, cookie: "__Host-session=" + guess.text()}
			g.user()
		}
		for _, k := range h.reported() {
			if k != UnknownToken {
				t.Fatalf("a guess is reported as %v", k)
			}
		}
		after, err := h.db.Store.Load(t.Context(), before.ID)
		if err != nil || h.db.writes() != writes || !bytes.Equal(store.AppendRecord(nil, after), store.AppendRecord(nil, before)) {
			t.Errorf("the record has changed (%v), or %d writes", err, h.db.writes()-writes)
		}
	})
}

// TestEndOnReplay: ATK-6. If it is asked for, a replay ends the session, but for a slow request, and for a token that a login
// has replaced: who planted that could else sign the user out at will.
func TestEndOnReplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHolders(t, Policy{EndOnReplay: true})
		planted := newBrowser(t, h.m)
		planted.do(func(s Session) { color.Set(s, "red") })
		b := planted.old()
		b.do(func(s Session) { s.Login("alice", Remember()) })
		stolen := b.old()
		time.Sleep(rotateEvery)
		h.use(b, false)
		h.use(b, false)
		time.Sleep(4 * time.Minute)
		h.reported()
		if h.use(stolen, false) || !h.use(b, false) || !slices.Equal(h.reported(), []EventKind{TokenReplayed}) {
			t.Error("within five minutes a replay is more than reported, or let in")
		}
		time.Sleep(2 * time.Minute)
		if h.use(planted, false) || !h.use(b, false) {
			t.Error("a token that a login has replaced ends the session")
		}
		h.reported()
		if h.use(stolen, false) || h.use(b, false) {
			t.Error("a replay does not end the session")
		}
		if k := h.reported(); len(k) < 2 || k[0] != TokenReplayed || k[1] != Revoked {
			t.Errorf("reported %v, want the replay and the end", k)
		}
	})
}

// TestReplacedToken: RPT-22, ATK-3. For a minute a replaced token is told so, and neither sets a cookie nor saves anything: its
// answer would else sign out the browser that has the newer one. Then it is an unknown visitor's.
func TestReplacedToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, replace := range map[string]func(s Session){
			"login":          func(s Session) { s.Login("alice") },
			"reauthenticate": func(s Session) { s.Reauthenticate(Level(2)) },
			"rotate":         func(s Session) { s.Rotate() },
		} {
			h := newHolders(t, Policy{})
			b := h.login()
			old := b.old()
			b.do(replace)
			r := old.start()
			if _, err := h.m.Require(r.ctx, Requirement{}); !errors.Is(err, ErrReplaced) || r.s.User() != "" {
				t.Errorf("%s: Require: %v, user %q", name, err, r.s.User())
			}
			color.Set(r.s, "red")
			r.s.Reauthenticate()
			if err := r.s.Err(); !errors.Is(err, ErrReplaced) {
				t.Errorf("%s: Reauthenticate: %v", name, err)
			}
			h.m.Close(r.ctx)
			r = old.start()
			color.Set(r.s, "red")
			if err := r.s.Save(r.ctx); !errors.Is(err, ErrReplaced) {
				t.Errorf("%s: Save: %v", name, err)
			}
			if e, err := r.end(); !errors.Is(err, ErrReplaced) || e.Name != "" || e.TakeBack != "" {
				t.Errorf("%s: commit: %+v, %v", name, e, err)
			}
			if e := old.old().do(func(s Session) {}); e.Name != "" {
				t.Errorf("%s: a request that only reads gets %+v", name, e)
			}
			time.Sleep(time.Minute)
			if e := old.do(func(s Session) { color.Set(s, "red") }); e.Name == "" {
				t.Errorf("%s: after a minute the browser cannot have an anonymous session", name)
			}
			if !h.use(b, false) {
				t.Errorf("%s: the newest token is dead", name)
			}
		}
	})
}

// TestLateEnd: tokens that were replaced end no session: but for a Logout, which fails safe.
func TestLateEnd(t *testing.T) {
	for name, c := range map[string]struct {
		end  func(s Session)
		stay bool
	}{
		"logout":           {func(s Session) { s.Logout() }, false},
		"login as another": {func(s Session) { s.Login("mallory") }, true},
	} {
		h := newHolders(t, Policy{})
		b := h.login()
		r := b.old().start()
		b.do(func(s Session) {
			if _, err := h.m.RevokeOthers(t.Context(), s); err != nil {
				t.Fatal(err)
			}
		})
		c.end(r.s)
		if _, err := r.end(); err != nil {
			t.Fatal(err)
		}
		if in := h.use(b, false); in != c.stay {
			t.Errorf("%s, loaded before RevokeOthers: the session is there: %t, want %t", name, in, c.stay)
		}
	}
}
