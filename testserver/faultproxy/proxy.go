// Package faultproxy puts a TCP proxy with faults between a client and a server, for tests: messages that get lost,
// stand still, are late or end in the middle, and counts of what went through.
//
// A connection that lost bytes never carries later ones the same way: TCP does not leave gaps, and a client would take
// the answer to its next question for the lost one. It stays silent, and is reset when the fault ends.
package faultproxy

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"time"

	"github.com/qsessions/qsessions/testserver/internal/loopback"
)

// Proxy forwards TCP connections from a loopback address of its own to a server. It is safe for concurrent use; its
// switches act at once, on the connections there are and on new ones. A fault turned on twice is on.
type Proxy struct {
	port   *loopback.Port // kept over Cut
	addr   string
	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu       sync.Mutex
	target   string
	closed   bool
	listener *net.TCPListener // nil while cut
	links    map[*link]struct{}
	hold     bool
	hole     *hole           // nil unless the network swallows packets
	plugs    map[string]bool // addresses of connections that are of holes
	released chan struct{}   // closed when nothing is held; nil while nothing is
	drop     [2]bool         // by direction
	latency  time.Duration
	cutAfter int64 // reply bytes until a connection is closed; -1: never
	count    Count
}

// Count says what the proxy has read so far. What a fault kept from arriving is in it.
type Count struct {
	Connections  int64 // accepted
	RequestBytes int64 // from clients
	ReplyBytes   int64 // from the server
	// RoundTrips counts, on each connection, the times the client began to send: first, and after the server had sent.
	// Requests in a pipeline are one round trip, if the first reply comes after the last request. It is exact for a
	// client that awaits each reply; on a connection that several goroutines share it depends on their timing.
	RoundTrips int64
}

// Sub returns c without what an earlier count had already.
func (c Count) Sub(earlier Count) Count {
	return Count{
		Connections:  c.Connections - earlier.Connections,
		RequestBytes: c.RequestBytes - earlier.RequestBytes,
		ReplyBytes:   c.ReplyBytes - earlier.ReplyBytes,
		RoundTrips:   c.RoundTrips - earlier.RoundTrips,
	}
}

// New starts a proxy to the server at target (host:port), which need not run yet. The caller ends it with Close.
func New(target string) (*Proxy, error) {
	port, err := loopback.Take(23000, 32000)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp4", "127.0.0.1:"+port.Number)
	if err != nil {
		port.Release()
		return nil, err
	}
	p := &Proxy{port: port, addr: listener.Addr().String(), target: target, links: map[*link]struct{}{}, plugs: map[string]bool{}, cutAfter: -1}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.serve(listener.(*net.TCPListener))
	return p, nil
}

// serve accepts connections until the listener is closed. The caller holds the lock, or is New.
func (p *Proxy) serve(listener *net.TCPListener) {
	p.listener = listener
	p.wg.Go(func() {
		for {
			conn, err := listener.AcceptTCP()
			switch {
			case errors.Is(err, net.ErrClosed):
				return
			case errors.Is(err, os.ErrDeadlineExceeded):
				p.awaitOpen()
			case err == nil:
				p.accept(listener, conn)
			} // else it was the error of one connection
		}
	})
}

// accept starts a link for a new connection, unless the proxy was cut just before.
func (p *Proxy) accept(listener *net.TCPListener, client *net.TCPConn) {
	l := &link{
		proxy: p, client: client,
		done:     make(chan struct{}),
		finished: [2]chan struct{}{make(chan struct{}), make(chan struct{})},
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if from := client.RemoteAddr().String(); p.listener != listener || p.plugs[from] {
		delete(p.plugs, from)
		l.reset()
		return
	}
	l.target = p.target
	p.count.Connections++
	p.links[l] = struct{}{}
	p.wg.Go(func() {
		l.run()
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.links, l)
	})
}

// Addr returns the address (host:port) for the client. It stays the same, also over Cut and Mend.
func (p *Proxy) Addr() string { return p.addr }

// DropReplies loses what the server sends: requests are delivered and carried out, their replies never come. When it is
// turned off, the connections that lost bytes are reset.
func (p *Proxy) DropReplies(on bool) { p.setDrop(replies, on) }

// DropRequests loses what clients send: the server sees nothing of it. When it is turned off, the connections that lost
// bytes are reset.
func (p *Proxy) DropRequests(on bool) { p.setDrop(requests, on) }

func (p *Proxy) setDrop(d direction, on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.drop[d] = on
	if on {
		return
	}
	for l := range p.links {
		if l.lost[d] {
			l.reset()
		}
	}
}

// Hold keeps what both sides send, and delivers it when it is turned off: late, but whole. Buffers are bounded as those
// of a network are; a side that sends more comes to a halt.
func (p *Proxy) Hold(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hold = on
	p.keep()
}

// keep begins or ends to keep what both sides send. The caller holds the lock.
func (p *Proxy) keep() {
	switch on := p.hold || p.hole != nil; {
	case on && p.released == nil:
		p.released = make(chan struct{})
	case !on && p.released != nil:
		close(p.released)
		p.released = nil
	}
}

// SetLatency delays what clients send by d, so that each round trip takes d longer; 0 turns it off. It does not delay
// what is under way already, and does not limit the throughput.
func (p *Proxy) SetLatency(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.latency = d
}

// CutReplies closes a connection in the middle of a reply: the one that carries the n-th byte from the server from now
// on, counted over all connections, just after that byte; at 0 the one that would carry the first. It happens once.
// A negative n calls it off.
func (p *Proxy) CutReplies(n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cutAfter = max(n, -1)
}

// SetTarget gives the name that the proxy is to another server (host:port): new connections go there. Those there are stay
// with the server that they have, as those of a pool do when an address changes; [Proxy.Reset] ends them.
func (p *Proxy) SetTarget(target string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = target
}

// Reset resets all connections, to clients and to the server. It refuses none.
func (p *Proxy) Reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		l.reset()
	}
}

// Cut resets all connections, to clients and to the server, and refuses new ones until Mend. It ends a Blackhole.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut()
}

func (p *Proxy) cut() {
	p.unplug(p.hole)
	if p.listener != nil {
		p.listener.Close()
		p.listener = nil
	}
	for l := range p.links {
		l.reset()
	}
}

// Mend accepts connections again after Cut. It does nothing on a proxy that is not cut, and returns an error after
// Close, or when another program has taken the address meanwhile.
func (p *Proxy) Mend() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return net.ErrClosed
	}
	if p.listener != nil {
		return nil
	}
	listener, err := net.Listen("tcp4", p.addr)
	if err != nil {
		return err
	}
	p.serve(listener.(*net.TCPListener))
	return nil
}

// Count returns what the proxy has read so far. When a client has its reply, the round trip is in the count.
func (p *Proxy) Count() Count {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.count
}

// Open returns how many connections of clients there are.
func (p *Proxy) Open() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.links)
}

// Close ends the proxy with all its connections, and returns when nothing of it runs any more. It may be called again.
func (p *Proxy) Close() {
	p.mu.Lock()
	p.closed = true
	p.cut()
	p.mu.Unlock()
	p.cancel()
	p.wg.Wait()
	p.port.Release()
}
