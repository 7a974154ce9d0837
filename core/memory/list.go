package memory

import (
	"bytes"
	"context"
	"iter"
	"math"
	"slices"

	"github.com/qsessions/qsessions/core/store"
)

// The ids of a listing are collected page by page, as records may come and go between. Each page of a query without a
// user costs a scan of the store, so pages grow: a million records take five.
const (
	firstPage = 1 << 10
	pageGrows = 8
)

// List implements [store.Indexed]. A query with ids costs as much as they are, one with a
// user as much as the user has records; any other scans the store.
func (s *Store) List(ctx context.Context, q store.Query) iter.Seq2[*store.Record, error] {
	return func(yield func(*store.Record, error) bool) {
		if len(q.IDs) > store.MaxIDs {
			yield(nil, store.ErrTooLarge)
			return
		}
		left := q.Limit
		if left <= 0 {
			left = math.MaxInt
		}
		after := q.After
		for page := firstPage; ; page *= pageGrows {
			ids, err := s.page(ctx, q, after, page)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, id := range ids {
				if err := ctx.Err(); err != nil {
					yield(nil, err)
					return
				}
				r := s.record(id)
				if r == nil || !match(&q, r) {
					continue
				}
				if !yield(clone(r, false, q.Data), nil) {
					return
				}
				if left--; left == 0 {
					return
				}
			}
			if len(ids) < page {
				return
			}
			after = ids[len(ids)-1]
		}
	}
}

// page returns the n latest ids of the records that match and come behind after, latest first.
func (s *Store) page(ctx context.Context, q store.Query, after store.ID, n int) ([]store.ID, error) {
	p := latest{n: n, after: after}
	if len(q.IDs) > 0 || q.User != "" {
		ids := q.IDs
		if len(ids) == 0 {
			ids = s.idsOf(q.User)
		}
		for _, id := range ids {
			if r := s.record(id); r != nil && match(&q, r) {
				p.add(id)
			}
		}
		return slices.Compact(p.done()), ctx.Err() // MaxIDs is less than firstPage: compacting loses no page
	}
	for i := range s.shards {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		sh := &s.shards[i]
		sh.mu.RLock()
		for id, r := range sh.records {
			if match(&q, r) {
				p.add(id)
			}
		}
		sh.mu.RUnlock()
	}
	return p.done(), nil
}

// match reports whether r is one of q's, After and IDs apart.
func match(q *store.Query, r *store.Record) bool {
	return (q.User == "" || r.User == q.User) &&
		(q.Kind == store.Everyone || (q.Kind == store.Users) == (r.User != "")) &&
		(q.Live.IsZero() || r.Live(q.Live)) &&
		(q.Expired.IsZero() || !r.Live(q.Expired)) &&
		(!q.Prefix.IsValid() || q.Prefix.Contains(r.IP))
}

// latest collects the n latest of many ids that come behind one, in at most twice the room.
type latest struct {
	n     int
	after store.ID // only earlier ones; zero: all
	floor store.ID // n ids are later than it or equal; the zero id is earlier than all
	ids   []store.ID
}

func (l *latest) add(id store.ID) {
	if !l.after.IsZero() && compare(id, l.after) <= 0 || compare(id, l.floor) > 0 {
		return
	}
	if l.ids = append(l.ids, id); len(l.ids) == 2*l.n {
		l.floor = l.done()[l.n-1]
	}
}

// done sorts what was added and cuts it to n.
func (l *latest) done() []store.ID {
	slices.SortFunc(l.ids, compare)
	l.ids = l.ids[:min(l.n, len(l.ids))]
	return l.ids
}

// compare orders ids latest first.
func compare(a, b store.ID) int { return bytes.Compare(b[:], a[:]) }
