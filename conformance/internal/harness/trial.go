// Package harness runs the cases of the suites: it collects what they find, gives up what does not end, and makes calls
// collide.
package harness

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"time"
)

// A Trial is one run of one case. The first failed expectation ends the case, as in package testing.
type Trial struct {
	Rounds   int           // of each race, at least
	RaceTime time.Duration // for each race, at least

	turn int // of Together
	mu   sync.Mutex
	errs []error
}

// Errorf notes a violation.
func (t *Trial) Errorf(format string, a ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.errs) < 10 {
		t.errs = append(t.errs, fmt.Errorf(format, a...))
	}
}

// Fatalf ends the goroutine: no other than the case's own may call it.
func (t *Trial) Fatalf(format string, a ...any) {
	t.Errorf(format, a...)
	runtime.Goexit()
}

// Err returns the violations, joined, or nil.
func (t *Trial) Err() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return errors.Join(t.errs...)
}

// Still ends the case if another goroutine has found a violation.
func (t *Trial) Still() {
	if t.Err() != nil {
		runtime.Goexit()
	}
}

// Recovered reports a panic of what is tested. It is deferred.
func (t *Trial) Recovered() {
	if p := recover(); p != nil {
		t.Errorf("panic: %v\n%s", p, debug.Stack())
	}
}

// Do runs a case, then leave, and returns what was found. It gives up a case that does not end half the timeout after
// its context did: its goroutine, and what it tests, then stay behind.
func (t *Trial) Do(timeout time.Duration, f func(), leave func() error) error {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer t.Recovered()
		f()
	}()
	limit := time.NewTimer(timeout + timeout/2)
	defer limit.Stop()
	select {
	case <-done:
		return errors.Join(t.Err(), leave())
	case <-limit.C:
		return errors.Join(t.Err(), fmt.Errorf("still waits %v after the context of the case was done", timeout/2))
	}
}

// Every calls f until it returns true or ctx is done, and waits for the period between two calls. It calls f once more when
// ctx is done: on a machine that stood still it may not have been called for long.
func Every(ctx context.Context, period time.Duration, f func() bool) {
	tick := time.NewTicker(period)
	defer tick.Stop()
	for !f() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			f()
			return
		}
	}
}
