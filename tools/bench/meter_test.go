package bench

import (
	"errors"
	"testing"
	"time"
)

// The works take turns, do the same number of blocks each, and are counted apart.
func TestMeterTakesTurns(t *testing.T) {
	t.Parallel()
	var ops [2]int
	var order []int
	work := func(i int) Work {
		return func(_, n int) error {
			ops[i] += n
			order = append(order, i)
			for start := time.Now(); time.Since(start) < time.Duration(n)*100*time.Microsecond; { // long enough for a block
			}
			return nil
		}
	}
	m, err := NewMeter(Case{Workers: 1, Floor: work(0), Subject: work(1)})
	if err != nil {
		t.Fatal(err)
	}
	ops, order = [2]int{}, nil
	for range 4 {
		if err := m.Round(); err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range []int{0, 1, 1, 0, 0, 1, 1, 0} {
		if len(order) != 8 || order[i] != want {
			t.Fatalf("the blocks were of %v; want each work first in every other round", order)
		}
	}
	if m.floor.ops != ops[0] || m.subject.ops != ops[1] || ops[0] == 0 || ops[1] == 0 {
		t.Errorf("%d and %d operations were counted, %v done", m.floor.ops, m.subject.ops, ops)
	}
}

func TestMeterResult(t *testing.T) {
	t.Parallel()
	m := &Meter{
		floor:   series{times: []time.Duration{100, 900, 200, 300}, ops: 10, mallocs: 90, bytes: 1000, cpu: 500},
		subject: series{times: []time.Duration{800, 150, 400, 5000, 700}, ops: 10, mallocs: 120, bytes: 2000, cpu: 700},
	}
	r := m.Result()
	want := Result{
		Floor:   Cost{Best: 100, Quiet: 200, CPU: 50, Bytes: 100, Allocs: 9},
		Subject: Cost{Best: 150, Quiet: 400, CPU: 70, Bytes: 200, Allocs: 12},
		Ratio:   1.5, QuietRatio: 2,
	}
	if r != want {
		t.Fatalf("Result = %+v\nwant     %+v", r, want)
	}
	for _, c := range []struct {
		target Target
		want   bool
	}{
		{Target{}, true},
		{Target{Ratio: 1.5, Above: 50, Time: 150, Allocs: 12, More: 3}, true},
		{Target{Ratio: 1.4}, false},
		{Target{Above: 49}, false},
		{Target{Time: 149}, false},
		{Target{Allocs: 11}, false},
		{Target{More: 2}, false},
	} {
		if got := c.target.Holds(r); got != c.want {
			t.Errorf("%+v holds: %t, want %t", c.target, got, c.want)
		}
	}
}

func TestMeterReportsErrors(t *testing.T) {
	t.Parallel()
	want := errors.New("no")
	fine := func(_, _ int) error { return nil }
	if _, err := NewMeter(Case{Workers: 2, Floor: func(_, _ int) error { return want }, Subject: fine}); !errors.Is(err, want) {
		t.Errorf("NewMeter = %v, want the error of the work", err)
	}
}
