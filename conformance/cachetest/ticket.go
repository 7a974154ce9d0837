package cachetest

import "github.com/qsessions/qsessions/core/store"

func ticketCases() []Case {
	return []Case{
		{Name: "ticket/leases", Why: "No two states of a slot ever have the same ticket: not two leases of one client.", run: func(e *env) {
			id, seen := e.id(), tickets{}
			for range 100 {
				e.another(seen, "lease", e.lease(id))
				e.delete(id)
			}
		}},
		{Name: "ticket/clients", Needs: NeedShared, Why: "No two states of a slot ever have the same ticket: not leases of two clients.", run: func(e *env) {
			id, seen := e.id(), tickets{}
			for i := range 100 {
				_, t := e.get(e.clients[i%2], id)
				e.another(seen, "lease", t)
				e.ok("Delete", e.clients[i/2%2].Delete(e.ctx, id))
			}
		}},
		{Name: "ticket/states", Why: "No two states of a slot ever have the same ticket: not a lease and a copy, and not two copies.", run: func(e *env) {
			id, seen := e.id(), tickets{}
			for range 20 {
				t := e.lease(id)
				e.another(seen, "lease", t)
				for range 4 {
					e.put(id, t, "the same copy")
					_, t = e.get(e.c, id)
					e.another(seen, "copy", t)
				}
				e.delete(id)
			}
		}},
	}
}

type tickets map[store.Ticket]bool

// another ends the case if t is zero, or has been seen.
func (e *env) another(seen tickets, what string, t store.Ticket) {
	if t == 0 {
		e.Fatalf("Get: got no ticket of a %s", what)
	}
	if seen[t] {
		e.Fatalf("state %d of the slot, a %s, has the ticket of an earlier one", len(seen)+1, what)
	}
	seen[t] = true
}
