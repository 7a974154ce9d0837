package cachetest

import (
	"errors"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

// ttlLimit is much longer than the few seconds of ttl in these cases.
const ttlLimit = 12 * time.Second

// looks are when ends looks at copies of two seconds: a server's clock may count in seconds, and round up.
var looks = []time.Duration{4 * time.Second, 8 * time.Second, ttlLimit}

func ttlCases() []Case {
	return []Case{
		{Name: "ttl/ends", Waits: true, Why: "A cache keeps no copy much longer than ttl.", run: func(e *env) {
			e.ends(e.slots(e.briefly), looks, nil)
		}},
		{Name: "ttl/get-prolongs-nothing", Waits: true, Why: "Get prolongs nothing: a copy ends though it is read all the time.", run: func(e *env) {
			id := e.id()
			e.briefly(id)
			e.expires(id, ttlLimit)
		}},
		{Name: "ttl/refused-prolongs-nothing", Waits: true, Why: "A Put that is refused changes nothing: not the end of the copy that is there.", run: func(e *env) {
			var old store.Ticket
			ids := e.slots(func(id store.ID) {
				old = e.lease(id)
				e.delete(id)
				e.briefly(id)
			})
			e.ends(ids, looks, func(ids []store.ID) {
				for _, id := range ids {
					if err := e.c.Put(e.ctx, id, old, []byte("refused"), ttl); !errors.Is(err, store.ErrConflict) {
						e.ok("Put with an old ticket", err) // the business of others if it is taken
					}
				}
			})
		}},
		{Name: "ttl/put-shortens", Waits: true, Why: "Put stores copy for ttl, however long the slot had before.", run: func(e *env) {
			e.ends(e.slots(func(id store.ID) {
				e.fill(id, "for an hour")
				_, t := e.get(e.c, id)
				e.putFor(id, t, "for two seconds", 2*time.Second)
			}), looks, nil)
		}},
		{Name: "ttl/put-prolongs", Waits: true, Why: "Put stores copy for ttl, and not for what was left of the lease or of another copy.", run: func(e *env) {
			filled, replaced, clock := e.id(), e.id(), e.id()
			e.briefly(replaced)
			_, t := e.get(e.c, replaced)
			e.put(replaced, t, "for an hour")
			e.fill(filled, "for an hour")
			e.lease(clock)
			e.await(leaseLimit, func() bool { _, t := e.get(e.c, clock); return t != 0 })
			e.pass(2 * time.Second)
			e.holds(filled, "for an hour")
			e.holds(replaced, "for an hour")
		}},
		{Name: "ttl/tiny", Waits: true, Why: "ttl is more than zero: one that a server's clock cannot count is short, and neither an error nor for ever.", run: func(e *env) { // BAD-64
			tiny := []time.Duration{1, time.Microsecond, time.Millisecond, 400 * time.Millisecond, 999999 * time.Microsecond}
			var ids []store.ID
			for _, d := range tiny {
				ids = append(ids, e.filledFor(d))
			}
			e.pass(looks[0])
			for i, id := range ids {
				if b, t := e.get(e.c, id); b != nil || t == 0 {
					e.Fatalf("%v after a Put for %v: got %s, want no copy and a lease", looks[0], tiny[i], got(b, t))
				}
			}
		}},
		{Name: "ttl/long", Why: "Put stores copy for ttl: one of a month, a year or longer is not in the past.", run: func(e *env) { // BAD-64
			const day = 24 * time.Hour
			for _, d := range []time.Duration{time.Second + 1, 90 * time.Second, 30 * day, 30*day + time.Second, 31 * day, 366 * day, 50 * 366 * day} {
				id := e.filledFor(d)
				if b, t := e.get(e.c, id); string(b) != "copy" {
					e.Fatalf("ttl of %v: got %s at once, want the copy", d, got(b, t))
				}
				_, t := e.get(e.c, id)
				e.putFor(id, t, "replaced", d)
				if b, t := e.get(e.c, id); string(b) != "replaced" {
					e.Fatalf("ttl of %v: got %s at once, want what replaced the copy", d, got(b, t))
				}
			}
		}},
	}
}

// briefly fills the slot of id for two seconds.
func (e *env) briefly(id store.ID) { e.putFor(id, e.lease(id), "for two seconds", 2*time.Second) }

// filledFor returns the id of a slot that has just been filled.
func (e *env) filledFor(ttl time.Duration) store.ID {
	id := e.id()
	e.putFor(id, e.lease(id), "copy", ttl)
	return id
}
