package storetest

import (
	"time"

	"github.com/qsessions/qsessions/core/store"
)

func loadCases() []Case {
	return []Case{
		{Name: "load/missing", Why: "Load returns an error that matches ErrNotFound if no record has the id.", run: func(e *env) {
			e.gone(e.id())
			e.create(e.record())
			e.gone(e.id())
		}},
		{Name: "load/complete", Why: "Load returns the record of id, with everything that it was given.", run: func(e *env) {
			a, b := e.bound(e.user("ann"), e.in(-time.Second)), e.record()
			e.create(a, b)
			for _, want := range []*store.Record{a, b} {
				got, err := e.s.Load(e.ctx, want.ID)
				e.ok("Load", err)
				if d := diff(got, want); d != "" {
					e.Fatalf("Load: %s", d)
				}
			}
		}},
		{Name: "load/expired", Why: "A store has no clock: Load returns the record expired or not, and the caller decides whether it is live.", run: func(e *env) {
			r := e.record()
			// A server that expires by itself waits for a minute, so five seconds are safe.
			r.CreatedAt, r.LastSeen, r.ExpiresAt = e.in(-time.Hour), e.in(-time.Hour), e.in(-5*time.Second)
			e.stored(e.create(r))
		}},
	}
}
