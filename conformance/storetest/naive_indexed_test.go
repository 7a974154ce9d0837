package storetest_test

import (
	"context"
	"iter"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

const pageSize = 500

// page returns copies of what comes next, and whether that is all.
func (s *naive) page(q store.Query, after store.ID, offset int) ([]*store.Record, bool) {
	rs := slices.SortedFunc(maps.Values(s.rows), func(a, b *store.Record) int { return compareIDs(b.ID, a.ID) })
	if s.has("lists the earliest id first") {
		slices.Reverse(rs)
	}
	rs = slices.DeleteFunc(rs, func(r *store.Record) bool { return !s.match(r, q, after) })
	if len(q.IDs) > 0 && (s.has("lists in the order of the ids") || s.has("lists an id twice")) {
		var given []*store.Record
		for _, id := range q.IDs {
			if i := slices.IndexFunc(rs, func(r *store.Record) bool { return r.ID == id }); i >= 0 {
				given = append(given, rs[i])
			}
		}
		if s.has("lists an id twice") {
			slices.SortFunc(given, func(a, b *store.Record) int { return compareIDs(b.ID, a.ID) })
		} else {
			given = slices.Compact(given)
		}
		rs = given
	}
	rs = rs[min(offset, len(rs)):]
	all := len(rs) <= pageSize
	for i, r := range rs[:min(len(rs), pageSize)] {
		c := r.Clone()
		if !s.has("lists Secret") {
			c.Secret = nil
		}
		if !q.Data && !s.has("always lists Data") || s.has("never lists Data") {
			c.Data = nil
		}
		if q.Data && s.has("hands out what it lists") {
			c.Data = r.Data
		}
		rs[i] = c
	}
	return rs[:min(len(rs), pageSize)], all
}

func (s *naive) match(r *store.Record, q store.Query, after store.ID) bool {
	behind := compareIDs(r.ID, after) < 0
	switch s.fault {
	case "lists the earliest id first":
		behind = compareIDs(r.ID, after) > 0
	case "lists After as well":
		behind = behind || r.ID == after
	case "looks for After":
		behind = behind && (s.rows[after] != nil || after != q.After)
	}
	live := func(t time.Time) bool { return r.Live(t) || s.has("takes the end for live") && r.ExpiresAt.Equal(t) }
	ids := q.IDs
	if s.has("looks at 99 ids") {
		ids = ids[:min(len(ids), 99)]
	}
	kind := q.Kind
	if q.User != "" && s.has("ignores Kind beside User") {
		kind = store.Everyone
	}
	if len(q.IDs) > 0 && s.has("ignores all beside IDs") {
		return slices.Contains(ids, r.ID)
	}
	return (after.IsZero() || behind) && (len(ids) == 0 || slices.Contains(ids, r.ID) || s.has("ignores IDs")) &&
		(q.User == "" || s.user(r.User) == s.user(q.User)) &&
		(kind != store.Users || r.User != "") && (kind != store.Anonymous || r.User == "") &&
		(q.Live.IsZero() || live(q.Live)) && (q.Expired.IsZero() || !live(q.Expired)) &&
		(!q.Prefix.IsValid() || s.contains(q.Prefix, r.IP))
}

func (s *naive) contains(p netip.Prefix, a netip.Addr) bool {
	switch {
	case !a.IsValid():
		return false
	case s.has("takes IPv4 for a part of IPv6"):
		return p.Contains(a) || p.Addr().Is6() && p.Contains(netip.AddrFrom16(a.As16()).WithZone("")) || p.Addr().Is6() && p.Bits() == 0
	case s.has("finds everything in 0.0.0.0/0") && p.Bits() == 0:
		return true
	}
	return p.Contains(a)
}

func (s *naive) List(ctx context.Context, q store.Query) iter.Seq2[*store.Record, error] {
	used := false
	return func(yield func(*store.Record, error) bool) {
		if used && s.has("lists once") {
			return
		}
		used = true
		if s.has("leaves a goroutine behind") {
			go func() { <-make(chan struct{}) }() // a producer that nobody stops
		}
		if len(q.IDs) > store.MaxIDs && !s.has("takes any number of ids") {
			yield(nil, store.ErrTooLarge)
			return
		}
		if s.has("sorts the ids that it was given") {
			slices.SortFunc(q.IDs, compareIDs)
		}
		s.each(ctx, q, yield)
	}
}

func (s *naive) each(ctx context.Context, q store.Query, yield func(*store.Record, error) bool) {
	after, left := q.After, q.Limit
	if left > 0 && s.has("lists one more than the limit") {
		left++
	}
	if left < 0 && s.has("lists nothing under a negative limit") {
		return
	}
	unlimited := left <= 0
	for offset := 0; ; offset += pageSize {
		end, err := s.begin(ctx)
		if err != nil {
			if offset > 0 && s.has("stops listing when it is canceled") {
				return
			}
			if yield(nil, err) && s.has("yields an error twice") {
				yield(nil, err)
			}
			return
		}
		skip := 0
		if s.has("pages by offset") {
			skip = offset
		}
		rs, all := s.page(q, after, skip)
		held := s.has("holds its lock while it yields") || s.has("keeps its lock after a break") || s.has("holds its connection while it yields")
		if !held {
			end()
		}
		for _, r := range rs {
			if !unlimited {
				if left == 0 {
					break
				}
				left--
			}
			if !s.has("pages by offset") {
				after = r.ID
			}
			if !yield(r, nil) {
				if held && !s.has("keeps its lock after a break") {
					end()
				}
				return
			}
		}
		if held {
			end()
		}
		if all || !unlimited && left == 0 {
			return
		}
	}
}

func (s *naive) publish(user string, cutoff time.Time) {
	if s.has("keeps times in seconds") {
		cutoff = cutoff.Truncate(time.Second)
	}
	if s.has("keeps times in milliseconds") {
		cutoff = cutoff.Truncate(time.Millisecond)
	}
	if user = s.user(user); cutoff.After(s.cutoffs[user]) || s.has("moves a cut-off back") {
		s.cutoffs[user] = cutoff
	}
	s.cuts.Add(1)
}

func (s *naive) DeleteUser(ctx context.Context, user string, cutoff time.Time, keep ...store.ID) (gone []store.ID, err error) {
	end, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	if !s.has("makes the cut-off known at the end") {
		s.publish(user, cutoff)
	}
	var ids []store.ID
	pick := func(of map[store.ID]*store.Record) {
		for id, r := range of {
			old := r.AuthenticatedAt.Before(cutoff) || s.has("removes what is as old as the cut-off") && r.AuthenticatedAt.Equal(cutoff)
			if s.user(r.User) == s.user(user) && old && (!slices.Contains(keep, id) || s.has("ignores what to keep")) {
				ids = append(ids, id)
			}
		}
	}
	if pick(s.rows); !s.has("names removed records once") {
		pick(s.dead)
	}
	defer func() {
		switch s.fault {
		case "names what it keeps":
			gone = append(gone, keep...)
		case "names all of a user":
			gone = s.all(s.rows, user, gone)
		case "names all removed records", "names all removed records of a user, twice":
			gone = s.all(s.dead, user, gone)
			gone = slices.DeleteFunc(append(gone, gone...), func(id store.ID) bool { return slices.Contains(keep, id) })
		}
	}()
	if s.has("deletes a batch of 1000") {
		ids = ids[:min(len(ids), 1000)]
	}
	if s.has("makes the cut-off known at the end") {
		s.gap(&s.looks)
		s.publish(user, cutoff)
	}
	for _, id := range ids {
		s.bury(id)
	}
	s.removals.Add(1)
	return ids, nil
}

// all adds the ids of all records of the user, or of everybody, to ids.
func (s *naive) all(of map[store.ID]*store.Record, user string, ids []store.ID) []store.ID {
	for id, r := range of {
		if r.User == user || s.has("names all removed records") {
			ids = append(ids, id)
		}
	}
	return ids
}

func (s *naive) Cutoff(ctx context.Context, user string) (time.Time, error) {
	end, err := s.begin(ctx)
	if err != nil {
		return time.Time{}, err
	}
	defer end()
	s.looks.Add(1)
	if t, ok := s.stale[user]; ok {
		delete(s.stale, user)
		return t, nil
	}
	return s.cutoffs[s.user(user)], nil
}

func (s *naive) Sweep(ctx context.Context, before time.Time, limit int) (int, error) {
	end, err := s.begin(ctx)
	if err != nil {
		return 0, err
	}
	defer end()
	if s.has("ignores the limit of Sweep") {
		limit = 1 << 30
	}
	due := before
	if s.has("sweeps two hours late") {
		due = before.Add(-2 * time.Hour)
	}
	var ids []store.ID
	for _, of := range []map[store.ID]*store.Record{s.rows, s.dead} {
		for id, r := range of {
			if r.ExpiresAt.Before(due) && len(ids) < limit && !(s.has("never forgets removed records") && s.dead[id] != nil) {
				ids = append(ids, id)
			}
		}
	}
	if s.has("sweeps what was extended meanwhile") {
		s.gap(&s.extended)
	}
	if s.has("counts what another sweeper forgot") {
		s.gap(&s.sweeps)
	}
	n := 0
	for _, id := range ids {
		r := s.rows[id]
		if r == nil {
			r = s.dead[id]
		}
		if r == nil && !s.has("counts what another sweeper forgot") || r != nil && !r.ExpiresAt.Before(due) && !s.has("sweeps what was extended meanwhile") {
			continue
		}
		n++
		delete(s.rows, id)
		delete(s.dead, id)
	}
	maps.DeleteFunc(s.cutoffs, func(_ string, t time.Time) bool {
		switch s.fault {
		case "never forgets cut-offs":
			return false
		case "forgets cut-offs with the records":
			return t.Before(before)
		}
		return t.Before(before.Add(-24 * time.Hour))
	})
	s.sweeps.Add(1)
	return n, nil
}
