package memcachestore

import (
	"context"
	"errors"
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

	ctx   context.Context // of the call, if it may be canceled long before until; else nil
	until time.Time
}

const (
	cancelTime = 50 * time.Millisecond // after which a call notices at the latest that its context was canceled
	smallWrite = 4 << 10               // bytes that a connection takes at once, as nothing else is under way
)

// use prepares a connection for a call.
func (c *conn) use(ctx context.Context, until time.Time) {
	now := time.Now()
	if ctx.Done() == nil || until.Sub(now) <= cancelTime {
		_ = c.Conn.SetDeadline(until) // it fails only where the command will
		return
	}
	c.ctx, c.until = ctx, until
	_ = c.Conn.SetWriteDeadline(until)
	_ = c.Conn.SetReadDeadline(now.Add(cancelTime))
}

// goOn reports whether a read that ended with err is to be tried again, as only the time for a look at the context is over.
func (c *conn) goOn(err error) bool {
	var timeout net.Error
	if c.ctx == nil || !errors.As(err, &timeout) || !timeout.Timeout() || c.ctx.Err() != nil {
		return false
	}
	now := time.Now()
	if !now.Before(c.until) {
		return false
	}
	next := now.Add(cancelTime)
	if next.After(c.until) {
		next = c.until
	}
	return c.Conn.SetReadDeadline(next) == nil
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
	if c.ctx == nil || len(b) <= smallWrite {
		return c.Conn.Write(b)
	}
	stop := context.AfterFunc(c.ctx, func() { _ = c.Conn.SetWriteDeadline(time.Unix(1, 0)) })
	n, err := c.Conn.Write(b)
	if !stop() && err == nil {
		_ = c.Close() // the deadline may still come, in the middle of a later call
	}
	return n, err
}

// Read passes on what is an answer so far.
func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	for n == 0 && err != nil && c.goOn(err) {
		n, err = c.Conn.Read(b)
	}
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
