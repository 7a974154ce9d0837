package memcachestore

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

func clusterOf(t *testing.T, names ...string) *cluster {
	t.Helper()
	c, err := openCluster(t.Context(), names, Config{}, time.Second, "x:")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Each of n servers has about an n-th of the ids, whatever their order; one more takes its share and moves nothing else.
func TestPick(t *testing.T) {
	t.Parallel()
	var names []string
	for i := range 10 {
		names = append(names, fmt.Sprintf("127.0.0.1:%d", 11211+i))
	}
	const ids = 20_000
	for n := 1; n < len(names); n++ {
		few, more := clusterOf(t, names[:n]...), clusterOf(t, names[:n+1]...)
		backwards := slices.Clone(names[:n])
		slices.Reverse(backwards)
		other := clusterOf(t, backwards...)
		share, moved := map[string]int{}, 0
		for i := range ids {
			// Real ids of one moment, then counted ones: neither may lump together.
			id := store.ID{15: byte(i), 14: byte(i >> 8)}
			if i%2 == 0 {
				id = store.NewID(time.Unix(1_800_000_000, 0))
			}
			a := few.pick(id).addr
			if b := other.pick(id).addr; a != b {
				t.Fatalf("%v is at %s or at %s, by the order of servers", id, a, b)
			}
			share[a]++
			if b := more.pick(id).addr; b != a {
				moved++
				if b != names[n] {
					t.Fatalf("%v moved from %s to %s, which is not new", id, a, b)
				}
			}
		}
		for name, got := range share {
			if want := ids / n; got < want*9/10 || got > want*11/10 {
				t.Errorf("%s has %d of %d ids with %d servers", name, got, ids, n)
			}
		}
		if want := ids / (n + 1); moved < want*9/10 || moved > want*11/10 {
			t.Errorf("server %d took %d of %d ids, want about %d", n+1, moved, ids, want)
		}
	}
}
