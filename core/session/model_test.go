package session

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"
)

// TestRequestsAgainstModel: CVE-11, BAD-74. Whatever one client does over a store whose answers get lost: once a commit
// succeeds, exactly what its request saw is stored, nothing twice, and the client holds the token.
func TestRequestsAgainstModel(t *testing.T) {
	for seed := range uint64(500) {
		synctest.Test(t, func(t *testing.T) { simulate(t, seed) })
	}
}

// model is what a session should hold.
type model struct {
	user   string
	visits int
	color  bool
}

func modelOf(s Session) model { return model{s.User(), visits.Get(s), color.Has(s)} }

func simulate(t *testing.T, seed uint64) {
	rnd := rand.New(rand.NewPCG(seed, 0))
	m, db := rotating(t, nil)
	failing := false
	hook := func() error {
		if failing && rnd.IntN(3) == 0 {
			return errNetwork
		}
		return nil
	}
	for _, method := range []string{"Create", "Save", "Touch", "Delete", "Cutoff"} {
		db.onBefore(method, hook)
		db.onAfter(method, hook)
	}
	b := newBrowser(t, m)
	var want model
	var trace []string
	check := func(s Session) {
		t.Helper()
		if got := modelOf(s); got != want {
			t.Fatalf("seed %d: got %+v, want %+v after %q", seed, got, want, trace)
		}
	}
	for range 6 {
		trace = append(trace, "request")
		r := b.start()
		check(r.s)
		for range rnd.IntN(8) {
			switch op := rnd.IntN(10); op {
			case 0, 1:
				user := [...]string{"alice", "bob"}[op]
				trace = append(trace, "login "+user)
				r.s.Login(user)
				if want.user != "" && want.user != user {
					want = model{}
				}
				want.user = user
			case 2:
				trace = append(trace, "logout")
				r.s.Logout()
				want = model{}
			case 3:
				if want.user != "" {
					trace = append(trace, "reauthenticate")
					r.s.Reauthenticate()
				}
			case 4:
				trace = append(trace, "update")
				visits.Update(r.s, increment)
				want.visits++
			case 5:
				trace = append(trace, "set")
				color.Set(r.s, "red")
				want.color = true
			case 6:
				trace = append(trace, "clear")
				r.s.Clear()
				want = model{user: want.user}
			case 7:
				trace = append(trace, "rotate, expire")
				r.s.Rotate()
				r.s.Expire(time.Hour, 10*time.Hour)
			default:
				failing = true
				err := r.s.Save(r.ctx)
				failing = false
				if trace = append(trace, fmt.Sprint("save: ", err)); err != nil && !errors.Is(err, ErrUnavailable) {
					t.Fatalf("seed %d: Save: %v after %q", seed, err, trace)
				}
			}
			check(r.s)
		}
		if _, err := r.end(); err != nil {
			t.Fatalf("seed %d: commit: %v after %q", seed, err, trace)
		}
		time.Sleep([...]time.Duration{0, time.Second, rotateEvery}[rnd.IntN(3)])
	}
}
