// Package loopback hands out TCP ports of 127.0.0.1, and keeps them while nobody listens there: a killed server refuses
// connections, and finds its port free when it starts again, whatever other test processes start meanwhile.
package loopback

import (
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
)

// Port is a TCP port that nobody else takes from this package until Release, or until the process ends.
type Port struct {
	Number string

	mu    sync.Mutex
	marks []net.PacketConn
}

// Take returns a port from low to high-1 on which nobody listens, nor on those that are further by an offset: these are
// kept too. Ports below 32768 are none that the kernel gives to outgoing connections.
func Take(low, high int, offsets ...int) (*Port, error) {
	const tries = 100
	var last error
	for range tries {
		p, err := take(low+rand.IntN(high-low), offsets)
		if err == nil {
			return p, nil
		}
		last = err
	}
	return nil, last
}

func take(number int, offsets []int) (*Port, error) {
	p := &Port{Number: strconv.Itoa(number)}
	for _, offset := range append([]int{0}, offsets...) {
		if err := p.mark(number + offset); err != nil {
			p.Release()
			return nil, err
		}
	}
	return p, nil
}

// mark takes the UDP port of the same number, which none of the servers uses. The kernel gives it to one process at a
// time, and frees it when that ends; a TCP port that is bound but not listened on could be bound again.
func (p *Port) mark(number int) error {
	addr := "127.0.0.1:" + strconv.Itoa(number)
	mark, err := net.ListenPacket("udp4", addr)
	if err != nil {
		return err
	}
	p.marks = append(p.marks, mark)
	listener, err := net.Listen("tcp4", addr) // a stranger may be there
	if err != nil {
		return err
	}
	return listener.Close()
}

// Release gives the port up. It may be called again, on nil, and concurrently.
func (p *Port) Release() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, mark := range p.marks {
		mark.Close()
	}
	p.marks = nil
}
