package testserver

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// RedisCluster returns the Redis Cluster of this test process. It skips or fails the test where there can be none. A
// test that harms its nodes starts its own, or brings them back before it ends: Restart, Resume, [Cluster.AwaitReady].
func RedisCluster(tb testing.TB) *Cluster { tb.Helper(); return shared.cluster(tb, KindRedisCluster) }

const (
	redisMasters = 3
	redisSlots   = 16384
)

// StartRedisCluster starts a Redis Cluster of three masters with a replica each, and returns when it is ready, which
// takes about two seconds. A replica takes over two to four seconds after its master was killed or paused; a master
// that is started again before that is empty, and so is its replica then. Args go to every node. The rest is as with
// [Start], except that no variable of the environment names a cluster.
func StartRedisCluster(ctx context.Context, opts Options) (_ *Cluster, err error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	c := &Cluster{Kind: KindRedisCluster}
	c.check, c.master = c.checkRedisCluster, c.slotMaster
	defer func() {
		if err != nil {
			c.Stop()
		}
	}()
	node := redisReplicated()
	args := node.args
	node.args = func(s *Server, port string, opts Options) []string {
		return append(args(s, port, opts), "--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf",
			"--cluster-node-timeout", "2000")
	}
	for range 2 * redisMasters {
		s, err := start(ctx, node, opts)
		if err != nil {
			return nil, fmt.Errorf("testserver: %w", err)
		}
		c.Nodes = append(c.Nodes, s)
	}
	if err := c.joinRedis(ctx); err != nil {
		return nil, fmt.Errorf("testserver: %s does not form: %w", c.Kind, err)
	}
	if err := c.AwaitReady(ctx); err != nil {
		return nil, err
	}
	c.DSN = redisURL(addrs(c.Nodes))
	c.Version = c.Nodes[0].Version
	return c, nil
}

// redisReplicated is a Redis that replicates without a pause, and leaves no file of it that a restart would read. A
// replica that has seen nothing yet, not even a ping, is in no answer to CLUSTER SLOTS.
func redisReplicated() program {
	p := redis()
	p.env = ""
	args := p.args
	p.args = func(s *Server, port string, opts Options) []string {
		return append(args(s, port, opts), "--repl-diskless-sync-delay", "0",
			"--repl-ping-replica-period", "1", "--rdb-del-sync-files", "yes")
	}
	return p
}

// redisURL is the form of rueidis.ParseURL, which reads several addresses.
func redisURL(addrs []string) string {
	return "redis://" + addrs[0] + "?addr=" + strings.Join(addrs[1:], "&addr=")
}

// joinRedis makes one cluster of the nodes.
func (c *Cluster) joinRedis(ctx context.Context) error {
	first := strings.Split(c.Nodes[0].Addr, ":")
	for i, s := range c.Nodes {
		// Epochs that differ from the start spare the nodes a negotiation.
		if _, err := s.do(ctx, "CLUSTER", "SET-CONFIG-EPOCH", strconv.Itoa(i+1)); err != nil {
			return err
		}
		if i < redisMasters {
			from, to := i*redisSlots/redisMasters, (i+1)*redisSlots/redisMasters-1
			if _, err := s.do(ctx, "CLUSTER", "ADDSLOTSRANGE", strconv.Itoa(from), strconv.Itoa(to)); err != nil {
				return err
			}
		}
		if i > 0 {
			if _, err := s.do(ctx, "CLUSTER", "MEET", first[0], first[1]); err != nil {
				return err
			}
		}
	}
	for i, s := range c.Nodes[redisMasters:] {
		master, err := c.Nodes[i].do(ctx, "CLUSTER", "MYID")
		if err != nil {
			return err
		}
		// It refuses until it has heard of the master.
		err = await(ctx, func() error {
			_, err := s.do(ctx, "CLUSTER", "REPLICATE", text(master))
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *Cluster) checkRedisCluster(ctx context.Context) error {
	masters, err := c.runningRedis(ctx)
	if err != nil {
		return err
	}
	nodes := running(c.Nodes)
	for _, s := range nodes {
		info, err := s.look(ctx, "CLUSTER", "INFO")
		if err != nil {
			return err
		}
		if !strings.Contains(text(info), "cluster_state:ok") {
			return fmt.Errorf("%s does not say that the cluster is ok", s.Addr)
		}
		reply, err := s.look(ctx, "CLUSTER", "SLOTS")
		if err != nil {
			return err
		}
		ranges, _ := reply.([]any)
		var seen []string
		for _, r := range ranges {
			if master := slotServer(r, 2); !slices.Contains(masters, master) {
				return fmt.Errorf("%s holds %s for the master of slots", s.Addr, master)
			}
			for i := 2; at(r, i) != nil; i++ {
				seen = append(seen, slotServer(r, i))
			}
		}
		for _, other := range nodes {
			if !slices.Contains(seen, other.Addr) {
				return fmt.Errorf("%s does not know the place of %s", s.Addr, other.Addr)
			}
		}
	}
	return nil
}

// slotServer returns the address at place i of an entry of CLUSTER SLOTS, where the master is at 2.
func slotServer(entry any, i int) string { return text(entry, i, 0) + ":" + text(entry, i, 1) }

func (c *Cluster) slotMaster(ctx context.Context, key string) (string, error) {
	err := errors.New("no node runs")
	for _, s := range running(c.Nodes) {
		var slot, reply any
		if slot, err = s.look(ctx, "CLUSTER", "KEYSLOT", key); err != nil {
			continue
		}
		if reply, err = s.look(ctx, "CLUSTER", "SLOTS"); err != nil {
			continue
		}
		ranges, _ := reply.([]any)
		for _, r := range ranges {
			from, _ := at(r, 0).(int64)
			to, _ := at(r, 1).(int64)
			if n, ok := slot.(int64); ok && from <= n && n <= to {
				return slotServer(r, 2), nil
			}
		}
		err = fmt.Errorf("%s knows none for the slot", s.Addr)
	}
	return "", err
}
