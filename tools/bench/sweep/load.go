package sweep

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/store"
)

// A load signs in, and touches sessions that are live, at a fixed rate.
type load struct {
	sessions *session.Manager
	store    store.Store
	live     []store.ID // that were there from the beginning
	rate     int

	mu     sync.Mutex
	logins []store.ID // that were acknowledged
}

const workers = 8

// run works until the context until is done; a request that has begun then ends under ctx.
func (l *load) run(ctx, until context.Context) (Load, error) {
	errs := make([]error, workers)
	took := make([][]time.Duration, workers)
	interval := time.Second * workers / time.Duration(l.rate)
	var wg sync.WaitGroup
	for i := range workers {
		do := l.login
		if i%2 == 1 {
			do = l.touch
		}
		wg.Go(func() { took[i], errs[i] = paced(ctx, until, interval, do) })
	}
	wg.Wait()
	var both [2][]time.Duration
	for i := range workers {
		both[i%2] = append(both[i%2], took[i]...)
	}
	return Load{Login: latency(both[0]), Touch: latency(both[1])}, errors.Join(errs...)
}

// paced calls do once an interval. A call that comes late for the sake of the one before it is counted from when it was
// due, or a long pause would count once.
func paced(ctx, until context.Context, interval time.Duration, do func(context.Context) error) ([]time.Duration, error) {
	var took []time.Duration
	timer := time.NewTimer(rand.N(interval))
	defer timer.Stop()
	select {
	case <-until.Done():
		return nil, nil
	case <-timer.C:
	}
	for due := time.Now(); ; {
		if err := do(ctx); err != nil {
			return took, err
		}
		took = append(took, time.Since(due))
		due = due.Add(interval)
		wait := time.Until(due)
		timer.Reset(max(wait, 0))
		select {
		case <-until.Done():
			return took, nil
		case <-timer.C:
		}
		if wait > 0 {
			due = time.Now() // how late a timer is has nothing to do with the database
		}
	}
}

func (l *load) login(ctx context.Context) error {
	ctx, _ = l.sessions.Start(ctx, session.Client{IP: netip.MustParseAddr("192.0.2.7"), UserAgent: userAgent})
	defer l.sessions.Close(ctx)
	s, err := session.From(ctx)
	if err != nil {
		return err
	}
	s.Login(fmt.Sprint("user-", rand.N(users)))
	if _, err := l.sessions.Commit(ctx); err != nil {
		return fmt.Errorf("login: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.logins = append(l.logins, s.ID())
	return nil
}

// touch does what a request does that only reads.
func (l *load) touch(ctx context.Context) error {
	r, err := l.store.Load(ctx, l.live[rand.N(len(l.live))])
	if errors.Is(err, store.ErrNotFound) { // the verification counts it
		return nil
	}
	if err != nil {
		return fmt.Errorf("load a live session: %w", err)
	}
	now := time.Now().UTC().Truncate(time.Microsecond)
	err = l.store.Touch(ctx, r, store.Touch{LastSeen: now, ExpiresAt: r.ExpiresAt.Add(time.Second), IP: r.IP, UserAgent: r.UserAgent})
	if err != nil && !errors.Is(err, store.ErrConflict) { // another worker has the same session
		return fmt.Errorf("touch: %w", err)
	}
	return nil
}

func latency(all []time.Duration) Latency {
	n := len(all)
	if n == 0 {
		return Latency{}
	}
	slices.Sort(all)
	return Latency{Count: n, P50: all[n/2], P99: all[n*99/100], Max: all[n-1]}
}
