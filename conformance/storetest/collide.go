package storetest

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// What Config leaves out. A race in memory is over in microseconds, and lost once in hundreds of rounds: it goes on for
// raceTime. One over a network is lost sooner, and has used up that time when it has run its rounds.
const (
	defaultRounds = 50
	maxRounds     = 10000
	raceTime      = 200 * time.Millisecond
)

// round runs f as often as the configuration says, and again while there is time, until a violation is found.
func (e *env) round(f func()) { e.atLeast(e.rounds, f) }

// atLeast is round for an f that is long.
func (e *env) atLeast(rounds int, f func()) {
	start := time.Now()
	for n := 0; n < rounds || n < maxRounds && time.Since(start) < e.raceTime; n++ {
		f()
		e.still()
	}
}

// together runs functions at the same time and waits for all. They must not end the case. Each spins until the last one
// is there: who waits for a channel instead is woken one after the other, and late.
func (e *env) together(fs ...func()) {
	var wg sync.WaitGroup
	var here atomic.Int64
	e.turn++
	for i := range fs {
		f := fs[(i+e.turn)%len(fs)] // the scheduler has favorites
		wg.Go(func() {
			defer e.recovered()
			here.Add(1)
			for spins := 1; here.Load() < int64(len(fs)); spins++ {
				if spins%50 == 0 { // there may be fewer processors than functions
					runtime.Gosched()
				}
			}
			f()
		})
	}
	wg.Wait()
}
