package session

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qsessions/qsessions/core/memory"
)

const color Key[string] = "color"

// TestIdleTimeout: SEC-8, SEC-10. The session lives until just before its idle timeout, and not at it.
func TestIdleTimeout(t *testing.T) {
	for _, c := range []struct {
		name string
		wait time.Duration
		want string
	}{
		{"just before", 30*time.Minute - time.Microsecond, "alice"},
		{"at", 30 * time.Minute, ""},
		{"after", 31 * time.Minute, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBrowser(t, newManager(t, new(memory.Store), Config{}))
				b.do(func(s Session) { s.Login("alice") })
				time.Sleep(c.wait)
				if got := b.user(); got != c.want {
					t.Errorf("user after %v: got %q, want %q", c.wait, got, c.want)
				}
			})
		})
	}
}

// TestTouchExtends: SEC-8, SEC-43. Use extends the session, written at most once a minute, and never beyond use + idle.
func TestTouchExtends(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := new(counting)
		b := newBrowser(t, newManager(t, db, Config{}))
		b.do(func(s Session) { s.Login("alice") })
		for range 120 { // an hour, a request every 30 seconds
			time.Sleep(30 * time.Second)
			if b.user() != "alice" {
				t.Fatal("signed out while in use")
			}
		}
		if n := db.touches.Load(); n != 60 {
			t.Errorf("touches in an hour: got %d, want 60", n)
		}
		if n := db.saves.Load(); n != 0 {
			t.Errorf("saves: got %d, want 0: last seen is no data", n)
		}
		time.Sleep(30 * time.Minute)
		if b.user() != "" {
			t.Error("the session outlived its last use by the idle timeout")
		}
	})
}

// TestAbsoluteLifetime: SEC-9, SEC-42, CVE-10. Requests, rotations and saves do not move the deadline.
func TestAbsoluteLifetime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBrowser(t, newManager(t, new(memory.Store), Config{}))
		b.do(func(s Session) { s.Login("alice") })
		deadline := time.Now().Add(12 * time.Hour)
		for i := 0; time.Now().Add(10 * time.Minute).Before(deadline); i++ {
			time.Sleep(10 * time.Minute)
			b.do(func(s Session) {
				if s.User() != "alice" {
					t.Fatalf("signed out at %v before the deadline", time.Until(deadline))
				}
				switch i % 3 {
				case 0:
					s.Rotate()
				case 1:
					color.Set(s, "red")
				}
				if d := s.Info().Deadline; !d.Equal(deadline) {
					t.Fatalf("deadline moved by %v", d.Sub(deadline))
				}
			})
		}
		time.Sleep(time.Until(deadline))
		if b.user() != "" {
			t.Error("alive at the deadline")
		}
	})
}

// TestReauthenticateResetsBoth: SEC-9, SEC-43. Only a new authentication moves the deadline; data, ID and level stay.
func TestReauthenticateResetsBoth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBrowser(t, newManager(t, new(memory.Store), Config{Policy: Policy{Idle: 12 * time.Hour}}))
		b.do(func(s Session) { s.Login("alice", Level(2)); color.Set(s, "red") })
		id := b.id()
		time.Sleep(11 * time.Hour)
		b.do(func(s Session) { s.Reauthenticate() })
		time.Sleep(11 * time.Hour)
		b.do(func(s Session) {
			i := s.Info()
			if s.User() != "alice" || s.ID() != id || color.Get(s) != "red" || i.Level != 2 {
				t.Errorf("after reauthentication: user %q, id %v, color %q, level %d", s.User(), s.ID() == id, color.Get(s), i.Level)
			}
		})
	})
}

// TestRememberMe: SEC-9, SEC-41. Remembered sessions have a cap of their own, a cookie with Max-Age, and stay remembered.
func TestRememberMe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBrowser(t, newManager(t, new(memory.Store), Config{}))
		e := b.do(func(s Session) { s.Login("alice", Remember()) })
		if !strings.Contains(e.Value, "; Max-Age=2592000;") {
			t.Errorf("cookie of a remembered session: %q", strings.SplitN(e.Value, ";", 2)[1])
		}
		at := time.Now()
		for range 29 {
			time.Sleep(24 * time.Hour)
			b.do(func(s Session) {
				if i := s.Info(); s.User() != "alice" || !i.AuthenticatedAt.Equal(at) || !i.Remembered {
					t.Fatalf("got %+v", i)
				}
			})
		}
		e = b.do(func(s Session) { s.Rotate() })
		if !strings.Contains(e.Value, "; Max-Age=86400;") {
			t.Errorf("a rotation prolongs the cookie: %q", strings.SplitN(e.Value, ";", 2)[1])
		}
		time.Sleep(24 * time.Hour)
		if b.user() != "" {
			t.Error("alive after the cap")
		}
		if e := b.do(func(s Session) { s.Login("alice") }); strings.Contains(e.Value, "Max-Age") {
			t.Error("an ordinary login outlives the browser")
		}
	})
}

