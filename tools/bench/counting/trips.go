// Package counting counts what goes to servers: round trips over connections, and statements of database/sql.
package counting

import (
	"context"
	"fmt"
	"net"
	"sync/atomic"
)

// Trips counts the round trips over the connections that it opens: the times that a client began to write, first, and
// after it had read. So a pipeline is one round trip. It is exact for a client that awaits each answer. The zero value is
// ready to use.
type Trips struct{ n atomic.Int64 }

// Count returns the round trips so far.
func (t *Trips) Count() int { return int(t.n.Load()) }

// Dial opens a TCP connection, for the options of clients.
func (t *Trips) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return nil, fmt.Errorf("counting: a connection over %s", network)
	}
	return &conn{TCPConn: tcp, trips: t}, nil
}

type conn struct {
	*net.TCPConn
	trips *Trips
	asked atomic.Bool // the client wrote last
}

func (c *conn) Write(b []byte) (int, error) {
	if !c.asked.Swap(true) {
		c.trips.n.Add(1)
	}
	return c.TCPConn.Write(b)
}

func (c *conn) Read(b []byte) (int, error) {
	n, err := c.TCPConn.Read(b)
	if n > 0 {
		c.asked.Store(false)
	}
	return n, err
}
