package cachetest

import (
	"strings"

	"github.com/qsessions/qsessions/core/store"
)

func putCases() []Case {
	return []Case{
		{Name: "put/fills", Why: "Put stores copy if nothing at all has happened to the slot since Get gave t: it fills a leased slot.", run: func(e *env) {
			id := e.id()
			e.fill(id, "copy")
			if b, _ := e.get(e.c, id); string(b) != "copy" {
				e.Fatalf("got %.40q, want the copy", b)
			}
		}},
		{Name: "put/replaces", Why: "Put stores copy if nothing at all has happened to the slot since Get gave t: it replaces a copy.", run: func(e *env) {
			id := e.id()
			e.fill(id, "first")
			for _, next := range []string{"second, and longer", "third", ""} {
				_, t := e.get(e.c, id)
				e.put(id, t, next)
				if b, _ := e.get(e.c, id); b == nil || string(b) != next {
					e.Fatalf("got %.40q, want %q", b, next)
				}
			}
		}},
		{Name: "put/lease-once", Why: "A ticket works once: a lease that has been filled fills nothing again.", run: func(e *env) {
			id := e.id()
			t := e.fill(id, "first")
			e.refused("with a lease that was used", id, t)
			e.holds(id, "first")
		}},
		{Name: "put/copy-once", Why: "A ticket works once: that of a copy goes with the copy.", run: func(e *env) {
			id := e.id()
			e.fill(id, "first")
			_, t := e.get(e.c, id)
			e.put(id, t, "second")
			e.refused("with the ticket of a copy that was replaced", id, t)
			e.holds(id, "second")
		}},
		{Name: "put/zero", Why: "Put changes nothing and returns ErrConflict for a zero t.", run: func(e *env) {
			empty, leased, full := e.id(), e.id(), e.id()
			t := e.lease(leased)
			e.fill(full, "first")
			for _, id := range []store.ID{empty, leased, full} {
				e.refused("with a zero ticket", id, 0)
			}
			e.lease(empty)
			e.put(leased, t, "filled")
			e.holds(full, "first")
		}},
		{Name: "put/foreign", Why: "Put stores copy if Get gave t for this slot; else it changes nothing and returns ErrConflict.", run: func(e *env) {
			leased, full, other := e.id(), e.id(), e.id()
			t, foreign := e.lease(leased), e.lease(other)
			e.fill(full, "first")
			_, f := e.get(e.c, full)
			for bit := range 64 {
				e.refused("with a ticket that Get never gave", leased, t^1<<bit)
				e.refused("with a ticket that Get never gave", full, f^1<<bit)
			}
			e.refused("with the ticket of another slot", leased, foreign)
			e.refused("with the ticket of another slot", full, foreign)
			e.put(leased, t, "filled")
			e.holds(full, "first")
		}},
		{Name: "put/never-fills-empty", Why: "Put never fills an empty slot: not after a Delete of the lease or of the copy, nor where nothing has ever been.", run: func(e *env) {
			lease, copy, never := e.id(), e.id(), e.id()
			l := e.lease(lease)
			e.fill(copy, "copy")
			_, f := e.get(e.c, copy)
			e.delete(lease)
			e.delete(copy)
			e.refused("with a lease that was deleted", lease, l)
			e.refused("with the ticket of a copy that was deleted", copy, f)
			e.refused("with a ticket of another slot, into an empty one", never, l)
			for _, id := range []store.ID{lease, copy, never} {
				e.lease(id)
			}
		}},
		{Name: "put/new-lease", Why: "Put stores copy only if nothing at all has happened to the slot: an old lease does not fill the slot of a new one.", run: func(e *env) {
			id := e.id()
			old := e.lease(id)
			e.delete(id)
			t := e.lease(id)
			e.refused("with a lease from before the present one", id, old)
			e.put(id, t, "filled by the second lease")
			e.refused("with a lease from before the present copy", id, old)
			e.holds(id, "filled by the second lease")
		}},
		{Name: "put/same-copy", Why: "Put stores copy only if nothing at all has happened to the slot: a copy that was put there again is another state.", run: func(e *env) {
			again, anew := e.id(), e.id()
			e.fill(again, "copy")
			_, old := e.get(e.c, again)
			e.put(again, old, "copy")
			e.refused("with the ticket from before the same copy was put again", again, old)
			e.fill(anew, "copy")
			_, old = e.get(e.c, anew)
			e.delete(anew)
			e.fill(anew, "copy")
			e.refused("with the ticket from before the slot was emptied and filled again", anew, old)
			e.holds(anew, "copy")
		}},
		{Name: "put/refused-changes-nothing", Why: "A Put that is refused changes nothing: the ticket that is right works after it.", run: func(e *env) {
			id := e.id()
			old := e.lease(id)
			e.delete(id)
			lease := e.lease(id)
			e.refused("with an old lease", id, old)
			if b, t := e.get(e.c, id); b != nil || t != 0 {
				e.Fatalf("after a refused Put: got %s, want the lease to go on", got(b, t))
			}
			e.put(id, lease, "first")
			_, t := e.get(e.c, id)
			e.refused("with an old lease", id, old)
			e.holds(id, "first")
			e.put(id, t, "second")
		}},
		{Name: "put/too-large-lease", Needs: NeedMaxCopy, Why: "A copy that the cache cannot take is ErrTooLarge, and changes nothing: not the lease.", run: func(e *env) {
			id := e.id()
			t := e.lease(id)
			e.tooLarge(id, t)
			if b, t := e.get(e.c, id); b != nil || t != 0 {
				e.Fatalf("after a Put of a copy that is too large: got %s, want the lease to go on", got(b, t))
			}
			e.put(id, t, "filled")
		}},
		{Name: "put/too-large-copy", Needs: NeedMaxCopy, Why: "A copy that the cache cannot take is ErrTooLarge, and changes nothing: not the copy that is there.", run: func(e *env) { // BAD-41
			id := e.id()
			e.fill(id, "first")
			_, t := e.get(e.c, id)
			e.tooLarge(id, t)
			e.holds(id, "first")
			e.put(id, t, "second")
		}},
	}
}

// holds ends the case unless the slot of id has the copy.
func (e *env) holds(id store.ID, copy string) {
	if b, t := e.get(e.c, id); b == nil || string(b) != copy {
		e.Fatalf("got %s, want the copy %.40q still", got(b, t), copy)
	}
}

// tooLarge ends the case unless a copy beyond the limit is refused.
func (e *env) tooLarge(id store.ID, t store.Ticket) {
	big := strings.Repeat("x", 2*e.config.MaxCopy)
	e.want("Put of a copy that is too large", e.c.Put(e.ctx, id, t, []byte(big), ttl), store.ErrTooLarge)
}
