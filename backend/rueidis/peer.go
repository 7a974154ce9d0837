package rueidisstore

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"
)

const (
	troubleTime = 30 * time.Second // for how long calls are watched after a connection was lost or made
	maxWatched  = 1 << 13          // calls that the client may keep at once, whose callers have gone or wait
	closeTime   = time.Second      // for answers that are under way
)

var (
	// errStalled ends a call at once while too many others wait for a server that does not answer.
	errStalled = errors.New("too many calls wait for the server")
	// errLost says that the connection had been lost before the call was sent.
	errLost = errors.New("the connection was lost")
	// errReplica says that the server answered and is a replica.
	errReplica = errors.New("the server is a replica")
)

// A peer is a client, and what is known of its connections. A client may keep a caller for longer than the context
// allows: while it connects, while another caller does, and where a connection has too many commands waiting. Such calls
// are watched: they are made in a goroutine that ends with the client's own timeouts, while the caller leaves in time.
type peer struct {
	client  rueidis.Client
	born    time.Time
	cluster bool
	tracks  bool // the server supports client-side caching
	watched bool // each call is watched: the connections are not this package's
	alone   bool // one server, whose connections are made by opening another peer
	room    int64
	once    func() (rueidis.DedicatedClient, func()) // makes the connection of a call; nil: the client's own are used

	only    atomic.Bool  // an alone peer is open, and makes no more connections
	down    atomic.Bool  // a connection of an alone peer has ended
	trouble atomic.Int64 // when calls need not be watched any more, since born; 0: they need not
	calls   atomic.Int64 // under way
	left    atomic.Int64 // calls whose callers have gone since the server last sent something
	kept    atomic.Int64 // watched calls

	mu     sync.Mutex
	open   map[*wire]struct{}
	closed bool
}

// A wire is a connection that a peer knows of.
type wire struct {
	net.Conn
	peer *peer
}

func (w *wire) Read(b []byte) (int, error) {
	n, err := w.Conn.Read(b)
	if err != nil {
		w.peer.lose()
	} else if w.peer.left.Load() != 0 {
		w.peer.left.Store(0)
	}
	return n, err
}

func (w *wire) Write(b []byte) (int, error) {
	n, err := w.Conn.Write(b)
	if err != nil {
		w.peer.lose()
	}
	return n, err
}

func (w *wire) Close() error {
	p := w.peer
	p.lose()
	p.mu.Lock()
	delete(p.open, w)
	p.mu.Unlock()
	return w.Conn.Close()
}

// lose notes that a connection has ended, before the client can want another one.
func (p *peer) lose() {
	p.down.Store(true)
	p.worry()
}

// worry makes calls watched for a while.
func (p *peer) worry() { p.trouble.Store(int64(time.Since(p.born) + troubleTime)) }

// dial returns how a client of the option connects, which makes wires.
func (p *peer) dial(o *rueidis.ClientOption) func(context.Context, string, *net.Dialer, *tls.Config) (net.Conn, error) {
	byContext, plain, delay := o.DialCtxFn, o.DialFn, o.DisableTCPNoDelay
	return func(ctx context.Context, addr string, d *net.Dialer, t *tls.Config) (conn net.Conn, err error) {
		if p.only.Load() {
			return nil, errLost
		}
		p.worry()
		switch {
		case byContext != nil:
			conn, err = byContext(ctx, addr, d, t)
		case plain != nil:
			conn, err = plain(addr, d, t)
		case t != nil:
			conn, err = (&tls.Dialer{NetDialer: d, Config: t}).DialContext(ctx, "tcp", addr)
		default:
			conn, err = d.DialContext(ctx, "tcp", addr)
		}
		if err != nil {
			return nil, err
		}
		if tcp, ok := conn.(*net.TCPConn); ok && delay { // the client would not find it in the wire
			_ = tcp.SetNoDelay(false)
		}
		w := &wire{conn, p}
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.closed {
			_ = conn.Close()
			return nil, net.ErrClosed
		}
		if p.open == nil {
			p.open = make(map[*wire]struct{})
		}
		p.open[w] = struct{}{}
		return w, nil
	}
}

