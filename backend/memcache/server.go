package memcachestore

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
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
	maxItem       int
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

// take returns a connection for a call that must end at until, and the count of connections for a ticket. With alive it
// is not one that is known to be dead.
func (s *server) take(ctx context.Context, until time.Time, alive bool) (*conn, uint64, error) {
	for {
		s.mu.Lock()
		if s.closed {
			s.mu.Unlock()
			return nil, 0, errClosed
		}
		dials := s.dials
		c := s.pop(len(s.idle) - 1)
		s.mu.Unlock()
		if c == nil {
			return s.dial(ctx, until)
		}
		c.pooled = true
		if !alive || !s.bury(c) {
			c.use(ctx, until)
			return c, dials, nil
		}
	}
}

// takeBefore returns an idle connection that is alive and was established before a ticket's slot was read, or errNoConn.
func (s *server) takeBefore(ctx context.Context, dials uint64, until time.Time) (*conn, error) {
	for {
		s.mu.Lock()
		if s.closed {
			s.mu.Unlock()
			return nil, errClosed
		}
		i := len(s.idle) - 1
		for i >= 0 && s.idle[i].born > dials {
			i--
		}
		c := s.pop(i)
		s.mu.Unlock()
		if c == nil {
			return nil, errNoConn
		}
		c.pooled = true
		if !s.bury(c) {
			c.use(ctx, until)
			return c, nil
		}
	}
}

// pop takes the connection at i out of the idle ones, if i is not negative. s.mu is held.
func (s *server) pop(i int) *conn {
	if i < 0 {
		return nil
	}
	c := s.idle[i]
	s.idle = slices.Delete(s.idle, i, i+1)
	return c
}

// bury closes a connection that is dead.
func (s *server) bury(c *conn) bool {
	if !dead(c.Conn) {
		return false
	}
	_ = c.Close()
	s.give(c, io.EOF)
	return true
}

func (s *server) dial(ctx context.Context, until time.Time) (*conn, uint64, error) {
	nc, err := s.connect(ctx, until)
	if err != nil {
		return nil, 0, err
	}
	c := &conn{Conn: nc, client: memcache.NewFromSelector(s), answer: answer{max: s.maxItem}}
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
	c.use(ctx, until)
	return c, s.dials, nil
}

// connect dials, and leaves in time where Config.Dial does not: then the goroutine ends with that, and what it has dialed
// is closed.
func (s *server) connect(ctx context.Context, until time.Time) (net.Conn, error) {
	ctx, cancel := context.WithDeadline(ctx, until)
	type dialed struct {
		conn net.Conn
		err  error
	}
	done := make(chan dialed, 1)
	go func() {
		defer cancel()
		conn, err := s.dialContext(ctx, s.network, s.addr)
		done <- dialed{conn, err}
	}()
	select {
	case d := <-done:
		return d.conn, d.err
	case <-ctx.Done():
	}
	err := ctx.Err()
	select {
	case d := <-done: // its error says more, if it is not the end of ctx that came first
		return d.conn, d.err
	default:
	}
	go func() {
		if d := <-done; d.conn != nil {
			_ = d.conn.Close()
		}
	}()
	return nil, err
}

// give takes back a connection after a command that ended with err. It reports whether to try a command again that may
// be repeated: the connection was an idle one, and has been found dead. Its server has restarted, so that the others are
// dead as well, and the next one is new.
func (s *server) give(c *conn, err error) (again bool) {
	c.ctx = nil
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
