// Package bench measures what a session costs: requests through the net/http middleware, against the bare handler and the
// raw statements of the database as floors.
//
// On a loopback a round trip takes half of its time or twice, by how the processor sleeps. So a floor and its subject run
// in turn, in short blocks of one process, and what counts is their ratio. Targets go by the best blocks: those in which
// the machine did nothing else.
package bench

import (
	"errors"
	"runtime"
	"slices"
	"sync"
	"time"
)

// A Work does n operations as one of the workers, which are numbered from 0.
type Work func(worker, n int) error

// A Case is a work and its floor.
type Case struct {
	Name    string
	Store   string
	Workers int // goroutines
	Floor   Work
	Subject Work
	Target  Target
}

// A Target is what a case must not exceed; fields that are zero do not count. Times are those of the best blocks.
type Target struct {
	Ratio  float64       // to the floor
	Above  time.Duration // over the floor
	Time   time.Duration
	Allocs float64
	More   float64 // allocations over the floor's
}

// A Meter runs a case in rounds. It is not safe for concurrent use.
type Meter struct {
	c              Case
	floor, subject series
	rounds         int
}

// block is how long a work runs before it is the other one's turn: short, so that many blocks are left alone by whatever
// else the machine does.
const block = 2 * time.Millisecond

// NewMeter returns a meter that has warmed both works up.
func NewMeter(c Case) (*Meter, error) {
	m := &Meter{c: c, floor: series{work: c.Floor}, subject: series{work: c.Subject}}
	for _, s := range []*series{&m.floor, &m.subject} {
		if err := s.calibrate(c.Workers); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// Round runs one block of each.
func (m *Meter) Round() error {
	first, second := &m.floor, &m.subject
	if m.rounds++; m.rounds%2 == 0 {
		first, second = second, first
	}
	return errors.Join(first.block(m.c.Workers), second.block(m.c.Workers))
}

// A Result is what a [Meter] has found so far.
type Result struct {
	Floor, Subject    Cost
	Ratio, QuietRatio float64 // of the best and of the quiet times
}

// A Cost is of one operation. With several workers the times are those of all, divided by the operations.
type Cost struct {
	Best   time.Duration // of all blocks
	Quiet  time.Duration // the median of the faster half of the blocks
	CPU    time.Duration // the processor time of this process, whatever else the machine does; 0 if it is not known
	Bytes  float64
	Allocs float64
}

// Result returns what was found. There must have been a round.
func (m *Meter) Result() Result {
	r := Result{Floor: m.floor.cost(), Subject: m.subject.cost()}
	r.Ratio = float64(r.Subject.Best) / float64(max(r.Floor.Best, 1))
	r.QuietRatio = float64(r.Subject.Quiet) / float64(max(r.Floor.Quiet, 1))
	return r
}

// Holds reports whether r is within t.
func (t Target) Holds(r Result) bool {
	return (t.Ratio == 0 || r.Ratio <= t.Ratio) &&
		(t.Above == 0 || r.Subject.Best-r.Floor.Best <= t.Above) &&
		(t.Time == 0 || r.Subject.Best <= t.Time) &&
		(t.Allocs == 0 || r.Subject.Allocs < t.Allocs+0.5) &&
		(t.More == 0 || r.Subject.Allocs-r.Floor.Allocs < t.More+0.5)
}

// A series is the blocks of one work.
type series struct {
	work           Work
	n              int // operations of a worker in a block
	times          []time.Duration
	ops            int
	cpu            time.Duration
	mallocs, bytes uint64
}

// calibrate finds n, and has each worker do some work before anything counts.
func (s *series) calibrate(workers int) error {
	for s.n = 1; ; s.n *= 2 {
		d, err := s.run(workers)
		if err != nil {
			return err
		}
		if d >= block/2 {
			s.n = max(int(float64(s.n)*float64(block)/float64(d)), 1)
			return nil
		}
	}
}

func (s *series) run(workers int) (time.Duration, error) {
	if workers == 1 {
		start := time.Now()
		err := s.work(0, s.n)
		return time.Since(start), err
	}
	errs := make([]error, workers)
	var wg sync.WaitGroup
	start := time.Now()
	for i := range workers {
		wg.Go(func() { errs[i] = s.work(i, s.n) })
	}
	wg.Wait()
	return time.Since(start), errors.Join(errs...)
}

func (s *series) block(workers int) error {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	used := cpu()
	d, err := s.run(workers)
	s.cpu += cpu() - used
	runtime.ReadMemStats(&after)
	n := s.n * workers
	s.ops += n
	s.mallocs += after.Mallocs - before.Mallocs
	s.bytes += after.TotalAlloc - before.TotalAlloc
	s.times = append(s.times, d/time.Duration(n))
	return err
}

func (s *series) cost() Cost {
	times := slices.Sorted(slices.Values(s.times))
	quiet := times[:(len(times)+1)/2]
	return Cost{
		Best: times[0], Quiet: quiet[len(quiet)/2], CPU: s.cpu / time.Duration(s.ops),
		Bytes: float64(s.bytes) / float64(s.ops), Allocs: float64(s.mallocs) / float64(s.ops),
	}
}
