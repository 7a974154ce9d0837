package session

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/qsessions/qsessions/core/memory"
)

// TestObserverReadsCorruptValue: BAD-48. An observer may read the very value that it is told of.
func TestObserverReadsCorruptValue(t *testing.T) {
	for _, wrongKey := range []bool{false, true} {
		told := 0
		c := Config{Observe: func(ctx context.Context, e Event) {
			if e.Kind != ValueCorrupt {
				return
			}
			if told++; told > 10 {
				panic("the observer is told of what it does itself")
			}
			s, err := From(ctx)
			if err != nil || visits.Has(s) != !wrongKey || visits.Get(s) != 0 {
				t.Errorf("within the observer: %v, %d visits", err, visits.Get(s))
			}
		}}
		want := 1
		if wrongKey {
			c.Keys = [][]byte{newKey()}
		}
		db := new(memory.Store)
		b := newBrowser(t, newManager(t, db, Config{}))
		b.do(func(s Session) { Key[string](visits).Set(s, "many") })
		b.m = newManager(t, db, c)
		b.do(func(s Session) { visits.Get(s); visits.Get(s) })
		if told != want {
			t.Errorf("wrong key %t: told %d times, want %d", wrongKey, told, want)
		}
	}
}

// TestPanicWhileReapplied: BAD-47. A function that panics when it is applied again leaves no lock behind.
func TestPanicWhileReapplied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBrowser(t, newManager(t, new(memory.Store), Config{}))
		b.do(func(s Session) { visits.Set(s, 1) })
		r := b.old().start()
		calls := 0
		visits.Update(r.s, func(n int) int {
			if calls++; calls > 1 {
				panic("again")
			}
			return n + 1
		})
		b.do(func(s Session) { visits.Set(s, 5) })
		func() {
			defer func() {
				if recover() == nil {
					t.Error("the function was not applied again")
				}
			}()
			_ = r.s.Save(r.ctx)
		}()
		done := make(chan struct{})
		go func() { // synctest reports a deadlock
			defer close(done)
			r.s.Clear()
			r.s.Logout()
			r.b.m.Close(r.ctx)
		}()
		<-done
	})
}

// TestUpdateUnderContention: BAD-47. Changes by other goroutines of the request delay an Update, and do not fail it.
func TestUpdateUnderContention(t *testing.T) {
	b := newBrowser(t, newManager(t, new(memory.Store), Config{}))
	b.do(func(s Session) {
		calls := 0
		visits.Update(s, func(n int) int {
			if calls++; calls <= 50 {
				var other sync.WaitGroup
				other.Go(func() { shape.Set(s, "round") })
				other.Wait()
			}
			return n + 1
		})
		if calls != 51 {
			t.Errorf("the function was called %d times, want 51", calls)
		}
	})
	b.do(func(s Session) {
		if visits.Get(s) != 1 || shape.Get(s) != "round" {
			t.Errorf("got %d visits, shape %q, want 1 and round", visits.Get(s), shape.Get(s))
		}
	})
}

// leaky is a value whose encoding panics with what it holds.
type leaky string

func (l leaky) MarshalJSON() ([]byte, error) { panic("cannot encode " + string(l)) }

// TestEncodePanicHidesValue: SEC-23, CVE-36. The error of a value that panics does not repeat what it panics with.
func TestEncodePanicHidesValue(t *testing.T) {
	r := newBrowser(t, newManager(t, new(memory.Store), Config{})).start()
	Key[leaky]("card").Set(r.s, "4111-1111")
	if _, err := r.end(); err == nil || strings.Contains(err.Error(), "4111") || !strings.Contains(err.Error(), "card") {
		t.Errorf("got %v, want an error that names the key alone", err)
	}
}

// TestEnrichersAreCopied: what the caller does with the slice afterwards changes nothing.
func TestEnrichersAreCopied(t *testing.T) {
	calls := 0
	enrichers := []Enricher{EnricherFunc(func(context.Context, Client) (Facts, error) { calls++; return Facts{}, nil })}
	m := newManager(t, new(memory.Store), Config{Enrichers: enrichers})
	enrichers[0] = nil
	signedIn(t, m, "alice", 1)
	if _, err := Collect(m.Sessions(t.Context(), "alice")); err != nil || calls != 1 {
		t.Errorf("%d calls, %v, want 1", calls, err)
	}
}
