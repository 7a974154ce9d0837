package storetest

import (
	"time"

	"github.com/qsessions/qsessions/core/store"
)

func createCases() []Case {
	return []Case{
		{Name: "create/version", Why: "Create inserts r and sets r.Version to 1.", run: func(e *env) {
			r := e.record()
			r.Version = 42
			e.create(r)
			if r.Version != 1 || e.get(r.ID).Version != 1 {
				e.Fatalf("got version %d, stored %d, want 1", r.Version, e.get(r.ID).Version)
			}
		}},
		{Name: "create/changes-nothing-else", Why: "Create sets r.Version, and nothing else of r.", run: func(e *env) {
			r := e.bound(e.user("ann"), e.now)
			want := r.Clone()
			want.Version = 1
			e.same("Create", e.create(r), want)
		}},
		{Name: "create/exists", Why: "Create never replaces a record: ErrExists if the id is known.", run: func(e *env) {
			old := e.create(e.record())
			r := e.record()
			r.ID = old.ID
			e.want("Create with an id that is taken", e.s.Create(e.ctx, r), store.ErrExists)
			e.stored(old)
		}},
		{Name: "create/exists-expired", Why: "A store never decides whether a session is live: the id of an expired record is taken.", run: func(e *env) {
			old := e.record()
			old.ExpiresAt = e.in(-5 * time.Second)
			e.create(old)
			r := e.record()
			r.ID = old.ID
			e.want("Create with the id of an expired record", e.s.Create(e.ctx, r), store.ErrExists)
			e.stored(old)
		}},
		{Name: "create/exists-after-delete", Needs: NeedIndexed, Why: "ErrExists says that the id is taken, by a record or by one that was removed and is still remembered.", run: func(e *env) {
			old := e.create(e.bound(e.user("ann"), e.now))
			again := old.Clone()
			e.ok("Delete", e.s.Delete(e.ctx, old.ID))
			e.want("Create with the id of a removed record", e.s.Create(e.ctx, again), store.ErrExists)
			e.gone(old.ID)
		}},
		{Name: "create/exists-after-deleteuser", Needs: NeedIndexed, Why: "ErrExists says that the id is taken, by a record or by one that was removed and is still remembered.", run: func(e *env) {
			old := e.create(e.bound(e.user("ann"), e.now))
			again := old.Clone()
			_, err := e.x.DeleteUser(e.ctx, old.User, e.in(time.Second))
			e.ok("DeleteUser", err)
			e.want("Create with the id of a removed record", e.s.Create(e.ctx, again), store.ErrExists)
			e.gone(old.ID)
		}},
		{Name: "create/no-user", Needs: NeedUsers, Why: "Create answers ErrNoUser if the user is not known, and inserts nothing.", run: func(e *env) {
			r := e.bound(e.f.Nobody, e.now)
			want := r.Clone()
			e.want("Create for an unknown user", e.s.Create(e.ctx, r), store.ErrNoUser)
			e.same("Create", r, want)
			e.gone(r.ID)
			r.User = e.user("ann")
			e.stored(e.create(r))
		}},
		{Name: "create/record-unchanged-after-error", Why: "After an error of Create r is as it was.", run: func(e *env) {
			r := e.record()
			r.ID, r.Version, r.Tag = e.create(e.record()).ID, 42, 43
			want := r.Clone()
			e.want("Create with an id that is taken", e.s.Create(e.ctx, r), store.ErrExists)
			e.same("Create", r, want)
			if r.Tag != want.Tag {
				e.Fatalf("Create: Tag has changed from %d to %d", want.Tag, r.Tag)
			}
		}},
	}
}
