package rueidisstore

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/redis/rueidis"
)

const (
	scanCount = 500 // keys that a server looks at in one step
	cutoffAge = 24 * time.Hour
	entryAge  = time.Hour // of an id whose record is not there, and may be about to be written by a slow request
)

// A place is how far a Sweep got: the step of a server's SCAN, and the member of an index that it met there.
type place struct {
	server, index, member string
	cursor                uint64
}

// A sweep is one call of Sweep.
type sweep struct {
	*Store
	before  time.Time
	cutoffs time.Time
	left    int // records
}

// Sweep implements [store.Indexed]. Servers remove expired records by themselves; what is left are the entries of indexes,
// the notes of removed records, and cut-offs, which go as well if nobody sweeps, though later. So nothing depends on it
// but memory.
//
// It goes through the servers' keys by SCAN, five hundred in a step, and reads the beginning of each session that an index
// names: ten seconds of a server's time for a million sessions, in steps of a millisecond or so. One process of an
// application should do that, not all, and an hour between two sweeps is soon enough. It goes on where the last call
// stopped. Without Config.IndexAll it sees the sessions of users only.
func (s *Store) Sweep(ctx context.Context, before time.Time, limit int) (int, error) {
	w := &sweep{Store: s, before: before, cutoffs: before.Add(-cutoffAge), left: limit}
	err := w.all(ctx)
	if err != nil {
		err = s.fail(ctx, "sweep", err)
	}
	return limit - w.left, err
}

// all visits everything once, some of it twice, until nothing is left of the limit.
func (w *sweep) all(ctx context.Context) error {
	w.mu.Lock()
	start := w.swept
	w.mu.Unlock()
	p, err := w.link.peer(ctx)
	if err != nil {
		return err
	}
	nodes := map[string]rueidis.Client{"": nil} // the server, whichever it is now
	if p.cluster {
		nodes = p.client.Nodes()
	}
	servers := slices.Sorted(maps.Keys(nodes))
	first := max(slices.Index(servers, start.server), 0)
	if len(servers) == 0 {
		return rueidis.ErrNoAddr
	}
	for i := range len(servers) + 1 {
		at := place{server: servers[(first+i)%len(servers)]}
		if i == 0 && at.server == start.server {
			at = start
		}
		if i == len(servers) && start.cursor == 0 && start.index == "" {
			break // the first server was seen from its beginning
		}
		if err := w.server(ctx, p.node(nodes[at.server]), at); err != nil || w.left == 0 {
			return err
		}
	}
	w.stopAt(place{})
	return nil
}

func (w *sweep) stopAt(p place) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.swept = p
}

// server visits what a server has from p on. A replica in a Cluster has nothing of its own.
func (w *sweep) server(ctx context.Context, node *peer, p place) error {
	if node.cluster {
		role := w.ask(ctx, node, func(b rueidis.Builder) rueidis.Completed { return b.Role().Build() })
		if _, answered := rueidis.IsRedisErr(role.Error()); role.Error() != nil && !answered {
			return role.Error()
		}
		if isReplica(role) {
			return nil
		}
	}
	for {
		w.stopAt(p) // should there be an error
		keys, next, err := w.scan(ctx, node, p.cursor)
		if err != nil {
			return err
		}
		slices.Sort(keys) // so that those before p are known
		keys = slices.DeleteFunc(keys, func(key string) bool { return key < p.index })
		if err := w.keys(ctx, keys, &p); err != nil {
			return err
		}
		if w.left == 0 {
			w.stopAt(p)
			return nil
		}
		if next == 0 {
			return nil
		}
		p = place{server: p.server, cursor: next}
	}
}

func (w *sweep) scan(ctx context.Context, node *peer, cursor uint64) ([]string, uint64, error) {
	entry, err := w.ask(ctx, node, func(b rueidis.Builder) rueidis.Completed {
		return b.Scan().Cursor(cursor).Match(w.config.Prefix + sweepSpaces).Count(scanCount).Build()
	}).AsScanEntry()
	return entry.Elements, entry.Cursor, err
}

