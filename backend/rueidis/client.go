package rueidisstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/redis/rueidis"
)

// What newLink sets where the URL and the application leave it open.
const (
	dialTimeout      = 2 * time.Second         // to connect and to sign in
	keepAlive        = time.Second             // between the pings that find out whether a silent server is there
	connWriteTimeout = 2500 * time.Millisecond // how long an answer may take before the connection is given up
	cacheSize        = 32 << 20                // bytes of copies for each connection, with client-side caching
	bufferSize       = 64 << 10                // to read, and to write, for each connection
	ringScale        = 12                      // 2^12 commands may wait for a frozen server
	sentinelRefresh  = 5 * time.Second         // a missed switch of the master is found out by then
)

// newLink returns a link by URL, which is not open yet. tune has the last word on the options. With tracking, the clients
// can cache on their side where the server supports that. No error holds a password.
func newLink(url string, tune func(*rueidis.ClientOption), tracking bool) (*link, error) {
	option, err := rueidis.ParseURL(url)
	_, query, _ := strings.Cut(url, "?")
	if err != nil || strings.Contains(url, "#") || strings.Contains(query, "@") { // a password that cuts off the host
		// The text of err may quote any part of the URL.
		return nil, errors.New("rueidisstore: open: the URL has none of the forms redis://user:password@host:port/db, " +
			"rediss://… and unix:///path?db=0, with reserved characters escaped")
	}
	setDefaults(&option)
	if tune != nil {
		tune(&option)
	}
	if option.SendToReplicas != nil || option.ReplicaOnly || len(option.Standalone.ReplicaAddress) > 0 {
		return nil, errors.New("rueidisstore: open: Option makes the client read from replicas, which lag behind")
	}
	if option.ConnLifetime > 0 {
		return nil, errors.New("rueidisstore: open: Option sets ConnLifetime, which repeats commands that may be done already")
	}
	option.DisableCache = !tracking
	if tracking {
		// One connection brings the news of a change before the answer to what was sent after it. See fence.
		option.PipelineMultiplex, option.DisableAutoPipelining, option.BlockingPipeline = -1, false, -1
		option.ClientTrackingOptions = nil
	}
	return &link{option: option, retired: map[*peer]*time.Timer{}, ended: make(chan struct{})}, nil
}

// withoutHost returns err without the name of a host that was not found, or the path of a socket: in a malformed URL that is a piece
// of the password.
func withoutHost(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		if _, unix := op.Addr.(*net.UnixAddr); unix {
			return &net.OpError{Op: "dial", Net: "unix", Err: op.Err}
		}
	}
	var dns *net.DNSError
	if !errors.As(err, &dns) {
		return err
	}
	for _, e := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, e) {
			return fmt.Errorf("the name of a host cannot be resolved: %w", e)
		}
	}
	return unresolved{dns.IsTimeout}
}

// An unresolved error stands for that of a name server, and does not name the host. It may go by itself: names of a platform
// are unknown while no server of theirs runs.
type unresolved struct{ timeout bool }

func (unresolved) Error() string   { return "the name of a host in the URL cannot be resolved" }
func (e unresolved) Timeout() bool { return e.timeout }
func (unresolved) Temporary() bool { return true }

var _ net.Error = unresolved{} // as isNetwork asks

func setDefaults(o *rueidis.ClientOption) {
	o.PipelineMultiplex = -1  // one connection to a server: commands of many goroutines share its system calls
	o.AlwaysPipelining = true // else a call that is alone on its connection does not hear that it was canceled
	o.DisableRetry = true     // a command that is sent again shares memory with the lost connection, which may still read it
	o.RingScaleEachConn = ringScale
	o.ReadBufferEachConn, o.WriteBufferEachConn = bufferSize, bufferSize
	o.CacheSizeEachConn = cacheSize
	o.Dialer.Timeout = cmp.Or(o.Dialer.Timeout, dialTimeout)
	o.Dialer.KeepAlive = keepAlive
	o.ConnWriteTimeout = cmp.Or(o.ConnWriteTimeout, connWriteTimeout)
	o.Sentinel.TopologyRefreshInterval = sentinelRefresh
}

// await opens the first client.
func (l *link) await(ctx context.Context) error {
	if _, err := l.connect(ctx, nil); err != nil {
		return fmt.Errorf("rueidisstore: open: %w", withoutHost(redact(err)))
	}
	return nil
}

func newPeer() *peer { return &peer{born: time.Now()} }

// openClient opens the client of p with an option that says more when it has learned more: whether there is one server,
// and whether that supports client-side caching. It takes no longer than the attempts to connect of the option.
func (p *peer) openClient(o *rueidis.ClientOption) error {
	limit := time.AfterFunc(4*o.Dialer.Timeout, p.cut) // of many servers, some of them silent
	defer limit.Stop()
	option := *o
	option.DialCtxFn = p.dial(o)
	option.DialFn = nil
	client, err := rueidis.NewClient(option)
	if errors.Is(err, rueidis.ErrNoCache) && !o.DisableCache {
		o.DisableCache, option.DisableCache = true, true
		client, err = rueidis.NewClient(option)
	}
	p.down.Store(false) // of connections that were tried
	if err == nil {
		err = ping(client, o.Dialer.Timeout)
	}
	if err != nil {
		p.cut()
		if client != nil {
			client.Close()
		}
		return err
	}
	p.client, p.tracks = client, !o.DisableCache
	p.watched = !o.AlwaysPipelining || o.DisableAutoPipelining
	p.room = 1 << max(o.RingScaleEachConn, 2) / 2
	switch client.Mode() {
	case rueidis.ClientModeCluster:
		p.cluster = true
	case rueidis.ClientModeStandalone:
		p.alone, o.ForceSingleClient = true, true
		p.only.Store(true)
	}
	return nil
}

// ping opens the connections, so that the first command with a short deadline need not. A Cluster may lack some nodes,
// also silent ones, for which it waits no longer than half of the time.
func ping(client rueidis.Client, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout/2)
	defer cancel()
	nodes := client.Nodes()
	replies := make(chan error, len(nodes))
	for _, node := range nodes {
		go func() { replies <- node.Do(ctx, node.B().Ping().Build()).Error() }()
	}
	err := rueidis.ErrNoAddr
	for range nodes {
		if e := <-replies; e == nil || refused(e) {
			err = nil
		} else if err != nil {
			err = e
		}
	}
	return err
}

// bound returns ctx with the timeout d where it has no deadline of its own. Without a deadline, rueidis repeats a read for
// as long as the server is away. A second deadline would cost more than a read of what is here already.
func bound(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, d)
}
