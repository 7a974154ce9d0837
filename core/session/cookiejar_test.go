package session

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qsessions/qsessions/core/memory"
)

// jarCase is one way in which Partitioned is turned on or off.
type jarCase struct {
	name          string
	before, after Config
}

func jarCases() []jarCase {
	plain, parted := Cookie{}, Cookie{Partitioned: true}
	sid, sidParted := Cookie{Name: "sid"}, Cookie{Name: "sid", Partitioned: true}
	return []jarCase{
		{"on", Config{Cookie: plain}, Config{Cookie: parted}},
		{"off", Config{Cookie: parted}, Config{Cookie: plain}},
		{"on, own name", Config{Cookie: sid}, Config{Cookie: sidParted}},
		{"off, own name", Config{Cookie: sidParted}, Config{Cookie: sid, OldCookies: []Cookie{sidParted}}},
		{"on, old named", Config{Cookie: plain}, Config{Cookie: parted, OldCookies: []Cookie{plain}}},
	}
}

// TestPartitioned: RPT-14, ATK-16. When Partitioned is turned on or off, browsers hold two cookies of the name for a while.
// Whatever the other one is worth: the user is signed in after one login, one response at the most takes the other one back,
// and a logout takes back both.
func TestPartitioned(t *testing.T) {
	for _, c := range jarCases() {
		for _, other := range []string{"live", "dead", "another user", "anonymous"} {
			for _, newer := range []bool{false, true} {
				name := fmt.Sprintf("%s/%s/latest first %t", c.name, other, newer)
				synctest.Test(t, func(t *testing.T) {
					db := new(memory.Store)
					before, after := newManager(t, db, c.before), newManager(t, db, c.after)
					b := &cookies{t: t, newer: newer}
					want := "alice"
					switch other {
					case "live", "dead":
						b.do(before, logsIn("alice"))
					case "another user":
						want = "bob"
						b.do(before, logsIn("bob"))
					case "anonymous":
						want = ""
						b.do(before, func(s Session) { color.Set(s, "red") })
					}
					if other == "dead" {
						want = ""
						time.Sleep(time.Second)
						if _, err := before.RevokeUser(t.Context(), "alice"); err != nil {
							t.Fatal(err)
						}
					}
					time.Sleep(time.Second)
					b.quiet(after, name+", before the login", want)
					b.do(after, logsIn("alice"))
					b.quiet(after, name, "alice")
					if len(b.held) != 1 || b.held[0].partitioned != c.after.Cookie.Partitioned {
						t.Errorf("%s: the browser has %v", name, b)
					}
					b.do(after, func(s Session) { s.Logout() })
					if len(b.held) != 0 {
						t.Errorf("%s: the logout leaves %v", name, b)
					}
				})
			}
		}
	}
}

// TestPartitionedLogoutAtOnce: RPT-14. A logout in the first request that shows both cookies takes back both.
func TestPartitionedLogoutAtOnce(t *testing.T) {
	for _, c := range jarCases() {
		for _, newer := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				db := new(memory.Store)
				before, after := newManager(t, db, c.before), newManager(t, db, c.after)
				b, other := &cookies{t: t, newer: newer}, &cookies{t: t}
				b.do(before, logsIn("alice"))
				time.Sleep(time.Second)
				other.do(after, logsIn("alice"))
				b.held = append(b.held, other.held...)
				b.do(after, func(s Session) { s.Logout() })
				if len(b.held) != 0 {
					t.Errorf("%s: the logout leaves %v", c.name, b)
				}
			})
		}
	}
}

// TestPartitionedBoth: RPT-14. Of two live sessions that one who signed in last counts, whichever cookie comes first, and
// stays when the response that takes back the other one is lost.
func TestPartitionedBoth(t *testing.T) {
	for _, c := range jarCases() {
		for _, users := range [][2]string{{"alice", "bob"}, {"bob", "alice"}, {"alice", "alice"}} {
			for _, latest := range []int{0, 1} {
				name := fmt.Sprint(c.name, users, latest)
				synctest.Test(t, func(t *testing.T) {
					db := new(memory.Store)
					m := [2]*Manager{newManager(t, db, c.before), newManager(t, db, c.after)}
					var jars [2]*cookies
					for _, i := range []int{1 - latest, latest} {
						jars[i] = &cookies{t: t}
						jars[i].do(m[i], logsIn(users[i]))
						time.Sleep(time.Second)
					}
					b := &cookies{t: t, held: append(jars[0].held, jars[1].held...)}
					lost := b.old()
					if u := lost.user(m[1]); u != users[latest] {
						t.Errorf("%s: user %q, want %q", name, u, users[latest])
					}
					b.newer = true
					time.Sleep(time.Minute)
					b.quiet(m[1], name, users[latest])
					if len(b.held) != 1 {
						t.Errorf("%s: the browser has %v", name, b)
					}
				})
			}
		}
	}
}

