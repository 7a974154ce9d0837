package storetest

import (
	"context"
	"errors"
	"runtime"
	"runtime/pprof"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

// manyRecords is more than a sensible page of List or batch of DeleteUser.
const manyRecords = 1100

// How List behaves as an iterator.
func loopCases() []Case {
	cases := []Case{
		{Name: "list/break-releases", Why: "A loop over List that ends early leaves nothing behind: no lock, connection or goroutine.", run: func(e *env) {
			e.mixed()
			const breaks = 64
			var grown int
			label := "break " + e.id().String() // of no other case, ever
			labels := pprof.Labels("storetest", label)
			pprof.Do(e.ctx, labels, func(ctx context.Context) {
				for range breaks {
					for _, err := range e.x.List(ctx, store.Query{}) {
						if err != nil {
							e.Errorf("List: %v", err)
						}
						break
					}
				}
				for range 50 {
					for range 200 { // what is about to end may do so
						runtime.Gosched()
					}
					if grown = labelled(label); grown < breaks/2 {
						return
					}
				}
			})
			e.Still()
			if grown >= breaks/2 {
				e.Fatalf("%d loops that broke off have left %d goroutines", breaks, grown)
			}
			e.create(e.record())
		}},
		{Name: "list/loop-may-call-store", Why: "List holds no lock and no connection while it yields, so that the loop may call the store.", run: func(e *env) {
			rs := e.mixed()
			seen := 0
			for r, err := range e.x.List(e.ctx, store.Query{}) {
				if err != nil {
					e.Errorf("List: %v", err)
					break
				}
				want := byID(rs, r.ID)
				seen++
				if err := e.s.Touch(e.ctx, want, e.touch(want, time.Second)); err != nil {
					e.Errorf("Touch in a loop over List: %v", err)
					break
				}
				for range e.x.List(e.ctx, store.Query{After: r.ID}) {
					break
				}
				if err := e.s.Delete(e.ctx, r.ID); err != nil {
					e.Errorf("Delete in a loop over List: %v", err)
					break
				}
			}
			e.Still()
			if seen != len(rs) {
				e.Fatalf("got %d records while the loop removed them, want %d", seen, len(rs))
			}
			e.lists("after the loop", store.Query{})
		}},
		{Name: "list/error-last", Why: "An error is yielded last and once, with a nil record.", run: func(e *env) {
			e.mixed()
			ctx, cancel := context.WithCancel(e.ctx)
			cancel()
			yields := 0
			for r, err := range e.x.List(ctx, store.Query{}) {
				if yields++; yields > 1 || err == nil || r != nil {
					e.Errorf("yield %d of a List whose context is done: got record %t and error %v, want one error alone", yields, r != nil, err)
					break
				}
			}
			e.Still()
			if yields != 1 {
				e.Fatalf("a List whose context is done yielded %d times, want once", yields)
			}
		}},
		{Name: "list/reusable", Why: "The iterator may be used again, and starts anew.", run: func(e *env) {
			e.mixed()
			q := store.Query{Limit: 5}
			seq := e.x.List(e.ctx, q)
			for range seq {
				break
			}
			e.create(e.record())
			var got []*store.Record
			for r, err := range seq {
				if err != nil {
					e.Errorf("List: %v", err)
					break
				}
				got = append(got, r)
			}
			e.Still()
			if g, w := names(got), names(e.list(q)); g != w {
				e.Fatalf("used again: got records %s, want %s", g, w)
			}
		}},
		{Name: "list/once", Why: "A record that is there for the whole of the iteration is yielded once; one that goes meanwhile may be missed.", run: func(e *env) {
			rs := newest(e.many(manyRecords, func(int) *store.Record { return e.record() })...)
			var gone []store.ID
			seen := make(map[store.ID]int)
			for r, err := range e.x.List(e.ctx, store.Query{}) {
				if err != nil {
					e.Errorf("List: %v", err)
					break
				}
				seen[r.ID]++
				if gone = append(gone, r.ID); len(gone)%100 == 0 { // what was yielded goes, and must not shift the rest
					if err := e.s.Delete(e.ctx, gone[len(gone)-100:]...); err != nil {
						e.Errorf("Delete in a loop over List: %v", err)
						break
					}
				}
			}
			e.Still()
			for i, r := range rs {
				if seen[r.ID] != 1 {
					e.Fatalf("record %d of %d was yielded %d times, want once", i+1, len(rs), seen[r.ID])
				}
			}
		}},
		{Name: "list/canceled-meanwhile", Why: "Every method honors ctx: a List that is cut short yields the error, and does not look complete.", run: func(e *env) {
			e.many(manyRecords, func(int) *store.Record { return e.record() })
			ctx, cancel := context.WithCancel(e.ctx)
			defer cancel()
			records, failed := 0, 0
			for r, err := range e.x.List(ctx, store.Query{}) {
				switch {
				case failed > 0:
					e.Errorf("got another yield behind the error")
				case err != nil:
					failed++
					if ctxErr := ctx.Err(); r != nil || !errors.Is(err, ctxErr) {
						e.Errorf("got record %t and error %v, want %v alone", r != nil, err, ctxErr)
					}
				default:
					records++
				}
				cancel()
				if e.Err() != nil {
					break
				}
			}
			e.Still()
			if failed == 0 && records != manyRecords {
				e.Fatalf("got %d of %d records and no error", records, manyRecords)
			}
		}},
		{Name: "list/owned", Why: "A store hands out no slice that it keeps: the loop may change what it got.", run: func(e *env) {
			r := e.create(e.record())
			want := r.Clone()
			for _, got := range e.list(store.Query{Data: true}) {
				spoil(got)
			}
			e.stored(want)
		}},
	}
	for i := range cases {
		cases[i].Needs |= NeedIndexed
	}
	return cases
}
