package interleave

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
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

// A State is what is in the cache before the operations begin.
type State uint8

// The states.
const (
	Cold   State = iota // nothing
	Warm                // fresh copies; "last seen" is due
	Aged                // copies that are too old, so that they only give a ticket
	Stale               // fresh copies from before a save that could not be told
	Leased              // a lease that nobody will use
)

// String returns the name.
func (s State) String() string { return [...]string{"cold", "warm", "aged", "stale", "leased"}[s] }

// A scene is what every schedule of a [Config] begins with. Bubbles begin at the same time, so it can be used in each.
type scene struct {
	after       time.Duration // the beginning of the bubble
	db          *database
	slots       *slots
	token, also string // of session S, and of another one of the same user if S has one
}

// A node is one process.
type node struct {
	manager *session.Manager
}

// A run is one schedule, in a world of its own.
type run struct {
	*scheduler

	db    *database
	slots *slots
	nodes [2]*node
	third *node    // a process that has seen nothing
	id    store.ID // of S
	first string   // token of S at the beginning
	token string   // token that the client of S has got latest
	also  string
	stale time.Time // copies from before that may be in the cache at first end then

	loads  []*operation // made in the end
	broken []violation
}

// newRun opens the scene for a schedule. Call it in a bubble.
func newRun(c *Config, sc *scene) (*run, error) {
	r := &run{scheduler: &scheduler{c: c, stopped: make(chan struct{})}, db: sc.db.snapshot(), slots: sc.slots.snapshot()}
	r.first, r.token, r.also, r.id = sc.token, sc.token, sc.also, idOf(sc.token)
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
	m, err := session.New(both, session.Config{Header: "Session", StoreTimeout: time.Hour, Observe: r.observe})
	return &node{m}, err
}

// observe notes that a logout is pending, which only an event says.
func (r *run) observe(_ context.Context, e session.Event) {
	if p, ok := errors.AsType[*store.PendingError](e.Err); ok && r.running != nil && e.Kind == session.LoggedOut {
		r.running.pending = p.EffectiveBy
	}
}

// prepare makes the scene by the code under test, undisturbed.
func prepare(t *testing.T, c *Config) (sc *scene, err error) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		empty := &scene{db: &database{}, slots: &slots{items: map[store.ID]item{}}}
		var r *run
		if r, err = newRun(&Config{Cache: c.Cache}, empty); err != nil {
			return
		}
		do := func(n int, token string, change func(session.Session)) string {
			o := &operation{w: r, node: r.nodes[n]}
			o.request(context.Background(), o.node.manager, token, change)
			err = errors.Join(err, o.err)
			return o.given
		}
		login := func(s session.Session) { s.Login(user) }
		sc = &scene{db: r.db, slots: r.slots}
		sc.token = do(0, "", func(s session.Session) {
			base.Set(s, 1)
			if !c.Anonymous {
				login(s)
			}
		})
		r.slots.id = idOf(sc.token)
		if !c.Anonymous {
			sc.also = do(1, "", login)
		}
		wait := 70 * time.Second // "last seen" is due
		if c.State == Warm || c.State == Aged || c.State == Stale {
			do(0, sc.token, nil)
			if sc.also != "" {
				do(0, sc.also, nil)
			}
		}
		switch c.State {
		case Aged:
			wait = Freshness + time.Second // while the cache still has it
		case Stale:
			r.cacheDown = true
			do(1, sc.token, func(s session.Session) { later.Set(s, 1) })
			r.cacheDown = false
		}
		time.Sleep(wait)
		if c.State == Leased {
			if _, _, e := c.Cache.open(r.slots).Get(context.Background(), r.slots.id); e != nil {
				err = e
			}
		}
		if want := c.State != Cold; r.slots.occupied() != want {
			err = errors.Join(err, errors.New("interleave: the scene is not set"))
		}
		sc.after = time.Since(begin)
	})
	return sc, err
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

func (r *run) tokens() []string {
	all := []string{r.token}
	if r.first != r.token {
		all = append(all, r.first)
	}
	if r.also != "" {
		all = append(all, r.also)
	}
	for _, o := range r.ops {
		if o.kind == Visit && o.given != "" {
			all = append(all, o.given)
		}
	}
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
	for _, o := range r.ops {
		if o.cacheFault {
			all = append(all, o.ended.Add(Freshness+Skew))
		}
		if !o.pending.IsZero() {
			all = append(all, o.pending)
		}
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
