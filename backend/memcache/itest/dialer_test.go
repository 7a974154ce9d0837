package itest

import (
	"context"
	"net"
	"sync/atomic"
)

// A dialer counts connections, those that are open, and round trips over them: writes that follow a read, or come first.
type dialer struct {
	conns, open, trips atomic.Int64
}

func (d *dialer) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	d.conns.Add(1)
	d.open.Add(1)
	return &counted{Conn: c, d: d}, nil
}

type counted struct {
	net.Conn
	d      *dialer
	sent   atomic.Bool
	closed atomic.Bool
}

// NetConn is how the backend gets at what is below, as it does with TLS.
func (c *counted) NetConn() net.Conn { return c.Conn }

func (c *counted) Write(b []byte) (int, error) {
	if !c.sent.Swap(true) {
		c.d.trips.Add(1)
	}
	return c.Conn.Write(b)
}

func (c *counted) Read(b []byte) (int, error) {
	c.sent.Store(false)
	return c.Conn.Read(b)
}

func (c *counted) Close() error {
	if !c.closed.Swap(true) {
		c.d.open.Add(-1)
	}
	return c.Conn.Close()
}
