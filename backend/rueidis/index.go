package rueidisstore

import (
	"context"
	"encoding/base64"
	"slices"
	"strings"
	"time"

	"github.com/redis/rueidis"

	"github.com/qsessions/qsessions/core/store"
)

// A number in a key is the schema of its value: what another version has put there is never seen. A user's keys have the
// user as the hash tag, encoded: one that begins with a brace would make it empty.
const (
	recordSpace = "s1:" // of records
	userSpace   = "u1:" // of what there is of a user
	allSpace    = "a1:" // of the index of all, by the last four bits of ids
	secretSpace = "k1:" // of the deployment's keys
	sweepSpaces = "[au]1:*"

	indexSuffix  = "}:i"
	cutoffSuffix = "}:c"

	allShards = 16

	// indexSlack is what an index lives longer, as it is written a moment sooner than what it names.
	indexSlack = time.Hour
)

func (s *Store) recordKey(id store.ID) string {
	return s.config.Prefix + recordSpace + id.String()
}

func (s *Store) indexKey(user string) string { return s.userKey(user) + indexSuffix }

func (s *Store) cutoffKey(user string) string { return s.userKey(user) + cutoffSuffix }

func (s *Store) userKey(user string) string {
	return s.config.Prefix + userSpace + "{" + base64.RawURLEncoding.EncodeToString([]byte(user))
}

func (s *Store) allKey(shard int) string {
	return s.config.Prefix + allSpace + string("0123456789abcdef"[shard])
}

// indexCalls puts r into the indexes that it belongs to. They live twice as long as r, and so long enough for the next
// Touch, should that not reach them.
func (s *Store) indexCalls(r *store.Record) []call {
	var keys []string
	if r.User != "" {
		keys = append(keys, s.indexKey(r.User))
	}
	if s.config.IndexAll {
		keys = append(keys, s.allKey(int(r.ID[len(r.ID)-1])%allShards))
	}
	calls := make([]call, len(keys))
	for i, key := range keys {
		calls[i] = call{indexScript, key, []string{string(r.ID[:]), number(2*keep(r.ExpiresAt) + indexSlack.Milliseconds())}}
	}
	return calls
}

// index puts r into the indexes that it belongs to, and waits for that.
func (s *Store) index(ctx context.Context, op string, r *store.Record) error {
	calls := s.indexCalls(r)
	if len(calls) == 0 {
		return nil
	}
	if err := firstError(s.run(ctx, calls...)); err != nil {
		return s.fail(ctx, op, err)
	}
	return nil
}

// A page is a part of an index, latest first.
type page struct {
	ids  []store.ID
	last string // member of the index
	more bool
}

// userPage returns the n ids of a user behind a member, or the first ones.
func (s *Store) userPage(ctx context.Context, user, after string, n int) (page, error) {
	members, err := s.read(ctx, 1, func(b rueidis.Builder) rueidis.Commands {
		return append(make(rueidis.Commands, 0, 2), latest(b, s.indexKey(user), after, n))
	})[0].AsStrSlice()
	if err != nil {
		return page{}, err
	}
	return newPage(members, len(members) == n), nil
}

func newPage(members []string, more bool) page {
	p := page{ids: make([]store.ID, 0, len(members)), more: more}
	for _, m := range members {
		if len(m) == len(store.ID{}) {
			p.ids = append(p.ids, store.ID([]byte(m)))
		}
		p.last = m
	}
	return p
}

// allPage is userPage for the index of all.
func (s *Store) allPage(ctx context.Context, after string, n int) (page, error) {
	each := n/(allShards/2) + 4 // more than its share, as ids are random
	heads := func(b rueidis.Builder) rueidis.Commands {
		commands := make(rueidis.Commands, allShards, allShards+1)
		for i := range commands {
			commands[i] = latest(b, s.allKey(i), after, each)
		}
		return commands
	}
	var all []string
	known := "" // what is not below has been seen
	for _, result := range s.read(ctx, allShards, heads) {
		members, err := result.AsStrSlice()
		if err != nil {
			return page{}, err
		}
		if len(members) == each {
			known = max(known, members[each-1])
		}
		all = append(all, members...)
	}
	all = slices.DeleteFunc(all, func(m string) bool { return m < known })
	slices.SortFunc(all, func(a, b string) int { return strings.Compare(b, a) })
	more := known != ""
	if len(all) > n {
		all, more = all[:n], true
	}
	return newPage(all, more), nil
}

// latest reads the n members of an index behind one of them, or the first ones.
func latest(b rueidis.Builder, key, after string, n int) rueidis.Completed {
	from := "+"
	if after != "" {
		from = "(" + after
	}
	return b.Zrevrangebylex().Key(key).Max(from).Min("-").Limit(0, int64(n)).Build()
}
