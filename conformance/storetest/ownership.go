package storetest

import (
	"slices"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

func ownershipCases() []Case {
	return []Case{
		{Name: "ownership/create", Why: "A store does not keep a slice that it was given: the caller may change a record as soon as Create has returned.", run: func(e *env) {
			r := e.create(e.record())
			want := r.Clone()
			spoil(r)
			e.stored(want)
		}},
		{Name: "ownership/save", Why: "A store does not keep a slice that it was given: the caller may change a record as soon as Save has returned.", run: func(e *env) {
			r := e.create(e.record())
			r.Data, r.Secret = []byte("saved"), []byte("saved too")
			e.ok("Save", e.s.Save(e.ctx, r))
			want := r.Clone()
			spoil(r)
			e.stored(want)
		}},
		{Name: "ownership/touch", Why: "A store does not keep a slice that it was given: the caller may change a record as soon as Touch has returned.", run: func(e *env) {
			r := e.create(e.record())
			e.ok("Touch", e.s.Touch(e.ctx, r, e.touch(r, time.Second)))
			want := r.Clone()
			spoil(r)
			e.stored(want)
		}},
		{Name: "ownership/load", Why: "A store hands out no slice that it keeps: the loaded record is the caller's.", run: func(e *env) {
			r := e.create(e.record())
			for range 2 {
				got, err := e.s.Load(e.ctx, r.ID)
				e.ok("Load", err)
				if d := diff(got, r); d != "" {
					e.Fatalf("after the caller changed what it loaded: %s", d)
				}
				spoil(got)
			}
			e.stored(r)
		}},
		{Name: "ownership/record-not-kept", Why: "A store keeps no record that it was given: changing its fields changes nothing that is stored.", run: func(e *env) {
			r := e.create(e.record())
			want := r.Clone()
			r.UserAgent, r.Version, r.ExpiresAt = "changed", 9, e.now
			e.stored(want)
			got := e.get(want.ID)
			got.UserAgent, got.Version, got.ExpiresAt = "changed", 9, e.now
			e.stored(want)
		}},
		{Name: "ownership/given-slices", Why: "A store does not modify a slice that it was given.", run: func(e *env) {
			r := e.record()
			secret, data := slices.Clone(r.Secret), slices.Clone(r.Data)
			s, d := r.Secret, r.Data
			e.create(r)
			e.ok("Save", e.s.Save(e.ctx, r))
			e.ok("Touch", e.s.Touch(e.ctx, r, e.touch(r, time.Second)))
			if !slices.Equal(s, secret) || !slices.Equal(d, data) {
				e.Fatalf("Create, Save or Touch changed Secret or Data")
			}
			ids := []store.ID{e.create(e.record()).ID, e.create(e.record()).ID, r.ID}
			ids[0], ids[1] = ids[1], ids[0] // neither up nor down
			want := slices.Clone(ids)
			e.ok("Delete", e.s.Delete(e.ctx, ids...))
			if !slices.Equal(ids, want) {
				e.Fatalf("Delete changed the slice of ids")
			}
		}},
		{Name: "ownership/keep", Needs: NeedIndexed, Why: "A store neither modifies nor keeps a slice that it was given: nor does DeleteUser with keep.", run: func(e *env) {
			ann := e.user("ann")
			rs := []*store.Record{e.bound(ann, e.now), e.bound(ann, e.now), e.bound(ann, e.now)}
			e.create(rs...)
			keep := []store.ID{rs[2].ID, rs[0].ID, rs[1].ID}
			want := slices.Clone(keep)
			_, err := e.x.DeleteUser(e.ctx, ann, e.in(time.Second), keep[:2]...)
			e.ok("DeleteUser", err)
			if !slices.Equal(keep, want) {
				e.Fatalf("DeleteUser changed the slice of ids to keep")
			}
		}},
	}
}

// spoil overwrites the slices of r, to the end of their capacity.
func spoil(r *store.Record) {
	for _, b := range [][]byte{r.Secret, r.Data} {
		for i := range b[:cap(b)] {
			b[:cap(b)][i] = '#'
		}
	}
}
