package cachetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/qsessions/qsessions/conformance/internal/harness"
	"github.com/qsessions/qsessions/core/store"
)

// ttl is longer than any case takes.
const ttl = time.Hour

// env is what a case works with.
type env struct {
	harness.Trial

	ctx     context.Context
	c       store.Cache
	clients []store.Cache // c, and Fixture.Second if there is one
	f       Fixture
	config  Config
	now     time.Time
	made    int // ids
}

// lacks reports whether a promise is not kept. Only the cases of promise say so: one fault, one violation.
func (e *env) lacks(n Need) bool {
	return n&NeedShared != 0 && e.f.Second == nil || n&NeedNamespaces != 0 && e.f.Other == nil || n&NeedRestarts != 0 && e.f.Restart == nil
}

// id returns a new id.
func (e *env) id() store.ID {
	e.made++
	return store.NewID(e.now.Add(time.Duration(e.made) * time.Millisecond))
}

// want ends the case unless err matches target; nil stands for no error.
func (e *env) want(what string, err, target error) {
	if !errors.Is(err, target) {
		e.Fatalf("%s: got error %s, want %s", what, harness.Sentinel(err), harness.Sentinel(target))
	}
}

// ok ends the case if err is not nil.
func (e *env) ok(what string, err error) { e.want(what, err, nil) }

// get asks c for the slot of id.
func (e *env) get(c store.Cache, id store.ID) ([]byte, store.Ticket) {
	b, t, err := c.Get(e.ctx, id)
	e.ok("Get", err)
	return b, t
}

// lease returns the ticket of a new lease, and ends the case if the slot is not empty.
func (e *env) lease(id store.ID) store.Ticket {
	b, t := e.get(e.c, id)
	if b != nil || t == 0 {
		e.Fatalf("Get from an empty slot: got %s, want no copy and a lease", got(b, t))
	}
	return t
}

// leased ends the case unless the slot of id is leased, for each client.
func (e *env) leased(id store.ID) {
	for _, c := range e.clients {
		if b, t := e.get(c, id); b != nil || t != 0 {
			e.Fatalf("Get from a leased slot: got %s, want no copy and no ticket", got(b, t))
		}
	}
}

// full returns the ticket of the slot of id, and ends the case unless it has the copy, for each client.
func (e *env) full(id store.ID, copy string) (t store.Ticket) {
	for _, c := range e.clients {
		var b []byte
		if b, t = e.get(c, id); b == nil || !bytes.Equal(b, []byte(copy)) {
			e.Fatalf("Get from a full slot: got %s, want copy %.40q", got(b, t), copy)
		}
		if t == 0 {
			e.Fatalf("Get from a full slot: got no ticket")
		}
	}
	return t
}

// put ends the case unless copy is taken.
func (e *env) put(id store.ID, t store.Ticket, copy string) { e.putFor(id, t, copy, ttl) }

func (e *env) putFor(id store.ID, t store.Ticket, copy string, ttl time.Duration) {
	e.ok("Put with the ticket of the slot", e.c.Put(e.ctx, id, t, []byte(copy), ttl))
}

// refused ends the case unless the ticket is refused.
func (e *env) refused(what string, id store.ID, t store.Ticket) {
	e.want("Put "+what, e.c.Put(e.ctx, id, t, []byte("refused"), ttl), store.ErrConflict)
}

// fill puts a copy into an empty slot, and returns the ticket of the lease.
func (e *env) fill(id store.ID, copy string) store.Ticket {
	t := e.lease(id)
	e.put(id, t, copy)
	return t
}

// delete ends the case unless Delete succeeds.
func (e *env) delete(ids ...store.ID) { e.ok("Delete", e.c.Delete(e.ctx, ids...)) }

// usable ends the case unless the slot of id can be emptied, leased, filled and read, as any.
func (e *env) usable(id store.ID) {
	e.delete(id)
	e.fill(id, "usable")
	e.full(id, "usable")
}

// got says what a Get returned. Tickets are the cache's own business, and not shown.
func got(b []byte, t store.Ticket) string {
	copy, ticket := "no copy", "no ticket"
	if b != nil {
		copy = fmt.Sprintf("a copy of %d bytes, %.40q,", len(b), b)
	}
	if t != 0 {
		ticket = "a ticket"
	}
	return copy + " and " + ticket
}

// pass lets d pass.
func (e *env) pass(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-e.ctx.Done():
		e.Fatalf("waited until the context of the case was done: %v", e.ctx.Err())
	}
}

// await asks f ten times a second until it says yes, and reports whether it did within the limit.
func (e *env) await(limit time.Duration, f func() bool) (yes bool) {
	ctx, cancel := context.WithTimeout(e.ctx, limit)
	defer cancel()
	harness.Every(ctx, time.Second/10, func() bool {
		yes = f()
		return yes
	})
	return yes
}

// until lets time pass, with a call of f every tenth of a second, until d has passed since start. F may be nil.
func (e *env) until(start time.Time, d time.Duration, f func()) {
	for d -= time.Since(start); d > 0; d -= time.Second / 10 {
		if f != nil {
			f()
		}
		e.pass(min(d, time.Second/10))
	}
}
