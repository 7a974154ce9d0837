package storetest

import (
	"slices"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

// removes ends the case unless DeleteUser named exactly the records that are wanted, in any order, and one twice or once.
// It is for users without any other removed record.
func (e *env) removes(what string, got []store.ID, err error, want ...*store.Record) {
	e.ok(what, err)
	var g []*store.Record
	got = slices.Clone(got)
	slices.SortFunc(got, compareIDs)
	for _, id := range slices.Compact(got) {
		g = append(g, &store.Record{ID: id})
	}
	if g, w := names(newest(g...)), names(newest(want...)); g != w {
		e.Fatalf("%s: got the ids of records %s, want %s", what, g, w)
	}
}

func deleteUserCases() []Case {
	cases := []Case{
		{Name: "deleteuser/removes", Why: "DeleteUser removes the user's records with an AuthenticatedAt earlier than the cut-off.", run: func(e *env) {
			ann := e.user("ann")
			cutoff := e.in(time.Second)
			old, last := e.bound(ann, e.in(-time.Hour)), e.bound(ann, cutoff.Add(-time.Microsecond))
			at, later := e.bound(ann, cutoff), e.bound(ann, cutoff.Add(time.Microsecond))
			e.create(later, old, at, last)
			e.warm(old.ID)
			got, err := e.x.DeleteUser(e.ctx, ann, cutoff)
			e.removes("DeleteUser", got, err, old, last)
			e.gone(old.ID)
			e.gone(last.ID)
			e.stored(at)
			e.stored(later)
			e.lists("of the user, afterwards", store.Query{User: ann}, newest(at, later)...)
		}},
		{Name: "deleteuser/others-stay", Why: "DeleteUser removes that user's records: no other's, and no anonymous ones.", run: func(e *env) {
			ann := e.create(e.bound(e.user("ann"), e.now))
			bob, anonymous := e.bound(e.user("bob"), e.now), e.record()
			e.create(bob, anonymous)
			got, err := e.x.DeleteUser(e.ctx, ann.User, e.in(time.Second))
			e.removes("DeleteUser", got, err, ann)
			e.stored(bob)
			e.stored(anonymous)
		}},
		{Name: "deleteuser/keep", Why: "DeleteUser excepts the records of keep.", run: func(e *env) {
			ann := e.user("ann")
			rs := []*store.Record{e.bound(ann, e.now), e.bound(ann, e.now), e.bound(ann, e.now), e.bound(ann, e.now)}
			e.create(rs...)
			got, err := e.x.DeleteUser(e.ctx, ann, e.in(time.Second), rs[2].ID, e.id(), rs[0].ID)
			e.removes("DeleteUser with two records kept", got, err, rs[1], rs[3])
			e.stored(rs[0])
			e.stored(rs[2])
			e.gone(rs[1].ID)
			e.gone(rs[3].ID)
		}},
		{Name: "deleteuser/names-removed", Why: "DeleteUser returns the ids of the user's records with an earlier AuthenticatedAt, keep excepted: those that it removed, and those removed before that it still remembers (at least until a Sweep).", run: func(e *env) {
			ann := e.user("ann")
			a, b, c := e.bound(ann, e.now), e.bound(ann, e.now), e.bound(ann, e.now)
			e.create(a, b, c)
			got, err := e.x.DeleteUser(e.ctx, ann, e.in(time.Second), c.ID)
			e.removes("first DeleteUser", got, err, a, b)
			got, err = e.x.DeleteUser(e.ctx, ann, e.in(time.Second), c.ID)
			e.removes("second DeleteUser", got, err, a, b)
			got, err = e.x.DeleteUser(e.ctx, ann, e.in(2*time.Second))
			e.removes("third DeleteUser", got, err, a, b, c)
		}},
		{Name: "deleteuser/names-deleted", Why: "DeleteUser returns those removed before that it still remembers: those that Delete removed as well.", run: func(e *env) {
			ann := e.user("ann")
			a, b := e.bound(ann, e.now), e.bound(ann, e.now)
			e.create(a, b, e.bound(e.user("bob"), e.now))
			e.ok("Delete", e.s.Delete(e.ctx, a.ID))
			got, err := e.x.DeleteUser(e.ctx, ann, e.in(time.Second))
			e.removes("DeleteUser after a Delete", got, err, a, b)
		}},
		{Name: "deleteuser/names-no-live", Why: "DeleteUser names no record that it leaves, none of keep, and none of another user; other removed records of the user it may name.", run: func(e *env) {
			ann := e.user("ann")
			cutoff := e.in(time.Second)
			old, kept, keptRemoved := e.bound(ann, e.now), e.bound(ann, e.now), e.bound(ann, e.now)
			later, laterRemoved := e.bound(ann, e.in(time.Hour)), e.bound(ann, e.in(time.Hour))
			bob, bobRemoved := e.bound(e.user("bob"), e.now), e.bound(e.user("bob"), e.now)
			anonymous, anonymousRemoved := e.record(), e.record()
			e.create(old, kept, keptRemoved, later, laterRemoved, bob, bobRemoved, anonymous, anonymousRemoved)
			e.ok("Delete", e.s.Delete(e.ctx, keptRemoved.ID, laterRemoved.ID, bobRemoved.ID, anonymousRemoved.ID))
			for range 2 {
				got, err := e.x.DeleteUser(e.ctx, ann, cutoff, kept.ID, keptRemoved.ID)
				e.ok("DeleteUser", err)
				for what, r := range map[string]*store.Record{
					"is in keep": kept, "is in keep, and was removed": keptRemoved, "is too late": later, "is another user's": bob,
					"is another user's, and was removed": bobRemoved, "is anonymous": anonymous, "is anonymous, and was removed": anonymousRemoved,
				} {
					if slices.Contains(got, r.ID) {
						e.Fatalf("DeleteUser named a record that %s", what)
					}
				}
			}
			for _, r := range []*store.Record{kept, later, bob, anonymous} {
				e.stored(r)
			}
		}},
		{Name: "deleteuser/unknown", Why: "DeleteUser of a user without records removes nothing, and still makes the cut-off known.", run: func(e *env) {
			eve := e.user("eve")
			got, err := e.x.DeleteUser(e.ctx, eve, e.now)
			e.removes("DeleteUser", got, err)
			e.cutoff(eve, e.now)
		}},
		{Name: "deleteuser/expired", Why: "A store never decides whether a session is live: DeleteUser removes expired records too.", run: func(e *env) {
			r := e.bound(e.user("ann"), e.in(-time.Hour))
			r.ExpiresAt = e.in(-5 * time.Second)
			e.create(r)
			got, err := e.x.DeleteUser(e.ctx, r.User, e.now)
			e.removes("DeleteUser", got, err, r)
			e.gone(r.ID)
		}},
		{Name: "deleteuser/final", Why: "A removed record is not found, and no Save or Touch brings it back.", run: func(e *env) {
			r := e.create(e.bound(e.user("ann"), e.now))
			e.warm(r.ID)
			_, err := e.x.DeleteUser(e.ctx, r.User, e.in(time.Second))
			e.ok("DeleteUser", err)
			for version := range int64(4) {
				c := r.Clone()
				c.Version = version
				e.want("Save of a removed record", e.s.Save(e.ctx, c.Clone()), store.ErrConflict)
				e.want("Touch of a removed record", e.s.Touch(e.ctx, c, e.touch(c, time.Second)), store.ErrConflict)
			}
			e.gone(r.ID)
		}},
		{Name: "deleteuser/many", Why: "DeleteUser removes and names all records of the user, however many.", run: func(e *env) {
			ann := e.user("ann")
			rs := e.many(manyRecords, func(i int) *store.Record { return e.bound(ann, e.in(time.Duration(i)*time.Microsecond)) })
			keep := rs[manyRecords/2]
			rs = slices.Delete(slices.Clone(rs), manyRecords/2, manyRecords/2+1)
			for _, what := range []string{"DeleteUser", "second DeleteUser"} {
				got, err := e.x.DeleteUser(e.ctx, ann, e.in(time.Second), keep.ID)
				e.ok(what, err)
				slices.SortFunc(got, compareIDs)
				if got = slices.Compact(got); len(got) != len(rs) {
					e.Fatalf("%s named %d records, want %d", what, len(got), len(rs))
				}
			}
			e.lists("of the user, afterwards", store.Query{User: ann}, keep)
		}},
	}
	for i := range cases {
		cases[i].Needs |= NeedIndexed
	}
	return cases
}

// cutoff ends the case unless the user's cut-off is want.
func (e *env) cutoff(user string, want time.Time) {
	got, err := e.x.Cutoff(e.ctx, user)
	e.ok("Cutoff", err)
	if !got.Equal(want) {
		e.Fatalf("Cutoff: got %v, want %v", got, want)
	}
}

func cutoffCases() []Case {
	cases := []Case{
		{Name: "cutoff/none", Why: "Cutoff returns the user's latest cut-off, or the zero time.", run: func(e *env) {
			e.cutoff(e.user("ann"), time.Time{})
			e.create(e.bound(e.user("ann"), e.now))
			e.ok("Delete", e.s.Delete(e.ctx, e.create(e.bound(e.user("ann"), e.now)).ID))
			e.cutoff(e.user("ann"), time.Time{})
		}},
		{Name: "cutoff/known", Why: "Cutoff sees every cut-off made known before it was called, to the microsecond.", run: func(e *env) {
			ann := e.user("ann")
			for i := range 5 {
				at := e.in(time.Duration(i)*time.Second + time.Duration(i)*time.Microsecond)
				_, err := e.x.DeleteUser(e.ctx, ann, at)
				e.ok("DeleteUser", err)
				e.cutoff(ann, at)
			}
		}},
		{Name: "cutoff/never-moves-back", Why: "A cut-off never moves back.", run: func(e *env) {
			ann := e.user("ann")
			for _, d := range []time.Duration{time.Second, 0, time.Second - time.Microsecond, -time.Hour, time.Second} {
				_, err := e.x.DeleteUser(e.ctx, ann, e.in(d))
				e.ok("DeleteUser", err)
				e.cutoff(ann, e.in(time.Second))
			}
		}},
		{Name: "cutoff/one-users", Why: "Cutoff returns that user's cut-off, and no other's.", run: func(e *env) {
			ann, bob, eve := e.user("ann"), e.user("bob"), e.user("eve")
			_, err := e.x.DeleteUser(e.ctx, ann, e.now)
			e.ok("DeleteUser", err)
			_, err = e.x.DeleteUser(e.ctx, bob, e.in(time.Second))
			e.ok("DeleteUser", err)
			e.cutoff(ann, e.now)
			e.cutoff(bob, e.in(time.Second))
			e.cutoff(eve, time.Time{})
		}},
	}
	for i := range cases {
		cases[i].Needs |= NeedIndexed
	}
	return cases
}
