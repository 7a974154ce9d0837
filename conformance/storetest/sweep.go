package storetest

import (
	"time"

	"github.com/qsessions/qsessions/core/store"
)

// Times are in the future, so that no server has expired anything by itself.
func sweepCases() []Case {
	cases := []Case{
		{Name: "sweep/forgets", Why: "Sweep forgets records that expired before the given time.", run: func(e *env) {
			a, b := e.record(), e.bound(e.user("ann"), e.now)
			e.create(a, b)
			if n := e.drain(e.in(3 * time.Hour)); n != 2 {
				e.Fatalf("Sweep forgot %d records, want 2", n)
			}
			e.gone(a.ID)
			e.gone(b.ID)
			e.lists("afterwards", store.Query{})
			got, err := e.x.DeleteUser(e.ctx, b.User, e.in(time.Second))
			e.removes("DeleteUser after the Sweep", got, err)
			e.ok("Create with an id that was forgotten", e.s.Create(e.ctx, a))
		}},
		{Name: "sweep/live-stay", Why: "Sweep forgets no record that has not expired before the given time.", run: func(e *env) {
			early, late := e.record(), e.record()
			late.ExpiresAt = e.in(3*time.Hour + time.Microsecond)
			e.create(early, late)
			if n := e.drain(e.in(3 * time.Hour)); n != 1 {
				e.Fatalf("Sweep forgot %d records, want 1", n)
			}
			e.gone(early.ID)
			e.stored(late)
		}},
		{Name: "sweep/last-hour", Why: "Sweep may leave the records of the last hour, but no earlier ones.", run: func(e *env) {
			day := e.now.Truncate(24 * time.Hour)
			for i, d := range []time.Duration{48 * time.Hour, 60*time.Hour - 1, 71*time.Hour + 2*time.Minute, 84*time.Hour - 3*time.Minute, 96*time.Hour + time.Microsecond} {
				before := day.Add(d).Truncate(time.Microsecond)
				r := e.record()
				r.ExpiresAt = before.Add(-time.Hour - time.Microsecond)
				e.create(r)
				if n := e.drain(before); n != 1 {
					e.Fatalf("Sweep %d forgot %d records that expired an hour and a microsecond before %s, want 1", i, n, before.Format(time.TimeOnly))
				}
				e.gone(r.ID)
			}
		}},
		{Name: "sweep/extended-stay", Why: "A record that was touched or saved, so that it expires later, stays.", run: func(e *env) {
			a, b := e.record(), e.record()
			e.create(a, b)
			e.ok("Touch", e.s.Touch(e.ctx, a, e.touch(a, 4*time.Hour)))
			b.ExpiresAt = e.in(5 * time.Hour)
			e.ok("Save", e.s.Save(e.ctx, b))
			e.drain(e.in(3 * time.Hour))
			e.stored(a)
			e.stored(b)
		}},
		{Name: "sweep/shortened-go", Why: "Sweep forgets records that expired before the given time: those that a Save let expire earlier as well.", run: func(e *env) {
			r := e.record()
			r.ExpiresAt = e.in(10 * time.Hour)
			e.create(r)
			r.ExpiresAt = e.in(time.Hour)
			e.ok("Save", e.s.Save(e.ctx, r))
			if n := e.drain(e.in(3 * time.Hour)); n != 1 {
				e.Fatalf("Sweep forgot %d records, want 1", n)
			}
		}},
		{Name: "sweep/limit", Why: "Sweep forgets up to limit records.", run: func(e *env) {
			for range 7 {
				e.create(e.record())
			}
			for left := 7; left > 0; {
				n, err := e.x.Sweep(e.ctx, e.in(3*time.Hour), 3)
				e.ok("Sweep", err)
				if n < 1 || n > 3 {
					e.Fatalf("Sweep with limit 3 and %d records left: got %d", left, n)
				}
				left -= n
				if got := len(e.list(store.Query{})); got != left {
					e.Fatalf("Sweep said that %d records are left, but %d are", left, got)
				}
			}
			n, err := e.x.Sweep(e.ctx, e.in(3*time.Hour), 1)
			e.ok("Sweep", err)
			if n != 0 {
				e.Fatalf("Sweep of an empty store: got %d, want 0", n)
			}
		}},
		{Name: "sweep/done", Why: "Sweep returns how many records it forgot; zero means done.", run: func(e *env) {
			e.many(250, func(int) *store.Record { return e.record() })
			stays := e.record()
			stays.ExpiresAt = e.in(10 * time.Hour)
			e.create(stays)
			if n := e.drain(e.in(3 * time.Hour)); n != 250 {
				e.Fatalf("Sweep forgot %d records, want 250", n)
			}
			e.lists("afterwards", store.Query{}, stays)
		}},
		{Name: "sweep/removed", Why: "Sweep forgets records that were removed before the given time, at the latest when they would have expired.", run: func(e *env) {
			a, b := e.bound(e.user("ann"), e.now), e.bound(e.user("ann"), e.now)
			e.create(a, b)
			e.ok("Delete", e.s.Delete(e.ctx, a.ID))
			_, err := e.x.DeleteUser(e.ctx, b.User, e.in(time.Second))
			e.ok("DeleteUser", err)
			e.drain(e.in(3 * time.Hour))
			got, err := e.x.DeleteUser(e.ctx, b.User, e.in(time.Second))
			e.removes("DeleteUser after the Sweep", got, err)
			e.ok("Create with an id that was forgotten", e.s.Create(e.ctx, a))
		}},
		{Name: "sweep/removed-later-stay", Why: "Sweep forgets no record that was removed at the given time or later.", run: func(e *env) {
			r := e.bound(e.user("ann"), e.now)
			r.ExpiresAt = e.in(100 * time.Hour)
			e.create(r)
			_, err := e.x.DeleteUser(e.ctx, r.User, e.in(time.Second))
			e.ok("DeleteUser", err)
			e.drain(e.in(-time.Minute))
			got, err := e.x.DeleteUser(e.ctx, r.User, e.in(time.Second))
			e.removes("DeleteUser after a Sweep of what was before", got, err, r)
		}},
		{Name: "sweep/cutoffs", Why: "Sweep forgets cut-offs a day older than the given time, and no later ones.", run: func(e *env) {
			ann, bob := e.user("ann"), e.user("bob")
			_, err := e.x.DeleteUser(e.ctx, ann, e.in(-26*time.Hour))
			e.ok("DeleteUser", err)
			_, err = e.x.DeleteUser(e.ctx, bob, e.in(-24*time.Hour+time.Minute))
			e.ok("DeleteUser", err)
			e.drain(e.now)
			e.cutoff(ann, time.Time{})
			e.cutoff(bob, e.in(-24*time.Hour+time.Minute))
		}},
	}
	for i := range cases {
		cases[i].Needs |= NeedIndexed
	}
	return cases
}