// TestPartitionedUnderRotation: RPT-14, ATK-3. A periodic exchange puts the new token into the jar of today; that of before
// may be shown beside it, and neither a lost response nor the other jar signs anybody out.
func TestPartitionedUnderRotation(t *testing.T) {
	for _, c := range jarCases() {
		for _, newer := range []bool{false, true} {
			for lose := range 4 {
				name := fmt.Sprintf("%s, latest first %t, response %d lost", c.name, newer, lose)
				synctest.Test(t, func(t *testing.T) {
					c.before.Policy, c.after.Policy = Policy{RotateEvery: rotateEvery}, Policy{RotateEvery: rotateEvery}
					db := new(memory.Store)
					before, after := newManager(t, db, c.before), newManager(t, db, c.after)
					b := &cookies{t: t, newer: newer}
					b.do(before, logsIn("alice"))
					last := ""
					for i := range 12 {
						time.Sleep(rotateEvery / 2)
						x := b.start(after)
						if x.s.User() != "alice" {
							t.Fatalf("%s: signed out by request %d: %v", name, i+1, b)
						}
						h := x.end()
						if i != lose {
							b.take(h)
						}
						if i > 8 && len(b.held) != 1 {
							t.Errorf("%s: after %d requests the browser has %v", name, i+1, b)
						}
						if i%4 == 3 {
							if b.held[len(b.held)-1].value == last {
								t.Errorf("%s: no new token in two periods", name)
							}
							last = b.held[len(b.held)-1].value
						}
					}
				})
			}
		}
	}
}

// TestDuplicateOfPlainName: RPT-14, RPT-16. Where a browser holds a cookie of the name that cannot be taken back, as its
// domain or path is none of ours, no response tries to again and again.
func TestDuplicateOfPlainName(t *testing.T) {
	for name, c := range map[string]Config{
		"plain":                {Cookie: Cookie{Name: "sid"}},
		"partitioned":          {Cookie: Cookie{Name: "sid", Partitioned: true}},
		"with old scopes":      {Cookie: Cookie{Name: "sid"}, OldCookies: []Cookie{{Name: "sid", Path: "/app"}}},
		"with another old one": {Cookie: Cookie{Name: "sid"}, OldCookies: []Cookie{{Name: "id"}}},
	} {
		for _, newer := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				m := newManager(t, new(memory.Store), c)
				b := &cookies{t: t, newer: newer, held: []held{{name: "sid", domain: "example.com", path: "/", value: freshToken()}}}
				b.do(m, logsIn("alice"))
				b.quiet(m, name, "alice")
			})
		}
	}
}

// crowd returns a browser of alice with a dead cookie in the other jar, whose token is due for an exchange, and its manager.
func crowd(t *testing.T) (*cookies, *Manager) {
	db := new(memory.Store)
	m := newManager(t, db, Config{Policy: Policy{RotateEvery: rotateEvery}})
	b := &cookies{t: t}
	b.do(newManager(t, db, Config{Cookie: Cookie{Partitioned: true}}), logsIn("alice"))
	time.Sleep(rotateEvery)
	return b, m
}

// TestPendingInTheOtherJar: RPT-14, ATK-3. A response that has put the next token beside that of before has arrived: of the
// two the next one counts, and the other one goes.
func TestPendingInTheOtherJar(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, m := crowd(t)
		b.do(m, nothing)
		if len(b.held) != 2 {
			t.Fatalf("no exchange: %v", b)
		}
		next := b.held[1].value
		b.quiet(m, "both", "alice")
		if len(b.held) != 1 || b.held[0].value != next {
			t.Errorf("the browser has %v", b)
		}
	})
}

// TestTidyBesideExchange: RPT-14, ATK-3. A request that tidies while a parallel one is given the next token does not hand out
// the old one, whose response could come last.
func TestTidyBesideExchange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, m := crowd(t)
		b.held = append(b.held, held{name: "__Host-session", path: "/", value: freshToken()})
		first, second := b.start(m), b.start(m)
		b.take(first.end())
		late := second.end()
		if b.user(m) != "alice" {
			t.Fatal("the next token does not work")
		}
		b.take(late)
		time.Sleep(2 * time.Minute)
		if u := b.user(m); u != "alice" {
			t.Errorf("user %q: the response of a parallel request brought the old token back", u)
		}
	})
}

// TestTidyInSlowRequest: RPT-14, ATK-3. Nor does a request that began before the exchange was due, and ends after it.
func TestTidyInSlowRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, m := crowd(t)
		b.do(m, nothing)
		b.do(m, nothing)
		b.held = append(b.held, held{name: "__Host-session", path: "/", partitioned: true, value: freshToken()})
		time.Sleep(rotateEvery - time.Second)
		slow := b.start(m)
		time.Sleep(time.Second)
		b.do(m, nothing)
		late := slow.end()
		if b.user(m) != "alice" {
			t.Fatal("the next token does not work")
		}
		b.take(late)
		time.Sleep(2 * time.Minute)
		if u := b.user(m); u != "alice" {
			t.Errorf("user %q: the response of a slow request brought the old token back", u)
		}
	})
}
