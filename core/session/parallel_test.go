package session

import (
	"errors"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/qsessions/qsessions/core/memory"
)

// TestReadWhileSaving: BAD-47. A goroutine that reads values for the first time while another one saves loses none.
func TestReadWhileSaving(t *testing.T) {
	b := newBrowser(t, newManager(t, new(memory.Store), Config{}))
	b.do(func(s Session) { color.Set(s, "red") })
	for range 300 {
		b.do(func(s Session) {
			var wg sync.WaitGroup
			wg.Go(func() {
				s.Rotate()
				if err := s.Save(t.Context()); err != nil {
					t.Error(err)
				}
			})
			wg.Go(func() { color.Get(s) })
			wg.Wait()
			if color.Get(s) != "red" {
				t.Fatal("the value has vanished")
			}
		})
	}
}

// TestEverythingAtOnce: BAD-47. Goroutines of one request do whatever can be done to a session, over a store whose answers
// get lost: there is no race and no deadlock, and what is left is sound.
func TestEverythingAtOnce(t *testing.T) {
	db := new(counting)
	m := newManager(t, db, Config{Policy: Policy{RotateEvery: time.Second, Grace: time.Millisecond}, PerUser: Limit{Max: 5}})
	for _, method := range []string{"Save", "Create", "Cutoff"} {
		hook := func() error {
			runtime.Gosched()
			if rand.N(10) == 0 {
				return errNetwork
			}
			return nil
		}
		db.onBefore(method, hook)
		db.onAfter(method, hook)
	}
	for i := range 100 {
		b := newBrowser(t, m)
		r := b.start()
		color.Set(r.s, "red")
		if i%2 == 0 {
			r.s.Login("alice")
		}
		_, _ = r.end()
		r = b.old().start()
		ctx := t.Context()
		all := []func(){
			func() { color.Get(r.s) }, func() { shape.Set(r.s, "round") }, func() { visits.Update(r.s, increment) }, func() { r.s.Clear() },
			func() { r.s.Login("alice") }, func() { r.s.Login("bob") }, func() { r.s.Reauthenticate() }, func() { r.s.Logout() },
			func() { r.s.Rotate() }, func() { r.s.Expire(time.Hour, time.Hour) }, func() { r.s.Info() },
			func() { _ = r.s.Save(ctx) }, func() { _ = r.s.Save(ctx) }, func() { _, _ = m.Commit(r.ctx) },
			func() { _, _ = m.RevokeUser(r.ctx, "alice") }, func() { _, _ = m.RevokeOthers(r.ctx, r.s) },
			func() { _ = m.Revoke(r.ctx, "alice", r.s.ID()) }, func() { _, _ = m.Require(r.ctx, Requirement{Level: 1}) },
			func() {
				for range r.s.Keys() {
					break
				}
			},
		}
		var wg sync.WaitGroup
		for range 6 {
			wg.Go(func() {
				for range 5 {
					all[rand.N(len(all))]()
				}
			})
		}
		wg.Wait()
		_, _ = r.end()
	}
	for _, method := range []string{"Save", "Create", "Cutoff"} {
		db.onBefore(method, nil)
		db.onAfter(method, nil)
	}
	if _, err := m.RevokeUser(t.Context(), "alice"); err != nil {
		t.Error(err)
	}
	if list, err := Collect(m.Sessions(t.Context(), "alice")); err != nil || len(list) > 0 {
		t.Errorf("left: %+v, %v", list, err)
	}
}

// TestFinish: BAD-71. What a goroutine changes while its request is finished is stored, or refused; it is not lost.
func TestFinish(t *testing.T) {
	b := newBrowser(t, newManager(t, new(memory.Store), Config{}))
	b.do(func(s Session) { s.Login("alice") })
	const count Key[int] = "count"
	stored, refused := 0, 0
	for range 300 {
		r := b.start()
		count.Set(r.s, 0)
		accepted, done := 0, make(chan bool)
		go func() {
			defer close(done)
			for accepted < 1000 {
				if count.Set(r.s, accepted+1); r.s.Err() != nil {
					return
				}
				accepted++
				runtime.Gosched()
			}
		}()
		runtime.Gosched()
		if _, err := b.m.Finish(r.ctx); err != nil {
			t.Fatal(err)
		}
		<-done
		b.m.Close(r.ctx)
		b.do(func(s Session) {
			if got := count.Get(s); got != accepted {
				t.Fatalf("%d changes were accepted, and %d stored", accepted, got)
			}
		})
		stored += min(accepted, 1)
		refused += min(1000-accepted, 1)
	}
	if stored == 0 || refused == 0 {
		t.Errorf("in %d requests a change came before the end, in %d one after it: the test has shown nothing", stored, refused)
	}
}

// TestFinishIdle: BAD-71. A request that has nothing to store is finished all the same.
func TestFinishIdle(t *testing.T) {
	b := newBrowser(t, newManager(t, new(memory.Store), Config{}))
	r := b.start()
	if _, err := b.m.Finish(r.ctx); err != nil {
		t.Fatal(err)
	}
	if color.Set(r.s, "red"); !errors.Is(r.s.Err(), ErrClosed) {
		t.Errorf("a change after Finish: got %v, want ErrClosed", r.s.Err())
	}
	b.m.Close(r.ctx)
}
