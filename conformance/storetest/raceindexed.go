package storetest

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/qsessions/qsessions/conformance/internal/harness"
	"github.com/qsessions/qsessions/core/store"
)

// login does what a session manager does: it writes the bound record, then looks at the cut-off, and undoes.
func (e *env) login(write func() error, r *store.Record) {
	if err := write(); err != nil {
		e.either("login", err, store.ErrConflict)
		return
	}
	cutoff, err := e.x.Cutoff(e.ctx, r.User)
	e.either("Cutoff", err)
	if cutoff.After(r.AuthenticatedAt) {
		e.either("Delete", e.s.Delete(e.ctx, r.ID))
	}
}

// survivors runs logins with credentials of a second ago against one DeleteUser, round by round.
func (e *env) survivors(prepare func(user string, i int) (r *store.Record, write func() error)) {
	n := 0
	e.Round(func() {
		n++
		user, cutoff := e.user(fmt.Sprintf("user %d", n)), e.in(time.Second)
		var rs []*store.Record
		fs := []func(){func() {
			_, err := e.x.DeleteUser(e.ctx, user, cutoff)
			e.either("DeleteUser", err)
		}}
		for i := range 3 {
			r, write := prepare(user, i)
			rs = append(rs, r)
			fs = append(fs, func() { e.login(write, r) })
		}
		e.Together(fs...)
		e.Still()
		for _, r := range rs {
			if _, err := e.s.Load(e.ctx, r.ID); !errors.Is(err, store.ErrNotFound) {
				e.Fatalf("round %d: a login with older credentials survived DeleteUser: Load got error %s, want %s", n, harness.Sentinel(err), harness.Sentinel(store.ErrNotFound))
			}
		}
	})
}

