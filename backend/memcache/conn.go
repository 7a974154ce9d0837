package memcachestore

import (
	"context"
	"net"
	"time"

	"github.com/bradfitz/gomemcache/memcache"
)

// A conn is a connection in use by one call at a time. The client speaks the protocol over this connection and no other,
// so that it is known over which one a command goes, and that one deadline holds for all that a call does.
type conn struct {
	net.Conn
	client *memcache.Client
	answer answer
	born   uint64 // server.dials when it was established
	pooled bool   // it was idle before this call
	handed bool   // to client
	closed bool
	stop   func() bool // ends the watch over the call's context; nil: none
}

// cancelTime is how long a call may go on when its context is canceled. A call that ends sooner in any case is not watched,
// which costs allocations.
const cancelTime = 100 * time.Millisecond

// use prepares a connection for a call.
func (c *conn) use(ctx context.Context, until time.Time) {
	_ = c.Conn.SetDeadline(until) // it fails only where the command will
	if ctx.Done() != nil && time.Until(until) > cancelTime {
		c.stop = context.AfterFunc(ctx, func() { _ = c.Conn.SetDeadline(time.Unix(1, 0)) })
	}
}

// unwatch ends the watch over the context. Where that has been canceled, the connection may be interrupted at any time from
// now on, and is of no use.
func (c *conn) unwatch() {
	if c.stop != nil && !c.stop() {
		_ = c.Close()
	}
	c.stop = nil
}

// dial is how the client opens its connection.
func (c *conn) dial(context.Context, string, string) (net.Conn, error) {
	if c.handed {
		return nil, net.ErrClosed
	}
	c.handed = true
	return c, nil
}

// Write sends a part of a command.
func (c *conn) Write(b []byte) (int, error) {
	c.answer.ended = false
	return c.Conn.Write(b)
}

// Read passes on what is an answer so far.
func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if e := c.answer.follow(b[:n]); e != nil {
		return 0, e
	}
	return n, err
}

// SetDeadline is what the client calls before each command and each line of an answer; the deadline of the call stays.
func (c *conn) SetDeadline(time.Time) error { return nil }

// Close is what the client calls after an error that leaves the connection in an unknown state.
func (c *conn) Close() error {
	c.closed = true
	return c.Conn.Close()
}
