package faultproxy

import (
	"context"
	"errors"
	"net"
	"time"
)

// A hole is a network that swallows packets.
type hole struct {
	plugs  []net.Conn    // fill the queue of connections that wait to be accepted
	closed chan struct{} // when it is over
}

// Blackhole makes the network swallow packets in both directions: connections stay open and carry nothing, and a new one
// hangs, because the answer to its first packet never comes. When it is turned off, what was sent is delivered, as TCP
// sends it again, and so is the end of what was closed meanwhile; a client that still tries to connect succeeds with its
// next try, after a second or more. It returns an error on a proxy that is cut or closed, and where the system lets no
// program fill a queue of connections.
func (p *Proxy) Blackhole(on bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case !on:
		p.unplug(p.hole)
		return nil
	case p.hole != nil:
		return nil
	case p.listener == nil:
		return errors.New("faultproxy: the proxy is cut")
	}
	h := &hole{closed: make(chan struct{})}
	p.hole = h
	p.keep()
	if err := errors.Join(p.listener.SetDeadline(time.Unix(1, 0)), setBacklog(p.listener, 0)); err != nil {
		p.unplug(h)
		return err
	}
	// The system drops first packets when as many connections wait as the listener has room for: with no room, one.
	const most, answer = 16, 50 * time.Millisecond
	for range most {
		ctx, cancel := context.WithTimeout(p.ctx, answer)
		plug, err := new(net.Dialer).DialContext(ctx, "tcp4", p.addr)
		cancel()
		if err != nil {
			return nil
		}
		h.plugs = append(h.plugs, plug)
		p.plugs[plug.LocalAddr().String()] = true
	}
	p.unplug(h)
	return errors.New("faultproxy: the queue of connections is never full")
}

// unplug ends the hole, if it is not nil. The caller holds the lock.
func (p *Proxy) unplug(h *hole) {
	if h == nil {
		return
	}
	p.hole = nil
	p.keep()
	setBacklog(p.listener, backlog)
	p.listener.SetDeadline(time.Time{})
	for _, plug := range h.plugs {
		plug.Close()
	}
	close(h.closed)
}

// awaitOpen returns when connections are accepted again.
func (p *Proxy) awaitOpen() {
	p.mu.Lock()
	h := p.hole
	p.mu.Unlock()
	if h != nil {
		<-h.closed
	}
}
