package cachetest

import (
	"slices"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

// leaseLimit is beyond a few seconds.
const leaseLimit = 15 * time.Second

func leaseCases() []Case {
	return []Case{
		{Name: "lease/lasts", Waits: true, Why: "A lease ends after a few seconds, and not at once: a database must be able to answer meanwhile.", run: func(e *env) {
			id := e.id()
			t := e.lease(id)
			e.pass(time.Second)
			e.leased(id)
			e.put(id, t, "filled")
			e.full(id, "filled")
		}},
		{Name: "lease/ends", Waits: true, Why: "A lease ends by itself after a few seconds.", run: func(e *env) {
			e.ends(e.slots(func(id store.ID) { e.lease(id) }), []time.Duration{7 * time.Second, 10 * time.Second, leaseLimit}, nil)
		}},
		{Name: "lease/get-prolongs-nothing", Waits: true, Why: "Get prolongs nothing: a lease ends though others ask for the slot all the time.", run: func(e *env) {
			id := e.id()
			e.lease(id)
			e.expires(id, leaseLimit)
		}},
		{Name: "lease/ended-ticket", Waits: true, Why: "A lease that has ended is of no use, be the slot empty or leased anew.", run: func(e *env) {
			id, empty := e.id(), e.id()
			old, unused := e.lease(id), e.lease(empty)
			var t store.Ticket
			if !e.await(leaseLimit, func() bool { _, t = e.get(e.c, id); return t != 0 }) {
				return // the business of lease/ends
			}
			e.refused("with a lease that has ended", id, old)
			e.put(id, t, "filled by the second lease")
			e.pass(3 * time.Second) // the server's clock may count in seconds
			e.refused("with a lease that has ended, into an empty slot", empty, unused)
			e.lease(empty)
		}},
	}
}

// slots returns ids of slots that f has prepared, one for each time that ends may look.
func (e *env) slots(f func(id store.ID)) []store.ID {
	ids := []store.ID{e.id(), e.id(), e.id()}
	for _, id := range ids {
		f(id)
	}
	return ids
}

// ends ends the case unless one of the slots, which are alike, is found empty. It looks at each one once, as a Get may
// prolong what it finds, and calls meanwhile all the time.
func (e *env) ends(ids []store.ID, after []time.Duration, meanwhile func(ids []store.ID)) {
	start := time.Now()
	for i, id := range ids {
		e.until(start, after[i], func() {
			if meanwhile != nil {
				meanwhile(slices.Clone(ids[i:]))
			}
		})
		if b, t := e.get(e.c, id); b == nil && t != 0 {
			return
		}
	}
	e.Fatalf("it has not ended after %v", time.Since(start).Round(time.Second))
}

// expires ends the case unless the slot of id gets empty within the limit, though it is asked for all the time.
func (e *env) expires(id store.ID, limit time.Duration) {
	if !e.await(limit, func() bool {
		for _, c := range e.clients {
			if b, t := e.get(c, id); b == nil && t != 0 {
				return true
			}
		}
		return false
	}) {
		e.Fatalf("it has not ended after %v", limit)
	}
}
