package rueidisstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"

	"github.com/redis/rueidis"

	"github.com/qsessions/qsessions/core/store"
)

// List reads so many records at once. Without Data it reads heads alone, of less than a kilobyte.
const (
	listPage     = batchSize
	listDataPage = 20
)

// List implements [store.Indexed]. Without Config.IndexAll a query that names no user
// or ids fails with [errors.ErrUnsupported]. It reads those ids alone, or all sessions of the user, or all of them, until it
// has found those that match.
func (s *Store) List(ctx context.Context, q store.Query) iter.Seq2[*store.Record, error] {
	return func(yield func(*store.Record, error) bool) {
		if err := ctx.Err(); err != nil {
			yield(nil, s.fail(ctx, "list", err))
			return
		}
		if len(q.IDs) > store.MaxIDs {
			yield(nil, fmt.Errorf("rueidisstore: list: %w: more than %d ids", store.ErrTooLarge, store.MaxIDs))
			return
		}
		if len(q.IDs) == 0 && q.User == "" && !s.config.IndexAll {
			yield(nil, fmt.Errorf("rueidisstore: list: a query without User or IDs needs Config.IndexAll: %w", errors.ErrUnsupported))
			return
		}
		left, size := q.Limit, listPage
		if left <= 0 {
			left = math.MaxInt
		}
		if q.Data {
			size = listDataPage
		}
		n, p := min(left, size), page{more: true}
		if !q.After.IsZero() {
			p.last = string(q.After[:])
		}
		for left > 0 && p.more {
			var rs []*store.Record
			var err error
			if p, err = s.listPage(ctx, &q, p.last, n); err == nil {
				rs, err = s.loadAll(ctx, p.ids, q.Data)
			}
			if err != nil {
				yield(nil, s.fail(ctx, "list", err))
				return
			}
			n = min(2*n, size) // many may not match
			for _, r := range rs {
				if left == 0 || !matches(r, &q) {
					continue
				}
				left--
				if !yield(r, nil) {
					return
				}
			}
		}
	}
}

func (s *Store) listPage(ctx context.Context, q *store.Query, after string, n int) (page, error) {
	if len(q.IDs) > 0 {
		return idsPage(q.IDs, after, n), nil
	}
	if q.User != "" {
		return s.userPage(ctx, q.User, after, n)
	}
	return s.allPage(ctx, after, n)
}

// idsPage is userPage for ids that the caller has.
func idsPage(ids []store.ID, after string, n int) page {
	ids = slices.Clone(ids)
	slices.SortFunc(ids, func(a, b store.ID) int { return bytes.Compare(b[:], a[:]) })
	ids = slices.Compact(ids)
	if after != "" {
		ids = slices.DeleteFunc(ids, func(id store.ID) bool { return string(id[:]) >= after })
	}
	p := page{ids: ids[:min(n, len(ids))], more: len(ids) > n}
	if len(p.ids) > 0 {
		p.last = string(p.ids[len(p.ids)-1][:])
	}
	return p
}

// loadAll returns the records of ids that are there, without Secret, and with Data if so wanted.
func (s *Store) loadAll(ctx context.Context, ids []store.ID, data bool) ([]*store.Record, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	gets := func(b rueidis.Builder) rueidis.Commands {
		commands := make(rueidis.Commands, len(ids), len(ids)+1)
		for i, id := range ids {
			if data {
				commands[i] = b.Get().Key(s.recordKey(id)).Build()
			} else {
				commands[i] = b.Getrange().Key(s.recordKey(id)).Start(0).End(maxHead - 1).Build()
			}
		}
		return commands
	}
	var rs []*store.Record
	for i, result := range s.read(ctx, len(ids), gets) {
		value, err := result.AsBytes()
		if rueidis.IsRedisNil(err) || err == nil && (len(value) == 0 || isNote(value)) {
			continue
		}
		if err != nil && !answers(err, "WRONGTYPE") {
			return nil, err
		}
		var r *store.Record
		if data {
			r = decodeRecord(ids[i], value)
		} else {
			r, _ = decodeHead(ids[i], value)
		}
		if r == nil {
			s.foundCorrupt(ctx, ids[i])
			continue
		}
		r.Secret = nil
		rs = append(rs, r)
	}
	return rs, nil
}

// matches reports whether q selects r, After and Limit apart.
func matches(r *store.Record, q *store.Query) bool {
	return (q.User == "" || r.User == q.User) &&
		(q.Kind != store.Users || r.User != "") && (q.Kind != store.Anonymous || r.User == "") &&
		(q.Live.IsZero() || r.Live(q.Live)) && (q.Expired.IsZero() || !r.Live(q.Expired)) &&
		(!q.Prefix.IsValid() || q.Prefix.Contains(r.IP))
}
