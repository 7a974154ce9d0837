package interleave

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/qsessions/qsessions/core/cacheddb"
	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/store"
)

// The times of the caches' contract, as cacheddb has them by default.
const (
	Freshness = 2 * time.Minute
	Skew      = 2 * time.Second
)

// A node is one process.
type node struct {
	manager *session.Manager
}

// A run is one schedule, in a world of its own.
type run struct {
	*scheduler

	db    *database // as the schedule leaves it, and not as in the scene
	slots *slots
	nodes [2]*node
	third *node     // a process that has seen nothing
	id    store.ID  // of S
	token string    // that the client of S has got latest
	stale time.Time // copies from before that may be in the cache at first end then

	*scene

	loads  []*operation // made in the end
	births map[string]birth
	broken []violation
}

// newRun opens the scene for a schedule. Call it in a bubble.
func newRun(c *Config, sc *scene) (*run, error) {
	r := &run{scheduler: &scheduler{c: c, stopped: make(chan struct{})}, db: sc.db.snapshot(), slots: sc.slots.snapshot()}
	r.scene, r.token, r.id = sc, sc.latest, idOf(sc.first)
	r.db.s, r.slots.s = r.scheduler, r.scheduler
	r.db.id, r.slots.id = r.id, r.id
	r.occupied, r.evict, r.restart, r.look = r.slots.occupied, r.slots.evict, r.slots.restart, r.peek
	for i := range r.nodes {
		n, err := r.process()
		if err != nil {
			return nil, err
		}
		r.nodes[i] = n
	}
	time.Sleep(sc.after)
	r.stale = time.Now().Add(Freshness)
	if c.Faults != NoFaults {
		r.budget = max(c.Budget, 1)
	}
	for i, k := range c.Ops {
		r.ops = append(r.ops, &operation{w: r, kind: k, n: i, node: r.nodes[i%len(r.nodes)], granted: make(chan order)})
	}
	return r, nil
}

// process starts a process.
func (r *run) process() (*node, error) {
	// A jump must not end contexts: the dangerous process is the one that goes on.
	both, err := cacheddb.New(r.c.Cache.open(r.slots), r.db, cacheddb.Config{Freshness: Freshness, Skew: Skew, Timeout: 5 * time.Second})
	if err != nil {
		return nil, err
	}
	policy := session.Policy{Grace: Grace, AnonymousIdle: 30 * time.Minute}
	if r.c.periodic() {
		policy.RotateEvery = RotateEvery
	}
	m, err := session.New(both, session.Config{Header: "Session", StoreTimeout: time.Hour, Observe: r.observe, Policy: policy})
	return &node{m}, err
}

// observe notes that a logout is pending, which only an event says.
func (r *run) observe(_ context.Context, e session.Event) {
	if p, ok := errors.AsType[*store.PendingError](e.Err); ok && r.running != nil && e.Kind == session.LoggedOut {
		r.running.pending = p.EffectiveBy
	}
}

// ask makes loads through each process, in the world as the schedule has left it.
func (r *run) ask(kind Op, nodes ...*node) {
	db, slots := r.db.snapshot(), r.slots.snapshot()
	for _, n := range nodes {
		r.load(n, kind, r.tokens()...)
		r.db.rows, r.db.cutoffs = db.rows, db.cutoffs
		s := slots.snapshot()
		r.slots.items, r.slots.random, r.slots.cas, r.slots.epoch = s.items, s.random, s.cas, s.epoch
	}
}

// peek makes loads that others see the traces of.
func (r *run) peek() {
	for _, n := range r.nodes {
		r.load(n, Load, r.tokens()...)
	}
}

// tokens are all that there are, that of the client first.
func (r *run) tokens() (all []string) {
	add := func(tokens ...string) {
		for _, t := range tokens {
			if t != "" && !slices.Contains(all, t) {
				all = append(all, t)
			}
		}
	}
	add(r.token, r.first)
	add(r.issued...)
	for _, o := range r.ops {
		add(o.given)
	}
	add(r.also, r.ended)
	return all
}

// load makes requests that begin after all that came before has ended.
func (r *run) load(n *node, kind Op, tokens ...string) {
	for _, token := range tokens {
		r.seq++
		o := &operation{w: r, kind: kind, n: -1, node: n, start: r.seq, began: time.Now(), started: true, done: true}
		o.presented = token
		o.request(context.Background(), n.manager, token, nil)
		r.seq++
		o.end, o.ended = r.seq, time.Now()
		r.loads = append(r.loads, o)
	}
}

// finish makes the loads in the end, and judges.
func (r *run) finish() error {
	var err error
	if r.third, err = r.process(); err != nil { // it knows nothing of the others
		return err
	}
	r.ask(Load, r.nodes[:]...)
	r.ask(Fresh, r.third)
	for _, at := range r.moments() {
		if now := time.Now(); !at.Before(now) {
			time.Sleep(at.Sub(now) + time.Millisecond)
			r.ask(Load, append(r.nodes[:], r.third)...)
		}
	}
	r.judge()
	return nil
}

// moments are the times behind which promises must hold that did not have to before.
func (r *run) moments() (all []time.Time) {
	if r.c.State == Stale {
		all = append(all, r.stale)
	}
	var noted time.Time
	if r.c.succeeded() {
		noted = r.shown
	}
	for _, o := range r.ops {
		if o.cacheFault {
			all = append(all, o.ended.Add(Freshness+Skew))
		}
		if !o.pending.IsZero() {
			all = append(all, o.pending)
		}
		if o.kind.notes() && len(r.issued) > 0 {
			noted = latest(noted, o.ended)
		}
	}
	if !noted.IsZero() {
		all = append(all, noted.Add(Grace))
	}
	slices.SortFunc(all, time.Time.Compare)
	return slices.Compact(all)
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// over is when the last operation ended.
func (r *run) over() (t time.Time) {
	for _, o := range r.ops {
		t = latest(t, o.ended)
	}
	return t
}
