package cachetest

import "github.com/qsessions/qsessions/core/store"

func deleteCases() []Case {
	return []Case{
		{Name: "delete/copy", Why: "Delete empties slots.", run: func(e *env) {
			id := e.id()
			e.fill(id, "copy")
			e.delete(id)
			e.lease(id)
		}},
		{Name: "delete/lease", Why: "Delete empties slots, leases included.", run: func(e *env) {
			id := e.id()
			e.lease(id)
			e.delete(id)
			e.lease(id)
		}},
		{Name: "delete/tickets", Why: "After Delete no ticket from before is of use, whatever comes into the slot.", run: func(e *env) {
			id, old := e.id(), []store.Ticket(nil)
			for range 3 {
				old = append(old, e.fill(id, "copy"))
				_, t := e.get(e.c, id)
				old = append(old, t)
				e.delete(id)
				old = append(old, e.lease(id))
				e.delete(id)
			}
			t := e.lease(id)
			for _, o := range old {
				e.refused("with a ticket from before a Delete, into a leased slot", id, o)
			}
			e.put(id, t, "copy")
			for _, o := range old {
				e.refused("with a ticket from before a Delete, into a full slot", id, o)
			}
		}},
		{Name: "delete/empty", Why: "Empty slots are no error, and neither is none at all.", run: func(e *env) {
			id := e.id()
			e.delete()
			e.delete(id)
			e.fill(id, "copy")
			e.delete(id, id)
			e.delete(id)
			e.delete(e.id(), id, e.id())
		}},
		{Name: "delete/many", Why: "Delete empties the slots of all ids that it gets.", run: func(e *env) {
			ids := make([]store.ID, 1500) // more than a sensible batch
			for i := range ids {
				switch ids[i] = e.id(); i % 5 {
				case 0: // empty
				case 1:
					e.lease(ids[i])
				default:
					e.fill(ids[i], "copy")
				}
			}
			e.delete(ids...)
			for _, id := range ids {
				e.lease(id)
			}
		}},
		{Name: "delete/only", Why: "Delete empties the slots of its ids, and no other.", run: func(e *env) {
			before, id, after, leased := e.id(), e.id(), e.id(), e.id()
			e.fill(before, "before")
			e.fill(id, "copy")
			e.fill(after, "after")
			t := e.lease(leased)
			e.delete(id)
			e.holds(before, "before")
			e.holds(after, "after")
			e.put(leased, t, "filled")
		}},
	}
}