// TestExpire sets timeouts of one session.
func TestExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBrowser(t, newManager(t, new(memory.Store), Config{}))
		b.do(func(s Session) { s.Login("alice"); s.Expire(2*time.Minute, 5*time.Minute) })
		for range 4 {
			time.Sleep(time.Minute)
			if b.user() != "alice" {
				t.Fatal("signed out while in use")
			}
		}
		time.Sleep(time.Minute)
		if b.user() != "" {
			t.Error("alive after its own lifetime")
		}
		for _, c := range [][2]time.Duration{{0, time.Hour}, {2 * time.Hour, time.Hour}, {time.Hour, 31 * 24 * time.Hour}, {-1, -1}} {
			r := b.start()
			r.s.Login("alice")
			r.s.Expire(c[0], c[1])
			if _, err := r.end(); err == nil {
				t.Errorf("Expire(%v, %v) was accepted", c[0], c[1])
			}
		}
	})
}

// TestExpiredCookieIsNotCleared: SEC-33, CVE-10. What has ended is anonymous; nothing deletes the cookie, since a newer
// one may be on its way.
func TestExpiredCookieIsNotCleared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var kinds []EventKind
		m := newManager(t, new(memory.Store), Config{Observe: func(_ context.Context, e Event) { kinds = append(kinds, e.Kind) }})
		b := newBrowser(t, m)
		b.do(func(s Session) { s.Login("alice") })
		time.Sleep(time.Hour)
		kinds = nil
		if e := b.do(func(s Session) { _ = s.User() }); e.Name != "" || e.Vary != "Cookie" {
			t.Errorf("effect: got %+v, want Vary only", e)
		}
		if len(kinds) != 1 || kinds[0] != Expired {
			t.Errorf("events: got %v, want [expired]", kinds)
		}
	})
}

// TestNothingHappensToUnseenSessions: SEC-17, CVE-50. A request that does not ask for its session calls no store.
func TestNothingHappensToUnseenSessions(t *testing.T) {
	db := new(counting)
	m := newManager(t, db, Config{})
	b := newBrowser(t, m)
	b.do(func(s Session) { s.Login("alice") })
	calls := db.total()
	for range 100 {
		ctx, _ := m.Start(t.Context(), b.client, b.cookie)
		e, err := m.Commit(ctx)
		if e != (Effect{}) || err != nil {
			t.Fatalf("Commit of an unseen session: %+v, %v", e, err)
		}
		m.Close(ctx)
	}
	anonymous := newBrowser(t, m)
	for range 100 {
		anonymous.do(func(s Session) {
			_ = color.Get(s)
			color.Delete(s)
			s.Clear()
			s.Rotate()
			s.Logout()
			if !s.ID().IsZero() {
				t.Fatal("an empty session has an ID")
			}
		})
	}
	if n := db.total() - calls; n != 0 {
		t.Errorf("store calls: got %d, want 0", n)
	}
	if anonymous.cookie != "" {
		t.Error("an empty session was given a cookie")
	}
}

// TestCallsPerRequest counts what each kind of request costs.
func TestCallsPerRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := new(counting)
		b := newBrowser(t, newManager(t, db, Config{}))
		for _, c := range []struct {
			name                                           string
			f                                              func(s Session)
			loads, creates, saves, touches, deletes, looks int64
		}{
			{"anonymous value", func(s Session) { color.Set(s, "red") }, 0, 1, 0, 0, 0, 0},
			{"read", func(s Session) { color.Get(s) }, 1, 0, 0, 0, 0, 0},
			{"login", func(s Session) { s.Login("alice") }, 1, 0, 1, 0, 0, 1},
			{"write", func(s Session) { color.Set(s, "blue"); s.Expire(time.Minute, time.Hour) }, 1, 0, 1, 0, 0, 0},
			{"rotate", func(s Session) { s.Rotate() }, 1, 0, 1, 0, 0, 0},
			{"reauthenticate", func(s Session) { s.Reauthenticate() }, 1, 0, 1, 0, 0, 1},
			{"logout", func(s Session) { s.Logout() }, 1, 0, 0, 0, 1, 0},
			{"login anew", func(s Session) { s.Login("alice") }, 0, 1, 0, 0, 0, 1},
			{"another user", func(s Session) { s.Login("bob") }, 2, 1, 0, 0, 1, 1},
		} {
			before := [...]int64{db.loads.Load(), db.creates.Load(), db.saves.Load(), db.touches.Load(), db.deletes.Load(), db.looks()}
			b.do(c.f)
			after := [...]int64{db.loads.Load(), db.creates.Load(), db.saves.Load(), db.touches.Load(), db.deletes.Load(), db.looks()}
			want := [...]int64{c.loads, c.creates, c.saves, c.touches, c.deletes, c.looks}
			for i := range after {
				after[i] -= before[i]
			}
			if after != want {
				t.Errorf("%s: loads, creates, saves, touches, deletes, cut-offs: got %v, want %v", c.name, after, want)
			}
		}
	})
}

