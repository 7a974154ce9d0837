package testserver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// RedisSentinel returns the Redis of this test process that sentinels watch. It skips or fails the test where there can
// be none. A test that harms its servers starts its own: a master that comes back is a replica only ten seconds later.
func RedisSentinel(tb testing.TB) *Cluster { tb.Helper(); return shared.cluster(tb, KindRedisSentinel) }

// masterSet is the name that the sentinels know the master by.
const masterSet = "mymaster"

// StartRedisSentinel starts a Redis master with a replica, and three sentinels that watch them under the name mymaster,
// and returns when a failover could work, which takes about two seconds. The sentinels promote the replica one to three
// seconds after the master was killed or paused, and make the old master a replica about ten seconds after it came
// back. A sentinel that was paused for longer than two seconds takes part again after half a minute. Args go to the
// master and the replica. The rest is as with [Start], except that no variable of the environment names them.
func StartRedisSentinel(ctx context.Context, opts Options) (_ *Cluster, err error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	c := &Cluster{Kind: KindRedisSentinel}
	c.check, c.master = c.checkSentinel, c.sentinelMaster
	defer func() {
		if err != nil {
			c.Stop()
		}
	}()
	master, err := start(ctx, redisReplicated(), opts)
	if err != nil {
		return nil, fmt.Errorf("testserver: %w", err)
	}
	c.Nodes = append(c.Nodes, master)
	replica, err := start(ctx, redisReplicated(), opts)
	if err != nil {
		return nil, fmt.Errorf("testserver: %w", err)
	}
	c.Nodes = append(c.Nodes, replica)
	host, port, _ := strings.Cut(master.Addr, ":")
	// Not an argument: a Redis that starts again must not undo what the sentinels decided.
	if _, err := replica.do(ctx, "REPLICAOF", host, port); err != nil {
		return nil, fmt.Errorf("testserver: %w", err)
	}
	// A sentinel asks the master for its replicas when it starts, and then every ten seconds.
	linked := func() error {
		masters, err := c.runningRedis(ctx)
		if err == nil && len(masters) != 1 {
			err = errors.New("the replica does not follow the master")
		}
		return err
	}
	if err := await(ctx, linked); err != nil {
		return nil, fmt.Errorf("testserver: %s does not form: %w", c.Kind, err)
	}
	for range 3 {
		s, err := start(ctx, sentinel(host, port), Options{})
		if err != nil {
			return nil, fmt.Errorf("testserver: %w", err)
		}
		c.Sentinels = append(c.Sentinels, s)
	}
	if err := c.AwaitReady(ctx); err != nil {
		return nil, err
	}
	c.DSN = redisURL(addrs(c.Sentinels)) + "&master_set=" + masterSet
	c.Version = master.Version
	return c, nil
}

func sentinel(host, port string) program {
	p := redis()
	p.kind, p.env = KindRedisSentinel, ""
	conf := func(s *Server) string { return filepath.Join(s.data(), "sentinel.conf") }
	p.prepare = func(_ context.Context, s *Server, _ string) error {
		if err := os.Mkdir(s.data(), 0o755); err != nil {
			return err
		}
		text := strings.Join([]string{
			"sentinel monitor " + masterSet + " " + host + " " + port + " 2",
			"sentinel down-after-milliseconds " + masterSet + " 500",
			"sentinel failover-timeout " + masterSet + " 2000",
		}, "\n") + "\n"
		// A sentinel writes what it finds out to this file, and to another beside it.
		if err := os.WriteFile(conf(s), []byte(text), 0o600); err != nil {
			return err
		}
		return errors.Join(giveToServer(s.data()), giveToServer(conf(s)))
	}
	p.args = func(s *Server, port string, _ Options) []string {
		return []string{conf(s), "--sentinel", "--port", port, "--bind", "127.0.0.1", "--dir", s.data()}
	}
	return p
}

func (c *Cluster) checkSentinel(ctx context.Context) error {
	masters, err := c.runningRedis(ctx)
	if err != nil {
		return err
	}
	if len(masters) != 1 {
		return fmt.Errorf("there are %d masters", len(masters))
	}
	sentinels := running(c.Sentinels)
	if len(sentinels) == 0 {
		return errors.New("no sentinel runs")
	}
	for _, s := range sentinels {
		quorum, err := s.look(ctx, "SENTINEL", "CKQUORUM", masterSet)
		if err != nil {
			return err
		}
		if want := fmt.Sprintf("OK %d ", len(sentinels)); !strings.HasPrefix(text(quorum), want) {
			return fmt.Errorf("%s says %q", s.Addr, text(quorum))
		}
		master, err := s.look(ctx, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", masterSet)
		if err != nil {
			return err
		}
		if addr := text(master, 0) + ":" + text(master, 1); addr != masters[0] {
			return fmt.Errorf("%s holds %s for the master", s.Addr, addr)
		}
		if err := c.checkReplicas(ctx, s, masters[0]); err != nil {
			return err
		}
	}
	return nil
}

// checkReplicas checks that the sentinel would promote any replica that runs.
func (c *Cluster) checkReplicas(ctx context.Context, s *Server, master string) error {
	reply, err := s.look(ctx, "SENTINEL", "REPLICAS", masterSet)
	if err != nil {
		return err
	}
	list, _ := reply.([]any)
	up := map[string]bool{}
	for _, entry := range list {
		fields := map[string]string{}
		for i := 0; at(entry, i) != nil; i += 2 {
			fields[text(entry, i)] = text(entry, i+1)
		}
		up[fields["ip"]+":"+fields["port"]] = fields["flags"] == "slave" && fields["master-link-status"] == "ok"
	}
	for _, node := range running(c.Nodes) {
		if node.Addr != master && !up[node.Addr] {
			return fmt.Errorf("%s does not know the replica %s", s.Addr, node.Addr)
		}
	}
	return nil
}

func (c *Cluster) sentinelMaster(ctx context.Context, _ string) (string, error) {
	err := errors.New("no sentinel runs")
	for _, s := range running(c.Sentinels) {
		var master any
		if master, err = s.look(ctx, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", masterSet); err == nil {
			return text(master, 0) + ":" + text(master, 1), nil
		}
	}
	return "", err
}
