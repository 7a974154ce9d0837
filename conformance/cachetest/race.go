package cachetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"

	"github.com/qsessions/qsessions/conformance/internal/harness"
	"github.com/qsessions/qsessions/core/store"
)

// callers is how many goroutines take part in a race of equals. They use the clients in turn.
const callers = 8

func (e *env) client(i int) store.Cache { return e.clients[i%len(e.clients)] }

// tried reports whether a Put was taken, and any error but that of a lost race.
func (e *env) tried(err error) bool {
	if err != nil && !errors.Is(err, store.ErrConflict) {
		e.Errorf("Put: got error %s, want store.ErrConflict or none", harness.Sentinel(err))
	}
	return err == nil
}

// asked is Get in a race, which must not fail.
func (e *env) asked(c store.Cache, id store.ID) ([]byte, store.Ticket) {
	b, t, err := c.Get(e.ctx, id)
	if err != nil {
		e.Errorf("Get: %v", err)
	}
	return b, t
}

func raceCases() []Case {
	return []Case{
		{Name: "race/get-get", Why: "Where another Get has put a lease, the ticket is zero: of many that ask for an empty slot at once, one gets the lease.", run: func(e *env) {
			id, seen := e.id(), tickets{}
			e.Round(func() {
				var leases [callers]store.Ticket
				fs := make([]func(), callers)
				for i := range fs {
					fs[i] = func() {
						var b []byte
						if b, leases[i] = e.asked(e.client(i), id); b != nil {
							e.Errorf("got a copy from a slot that was never filled")
						}
					}
				}
				e.Together(fs...)
				e.Still()
				n := 0
				for _, t := range leases {
					if t != 0 {
						n++
						e.another(seen, "lease", t)
					}
				}
				if n != 1 {
					e.Fatalf("%d of %d got a lease, want one", n, callers)
				}
				e.delete(id)
			})
			e.usable(id)
		}},
		{Name: "race/fill-fill", Why: "A ticket works once: of many that fill a slot with one lease at once, exactly one succeeds.", run: func(e *env) {
			e.Round(func() {
				id := e.id()
				e.one(id, e.lease(id))
				e.usable(id)
			})
		}},
		{Name: "race/replace-replace", Why: "A ticket works once: of many that replace one copy at once, exactly one succeeds.", run: func(e *env) {
			e.Round(func() {
				id := e.id()
				e.fill(id, "first")
				_, t := e.get(e.c, id)
				e.one(id, t)
				e.usable(id)
			})
		}},
		{Name: "race/fill-delete", Why: "After Delete no ticket from before is of use: a lease that is used at the same time leaves no copy.", run: func(e *env) {
			e.Round(func() {
				for _, atOnce := range []bool{false, true} {
					id := e.id()
					e.overtaken(id, e.lease(id), atOnce)
				}
			})
		}},
		{Name: "race/replace-delete", Why: "After Delete no ticket from before is of use: a copy that is replaced at the same time leaves no copy.", run: func(e *env) {
			e.Round(func() {
				for _, atOnce := range []bool{false, true} {
					id := e.id()
					e.fill(id, "first")
					_, t := e.get(e.c, id)
					e.overtaken(id, t, atOnce)
				}
			})
		}},
		{Name: "race/never-older", Why: "After Delete no ticket from before is of use: no reader sees what was read from the database before its Delete.", run: func(e *env) {
			e.Round(func() {
				id := e.id()
				e.readThrough(id)
				e.usable(id)
			})
		}},
		{Name: "race/all-counted", Why: "Put stores copy if nothing at all has happened to the slot: where several count in it, every acknowledged one is there.", run: func(e *env) {
			each := min(e.Rounds, 25)
			e.AtLeast(1, func() {
				id := e.id()
				e.fill(id, "0")
				fs := make([]func(), 4)
				for i := range fs {
					fs[i] = func() {
						for range each {
							e.count(e.client(i), id, each*len(fs))
						}
					}
				}
				e.Together(fs...)
				e.Still()
				e.full(id, strconv.Itoa(each*len(fs)))
				e.usable(id)
			})
		}},
		{Name: "race/whole-copies", Why: "Get returns the copy: the whole of one, while it is replaced all the time.", run: func(e *env) {
			n := 50_000
			if e.config.MaxCopy > 0 {
				n = min(n, e.config.MaxCopy)
			}
			e.AtLeast(5, func() {
				id := e.id()
				e.fill(id, string(bytes.Repeat([]byte{'a'}, n)))
				fs := make([]func(), 4)
				for i := range fs {
					next := bytes.Repeat([]byte{byte('b' + i)}, n)
					fs[i] = func() {
						for range 10 {
							b, t := e.asked(e.client(i), id)
							if len(b) != n || bytes.Count(b, b[:1]) != n {
								e.Errorf("got parts of different copies, or %d bytes of %d", len(b), n)
								return
							}
							e.tried(e.client(i).Put(e.ctx, id, t, next, ttl))
						}
					}
				}
				e.Together(fs...)
				e.Still()
				e.usable(id)
			})
		}},
		{Name: "race/own-replies", Why: "Get returns the copy of id, whatever else is asked at the same time.", run: func(e *env) { // CVE-20
			e.replies(func(c store.Cache, id store.ID) ([]byte, error) {
				b, _, err := c.Get(e.ctx, id)
				return b, err
			})
		}},
		{Name: "race/canceled-replies", Why: "Get returns the copy of id, whatever else is canceled at the same time.", run: func(e *env) { // CVE-20
			e.replies(func(c store.Cache, id store.ID) ([]byte, error) {
				ctx, cancel := context.WithCancel(e.ctx)
				defer cancel()
				go cancel()
				b, _, err := c.Get(ctx, id)
				if err != nil && ctx.Err() != nil {
					b, _, err = c.Get(e.ctx, id)
				}
				return b, err
			})
		}},
		{Name: "race/everything", Why: "Every method is safe for concurrent use.", run: func(e *env) {
			ids := []store.ID{e.id(), e.id(), e.id()}
			fs := make([]func(), callers)
			for i := range fs {
				fs[i] = func() {
					c := e.client(i)
					for n := range e.Rounds {
						id := ids[(i*5+n)%len(ids)]
						switch b, t := e.asked(c, id); {
						case b != nil && string(b) != id.String():
							e.Errorf("got %.40q, want the copy of %v", b, id)
						case n%7 == i:
							if err := c.Delete(e.ctx, ids[n%3:]...); err != nil {
								e.Errorf("Delete: %v", err)
							}
						default:
							e.tried(c.Put(e.ctx, id, t, []byte(id.String()), ttl))
						}
					}
				}
			}
			e.Together(fs...)
			e.Still()
			for _, id := range ids {
				e.usable(id)
			}
		}},
	}
}

