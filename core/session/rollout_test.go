package session

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qsessions/qsessions/core/memory"
)

// rollouts are changes of the cookie, each by releases of which any two that follow one another may run side by side.
func rollouts() map[string][]Config {
	parted := Cookie{Partitioned: true}
	return map[string][]Config{
		"partitioned": {{}, {Cookie: parted}},
		"partitioned, own name": {
			{Cookie: sid, OldCookies: []Cookie{{Name: "sid", Partitioned: true}}}, {Cookie: Cookie{Name: "sid", Partitioned: true}},
		},
		"another name": {{}, {OldCookies: []Cookie{idCookie}}, {Cookie: idCookie, OldCookies: []Cookie{{}}}},
		"another name, one realm": {
			{Realm: "shop"}, {Realm: "shop", OldCookies: []Cookie{idCookie}}, {Realm: "shop", Cookie: idCookie, OldCookies: []Cookie{{}}},
		},
		"domain":           {{}, {OldCookies: []Cookie{wide}}, {Cookie: wide, OldCookies: []Cookie{{}}}},
		"domain, own name": {{Cookie: sid, OldCookies: []Cookie{wideSid}}, {Cookie: wideSid, OldCookies: []Cookie{sid}}},
		"path, own name":   {{Cookie: sid}, {Cookie: sid, OldCookies: []Cookie{{Name: "sid", Path: "/app"}}}, {Cookie: Cookie{Name: "sid", Path: "/app"}, OldCookies: []Cookie{sid}}},
	}
}

// TestRollout: RPT-16, RPT-14. While the cookie's name or scope changes, forward and back, with instances of two releases over
// one store, parallel requests whose responses come in any order, and now and then a lost one: no user is signed out.
func TestRollout(t *testing.T) {
	for name, releases := range rollouts() {
		for _, p := range []Policy{{}, {RotateEvery: rotateEvery}} {
			for seed := range uint64(30) {
				synctest.Test(t, func(t *testing.T) {
					r := rand.New(rand.NewPCG(seed, 1))
					db := new(memory.Store)
					var managers []*Manager
					for _, c := range releases {
						c.Policy = p
						managers = append(managers, newManager(t, db, c))
					}
					b := &cookies{t: t, newer: seed%2 == 0}
					b.do(managers[0], func(s Session) { s.Login("alice", Remember()) })
					// Forward and back; between two releases both are in use. After a lost response a browser may keep the
					// cookie of before for a RotateEvery.
					for i := range 9 * 5 {
						at := 4 - max(i/5-4, 4-i/5)
						var live []*Manager
						for i := range 2 {
							live = append(live, managers[min((at+i)/2, len(managers)-1)])
						}
						walk(t, b, r, live, i%5 == 0, fmt.Sprintf("%s, rotation %v, seed %d, step %d", name, p.RotateEvery, seed, at))
					}
				})
			}
		}
	}
}

// walk makes a few parallel requests at random instances, of which at most one response is lost, and two more.
func walk(t *testing.T, b *cookies, r *rand.Rand, live []*Manager, lossy bool, what string) {
	t.Helper()
	var open []*exchange
	for range 1 + r.IntN(4) {
		open = append(open, b.start(live[r.IntN(len(live))]))
		time.Sleep(time.Duration(r.IntN(3000)) * time.Millisecond)
	}
	var answers []http.Header
	for _, i := range r.Perm(len(open)) {
		x := open[i]
		if u := x.s.User(); u != "alice" {
			t.Fatalf("%s: a request is of user %q; %v", what, u, b)
		}
		if r.IntN(4) == 0 {
			visits.Set(x.s, r.IntN(100))
		}
		answers = append(answers, x.end())
	}
	lost := r.IntN(6)
	for i := range answers {
		if i != lost || !lossy {
			b.take(answers[i])
		}
	}
	if len(b.held) > 2 {
		t.Errorf("%s: the browser has %v", what, b)
	}
	for range 2 {
		if u := b.user(live[r.IntN(len(live))]); u != "alice" {
			t.Fatalf("%s: user %q; %v", what, u, b)
		}
	}
	if lossy {
		time.Sleep(rotateEvery)
	}
	time.Sleep(time.Duration(r.IntN(10)) * time.Minute)
}
