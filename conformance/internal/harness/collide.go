package harness

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// What the configuration of a suite leaves out. A race in memory is over in microseconds, and lost once in hundreds of
// rounds: it goes on for RaceTime. One over a network is lost sooner, and has used up that time when it has run its rounds.
const (
	DefaultRounds = 50
	RaceTime      = 200 * time.Millisecond
	maxRounds     = 10000
)

// Round runs f as often as the trial says, and again while there is time, until a violation is found.
func (t *Trial) Round(f func()) { t.AtLeast(t.Rounds, f) }

// AtLeast is Round for an f that is long.
func (t *Trial) AtLeast(rounds int, f func()) {
	start := time.Now()
	for n := 0; n < rounds || n < maxRounds && time.Since(start) < t.RaceTime; n++ {
		f()
		t.Still()
	}
}

// Together runs functions at the same time and waits for all. They must not end the case. Each spins until the last one
// is there: who waits for a channel instead is woken one after the other, and late.
func (t *Trial) Together(fs ...func()) {
	var wg sync.WaitGroup
	var here atomic.Int64
	t.turn++
	for i := range fs {
		f := fs[(i+t.turn)%len(fs)] // the scheduler has favorites
		wg.Go(func() {
			defer t.Recovered()
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
