package storetest

import (
	"net/netip"
	"time"

	"github.com/qsessions/qsessions/conformance/internal/harness"
	"github.com/qsessions/qsessions/core/store"
)

func saveCases() []Case {
	return []Case{
		{Name: "save/replaces", Why: "Save replaces the record.", run: func(e *env) {
			r := e.create(e.record())
			r.User, r.AuthenticatedAt = e.user("ann"), e.in(time.Second)
			r.LastSeen, r.ExpiresAt = e.in(2*time.Second), e.in(3*time.Hour)
			r.IP, r.UserAgent = netip.MustParseAddr("2001:db8::7"), "another"
			r.Secret, r.Data = []byte("another secret"), []byte("other data")
			e.ok("Save", e.s.Save(e.ctx, r))
			e.stored(r)
			r.ExpiresAt, r.IP, r.UserAgent, r.Secret, r.Data = e.in(time.Minute), netip.Addr{}, "", nil, nil
			e.ok("Save", e.s.Save(e.ctx, r))
			e.stored(r)
		}},
		{Name: "save/version", Why: "After a Save r.Version is one higher, in the store and in r.", run: func(e *env) {
			r := e.create(e.record())
			for want := int64(2); want < 5; want++ {
				e.ok("Save", e.s.Save(e.ctx, r))
				if got := e.get(r.ID).Version; r.Version != want || got != want {
					e.Fatalf("got version %d, stored %d, want %d", r.Version, got, want)
				}
			}
		}},
		{Name: "save/changes-nothing-else", Why: "Save sets r.Version, and nothing else of r.", run: func(e *env) {
			r := e.create(e.record())
			r.Data = []byte("new")
			want := r.Clone()
			want.Version = 2
			e.ok("Save", e.s.Save(e.ctx, r))
			e.same("Save", r, want)
		}},
		{Name: "save/conflict", Why: "Save replaces the record if its version is still r.Version, and answers ErrConflict if it is not.", run: func(e *env) {
			r := e.create(e.record())
			old, early := r.Clone(), r.Clone()
			r.Data = []byte("first")
			e.ok("Save", e.s.Save(e.ctx, r))
			old.Data = []byte("second")
			e.want("Save of an old version", e.s.Save(e.ctx, old), store.ErrConflict)
			e.stored(r)
			early.Version = 3
			e.want("Save of a version that is not there yet", e.s.Save(e.ctx, early), store.ErrConflict)
			e.stored(r)
		}},
		{Name: "save/gone", Why: "Save answers ErrConflict if there is no record any more: Load tells which.", run: func(e *env) {
			r := e.create(e.record())
			e.ok("Delete", e.s.Delete(e.ctx, r.ID))
			e.want("Save of a removed record", e.s.Save(e.ctx, r), store.ErrConflict)
			e.gone(r.ID)
		}},
		{Name: "save/never-inserts", Why: "Save never inserts: ErrConflict if there is no record.", run: func(e *env) {
			for _, version := range []int64{0, 1, 7} {
				r := e.record()
				r.Version = version
				e.want("Save of a record that was never created", e.s.Save(e.ctx, r), store.ErrConflict)
				e.gone(r.ID)
			}
		}},
		{Name: "save/ignores-last-seen", Why: "Save does not look at LastSeen, so that a touch never disturbs it.", run: func(e *env) {
			r := e.create(e.record())
			copied := r.Clone()
			e.ok("Touch", e.s.Touch(e.ctx, copied, e.touch(copied, time.Second)))
			r.Data = []byte("saved")
			if err := e.s.Save(e.ctx, r); err != nil {
				e.Fatalf("Save after somebody else's Touch: got error %s, want none", harness.Sentinel(err))
			}
			if got := e.get(r.ID); string(got.Data) != "saved" || got.Version != 2 {
				e.Fatalf("got data %q of version %d, want %q of 2", got.Data, got.Version, "saved")
			}
		}},
		{Name: "save/record-unchanged-after-error", Why: "After an error of Save r is as it was.", run: func(e *env) {
			r := e.create(e.record())
			old := r.Clone()
			e.ok("Save", e.s.Save(e.ctx, r))
			unknown := e.record()
			unknown.Version = 1
			for _, r := range []*store.Record{old, unknown} {
				r.Data, r.Tag = []byte("refused"), 43
				want := r.Clone()
				e.want("Save", e.s.Save(e.ctx, r), store.ErrConflict)
				e.same("Save", r, want)
				if r.Tag != want.Tag {
					e.Fatalf("Save: Tag has changed from %d to %d", want.Tag, r.Tag)
				}
			}
		}},
		{Name: "save/keeps-user", Why: "Save never changes or removes a user that is set: ErrConflict, and nothing is changed.", run: func(e *env) {
			ann, bob := e.user("ann"), e.user("bob")
			created, bound := e.create(e.bound(ann, e.now)), e.create(e.record())
			bound.User, bound.AuthenticatedAt = ann, e.now
			e.ok("Save that sets the user", e.s.Save(e.ctx, bound))
			for _, was := range []*store.Record{created, bound, e.get(created.ID), e.get(bound.ID)} {
				for _, user := range []string{bob, ""} {
					r := was.Clone()
					r.User, r.AuthenticatedAt, r.Data = user, e.in(time.Second), []byte("refused")
					want := r.Clone()
					e.want("Save with another user", e.s.Save(e.ctx, r), store.ErrConflict)
					e.same("Save", r, want)
					e.stored(was)
				}
			}
			if e.x != nil {
				e.lists("of the other user", store.Query{User: bob})
				e.lists("of the user", store.Query{User: ann}, created, bound)
			}
			for _, r := range []*store.Record{created, bound} {
				r.Data = []byte("saved")
				e.ok("Save with the same user", e.s.Save(e.ctx, r))
				e.stored(r)
			}
		}},
		{Name: "save/expired", Why: "A store never decides whether a session is live: Save works on an expired record.", run: func(e *env) {
			r := e.record()
			r.ExpiresAt = e.in(-5 * time.Second)
			e.create(r)
			r.ExpiresAt = e.in(time.Hour)
			e.ok("Save", e.s.Save(e.ctx, r))
			e.stored(r)
		}},
		{Name: "save/shortens", Why: "Save replaces the record: its end may move to an earlier time, and into the past.", run: func(e *env) {
			r := e.create(e.record())
			for _, d := range []time.Duration{time.Minute, -5 * time.Second} {
				r.ExpiresAt = e.in(d)
				e.ok("Save", e.s.Save(e.ctx, r))
				e.stored(r)
			}
		}},
		{Name: "save/others-stay", Why: "Save replaces the record of that id, and no other.", run: func(e *env) {
			a, b := e.record(), e.record()
			e.create(a, b)
			a.Data = []byte("changed")
			e.ok("Save", e.s.Save(e.ctx, a))
			e.stored(b)
		}},
		{Name: "save/binds", Needs: NeedIndexed, Why: "User is set once: from the Save that sets it, List and DeleteUser find the record by it.", run: func(e *env) {
			r := e.create(e.record())
			ann := e.user("ann")
			e.lists("records of a user who has none", store.Query{User: ann})
			r.User, r.AuthenticatedAt = ann, e.now
			e.ok("Save", e.s.Save(e.ctx, r))
			e.lists("records of the user", store.Query{User: ann}, r)
			e.lists("anonymous records", store.Query{Kind: store.Anonymous})
			got, err := e.x.DeleteUser(e.ctx, ann, e.in(time.Second))
			e.removes("DeleteUser", got, err, r)
			e.gone(r.ID)
		}},
		{Name: "save/no-user", Needs: NeedUsers, Why: "Save answers ErrNoUser if the user is not known, as Create does, and changes nothing.", run: func(e *env) {
			r := e.create(e.record())
			was := r.Clone()
			r.User, r.AuthenticatedAt = e.f.Nobody, e.now
			want := r.Clone()
			e.want("Save for an unknown user", e.s.Save(e.ctx, r), store.ErrNoUser)
			e.same("Save", r, want)
			e.stored(was)
		}},
	}
}
