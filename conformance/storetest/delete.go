package storetest

import (
	"slices"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

func deleteCases() []Case {
	return []Case{
		{Name: "delete/removes", Why: "Delete removes records: no Load that starts after it returned finds them.", run: func(e *env) {
			a, b, c := e.record(), e.record(), e.bound(e.user("ann"), e.now)
			e.create(a, b, c)
			e.warm(a.ID)
			e.ok("Delete", e.s.Delete(e.ctx, a.ID, c.ID))
			e.gone(a.ID)
			e.gone(c.ID)
			e.stored(b)
		}},
		{Name: "delete/idempotent", Why: "Unknown ids are no error, and neither is a second Delete.", run: func(e *env) {
			a, b := e.record(), e.record()
			e.create(a, b)
			e.ok("Delete of nothing", e.s.Delete(e.ctx))
			e.ok("Delete of an unknown id", e.s.Delete(e.ctx, e.id()))
			e.ok("Delete of an id that is named twice, and an unknown one", e.s.Delete(e.ctx, a.ID, e.id(), a.ID))
			e.ok("second Delete", e.s.Delete(e.ctx, a.ID))
			e.gone(a.ID)
			e.stored(b)
		}},
		{Name: "delete/final", Why: "Delete removes records: no Save or Touch brings them back.", run: func(e *env) {
			r := e.create(e.record())
			e.ok("Delete", e.s.Delete(e.ctx, r.ID))
			for version := range int64(4) { // whatever the store did to the version
				c := r.Clone()
				c.Version = version
				e.want("Save of a removed record", e.s.Save(e.ctx, c.Clone()), store.ErrConflict)
				e.want("Touch of a removed record", e.s.Touch(e.ctx, c, e.touch(c, time.Second)), store.ErrConflict)
			}
			e.gone(r.ID)
		}},
		{Name: "delete/unlisted", Needs: NeedIndexed, Why: "A removed record is not found, by List neither.", run: func(e *env) {
			a, b := e.bound(e.user("ann"), e.now), e.bound(e.user("ann"), e.now)
			e.create(a, b)
			e.ok("Delete", e.s.Delete(e.ctx, a.ID))
			for _, q := range []store.Query{{}, {User: a.User}, {Kind: store.Users}, {Live: e.now}} {
				e.lists("after Delete", q, b)
			}
			e.lists("expired, after Delete", store.Query{Expired: e.in(time.Minute)})
		}},
		{Name: "delete/many", Why: "Delete removes however many records it is told to.", run: func(e *env) {
			ids := make([]store.ID, 2500)
			for i := range ids {
				ids[i] = e.id()
			}
			stays := e.create(e.record())
			for _, i := range []int{0, 499, 500, 999, 1000, 1250, 2000, 2499} { // at the seams of any sensible batch
				r := e.record()
				r.ID = ids[i]
				e.create(r)
			}
			slices.Reverse(ids)
			e.ok("Delete", e.s.Delete(e.ctx, ids...))
			for _, i := range []int{0, 499, 500, 999, 1000, 1250, 2000, 2499} {
				e.gone(ids[len(ids)-1-i])
			}
			e.stored(stays)
		}},
	}
}
