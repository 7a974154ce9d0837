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

// What dial sets where the URL and the application leave it open.
const (
	dialTimeout      = 2 * time.Second         // to connect and to sign in
	keepAlive        = time.Second             // between the pings that find out whether a silent server is there
	connWriteTimeout = 2500 * time.Millisecond // how long an answer may take before the connection is given up
	cacheSize        = 32 << 20                // bytes of copies for each connection, with client-side caching
	bufferSize       = 64 << 10                // to read, and to write, for each connection
	ringScale        = 12                      // 2^12 commands may wait for a frozen server; the next ones wait for room, whatever their deadline
	sentinelRefresh  = 5 * time.Second         // a missed switch of the master is found out by then
)

// dial opens a client by URL and sees whether a server answers. tune has the last word on the options. With
// tracking, the client can cache on its side; tracked says whether the server supports that. No error holds a password.
func dial(ctx context.Context, url string, tune func(*rueidis.ClientOption), tracking bool) (client rueidis.Client, tracked bool, err error) {
	option, err := rueidis.ParseURL(url)
	_, query, _ := strings.Cut(url, "?")
	if err != nil || strings.Contains(url, "#") || strings.Contains(query, "@") { // a password that cuts off the host
		// The text of err may quote any part of the URL.
		return nil, false, errors.New("rueidisstore: open: the URL has none of the forms redis://user:password@host:port/db, " +
			"rediss://… and unix:///path?db=0, with reserved characters escaped")
	}
	setDefaults(&option)
	if tune != nil {
		tune(&option)
	}
	if option.SendToReplicas != nil || option.ReplicaOnly || len(option.Standalone.ReplicaAddress) > 0 {
		return nil, false, errors.New("rueidisstore: open: Option makes the client read from replicas, which lag behind")
	}
	if option.ConnLifetime > 0 {
		return nil, false, errors.New("rueidisstore: open: Option sets ConnLifetime, which repeats commands that may be done already")
	}
	option.DisableCache = !tracking
	if tracking {
		// One connection brings the news of a change before the answer to what was sent after it. See fence.
		option.PipelineMultiplex, option.DisableAutoPipelining, option.BlockingPipeline = -1, false, -1
		option.ClientTrackingOptions = nil
	}
	client, err = newClient(ctx, option)
	if tracking && errors.Is(err, rueidis.ErrNoCache) {
		tracking, option.DisableCache = false, true
		client, err = newClient(ctx, option)
	}
	if err != nil {
		return nil, false, fmt.Errorf("rueidisstore: open: %w", withoutHost(redact(err)))
	}
	return client, tracking, nil
}

// withoutHost returns err without the name of a host that was not found, or the path of a socket: in a malformed URL that is a piece
// of the password.
func withoutHost(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		if _, unix := op.Addr.(*net.UnixAddr); unix {
			return fmt.Errorf("dial unix: %w", op.Err)
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
	return errors.New("the name of a host in the URL cannot be resolved")
}

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

// newClient is [rueidis.NewClient] under a context. Where that ends first, the attempt goes on in its own goroutine until
// its own timeouts end it, and its client is closed.
func newClient(ctx context.Context, option rueidis.ClientOption) (rueidis.Client, error) {
	type result struct {
		client rueidis.Client
		err    error
	}
	done := make(chan result, 1)
	go func() {
		client, err := rueidis.NewClient(option)
		if err == nil {
			err = ping(ctx, client)
		}
		if err != nil && client != nil {
			client.Close()
			client = nil
		}
		done <- result{client, err}
	}()
	select {
	case r := <-done:
		return r.client, r.err
	case <-ctx.Done():
		go func() {
			if r := <-done; r.client != nil {
				r.client.Close()
			}
		}()
		return nil, ctx.Err()
	}
}

// ping opens the connections, so that the first command with a short deadline need not. A Cluster may lack some nodes,
// also silent ones, for which it waits no longer than half of its time.
func ping(ctx context.Context, client rueidis.Client) error {
	wait := dialTimeout
	if deadline, ok := ctx.Deadline(); ok {
		wait = min(wait, time.Until(deadline)/2)
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	nodes := client.Nodes()
	replies := make(chan error, len(nodes))
	for _, node := range nodes {
		go func() { replies <- node.Do(ctx, node.B().Ping().Build()).Error() }()
	}
	err := rueidis.ErrNoAddr
	for range nodes {
		if e := <-replies; e == nil {
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
