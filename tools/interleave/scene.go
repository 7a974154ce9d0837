package interleave

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/store"
)

// The times of a policy with periodic exchange. No schedule lasts for a period, and a jump ends Grace, but not the minute
// behind it.
const (
	Grace       = 190 * time.Second
	RotateEvery = 4 * Grace
)

// A State is what is in the cache before the operations begin.
type State uint8

// The states.
const (
	Cold   State = iota // nothing
	Warm                // fresh copies; "last seen" is due
	Aged                // copies that are too old, so that they only give a ticket
	Stale               // fresh copies from before a save that could not be told
	Leased              // a lease that no client will use
)

// String returns the name.
func (s State) String() string { return [...]string{"cold", "warm", "aged", "stale", "leased"}[s] }

// periodic reports whether tokens are exchanged from time to time.
func (c *Config) periodic() bool { return c.has(Exchange) || c.has(Shown) || c.has(Late) }

// issued is how many tokens an exchange has issued that no client has presented yet: one for each first use, and two at most.
func (c *Config) issued() (n int) {
	for _, k := range c.Ops {
		if k == Shown {
			n++
		}
	}
	return min(n, 2)
}

// succeeded reports whether the first token has a successor that was presented, and is in its grace.
func (c *Config) succeeded() bool { return c.has(Late) && !c.has(Exchange) && !c.has(Shown) }

// A scene is what every schedule of a [Config] begins with. Bubbles begin at the same time, so it can be used in each.
type scene struct {
	after  time.Duration // the beginning of the bubble
	db     *database
	slots  *slots
	first  string   // token of session S; the current one, or in its grace
	issued []string // its successors
	latest string   // of the client
	ended  string   // token of S that an exchange has ended long ago; "" if there is none
	also   string   // token of another session of the same user if S has one
	shown  time.Time
}

// A director makes a scene by the code under test, undisturbed.
type director struct {
	c  *Config
	r  *run
	sc *scene

	err error
}

// prepare makes the scene.
func prepare(t *testing.T, c *Config) (sc *scene, err error) {
	synctest.Test(t, func(*testing.T) {
		begin := time.Now()
		sc = &scene{db: &database{}, slots: &slots{items: map[store.ID]item{}}}
		d := &director{c: c, sc: sc}
		if d.r, err = newRun(&Config{Cache: c.Cache, Ops: c.Ops}, sc); err != nil {
			return
		}
		sc.db, sc.slots = d.r.db, d.r.slots
		d.sign()
		if c.periodic() {
			d.age()
		}
		d.copies()
		err, sc.after = d.err, time.Since(begin)
	})
	return sc, err
}

// do makes a request through one of the processes, and returns the token that it has got.
func (d *director) do(n int, token string, change change) string {
	o := &operation{w: d.r, node: d.r.nodes[n]}
	o.request(context.Background(), o.node.manager, token, change)
	d.err = errors.Join(d.err, o.err)
	if token != "" && o.refused {
		d.err = errors.Join(d.err, errScene)
	}
	return o.given
}

var errScene = errors.New("interleave: a client is refused")

var nothing = plain(func(session.Session) {})

// sign makes session S.
func (d *director) sign() {
	sc := d.sc
	sc.first = d.do(0, "", plain(func(s session.Session) {
		base.Set(s, 1)
		if !d.c.Anonymous {
			s.Login(user, session.Level(sceneLevel))
		}
	}))
	d.r.slots.id = idOf(sc.first)
	sc.latest = sc.first
}

// age makes a token that is over, and those that others present.
func (d *director) age() {
	sc := d.sc
	next := func() string {
		time.Sleep(RotateEvery)
		return d.do(0, sc.first, nothing)
	}
	if !d.c.young {
		_ = next()
		first := next() // it is presented before its sibling
		d.do(0, first, nothing)
		sc.ended, sc.first, sc.latest = sc.first, first, first
	}
	n := d.c.issued()
	if d.c.succeeded() {
		n = 1
	}
	for range n {
		sc.latest = next()
		sc.issued = append(sc.issued, sc.latest)
	}
	if d.c.has(Exchange) {
		time.Sleep(RotateEvery - 30*time.Second) // and what follows
	}
	if d.c.succeeded() && d.c.State != Stale {
		d.do(0, sc.latest, nothing)
	}
	sc.shown = time.Now()
}

// copies sets the state of the cache.
func (d *director) copies() {
	sc, r := d.sc, d.r
	if !d.c.Anonymous {
		sc.also = d.do(1, "", plain(func(s session.Session) { s.Login(user) }))
	}
	clear(r.slots.items)
	wait := 70 * time.Second // "last seen" is due
	if s := d.c.State; s == Warm || s == Aged || s == Stale {
		d.do(0, sc.first, nil)
		if sc.also != "" {
			d.do(0, sc.also, nil)
		}
	}
	switch d.c.State {
	case Aged:
		wait = Freshness + time.Second // while the cache still has it
	case Stale:
		token := sc.first
		if d.c.succeeded() {
			token = sc.latest
		}
		r.cacheDown = true
		d.do(1, token, plain(func(s session.Session) { later.Set(s, 1) }))
		r.cacheDown = false
	}
	time.Sleep(wait)
	if d.c.State == Leased {
		_, _, err := d.c.Cache.open(r.slots).Get(context.Background(), r.slots.id)
		d.err = errors.Join(d.err, err)
	}
	if want := d.c.State != Cold; r.slots.occupied() != want {
		d.err = errors.Join(d.err, errors.New("interleave: the scene is not set"))
	}
}
