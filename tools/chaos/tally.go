package chaos

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/qsessions/qsessions/core/session"
)

// A violation is something that must never happen.
type violation int

const (
	lostWrite violation = iota
	resurrected
	afterNil
	afterEffectiveBy
	wrongUser
	falseLogout
	violations // how many there are
)

// Violations names the figures that must be zero, in the order of Result.Wrong.
var Violations = [violations]string{"lost acknowledged writes", "resurrected sessions", "accepts after nil", "accepts after EffectiveBy", "wrong-user reads", "false logouts"}

// A tally counts answers, phase by phase.
type tally struct {
	mu       sync.Mutex
	phase    *Phase
	wrongs   [violations]int
	examples []string
	stalest  time.Duration

	harmed time.Time // when the fault began
	mended time.Time // since when the servers could have answered
	failed time.Time // when the last request failed that did
}

// A Phase is a part of a scenario.
type Phase struct {
	Name        string
	Took        time.Duration
	OK          int // answers that said yes or no, refusals of ended sessions included
	Unavailable int // 503
	Other       int // other errors
	Pending     int // revocations that are final, of which the cache could not be told
	P50, P99    time.Duration
	Max         time.Duration

	began   time.Time
	latency []time.Duration
}

// Held is the load that was answered.
func (p *Phase) Held() float64 { return float64(p.OK) / p.Took.Seconds() }

func newTally() *tally { return &tally{phase: &Phase{began: time.Now()}} }

// next ends the phase, and begins another.
func (t *tally) next(name string) *Phase {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.phase
	p.Took = time.Since(p.began)
	slices.Sort(p.latency)
	if n := len(p.latency); n > 0 {
		p.P50, p.P99, p.Max = p.latency[n/2], p.latency[n*99/100], p.latency[n-1]
	}
	p.latency = nil
	t.phase = &Phase{Name: name, began: time.Now()}
	return p
}

// await returns when the phase has an answer: the machine may have stood still.
func (t *tally) await(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for ctx.Err() == nil && !t.hasAnswer() {
		pause(ctx, 20*time.Millisecond)
	}
}

func (t *tally) hasAnswer() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.phase.OK > 0
}

func (t *tally) answered(code int, d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch code {
	case http.StatusOK, http.StatusUnauthorized:
		t.phase.OK++
	case http.StatusServiceUnavailable:
		t.phase.Unavailable++
		t.failed = time.Now()
	default:
		t.phase.Other++
		t.failed = time.Now()
	}
	t.phase.latency = append(t.phase.latency, d)
}

// called counts a revocation. That there was nothing to revoke is an answer.
func (t *tally) called(err error, d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case err == nil || notFound(err):
		t.phase.OK++
	case !effectiveBy(err).IsZero():
		t.phase.OK++
		t.phase.Pending++
	case unavailable(err):
		t.phase.Unavailable++
		t.failed = time.Now()
	default:
		t.phase.Other++
		t.failed = time.Now()
	}
	t.phase.latency = append(t.phase.latency, d)
}

// harm notes that the fault begins.
func (t *tally) harm() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.harmed = time.Now()
}

// mend notes that the servers can answer from now on. The first time counts: that of the fault, or else of its end.
func (t *tally) mend() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.mended.IsZero() {
		t.mended = time.Now()
	}
}

// outage returns for how long users felt the fault: from its begin, and since the servers could have answered, until the
// first moment since which all requests succeed.
func (t *tally) outage() (felt, needless time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.mended.IsZero() {
		needless = max(0, t.failed.Sub(t.mended))
	}
	return max(0, t.failed.Sub(t.harmed)), needless
}

const maxExamples = 5

func (t *tally) wrong(v violation, format string, a ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.wrongs[v]++
	if len(t.examples) < maxExamples {
		t.examples = append(t.examples, fmt.Sprintf("%s (%s): ", Violations[v], t.phase.Name)+fmt.Sprintf(format, a...))
	}
}

func (t *tally) stale(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stalest = max(t.stalest, d)
}

// result returns what was wrong, how old the oldest values were, and examples.
func (t *tally) result() (wrongs [violations]int, stalest time.Duration, examples []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.wrongs, t.stalest, t.examples
}

func notFound(err error) bool    { return errors.Is(err, session.ErrNotFound) }
func unavailable(err error) bool { return errors.Is(err, session.ErrUnavailable) }
