package rueidisstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"github.com/redis/rueidis"

	"github.com/qsessions/qsessions/core/store"
)

// noEviction is the policy with which a full server refuses writes, and keeps what it has.
const noEviction = "noeviction"

// checkEviction asks the servers whether they remove keys when their memory is full, and refuses those that do. It is an
// error if none of them answers.
func (s *Store) checkEviction(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	nodes := s.client.Nodes()
	var failed error
	answered := false
	for _, addr := range slices.Sorted(maps.Keys(nodes)) {
		node := nodes[addr]
		info, err := node.Do(ctx, node.B().Info().Section("memory").Build()).ToString()
		policy := evicts(info)
		if _, ok := rueidis.IsRedisErr(err); err != nil && !ok {
			failed = err
			continue
		}
		answered = true
		switch {
		case policy == noEviction || s.config.AllowEviction:
		case policy == "":
			s.config.Logger.LogAttrs(ctx, slog.LevelWarn, "rueidisstore: the server does not tell whether it evicts; it must have maxmemory-policy noeviction",
				slog.String("server", addr))
		default:
			return fmt.Errorf("rueidisstore: the server at %s has maxmemory-policy %s, and would remove sessions when its memory is full: "+
				"set noeviction there, or Config.AllowEviction", addr, policy)
		}
	}
	if !answered {
		return s.fail(ctx, "open", errors.Join(failed, store.ErrUnavailable))
	}
	return nil
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
