package memcachestore

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bradfitz/gomemcache/memcache"
)

// A server is one memcached, and the connections to it.
//
// It counts the connections that were established, because memcached counts its CAS ids from 1 again when it restarts: a
// ticket notes the count before its slot was read, and Put goes over a connection that is not younger than that. Such a
// connection was established before the read, so it leads to the process that was read, or to an earlier one; that one
// is gone, and so is the connection. (A proxy in between, which keeps connections while a server restarts, voids this.)
type server struct {
	network, addr string
	seed          uint64 // of its place in the order of servers for an id
	maxIdle       int
	dialContext   func(ctx context.Context, network, addr string) (net.Conn, error)

	mu     sync.Mutex
	idle   []*conn // the one used last comes last
	dials  uint64  // connections established so far
	lost   uint64  // connections up to this one may be dead
	remote string  // where the last connection leads
	closed bool

	lastCAS atomic.Uint64 // seen in the last answer
}

// errClosed is the answer to calls after Close.
var errClosed = errors.New("closed")

// server is the one address that its connections' clients know of.
var (
	_ memcache.ServerSelector = (*server)(nil)
	_ net.Addr                = (*server)(nil)
)

func (s *server) PickServer(string) (net.Addr, error)        { return s, nil }
func (s *server) Each(visit func(addr net.Addr) error) error { return visit(s) }
func (s *server) Network() string                            { return s.network }
func (s *server) String() string                             { return s.addr }

// take returns a connection for a call that must end at until, and the count of connections for a ticket.
func (s *server) take(ctx context.Context, until time.Time) (*conn, uint64, error) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil, 0, errClosed
	}
	if n := len(s.idle); n > 0 {
		c := s.idle[n-1]
		s.idle = s.idle[:n-1]
		dials := s.dials
		s.mu.Unlock()
		c.use(until)
		return c, dials, nil
	}
	s.mu.Unlock()
	return s.dial(ctx, until)
}

// takeBefore returns an idle connection that was established before a ticket's slot was read, or nil.
func (s *server) takeBefore(dials uint64, until time.Time) *conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := len(s.idle) - 1; i >= 0; i-- {
		if c := s.idle[i]; c.born <= dials {
			s.idle = append(s.idle[:i], s.idle[i+1:]...)
			c.use(until)
			return c
		}
	}
	return nil
}

func (s *server) dial(ctx context.Context, until time.Time) (*conn, uint64, error) {
	ctx, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	nc, err := s.dialContext(ctx, s.network, s.addr)
	if err != nil {
		return nil, 0, err
	}
	c := &conn{Conn: nc, client: memcache.NewFromSelector(s)}
	c.client.DialContext = c.dial
	c.client.MaxIdleConns = 1
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		_ = nc.Close()
		return nil, 0, errClosed
	}
	// A name that leads elsewhere now: two processes must not be used side by side.
	if a := nc.RemoteAddr(); a != nil && a.String() != s.remote {
		s.remote = a.String()
		s.forget()
	}
	s.dials++
	c.born = s.dials
	_ = nc.SetDeadline(until)
	return c, s.dials, nil
}

// give takes back a connection after a command that ended with err. It reports whether to try a command again that may
// be repeated: the connection was an idle one, and has been found dead. Its server has restarted, so that the others are
// dead as well, and the next one is new.
func (s *server) give(c *conn, err error) (again bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.closed {
		again = c.pooled && broken(err)
		if again && c.born > s.lost {
			s.forget()
		}
		return again
	}
	if s.closed || len(s.idle) >= s.maxIdle || c.born <= s.lost {
		_ = c.Close()
		return false
	}
	s.idle = append(s.idle, c)
	return false
}

// forget closes all connections that there are, those in use when they come back. s.mu is held.
func (s *server) forget() {
	for _, c := range s.idle {
		_ = c.Close()
	}
	clear(s.idle)
	s.idle = s.idle[:0]
	s.lost = s.dials
}

// close closes all connections, those in use when they come back.
func (s *server) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	var errs []error
	for _, c := range s.idle {
		errs = append(errs, c.Close())
	}
	s.idle = nil
	return errors.Join(errs...)
}

// broken reports whether err says that the other side has ended a connection.
func broken(err error) bool {
	var e net.Error
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &e) && !e.Timeout()
}
