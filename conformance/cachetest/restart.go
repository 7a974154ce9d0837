package cachetest

import (
	"time"

	"github.com/qsessions/qsessions/core/store"
)

// Cases of a cache that restarts. Clients may need a moment to notice, and a Put that goes to a connection of before fails
// with any error: what matters is what is in the slot then.
func restartCases() []Case {
	cases := []Case{
		{Name: "restart/never-fills-empty", Why: "Put never fills an empty slot: not with a lease from before a restart of the cache.", run: func(e *env) {
			id := e.id()
			t := e.lease(id)
			e.restart()
			e.unused(id, t)
			e.lostAll(id)
		}},
		{Name: "restart/lease", Why: "No two states of a slot ever have the same ticket: no leases before and after a restart of the cache.", run: func(e *env) {
			e.restart() // so that a cache that counts begins to
			id := e.id()
			old := e.lostAll(id)
			e.restart()
			t := e.lostAll(id)
			if t == old {
				e.Errorf("the first lease after a restart has the ticket of the first lease before it")
			}
			e.unused(id, old)
			if b, _ := e.get(e.c, id); b != nil {
				e.Fatalf("a lease from before a restart has filled the slot of a new one")
			}
		}},
		{Name: "restart/copy", Why: "No two states of a slot ever have the same ticket: no copies before and after a restart of the cache.", run: func(e *env) {
			e.restart()
			id := e.id()
			old := e.refill(id, "before")
			e.restart()
			t := e.refill(id, "after")
			if t == old {
				e.Errorf("the first copy after a restart has the ticket of the first copy before it")
			}
			e.unused(id, old)
			e.holds(id, "after")
		}},
	}
	for i := range cases {
		cases[i].Needs |= NeedRestarts
	}
	return cases
}

func (e *env) restart() { e.ok("Fixture.Restart", e.f.Restart(e.ctx)) }

// unused ends the case if the ticket is accepted.
func (e *env) unused(id store.ID, t store.Ticket) {
	if err := e.c.Put(e.ctx, id, t, []byte("from before the restart"), ttl); err == nil {
		e.Fatalf("Put with a ticket from before a restart succeeded")
	}
}

// lostAll waits for the cache, and returns a lease of the slot of id, which must be empty.
func (e *env) lostAll(id store.ID) (t store.Ticket) {
	var b []byte
	var err error
	if !e.await(20*time.Second, func() bool { b, t, err = e.c.Get(e.ctx, id); return err == nil }) {
		e.Fatalf("Get after a restart: %v", err)
	}
	if b != nil || t == 0 {
		e.Fatalf("Get from a slot that a restart has emptied: got %s, want no copy and a lease", got(b, t))
	}
	return t
}

// refill waits for the cache, and returns the ticket of the copy that it then puts there.
func (e *env) refill(id store.ID, copy string) store.Ticket {
	var err error
	if !e.await(20*time.Second, func() bool {
		var t store.Ticket
		if _, t, err = e.c.Get(e.ctx, id); err != nil {
			return false
		}
		if err = e.c.Put(e.ctx, id, t, []byte(copy), ttl); err != nil {
			_ = e.c.Delete(e.ctx, id)
		}
		return err == nil
	}) {
		e.Fatalf("Get and Put after a restart: %v", err)
	}
	e.holds(id, copy)
	_, t := e.get(e.c, id)
	return t
}
