package loopback

import (
	"net"
	"testing"
)

// A port is taken once, with those at its offsets, until it is released.
func TestTake(t *testing.T) {
	first, err := Take(22100, 22999, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Release()
	_, number, _ := net.SplitHostPort(first.marks[0].LocalAddr().String())
	if number != first.Number {
		t.Fatalf("the mark is at %s, the port is %s", number, first.Number)
	}
	low := first.marks[0].LocalAddr().(*net.UDPAddr).Port
	for _, taken := range []int{low, low + 1} {
		if p, err := Take(taken, taken+1); err == nil {
			t.Errorf("%s was taken twice", p.Number)
			p.Release()
		}
	}
	listener, err := net.Listen("tcp4", "127.0.0.1:"+first.Number)
	if err != nil {
		t.Errorf("its owner cannot listen there: %v", err)
	} else {
		defer listener.Close()
	}
	first.Release()
	first.Release()
	if p, err := Take(low, low+1); err == nil {
		t.Error("a port was taken where a stranger listens")
		p.Release()
	}
	(*Port)(nil).Release()
}