func raceIndexedCases() []Case {
	cases := []Case{
		{Name: "race/login-deleteuser", Why: "DeleteUser first makes cutoff known and only then removes: a login that creates its record and then looks, either is found or sees the cut-off.", run: func(e *env) {
			e.survivors(func(user string, _ int) (*store.Record, func() error) {
				r := e.bound(user, e.now)
				return r, func() error { return e.s.Create(e.ctx, r) }
			})
		}},
		{Name: "race/binding-deleteuser", Why: "DeleteUser first makes cutoff known and only then removes: a login that saves the user and then looks, either is found or sees the cut-off.", run: func(e *env) {
			e.survivors(func(user string, _ int) (*store.Record, func() error) {
				r := e.create(e.record())
				r.User, r.AuthenticatedAt = user, e.now
				return r, func() error { return e.s.Save(e.ctx, r) }
			})
		}},
		{Name: "race/save-deleteuser", Why: "DeleteUser removes records, and no Save or Touch at the same time brings one back.", run: func(e *env) {
			e.Round(func() {
				r := e.create(e.bound(e.user("ann"), e.now))
				saving, touching := r.Clone(), r.Clone()
				e.Together(
					func() {
						_, err := e.x.DeleteUser(e.ctx, r.User, e.in(time.Second))
						e.either("DeleteUser", err)
					},
					func() { e.either("Save", e.s.Save(e.ctx, saving), store.ErrConflict) },
					func() { e.either("Touch", e.s.Touch(e.ctx, touching, e.touch(r, time.Second)), store.ErrConflict) },
				)
				e.Still()
				e.gone(r.ID)
			})
		}},
		{Name: "race/deleteuser-deleteuser", Why: "DeleteUser returns the ids that it removed, and those removed before that it still remembers: two at once both name all.", run: func(e *env) {
			n := 0
			e.Round(func() {
				n++
				user := e.user(fmt.Sprintf("user %d", n))
				rs := []*store.Record{e.bound(user, e.now), e.bound(user, e.now), e.bound(user, e.now), e.bound(user, e.now), e.bound(user, e.now)}
				e.create(rs...)
				var got [2][]store.ID
				var errs [2]error
				one := func(i int) { got[i], errs[i] = e.x.DeleteUser(e.ctx, user, e.in(time.Second)) }
				e.Together(func() { one(0) }, func() { one(1) })
				for i := range got {
					e.removes("DeleteUser beside another", got[i], errs[i], rs...)
				}
				e.lists("of the user, afterwards", store.Query{User: user})
			})
		}},
		{Name: "race/cutoffs", Why: "A cut-off never moves back: of many made known at once the latest stays.", run: func(e *env) {
			n := 0
			e.Round(func() {
				n++
				user := e.user(fmt.Sprintf("user %d", n))
				fs := make([]func(), writers)
				for i := range fs {
					fs[i] = func() {
						_, err := e.x.DeleteUser(e.ctx, user, e.in(time.Duration(i*3%writers)*time.Second))
						e.either("DeleteUser", err)
					}
				}
				e.Together(fs...)
				e.Still()
				e.cutoff(user, e.in((writers-1)*time.Second))
			})
		}},
		{Name: "race/sweep-touch", Why: "A record that is touched or saved while Sweep runs, so that it expires later, stays.", run: func(e *env) {
			e.Round(func() {
				rs := []*store.Record{e.record(), e.record(), e.record(), e.record()}
				e.create(rs...)
				fs := []func(){func() {
					_, err := e.x.Sweep(e.ctx, e.in(3*time.Hour), 100)
					e.either("Sweep", err)
				}}
				errs := make([]error, len(rs))
				for i, r := range rs {
					fs = append(fs, func() {
						if i%2 == 0 {
							errs[i] = e.s.Touch(e.ctx, r, e.touch(r, 1000*time.Hour))
						} else {
							r.ExpiresAt = e.in(1000 * time.Hour)
							errs[i] = e.s.Save(e.ctx, r)
						}
						e.either("Touch or Save against Sweep", errs[i], store.ErrConflict)
					})
				}
				e.Together(fs...)
				e.Still()
				for i, r := range rs {
					if _, err := e.s.Load(e.ctx, r.ID); errs[i] == nil && err != nil {
						e.Fatalf("a record was extended, and swept: Load got error %s, want none", harness.Sentinel(err))
					}
				}
				e.drain(e.in(3000 * time.Hour))
			})
		}},
		{Name: "race/sweep-sweep", Why: "Sweep returns how many records it forgot: two sweepers count none twice, leave none, and touch no live one.", run: func(e *env) {
			e.AtLeast(max(1, e.Rounds/25), func() {
				const expired = 60
				e.many(expired, func(int) *store.Record { return e.record() })
				stays := e.record()
				stays.ExpiresAt = e.in(10 * time.Hour)
				e.create(stays)
				var sum atomic.Int64
				sweep := func() {
					for {
						n, err := e.x.Sweep(e.ctx, e.in(3*time.Hour), 7)
						e.either("Sweep", err)
						if n == 0 || err != nil {
							return
						}
						sum.Add(int64(n))
					}
				}
				e.Together(sweep, sweep)
				e.Still()
				if sum.Load() != expired {
					e.Fatalf("two sweepers say that they forgot %d records, want %d", sum.Load(), expired)
				}
				e.lists("afterwards", store.Query{}, stays)
				e.ok("Delete", e.s.Delete(e.ctx, stays.ID))
				e.drain(e.in(3 * time.Hour))
			})
		}},
		{Name: "race/list", Why: "A record that is there for the whole of the iteration is yielded once, whatever happens to others meanwhile.", run: func(e *env) {
			stable := e.many(60, func(int) *store.Record { return e.record() })
			moving := make([]*store.Record, 2*e.Rounds)
			for i := range moving {
				moving[i] = e.record()
				copy(moving[i].ID[:], stable[i%len(stable)].ID[:6]) // between the stable ones
			}
			for range 4 {
				e.Together(func() {
					seen := make(map[store.ID]int)
					for r, err := range e.x.List(e.ctx, store.Query{}) {
						if err != nil {
							e.Errorf("List: %v", err)
							return
						}
						seen[r.ID]++
					}
					for _, r := range stable {
						if seen[r.ID] != 1 {
							e.Errorf("a record that is there all the time was yielded %d times, want once", seen[r.ID])
							return
						}
					}
				}, func() {
					for _, r := range moving[:len(moving)/4] {
						e.either("Create", e.s.Create(e.ctx, r))
						e.either("Delete", e.s.Delete(e.ctx, r.ID))
					}
				}, func() {
					for _, r := range stable[:20] {
						e.either("Touch", e.s.Touch(e.ctx, r, e.touch(r, time.Second)))
					}
				})
				e.Still()
				moving = slices.Delete(moving, 0, len(moving)/4)
			}
		}},
	}
	for i := range cases {
		cases[i].Needs |= NeedIndexed
	}
	return cases
}
