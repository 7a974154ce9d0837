package testserver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/qsessions/qsessions/testserver/internal/loopback"
)

// Galera returns the Galera cluster of this test process. It skips or fails the test where there can be none.
func Galera(tb testing.TB) *Cluster { tb.Helper(); return shared.cluster(tb, KindGalera) }

const (
	galeraNodes   = 3
	galeraTimeout = 2 * time.Minute
	galeraLibrary = "/usr/lib/galera/libgalera_smm.so"
)

// StartGalera starts three MariaDB servers that replicate synchronously with Galera, and returns when all are synced,
// which takes about ten seconds: a node copies the first one's files when it joins. A node that was killed joins again
// at Restart, while another one runs; when all have ended, the cluster has. A transaction that one node has
// acknowledged, another may still show as it was for a moment, unless the client sets wsrep_sync_wait. Args go to every
// node. The rest is as with [Start], except that no variable of the environment names a cluster, and that it may take
// two minutes.
func StartGalera(ctx context.Context, opts Options) (_ *Cluster, err error) {
	if _, err := os.Stat(galeraLibrary); err != nil {
		return nil, &MissingError{Kind: KindGalera, Program: galeraLibrary, Package: "galera-4"}
	}
	if _, err := lookPath("rsync"); err != nil {
		return nil, &MissingError{Kind: KindGalera, Program: "rsync", Package: "rsync"}
	}
	ctx, cancel := context.WithTimeout(ctx, galeraTimeout)
	defer cancel()
	c := &Cluster{Kind: KindGalera}
	c.check = c.checkGalera
	defer func() {
		if err != nil {
			c.Stop()
		}
	}()
	for range 3 * galeraNodes {
		port, err := takePort()
		if err != nil {
			return nil, err
		}
		c.ports = append(c.ports, port)
	}
	for i := range galeraNodes {
		s, err := start(ctx, galera(i, galeraPorts(c.ports)), opts)
		if err != nil {
			return nil, fmt.Errorf("testserver: %w", err)
		}
		c.Nodes = append(c.Nodes, s)
	}
	if err := c.AwaitReady(ctx); err != nil {
		return nil, err
	}
	c.DSN = c.Nodes[0].DSN
	c.Version = c.Nodes[0].Version
	return c, nil
}

// galeraPort holds the ports of a node beside that of SQL: for the group, for what a joining node missed, and for the
// copy of all data.
type galeraPort struct{ group, missed, copy string }

func galeraPorts(taken []*loopback.Port) (ports []galeraPort) {
	for p := range slices.Chunk(taken, 3) {
		ports = append(ports, galeraPort{p[0].Number, p[1].Number, p[2].Number})
	}
	return ports
}

func galera(i int, ports []galeraPort) program {
	p := mariadb()
	p.kind, p.env = KindGalera, ""
	group := make([]string, len(ports))
	for i, port := range ports {
		group[i] = "127.0.0.1:" + port.group
	}
	args := p.args
	p.args = func(s *Server, port string, opts Options) []string {
		return append(args(s, port, opts),
			"--binlog-format=ROW", "--default-storage-engine=InnoDB", "--innodb-autoinc-lock-mode=2",
			"--wsrep-on=ON", "--wsrep-provider="+galeraLibrary,
			"--wsrep-cluster-name=test", "--wsrep-node-name=node"+strconv.Itoa(i), "--wsrep-node-address=127.0.0.1",
			"--wsrep-cluster-address=gcomm://"+strings.Join(group, ","),
			"--wsrep-sst-method=rsync", "--wsrep-sst-receive-address=127.0.0.1:"+ports[i].copy,
			"--wsrep-provider-options=gmcast.listen_addr=tcp://"+group[i]+";ist.recv_addr=127.0.0.1:"+ports[i].missed+
				";gcache.size=8M;gcache.page_size=8M;pc.recovery=false")
	}
	if i == 0 {
		p.first = []string{"--wsrep-new-cluster"}
	} else { // it gets all files of the first one
		p.prepare = func(_ context.Context, s *Server, _ string) error {
			return errors.Join(os.Mkdir(s.data(), 0o700), giveToServer(s.data()))
		}
	}
	p.probe = func(ctx context.Context, s *Server) (version, proof string, err error) {
		if _, err := wsrep(ctx, s); err != nil {
			return "", "", err
		}
		return mariadb().probe(ctx, s)
	}
	return p
}

// wsrep returns how many nodes this one sees, if it is in step with them.
func wsrep(ctx context.Context, s *Server) (size int, err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second) // a paused node answers never
	defer cancel()
	answer, err := mysql(ctx, s.DSN, "SHOW STATUS WHERE Variable_name IN "+
		"('wsrep_cluster_size', 'wsrep_cluster_status', 'wsrep_local_state_comment')")
	if err != nil {
		return 0, err
	}
	status := map[string]string{}
	for line := range strings.Lines(answer) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "\t")
		status[name] = value
	}
	if status["wsrep_cluster_status"] != "Primary" || status["wsrep_local_state_comment"] != "Synced" {
		return 0, fmt.Errorf("%s is %s, %s", s.Addr, status["wsrep_cluster_status"], status["wsrep_local_state_comment"])
	}
	return strconv.Atoi(status["wsrep_cluster_size"])
}

func (c *Cluster) checkGalera(ctx context.Context) error {
	nodes := running(c.Nodes)
	if len(nodes) == 0 {
		return errors.New("no node runs")
	}
	for _, s := range nodes {
		size, err := wsrep(ctx, s)
		if err != nil {
			return err
		}
		if size != len(nodes) {
			return fmt.Errorf("%s sees %d nodes", s.Addr, size)
		}
	}
	return nil
}