// ask is do for one server of a Cluster, or for the only one.
func (w *sweep) ask(ctx context.Context, node *peer, build func(b rueidis.Builder) rueidis.Completed) rueidis.RedisResult {
	if !node.cluster {
		return w.do(ctx, true, 1, func(b rueidis.Builder) rueidis.Commands { return rueidis.Commands{build(b)} })[0]
	}
	if err := ctx.Err(); err != nil {
		return rueidis.NewErrorResult(err)
	}
	ctx, cancel := context.WithTimeout(ctx, w.config.Timeout)
	defer cancel()
	return node.do(ctx, build(node.client.B()))
}

// keys visits the keys of a step, from p on, and moves p.
func (w *sweep) keys(ctx context.Context, keys []string, p *place) error {
	var cutoffs, indexes []string
	users, all := w.config.Prefix+userSpace+"{", w.config.Prefix+allSpace
	for _, key := range keys {
		switch { // the rest is of an application whose Prefix begins with this one
		case strings.HasPrefix(key, users) && strings.HasSuffix(key, cutoffSuffix):
			cutoffs = append(cutoffs, key)
		case strings.HasPrefix(key, users), strings.HasPrefix(key, all) && len(key) == len(all)+1:
			indexes = append(indexes, key)
		}
	}
	for chunk := range slices.Chunk(cutoffs, batchSize) {
		if err := w.forgetCutoffs(ctx, chunk); err != nil {
			return err
		}
	}
	for chunk := range slices.Chunk(indexes, batchSize) {
		if err := w.indexes(ctx, chunk, p); err != nil || w.left == 0 {
			return err
		}
	}
	return nil
}

func (w *sweep) forgetCutoffs(ctx context.Context, keys []string) error {
	gets := func(b rueidis.Builder) rueidis.Commands {
		commands := make(rueidis.Commands, len(keys), len(keys)+1)
		for i, key := range keys {
			commands[i] = b.Get().Key(key).Build()
		}
		return commands
	}
	var calls []call
	for i, result := range w.do(ctx, true, len(keys), gets) {
		value, err := result.AsBytes()
		if err != nil && !rueidis.IsRedisNil(err) && !answers(err, "WRONGTYPE") {
			return err
		}
		if len(value) == timeSize && timeAt(value, 0).Before(w.cutoffs) {
			calls = append(calls, call{forgetScript, keys[i], []string{string(value)}})
		}
	}
	if len(calls) == 0 {
		return nil
	}
	return firstError(w.run(ctx, calls...))
}

// indexes visits some indexes from p on. Most users have few sessions, so the first pages come in one round trip.
func (w *sweep) indexes(ctx context.Context, keys []string, p *place) error {
	pages := func(b rueidis.Builder) rueidis.Commands {
		commands := make(rueidis.Commands, len(keys), len(keys)+1)
		for i, key := range keys {
			after := ""
			if key == p.index {
				after = p.member
			}
			commands[i] = earliest(b, key, after)
		}
		return commands
	}
	var entries, rest []entry
	for i, result := range w.do(ctx, true, len(keys), pages) {
		members, err := result.AsStrSlice()
		if answers(err, "WRONGTYPE") {
			continue
		}
		if err != nil {
			return err
		}
		entries = appendEntries(entries, keys[i], members)
		if n := len(members); n == batchSize {
			rest = append(rest, entry{keys[i], members[n-1]})
		}
	}
	if err := w.entries(ctx, entries, p); err != nil || w.left == 0 {
		return err
	}
	for _, last := range rest {
		if err := w.rest(ctx, last, p); err != nil || w.left == 0 {
			return err
		}
	}
	return nil
}

// rest visits the entries of an index behind one of them.
func (w *sweep) rest(ctx context.Context, last entry, p *place) error {
	for {
		members, err := w.do(ctx, true, 1, func(b rueidis.Builder) rueidis.Commands {
			return rueidis.Commands{earliest(b, last.index, last.member)}
		})[0].AsStrSlice()
		if err != nil {
			return err
		}
		if err := w.entries(ctx, appendEntries(nil, last.index, members), p); err != nil || w.left == 0 {
			return err
		}
		if len(members) < batchSize {
			return nil
		}
		last.member = members[len(members)-1]
	}
}

// earliest reads the members of an index behind one of them, or the first ones, oldest first: those are due.
func earliest(b rueidis.Builder, key, after string) rueidis.Completed {
	from := "-"
	if after != "" {
		from = "(" + after
	}
	return b.Zrangebylex().Key(key).Min(from).Max("+").Limit(0, batchSize).Build()
}
