package testserver

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/qsessions/qsessions/testserver/internal/loopback"
)

// The kinds of cluster this package starts.
const (
	KindRedisCluster  Kind = "Redis Cluster"
	KindRedisSentinel Kind = "Redis Sentinel"
	KindGalera        Kind = "MariaDB Galera"
)

// Cluster is a set of servers that work as one, a pair too. It is safe for concurrent use, and so is each of its servers: a fault
// is one of theirs.
type Cluster struct {
	Kind      Kind
	Nodes     []*Server // Redis Cluster: three masters, then a replica of each; Sentinel and pairs: master, replica; Galera: three equals
	Sentinels []*Server // Sentinel only
	// DSN is for a client that knows clusters. Redis Cluster: redis://node?addr=node...; Sentinel:
	// redis://sentinel?addr=sentinel...&master_set=name; both forms are those of rueidis.ParseURL. Galera: the DSN of the
	// first node; the others have theirs. Pair: the first node with an ordinary user.
	DSN     string
	Version string

	ports  []*loopback.Port                                      // of the nodes beside their own, kept until Stop
	check  func(ctx context.Context) error                       // nil when every running server is in its place
	master func(ctx context.Context, key string) (string, error) // address; nil where there is none
}

// servers returns all servers of the cluster.
func (c *Cluster) servers() []*Server { return slices.Concat(c.Nodes, c.Sentinels) }

// Addrs returns the addresses (host:port) a client starts from: the sentinels of Redis Sentinel, otherwise all nodes.
// The caller owns the slice.
func (c *Cluster) Addrs() []string {
	entry := c.Nodes
	if c.Kind == KindRedisSentinel {
		entry = c.Sentinels
	}
	return addrs(entry)
}

func addrs(servers []*Server) []string {
	list := make([]string, len(servers))
	for i, s := range servers {
		list[i] = s.Addr
	}
	return list
}

// AwaitReady returns when the servers that run agree that the cluster serves without those that do not: every slot has
// a running master, every other running Redis follows one, a quorum of sentinels knows it; every running Galera node is
// synced; one server of a pair takes writes. It is how a test awaits the end of a failover. Each question takes a second at most. The error says what was
// missing when the context ended.
func (c *Cluster) AwaitReady(ctx context.Context) error {
	if err := await(ctx, func() error { return c.check(ctx) }); err != nil {
		return fmt.Errorf("testserver: %s is not ready: %w", c.Kind, err)
	}
	return nil
}

// await calls f until it returns nil. When the context ends it returns the context's error with that of f.
func await(ctx context.Context, f func() error) error {
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		err := f()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w; at last: %w", ctx.Err(), err)
		case <-ticker.C:
		}
	}
}

// Master returns the node that the running servers hold for the master: of the key's slot in a Redis Cluster, of the
// set of Redis Sentinel or of a pair, whatever the key. Until a failover it is one that was killed. It returns an error for Galera,
// where every node takes writes.
func (c *Cluster) Master(ctx context.Context, key string) (*Server, error) {
	if c.master == nil {
		return nil, fmt.Errorf("testserver: %s has no master", c.Kind)
	}
	addr, err := c.master(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("testserver: the master of %s: %w", c.Kind, err)
	}
	if s := c.node(addr); s != nil {
		return s, nil
	}
	return nil, fmt.Errorf("testserver: the master of %s is a stranger at %s", c.Kind, addr)
}

// node returns the node at the address, or nil.
func (c *Cluster) node(addr string) *Server {
	if i := slices.IndexFunc(c.Nodes, func(s *Server) bool { return s.Addr == addr }); i >= 0 {
		return c.Nodes[i]
	}
	return nil
}

// Stop ends all servers of the cluster and removes their directories, as [Server.Stop] does.
func (c *Cluster) Stop() {
	var wg sync.WaitGroup
	for _, s := range c.servers() {
		wg.Go(s.Stop)
	}
	wg.Wait()
	for _, port := range c.ports {
		port.Release()
	}
}

func running(servers []*Server) []*Server {
	return slices.DeleteFunc(slices.Clone(servers), func(s *Server) bool { return !s.Running() })
}

// runningRedis checks that each running node is a master, or a replica that is linked to a running master, and returns
// the addresses of the masters.
func (c *Cluster) runningRedis(ctx context.Context) (masters []string, err error) {
	nodes := running(c.Nodes)
	for _, s := range nodes {
		role, err := s.look(ctx, "ROLE")
		if err != nil {
			return nil, err
		}
		if text(role, 0) == "master" {
			masters = append(masters, s.Addr)
			continue
		}
		master := c.node(text(role, 1) + ":" + text(role, 2))
		if master == nil || !master.Running() || text(role, 3) != "connected" {
			return nil, fmt.Errorf("the replica %s is not linked to its master", s.Addr)
		}
	}
	if len(masters) == 0 {
		return nil, errors.New("no master runs")
	}
	return masters, nil
}
