package testserver

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// The kinds of pair this package starts: a server that takes writes, and another that follows it.
const (
	KindPostgresPair Kind = "PostgreSQL with a standby"
	KindMariaDBPair  Kind = "MariaDB with a replica"
	KindRedisPair    Kind = "Redis with a replica"
)

// Pair starts a pair for this test alone, which may harm it, and ends it with the test. The kind is one of the pairs. It
// skips or fails the test where there can be none.
func Pair(tb testing.TB, kind Kind, opts Options) *Cluster {
	tb.Helper()
	shared.need(tb)
	c, err := StartPair(tb.Context(), kind, opts)
	shared.check(tb, err)
	tb.Cleanup(c.Stop)
	return c
}

// pairKind is what differs between the pairs.
type pairKind struct {
	start func(ctx context.Context, c *Cluster, opts Options) error
	// leads reports whether the server takes writes, and else whether it follows one.
	leads func(ctx context.Context, s *Server) (leads, follows bool, err error)
	// demote makes a server refuse writes and keep its connections, until the other one has all that it acknowledged.
	demote  func(ctx context.Context, from, to *Server) error
	promote func(ctx context.Context, from, to *Server) error
}

func (k Kind) pair() (pairKind, error) {
	switch k {
	case KindPostgresPair:
		return postgresPair(), nil
	case KindMariaDBPair:
		return mariadbPair(), nil
	case KindRedisPair:
		return redisPair(), nil
	}
	return pairKind{}, fmt.Errorf("testserver: unknown kind of pair %q", string(k))
}

// StartPair starts a pair of servers: the first takes writes, and the second follows it by the database's own
// replication, asynchronously, and answers reads. Both get Args. The user of the pair's DSN is an ordinary one, whom a
// server that is read-only refuses; the servers' own DSNs name an administrator. [Cluster.Switchover] changes their
// places. The rest is as with [Start], except that no variable of the environment names a pair.
func StartPair(ctx context.Context, kind Kind, opts Options) (_ *Cluster, err error) {
	p, err := kind.pair()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	c := &Cluster{Kind: kind}
	c.check, c.master = c.checkPair, c.pairMaster
	defer func() {
		if err != nil {
			c.Stop()
		}
	}()
	if err := p.start(ctx, c, opts); err != nil {
		return nil, fmt.Errorf("testserver: %w", err)
	}
	if err := c.AwaitReady(ctx); err != nil {
		return nil, err
	}
	c.Version = c.Nodes[0].Version
	return c, nil
}

// Switchover makes a pair's primary read-only, awaits that the other server has all that was acknowledged, and promotes
// that, which it returns. The old primary lives on and keeps its connections: it refuses writes from then on, as an
// application meets it that holds connections over a failover. PostgreSQL answers with 25006, MariaDB with 1290, Redis
// with READONLY. The old Redis follows the new one; PostgreSQL and MariaDB go on with what they had, and answer reads
// with what is out of date. It returns an error for other clusters, and when the context ends, which may leave a pair
// without a primary.
func (c *Cluster) Switchover(ctx context.Context) (*Server, error) {
	p, err := c.Kind.pair()
	if err != nil {
		return nil, err
	}
	from, err := c.Master(ctx, "")
	if err != nil {
		return nil, err
	}
	to := c.Nodes[0]
	if from == to {
		to = c.Nodes[1]
	}
	switch _, follows, err := p.leads(ctx, to); {
	case err != nil:
		return nil, fmt.Errorf("testserver: %s: %w", c.Kind, err)
	case !follows:
		return nil, fmt.Errorf("testserver: %s: the server at %s follows none", c.Kind, to.Addr)
	}
	if err := p.demote(ctx, from, to); err != nil {
		return nil, fmt.Errorf("testserver: %s: %w", c.Kind, err)
	}
	if err := p.promote(ctx, from, to); err != nil {
		return nil, fmt.Errorf("testserver: %s: %w", c.Kind, err)
	}
	return to, nil
}

// checkPair wants one server that takes writes.
func (c *Cluster) checkPair(ctx context.Context) error {
	p, err := c.Kind.pair()
	if err != nil {
		return err
	}
	leaders := 0
	for _, s := range running(c.Nodes) {
		leads, _, err := p.leads(ctx, s)
		if err != nil {
			return err
		}
		if leads {
			leaders++
		}
	}
	if leaders != 1 {
		return fmt.Errorf("%d servers take writes", leaders)
	}
	return nil
}

func (c *Cluster) pairMaster(ctx context.Context, _ string) (string, error) {
	p, err := c.Kind.pair()
	if err != nil {
		return "", err
	}
	err = errors.New("none takes writes")
	for _, s := range running(c.Nodes) {
		leads, _, failed := p.leads(ctx, s)
		if leads {
			return s.Addr, nil
		}
		err = errors.Join(err, failed)
	}
	return "", err
}

// query asks a server of SQL for one value, for five seconds at most.
func (s *Server) query(ctx context.Context, statement string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return s.prog.sql(ctx, s.DSN, statement)
}

// exec has a server carry out statements, one after the other.
func (s *Server) exec(ctx context.Context, statements ...string) error {
	for _, statement := range statements {
		if _, err := s.prog.sql(ctx, s.DSN, statement); err != nil {
			return err
		}
	}
	return nil
}

// awaitAnswer awaits an answer.
func (s *Server) awaitAnswer(ctx context.Context, statement, want string) error {
	return await(ctx, func() error {
		got, err := s.query(ctx, statement)
		if err == nil && got != want {
			err = fmt.Errorf("%s gives %q, want %q", strings.Fields(statement)[0], got, want)
		}
		return err
	})
}
