package memory

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"slices"
	"testing"

	"github.com/qsessions/qsessions/core/store"
)

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// A listing of several pages yields each record once, latest first, also when records go while it yields.
func TestListPages(t *testing.T) {
	t.Parallel()
	const n = 3*firstPage + 5
	for _, q := range []store.Query{{}, {User: "u"}, {Limit: 2*firstPage + 1}, {User: "u", Limit: firstPage}} {
		t.Run(fmt.Sprintf("user %q limit %d", q.User, q.Limit), func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			var s Store
			var want []store.ID
			for i := range n {
				r := newRecord("u")
				binary.BigEndian.PutUint64(r.ID[:], uint64(n-i))
				create(t, &s, r)
				want = append(want, r.ID)
			}
			// Every second record behind the first is gone before the loop comes to it.
			for i := 1; i < n; i += 2 {
				want[i] = store.ID{}
			}
			all := slices.Clone(want)
			want = slices.DeleteFunc(want, store.ID.IsZero)
			if q.Limit > 0 {
				want = want[:min(q.Limit, len(want))]
			}
			var got []store.ID
			for r, err := range s.List(ctx, q) {
				if err != nil {
					t.Fatal(err)
				}
				if got == nil {
					deleteOthers(t, &s, all)
				}
				got = append(got, r.ID)
			}
			if !slices.Equal(got, want) {
				t.Errorf("List yielded %d ids, want %d, in order", len(got), len(want))
			}
		})
	}
}

// deleteOthers removes what is not in keep.
func deleteOthers(t *testing.T, s *Store, keep []store.ID) {
	t.Helper()
	kept := map[store.ID]bool{}
	for _, id := range keep {
		kept[id] = true
	}
	for r, err := range s.List(t.Context(), store.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		if !kept[r.ID] {
			if err := s.Delete(t.Context(), r.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestLatest(t *testing.T) {
	t.Parallel()
	id := func(n int) (id store.ID) {
		binary.BigEndian.PutUint64(id[8:], uint64(n))
		return id
	}
	for _, n := range []int{1, 2, 7, 100, 1000} {
		for _, after := range []int{0, 1, 50, 100, 2000} {
			l := latest{n: n, after: id(after)}
			for i := range 100 {
				l.add(id(1 + i*37%100)) // 1 to 100, mixed
			}
			var want []store.ID
			top := 100
			if after > 0 {
				top = min(top, after-1)
			}
			for i := top; i > 0 && len(want) < n; i-- {
				want = append(want, id(i))
			}
			if got := l.done(); !slices.Equal(got, want) {
				t.Errorf("the latest %d of 100 behind %d: got %d ids, want %d, in order", n, after, len(got), len(want))
			}
		}
	}
}