// cut closes all connections, and those that are made later.
func (p *peer) cut() {
	p.mu.Lock()
	p.closed = true
	wires := p.open
	p.open = nil
	p.mu.Unlock()
	for w := range wires {
		_ = w.Close()
	}
}

// close closes the client. It leaves a moment for the answers that are under way.
func (p *peer) close() {
	end := time.AfterFunc(closeTime, p.cut)
	defer end.Stop()
	p.client.Close()
	p.cut()
}

// direct reports whether a call needs no watch.
func (p *peer) direct() bool {
	if p.watched || p.calls.Load()+p.left.Load()+p.kept.Load() >= p.room {
		return false
	}
	if p.alone {
		return true
	}
	until := p.trouble.Load()
	return until == 0 || int64(time.Since(p.born)) > until && p.trouble.CompareAndSwap(until, 0)
}

// do sends a command.
func (p *peer) do(ctx context.Context, command rueidis.Completed) rueidis.RedisResult {
	if !p.direct() {
		return p.watch(ctx, 1, func() []rueidis.RedisResult {
			if p.once == nil {
				return []rueidis.RedisResult{p.client.Do(ctx, command)}
			}
			return p.onceDo(ctx, command)
		})[0]
	}
	p.calls.Add(1)
	result := p.client.Do(ctx, command)
	p.note(result)
	p.calls.Add(-1)
	return result
}

// doCache is do for a command that the client may answer by itself.
func (p *peer) doCache(ctx context.Context, command rueidis.Cacheable, ttl time.Duration) rueidis.RedisResult {
	if !p.direct() {
		return p.watch(ctx, 1, func() []rueidis.RedisResult {
			return []rueidis.RedisResult{p.client.DoCache(ctx, command, ttl)}
		})[0]
	}
	result := p.client.DoCache(ctx, command, ttl)
	p.note(result)
	return result
}

// doMulti sends commands in one round trip.
func (p *peer) doMulti(ctx context.Context, commands ...rueidis.Completed) []rueidis.RedisResult {
	if !p.direct() {
		return p.watch(ctx, len(commands), func() []rueidis.RedisResult {
			if p.once == nil {
				return p.client.DoMulti(ctx, commands...)
			}
			return p.onceDo(ctx, commands...)
		})
	}
	p.calls.Add(1)
	results := p.client.DoMulti(ctx, commands...)
	p.note(results[0])
	p.calls.Add(-1)
	return results
}

// note counts a call whose command is still with the client.
func (p *peer) note(result rueidis.RedisResult) {
	if err := result.NonRedisError(); err == context.DeadlineExceeded || err == context.Canceled { // as the client returns them
		p.left.Add(1)
	}
}

// node returns one server of p's as a peer whose calls are watched.
func (p *peer) node(client rueidis.Client) *peer {
	return &peer{client: client, born: p.born, watched: true, cluster: p.cluster}
}

// onceDo sends commands over a connection that is for them alone, and closed if its server refuses them.
func (p *peer) onceDo(ctx context.Context, commands ...rueidis.Completed) []rueidis.RedisResult {
	c, release := p.once()
	defer release()
	results := c.DoMulti(ctx, commands...)
	for _, r := range results {
		if err := r.Error(); refused(err) || isReplica(r) || r.NonRedisError() != nil {
			c.Close()
			break
		}
	}
	return results
}

// watch makes a call that has n results.
func (p *peer) watch(ctx context.Context, n int, call func() []rueidis.RedisResult) []rueidis.RedisResult {
	if err := ctx.Err(); err != nil {
		return errorResults(n, err)
	}
	if p.kept.Add(1) > maxWatched {
		p.kept.Add(-1)
		return errorResults(n, errStalled)
	}
	done := make(chan []rueidis.RedisResult, 1)
	go func() {
		defer p.kept.Add(-1)
		done <- call()
	}()
	select {
	case results := <-done:
		return results
	case <-ctx.Done():
	}
	select {
	case results := <-done: // an outcome that is known is better than none
		return results
	default:
		return errorResults(n, ctx.Err())
	}
}

// errorResults returns n results with an error.
func errorResults(n int, err error) []rueidis.RedisResult {
	results := make([]rueidis.RedisResult, n)
	for i := range results {
		results[i] = rueidis.NewErrorResult(err)
	}
	return results
}
