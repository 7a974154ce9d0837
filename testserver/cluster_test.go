package testserver

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// failoverTimeout is longer than the half minute in which a sentinel does nothing after the machine stood still.
const failoverTimeout = 2 * time.Minute

// awaitReady awaits the cluster and checks what must hold of a ready one: a master that runs and takes a write.
func awaitReady(t *testing.T, c *Cluster, key string) *Server {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), failoverTimeout)
	defer cancel()
	if err := c.AwaitReady(ctx); err != nil {
		t.Fatal(err)
	}
	master, err := c.Master(ctx, key)
	if err != nil {
		t.Fatal(err)
	}
	if !master.Running() || !slices.Contains(c.Nodes, master) {
		t.Errorf("the master is %s, which does not run", master.Addr)
	}
	if reply, err := master.do(ctx, "SET", key, "value"); reply != "OK" || err != nil {
		t.Errorf("the master answers %v, %v", reply, err)
	}
	// One replica has it too.
	if reply, err := master.do(ctx, "WAIT", "1", "15000"); len(running(c.Nodes)) == len(c.Nodes) && reply != int64(1) {
		t.Errorf("WAIT gives %v, %v, want 1", reply, err)
	}
	return master
}

// TestRedisCluster wants the shared cluster whole.
func TestRedisCluster(t *testing.T) {
	t.Parallel()
	c := RedisCluster(t)
	if c != RedisCluster(t) {
		t.Error("got two clusters")
	}
	if len(c.Nodes) != 6 || len(c.Sentinels) != 0 || !slices.Equal(c.Addrs(), addrs(c.Nodes)) || c.Version == "" {
		t.Errorf("got %+v", c)
	}
	if want := fmt.Sprintf("redis://%s?addr=%s&", c.Nodes[0].Addr, c.Nodes[1].Addr); !strings.HasPrefix(c.DSN, want) {
		t.Errorf("got the DSN %q, want %q first", c.DSN, want)
	}
	masters := map[*Server]bool{}
	for _, key := range []string{"a", "b", "c", "d", "e", "f"} { // slots 15495, 3300, 7365, ...
		masters[awaitReady(t, c, key)] = true
	}
	if len(masters) != redisMasters {
		t.Errorf("six keys have %d masters", len(masters))
	}
}

// TestRedisClusterFailover kills a master: a replica takes its place, and it comes back as a replica.
func TestRedisClusterFailover(t *testing.T) {
	t.Parallel()
	RedisCluster(t) // skips, or fails, without the program
	c, err := StartRedisCluster(t.Context(), Options{Args: []string{"--maxmemory", "100mb"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Stop)
	for _, s := range c.Nodes {
		if reply, err := s.do(t.Context(), "CONFIG", "GET", "maxmemory"); text(reply, 1) != "104857600" || err != nil {
			t.Errorf("Args did not reach a node: %v, %v", reply, err)
		}
	}
	first, second := failover(t, c)
	if err := first.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if third := awaitReady(t, c, "a"); third != second {
		t.Error("the old master is one again")
	}
}

// failover kills the master and wants another.
func failover(t *testing.T, c *Cluster) (first, second *Server) {
	t.Helper()
	const key = "a"
	first = awaitReady(t, c, key)
	if err := first.Kill(); err != nil {
		t.Fatal(err)
	}
	second = awaitReady(t, c, key)
	if second == first {
		t.Fatal("the killed node is still the master")
	}
	if reply, err := second.do(t.Context(), "GET", key); reply != "value" || err != nil {
		t.Errorf("the new master answers %v, %v", reply, err)
	}
	return first, second
}

// TestRedisSentinel wants the shared set whole.
func TestRedisSentinel(t *testing.T) {
	t.Parallel()
	c := RedisSentinel(t)
	if c != RedisSentinel(t) {
		t.Error("got two sets")
	}
	if len(c.Nodes) != 2 || len(c.Sentinels) != 3 || !slices.Equal(c.Addrs(), addrs(c.Sentinels)) || c.Version == "" {
		t.Errorf("got %+v", c)
	}
	want := "redis://" + strings.Join(c.Addrs(), "?addr=")
	want = strings.Replace(want, c.Addrs()[1]+"?", c.Addrs()[1]+"&", 1) + "&master_set=mymaster"
	if c.DSN != want {
		t.Errorf("got the DSN %q, want %q", c.DSN, want)
	}
	if master := awaitReady(t, c, "a"); master != c.Nodes[0] {
		t.Errorf("the master is %s, want the first node", master.Addr)
	}
}

// TestRedisSentinelFailover kills the master: the replica takes its place.
func TestRedisSentinelFailover(t *testing.T) {
	t.Parallel()
	RedisSentinel(t) // skips, or fails, without the program
	c, err := StartRedisSentinel(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Stop)
	failover(t, c)
}
