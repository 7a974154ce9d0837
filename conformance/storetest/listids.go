package storetest

import (
	"errors"
	"math/rand/v2"
	"slices"

	"github.com/qsessions/qsessions/conformance/internal/harness"
	"github.com/qsessions/qsessions/core/store"
)

// Queries by ids.
func listIDsCases() []Case {
	return []Case{
		{Name: "list/ids", Needs: NeedIndexed, Why: "A Query with IDs selects only these records, each once, in the order of every List.", run: func(e *env) {
			rs := e.mixed()
			unknown, removed := e.id(), e.create(e.record()).ID
			e.ok("Delete", e.s.Delete(e.ctx, removed))
			given := []store.ID{rs[4].ID, unknown, rs[1].ID, rs[6].ID, rs[1].ID, removed, {}}
			want := slices.Clone(given)
			e.ordered("of ids", store.Query{IDs: given}, rs[1], rs[4], rs[6])
			e.ordered("of one id", store.Query{IDs: []store.ID{rs[3].ID}}, rs[3])
			e.ordered("of ids that are not there", store.Query{IDs: []store.ID{unknown, removed}})
			e.ordered("of no ids, which are all", store.Query{IDs: []store.ID{}}, rs...)
			if !slices.Equal(given, want) {
				e.Fatalf("List changed the slice of ids")
			}
		}},
		{Name: "list/ids-many", Needs: NeedIndexed, Why: "A Query has at most MaxIDs ids: List yields all of their records, and answers ErrTooLarge to more.", run: func(e *env) {
			rs := newest(e.many(store.MaxIDs+1, func(int) *store.Record { return e.record() })...)
			var ids []store.ID
			for _, i := range rand.Perm(len(rs)) {
				ids = append(ids, rs[i].ID)
			}
			last := ids[store.MaxIDs]
			most := slices.DeleteFunc(slices.Clone(rs), func(r *store.Record) bool { return r.ID == last })
			e.ordered("of MaxIDs ids", store.Query{IDs: ids[:store.MaxIDs]}, most...)
			e.ordered("of MaxIDs ids, with Data", store.Query{IDs: ids[:store.MaxIDs], Data: true}, most...)
			for r, err := range e.x.List(e.ctx, store.Query{IDs: ids}) {
				if r != nil || !errors.Is(err, store.ErrTooLarge) {
					e.Fatalf("List of MaxIDs + 1 ids: got record %v and error %s, want %s", r != nil, harness.Sentinel(err), harness.Sentinel(store.ErrTooLarge))
				}
				return
			}
			e.Fatalf("List of MaxIDs + 1 ids: got nothing, want %s", harness.Sentinel(store.ErrTooLarge))
		}},
	}
}
