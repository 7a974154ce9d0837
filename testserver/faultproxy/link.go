package faultproxy

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// direction is that of bytes through the proxy.
type direction int

const (
	requests direction = iota // from the client to the server
	replies
)

// link is a client's connection with the one to the server that belongs to it.
type link struct {
	proxy  *Proxy
	target string
	client *net.TCPConn
	done   chan struct{} // closed when it ends
	// By direction: closed when there is nothing more to read, which broken says is no regular end.
	finished [2]chan struct{}
	broken   [2]bool

	mu     sync.Mutex
	ended  bool
	server *net.TCPConn // nil until it is there

	// These two are under the proxy's lock.
	lost  [2]bool // by direction: bytes were dropped
	asked bool    // the client sent last
}

// chunk is what was read at once.
type chunk struct {
	bytes []byte
	due   time.Time
}

// run forwards until both sides have ended, or the link was.
func (l *link) run() {
	defer l.end(false)
	conn, err := new(net.Dialer).DialContext(l.proxy.ctx, "tcp", l.target)
	if err != nil {
		l.reset()
		return
	}
	server := conn.(*net.TCPConn)
	l.mu.Lock()
	l.server = server
	ended := l.ended
	l.mu.Unlock()
	if ended {
		server.Close()
		return
	}
	var wg sync.WaitGroup
	l.forward(&wg, requests, l.client, server)
	l.forward(&wg, replies, server, l.client)
	wg.Wait()
}

// forward starts the two halves of a direction. They are apart so that a delay does not slow the reading.
func (l *link) forward(wg *sync.WaitGroup, d direction, from, to *net.TCPConn) {
	const held = 64 // chunks
	chunks := make(chan chunk, held)
	wg.Go(func() {
		defer close(l.finished[d])
		defer close(chunks)
		for {
			buffer := make([]byte, 16<<10)
			n, err := from.Read(buffer)
			if n > 0 {
				select {
				case chunks <- chunk{buffer[:n], l.note(d, n)}:
				case <-l.done:
					return
				}
			}
			if err != nil {
				l.broken[d] = !errors.Is(err, io.EOF)
				return
			}
		}
	})
	wg.Go(func() {
		for c := range chunks {
			if !l.sleep(c.due) || !l.pass(d, to, c.bytes) {
				return
			}
		}
		switch {
		case !l.pass(d, to, nil):
		case l.broken[d]: // in its turn: a reset does not overtake what was sent before
			l.reset()
		default:
			to.CloseWrite()
		}
	})
}

// note counts what was read, and returns when it is due.
func (l *link) note(d direction, n int) time.Time {
	p := l.proxy
	p.mu.Lock()
	defer p.mu.Unlock()
	if d == replies {
		p.count.ReplyBytes += int64(n)
		l.asked = false
		return time.Time{}
	}
	p.count.RequestBytes += int64(n)
	if !l.asked {
		l.asked = true
		p.count.RoundTrips++
	}
	if p.latency <= 0 {
		return time.Time{}
	}
	return time.Now().Add(p.latency)
}

// sleep waits for the time, and reports false when the link ends first.
func (l *link) sleep(until time.Time) bool {
	if until.IsZero() {
		return true
	}
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-l.done:
		return false
	}
}

// pass delivers bytes, or the end of the stream for none, as the faults allow. It reports false when the direction
// carries nothing more.
func (l *link) pass(d direction, to *net.TCPConn, bytes []byte) bool {
	p := l.proxy
	p.mu.Lock()
	for released := p.released; released != nil; released = p.released {
		p.mu.Unlock()
		select {
		case <-released:
		case <-l.done:
			return false
		}
		p.mu.Lock()
	}
	if p.drop[d] {
		l.lost[d] = true
	}
	lost, cut := l.lost[d], false
	if n := int64(len(bytes)); d == replies && !lost && n > 0 && p.cutAfter >= 0 {
		if cut = n >= p.cutAfter; cut {
			bytes = bytes[:p.cutAfter]
			p.cutAfter = -1
		} else {
			p.cutAfter -= n
		}
	}
	p.mu.Unlock()
	if lost {
		return l.swallow(d, bytes)
	}
	if len(bytes) > 0 {
		if _, err := to.Write(bytes); err != nil {
			l.reset()
			return false
		}
	}
	if cut {
		l.end(false) // no reset, which could overtake the bytes
		return false
	}
	return true
}

// swallow loses bytes, and the end of the stream for none: the other side does not learn of it before it ends too.
func (l *link) swallow(d direction, bytes []byte) bool {
	if len(bytes) > 0 {
		return true
	}
	select {
	case <-l.finished[1-d]:
	case <-l.done:
	}
	return false
}

// reset ends the link as a crash would: no goodbye, what is not delivered is lost.
func (l *link) reset() { l.end(true) }

func (l *link) end(reset bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return
	}
	l.ended = true
	close(l.done)
	for _, conn := range []*net.TCPConn{l.client, l.server} {
		if conn == nil {
			continue
		}
		if reset {
			conn.SetLinger(0)
		}
		conn.Close()
	}
}
