package rueidisstore

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"github.com/redis/rueidis"
)

// noEviction is the policy with which a full server refuses writes, and keeps what it has.
const noEviction = "noeviction"

// checkEviction asks the servers whether they remove keys when their memory is full, and refuses those that do. It is an
// error if none of them answers; a Cluster may lack some.
func (s *Store) checkEviction(ctx context.Context) error {
	type reply struct {
		addr, policy string
		err          error
	}
	p, err := s.link.peer(ctx)
	if err != nil {
		return s.fail(ctx, "open", err)
	}
	nodes := p.client.Nodes()
	replies := make(chan reply, len(nodes))
	for addr, node := range nodes {
		go func() {
			policy, err := s.askPolicy(ctx, p.node(node))
			replies <- reply{addr, policy, err}
		}()
	}
	answered, failed := false, rueidis.ErrNoAddr
	for range nodes {
		r := <-replies
		switch {
		case r.err != nil:
			failed = r.err
			continue
		case r.policy == noEviction || s.config.AllowEviction:
		case r.policy == "":
			s.config.Logger.LogAttrs(ctx, slog.LevelWarn, "rueidisstore: the server does not tell whether it evicts; it must have maxmemory-policy noeviction",
				slog.String("server", r.addr))
		default:
			return fmt.Errorf("rueidisstore: the server at %s has maxmemory-policy %s, and would remove sessions when its memory is full: "+
				"set noeviction there, or Config.AllowEviction", r.addr, r.policy)
		}
		answered = true
	}
	if !answered {
		return s.fail(ctx, "open", failed)
	}
	return nil
}

// askPolicy returns what evicts does. A server that forbids the question does not tell.
func (s *Store) askPolicy(ctx context.Context, node *peer) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	info, err := node.do(ctx, node.client.B().Info().Section("memory").Build()).ToString()
	if _, answered := rueidis.IsRedisErr(err); err != nil && !answered {
		return "", err
	}
	return evicts(info), nil
}

// evicts returns the policy that a server's INFO tells, noEviction where its memory has no limit, or "" where it does not
// tell.
func evicts(info string) string {
	fields := make(map[string]string)
	for line := range strings.Lines(info) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			fields[name] = value
		}
	}
	if fields["maxmemory"] == "0" {
		return noEviction
	}
	return fields["maxmemory_policy"]
}
