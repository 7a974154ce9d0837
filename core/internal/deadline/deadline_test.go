package deadline

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// A deadline is a context like any other, whether somebody waits for it or only asks.
func TestDeadline(t *testing.T) {
	t.Parallel()
	type key struct{}
	for name, c := range map[string]struct {
		end  func(parent context.CancelFunc, d *deadline)
		want error
	}{
		"time":   {func(context.CancelFunc, *deadline) { time.Sleep(time.Second) }, context.DeadlineExceeded},
		"parent": {func(parent context.CancelFunc, _ *deadline) { parent() }, context.Canceled},
		"end":    {func(_ context.CancelFunc, d *deadline) { d.end() }, context.Canceled},
	} {
		for _, waits := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				parent, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, 1))
				defer cancel()
				at := time.Now().Add(time.Second)
				d := &deadline{parent: parent, at: at}
				var derived context.Context
				if waits {
					var stop context.CancelFunc
					derived, stop = context.WithCancel(d)
					defer stop()
				}
				if got, ok := d.Deadline(); !ok || !got.Equal(at) || d.Err() != nil {
					t.Fatalf("%s: Deadline %v, Err %v; want %v, nil", name, got, d.Err(), at)
				}
				time.Sleep(time.Second - 1)
				if d.Err() != nil {
					t.Errorf("%s: Err = %v a moment before the end", name, d.Err())
				}
				c.end(cancel, d)
				synctest.Wait()
				if err := d.Err(); !errors.Is(err, c.want) || !errors.Is(context.Cause(d), c.want) {
					t.Errorf("%s: Err = %v, cause %v; want %v", name, err, context.Cause(d), c.want)
				}
				if waits && !errors.Is(derived.Err(), c.want) {
					t.Errorf("%s: Err of a derived context = %v, want %v", name, derived.Err(), c.want)
				}
				select {
				case <-d.Done():
				default:
					t.Errorf("%s: Done is open", name)
				}
				if d.Value(key{}) != 1 {
					t.Errorf("%s: the values of the parent are not there", name)
				}
				d.end()
			})
		}
	}
}

// Within another deadline the earlier end counts, and nobody has to wait for the outer one to see that its parent ended.
func TestNested(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ outer, inner, want time.Duration }{{time.Second, 100, 100}, {100, time.Second, 100}} {
		for _, waits := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				parent, cancel := context.WithCancel(t.Context())
				outer, endOuter := WithTimeout(parent, c.outer)
				defer endOuter()
				inner, endInner := WithTimeout(outer, c.inner)
				defer endInner()
				if at, _ := inner.Deadline(); !at.Equal(time.Now().Add(c.want)) {
					t.Errorf("%v in %v: the deadline is in %v", c.inner, c.outer, time.Until(at))
				}
				if waits {
					select {
					case <-inner.Done():
						t.Fatal("done at once")
					default:
					}
				}
				if outer.(*deadline).ctx != nil {
					t.Error("the outer one has a timer, and nobody waits for it")
				}
				time.Sleep(c.want)
				synctest.Wait()
				if err := inner.Err(); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%v in %v: got %v at its end", c.inner, c.outer, err)
				}
				again, endAgain := WithTimeout(outer, time.Hour)
				defer endAgain()
				cancel()
				synctest.Wait()
				if c.outer > c.want && !errors.Is(again.Err(), context.Canceled) {
					t.Errorf("the parent's end: got %v", again.Err())
				}
			})
		}
	}
}