// one lets all callers put a copy with one ticket at once. Exactly one must succeed.
func (e *env) one(id store.ID, t store.Ticket) {
	var won, last atomic.Int64
	fs := make([]func(), callers)
	for i := range fs {
		fs[i] = func() {
			if e.tried(e.client(i).Put(e.ctx, id, t, fmt.Appendf(nil, "of caller %d", i), ttl)) {
				won.Add(1)
				last.Store(int64(i))
			}
		}
	}
	e.Together(fs...)
	e.Still()
	if won.Load() != 1 {
		e.Fatalf("%d of %d concurrent Puts with one ticket succeeded, want exactly one", won.Load(), callers)
	}
	e.holds(id, fmt.Sprintf("of caller %d", last.Load()))
}

// overtaken puts old copies with the ticket while the slot is emptied. It is leased and filled again at the same time, or
// when all that is over.
func (e *env) overtaken(id store.ID, t store.Ticket, atOnce bool) {
	refill := func() {
		b, lease := e.asked(e.client(1), id)
		if b != nil || lease == 0 {
			e.Errorf("Get after Delete has returned: got %s, want no copy and a lease", got(b, lease))
		} else if !e.tried(e.client(1).Put(e.ctx, id, lease, []byte("new"), ttl)) {
			e.Errorf("Put with the lease from after the Delete was refused")
		}
	}
	fs := []func(){func() {
		if err := e.client(1).Delete(e.ctx, id); err != nil {
			e.Errorf("Delete: %v", err)
		} else if atOnce {
			refill()
		}
	}}
	for i := range 3 {
		fs = append(fs, func() { e.tried(e.client(i).Put(e.ctx, id, t, []byte("old"), ttl)) })
	}
	e.Together(fs...)
	e.Still()
	if !atOnce {
		refill()
	}
	e.Still()
	e.holds(id, "new")
	e.usable(id)
}

// readThrough has readers that fill the slot from a database, and a writer that empties it when it has written there.
func (e *env) readThrough(id store.ID) {
	const writes = 10
	var database, emptied atomic.Int64
	fs := []func(){func() {
		for range writes {
			v := database.Add(1)
			if err := e.client(1).Delete(e.ctx, id); err != nil {
				e.Errorf("Delete: %v", err)
				return
			}
			emptied.Store(v)
		}
	}}
	for i := range 3 {
		fs = append(fs, func() {
			for last := false; !last && e.Err() == nil; {
				since := emptied.Load()
				last = since == writes
				b, t := e.asked(e.client(i), id)
				if b == nil {
					if t != 0 {
						e.tried(e.client(i).Put(e.ctx, id, t, strconv.AppendInt(nil, database.Load(), 10), ttl))
					}
					continue
				}
				if v, err := strconv.ParseInt(string(b), 10, 64); err != nil || v < since {
					e.Errorf("got the copy %.40q after the Delete that followed write %d", b, since)
				}
			}
		})
	}
	e.Together(fs...)
	e.Still()
}

// count replaces the number in the slot by the next one. Who is refused has lost against another one of so many.
func (e *env) count(c store.Cache, id store.ID, others int) {
	for tries := 0; e.Err() == nil; tries++ {
		b, t := e.asked(c, id)
		n, err := strconv.Atoi(string(b))
		if err != nil || tries > others {
			e.Errorf("got %s, want a number; %d Puts were refused", got(b, t), tries)
			return
		}
		if e.tried(c.Put(e.ctx, id, t, strconv.AppendInt(nil, int64(n)+1, 10), ttl)) {
			return
		}
	}
}

// replies lets callers get copies of their own at once.
func (e *env) replies(get func(c store.Cache, id store.ID) ([]byte, error)) {
	ids := make([]store.ID, callers)
	fs := make([]func(), callers)
	for i := range ids {
		ids[i] = e.id()
		e.fill(ids[i], ids[i].String())
		fs[i] = func() {
			for range 10 {
				b, err := get(e.client(i), ids[i])
				if err != nil {
					e.Errorf("Get: %v", err)
				} else if string(b) != ids[i].String() {
					e.Errorf("Get(%v) = %.40q, want the copy of that id", ids[i], b)
				}
			}
		}
	}
	e.Round(func() { e.Together(fs...) })
	for _, id := range ids {
		e.usable(id)
	}
}