func (c *counting) looks() int64 { return c.cutoffs.Load() }

func (c *counting) Cutoff(ctx context.Context, user string) (at time.Time, err error) {
	err = c.call(&c.cutoffs, "Cutoff", func() error { at, err = c.Store.Cutoff(ctx, user); return err })
	return at, err
}

// TestClientChange: BAD-35, ATK-6, SEC-29. A change of address or User-Agent is reported at once, and once; it is recorded with the next
// write, and causes none.
func TestClientChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var changes []Event
		db := new(counting)
		m := newManager(t, db, Config{Observe: func(_ context.Context, e Event) {
			if e.Kind == ClientChanged {
				changes = append(changes, e)
			}
		}})
		b := newBrowser(t, m)
		b.do(func(s Session) { s.Login("alice") })
		writes := db.writes()
		for i := range 50 {
			time.Sleep(time.Second)
			b.client.IP = netip.AddrFrom4([4]byte{198, 51, 100, byte(i)})
			b.user()
			b.user()
			if n := db.writes() - writes; n != 0 || len(changes) != i+1 || changes[i].Client.IP != b.client.IP {
				t.Fatalf("change %d: %d writes, %d events, want none and one for each change", i, n, len(changes))
			}
		}
		time.Sleep(10 * time.Second)
		b.user()
		b.user()
		if n := db.writes() - writes; n != 1 || len(changes) != 50 {
			t.Errorf("when it is recorded: %d writes, %d events, want one write and no other event", n, len(changes))
		}
		b.client = Client{UserAgent: "other/2.0"} // the address is unknown: the last known one stays
		b.do(func(s Session) { color.Set(s, "red") })
		list, err := Collect(m.Sessions(t.Context(), "alice"))
		if err != nil || len(list) != 1 || list[0].UserAgent != "other/2.0" || list[0].IP != netip.AddrFrom4([4]byte{198, 51, 100, 49}) {
			t.Errorf("list: got %+v, %v", list, err)
		}
	})
}

// TestClockStepsBack: BAD-66. A touch never moves last seen, or the end, backwards.
func TestClockStepsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := new(memory.Store)
		m := newManager(t, db, Config{})
		b := newBrowser(t, m)
		b.do(func(s Session) { s.Login("alice") })
		time.Sleep(10 * time.Minute)
		b.user()
		id := b.id()
		want, _ := db.Load(t.Context(), id)
		r := b.start()
		r.s.self().started = r.s.self().started.Add(-5 * time.Minute) // as on a node whose clock is behind
		color.Set(r.s, "red")
		if _, err := r.end(); err != nil {
			t.Fatal(err)
		}
		got, _ := db.Load(t.Context(), id)
		if got.LastSeen.Before(want.LastSeen) || got.ExpiresAt.Before(want.ExpiresAt) {
			t.Errorf("last seen moved by %v, the end by %v", got.LastSeen.Sub(want.LastSeen), got.ExpiresAt.Sub(want.ExpiresAt))
		}
	})
}

// TestIDsAreMonotonic: IDs sort by creation within a manager, even if the clock steps back.
func TestIDsAreMonotonic(t *testing.T) {
	m := newManager(t, new(memory.Store), Config{})
	at := now()
	first := m.newID(at)
	second := m.newID(at.Add(-time.Hour))
	if string(first[:6]) > string(second[:6]) {
		t.Errorf("%v made after %v sorts before it", second, first)
	}
}

// TestCookieNeverRoundsToZero: BAD-64. A Max-Age of zero would delete the cookie that is being set.
func TestCookieNeverRoundsToZero(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBrowser(t, newManager(t, new(memory.Store), Config{Policy: Policy{RememberLifetime: time.Minute}}))
		b.do(func(s Session) { s.Login("alice", Remember()) })
		time.Sleep(time.Minute - 300*time.Millisecond)
		if e := b.do(func(s Session) { s.Rotate() }); !strings.Contains(e.Value, "; Max-Age=1;") {
			t.Errorf("Max-Age with 300 ms left: %q", strings.SplitN(e.Value, ";", 2)[1])
		}
	})
}
