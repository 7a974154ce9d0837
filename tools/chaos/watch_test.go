package chaos

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// A call is late by what it takes after its deadline, also one that never ends; one without a deadline is not.
func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWatch()
		want := func(late time.Duration, which string) {
			t.Helper()
			if got, name := w.lateness(); got != late || name != which {
				t.Errorf("got %v, %q, want %v, %q", got, name, late, which)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		inTime, late, never := w.call(ctx, "in time"), w.call(ctx, "late"), w.call(ctx, "never")
		free := w.call(t.Context(), "free")
		time.Sleep(time.Second)
		inTime()
		want(0, "")
		time.Sleep(time.Second)
		late()
		want(time.Second, "late")
		time.Sleep(time.Second)
		want(2*time.Second, "never")
		if got := w.running(); got != "map[free:1 never:1]" {
			t.Errorf("%s are running", got)
		}
		time.Sleep(time.Second)
		free()
		never()
		time.Sleep(time.Second)
		want(3*time.Second, "never")
	})
}

// A client that goes away ends the calls of its request, but not what is detached from it.
func TestWatchClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, c := newWatch(), new(client)
		ctx, cancel := context.WithCancel(context.WithValue(t.Context(), clientKey{}, c))
		before, read, write := w.call(ctx, "before"), w.call(ctx, "read"), w.call(context.WithoutCancel(ctx), "write")
		time.Sleep(time.Second)
		before()
		c.leave()
		cancel()
		time.Sleep(time.Second)
		write()
		if late, which := w.lateness(); late != time.Second || which != "read" {
			t.Errorf("got %v, %q", late, which)
		}
		read()
	})
}

// A fault is felt from its begin, and needlessly since the servers could have answered.
func TestOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tally := newTally()
		want := func(felt, needless time.Duration) {
			t.Helper()
			if a, b := tally.outage(); a != felt || b != needless {
				t.Errorf("got %v, %v, want %v, %v", a, b, felt, needless)
			}
		}
		tally.answered(503, 0)
		time.Sleep(time.Second)
		tally.harm()
		tally.answered(200, 0)
		time.Sleep(time.Second)
		want(0, 0)
		tally.mend()
		tally.answered(503, 0)
		want(time.Second, 0)
		time.Sleep(time.Second)
		tally.mend() // was noted
		tally.answered(401, 0)
		want(time.Second, 0)
		tally.called(context.DeadlineExceeded, 0)
		want(2*time.Second, time.Second)
	})
}
