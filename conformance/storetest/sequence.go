package storetest

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/qsessions/qsessions/conformance/internal/harness"
	"github.com/qsessions/qsessions/core/store"
)

// sequence is a run of calls on a few ids, by callers that hold old copies.
type sequence struct {
	e     *env
	m     *model
	users []string
	ids   [4]store.ID
	held  [8]*store.Record // two for each id: copies of some age
	log   []string
}

// step decodes and runs one call. Times are on a grid of three hours, so that what Sweep may leave makes no difference.
func (s *sequence) step(op, target, arg byte) {
	e, m := s.e, s.m
	i := int(target) % len(s.held)
	id, hour := s.ids[i/2], func(n byte) time.Time { return e.in(3 * time.Hour * time.Duration(n%4+1)) }
	user := s.users[arg/2%2]
	auth := e.in(time.Duration(arg%4) * time.Second)
	names := []string{"create", "load", "save", "touch", "delete", "list", "deleteuser", "cutoff", "sweep", "load", "save", "touch"}
	name := names[int(op)%len(names)]
	s.log = append(s.log, "")
	switch name {
	case "create":
		r := e.record()
		r.ID, r.ExpiresAt = id, hour(arg)
		if r.Data = []byte{op, target, arg}; arg&1 == 0 {
			r.User, r.AuthenticatedAt = user, auth
		}
		c := r.Clone()
		s.says("Create id %d, %s, ends %s", i/2, s.whose(r), s.when(r.ExpiresAt))
		err := e.s.Create(e.ctx, r)
		if e.x == nil && err == nil {
			delete(m.removed, id) // only an indexed store must remember it
		}
		s.agree(err, m.create(c), r, c)
		s.hold(i, r, true)
	case "load":
		s.says("Load id %d%s", i/2, map[bool]string{true: " into both copies", false: fmt.Sprintf(" into copy %d", i%2)}[arg&1 == 0])
		r, err := store.LoadFresh(e.ctx, e.s, id)
		if m.rows[id] == nil {
			e.want("Load", err, store.ErrNotFound)
			return
		}
		s.agree(err, nil, r, m.rows[id])
		s.hold(i, r, arg&1 == 0)
	case "save":
		if r := s.held[i]; r != nil {
			was := r.Clone()
			r.Data, r.ExpiresAt = []byte{op, target, arg}, hour(arg)
			switch {
			case r.User == "" && arg&1 == 0:
				r.User, r.AuthenticatedAt = user, auth
			case r.User != "" && arg&13 == 5: // a Save that changes the user is refused
				r.User = user
			case r.User != "" && arg&13 == 13:
				r.User, r.AuthenticatedAt = "", time.Time{}
			}
			c := r.Clone()
			s.says("Save copy %d of id %d, version %d, %s, ends %s", i%2, i/2, r.Version, s.whose(r), s.when(r.ExpiresAt))
			s.agree(e.s.Save(e.ctx, r), m.save(c), r, c)
			if was.User != "" && r.User != was.User {
				r = was
			}
			s.hold(i, r, false)
		}
	case "touch":
		if r := s.held[i]; r != nil {
			t := store.Touch{LastSeen: r.LastSeen.Add(time.Duration(arg%3+1) * time.Microsecond), ExpiresAt: r.ExpiresAt.Add(3 * time.Hour * time.Duration(arg%2)),
				IP: netip.AddrFrom4([4]byte{192, 0, 2, arg}), UserAgent: strings.Repeat("a", int(arg))}
			c := r.Clone()
			s.says("Touch copy %d of id %d, version %d: LastSeen from %s to %s, ends %s", i%2, i/2, r.Version, s.when(r.LastSeen), s.when(t.LastSeen), s.when(t.ExpiresAt))
			s.agree(e.s.Touch(e.ctx, r, t), m.touch(c, t), r, c)
			s.hold(i, r, false)
		}
	case "delete":
		ids := s.ids[i/2 : min(i/2+int(arg%2)+1, len(s.ids))]
		s.says("Delete ids %d to %d", i/2, i/2+len(ids)-1)
		e.ok("Delete", e.s.Delete(e.ctx, ids...))
		for _, id := range ids {
			m.remove(id)
		}
	}
	if e.x != nil {
		s.indexed(name, int(op)/len(names), user, auth, id, arg, hour(arg%3).Add(-90*time.Minute))
	}
}

// indexed is step for the methods of an indexed store. Most of a sweep's time is behind what expires at a grid point.
func (s *sequence) indexed(name string, more int, user string, auth time.Time, id store.ID, arg byte, before time.Time) {
	e, m := s.e, s.m
	switch name {
	case "list":
		if more&1 == 0 {
			arg &= 15 // many conditions together find nothing
		}
		q := store.Query{Kind: store.Kind(arg % 3), Limit: more >> 1 % 4, Data: arg&4 != 0}
		if arg&8 != 0 {
			q.User = user
		}
		if arg&16 != 0 {
			q.After = id
		}
		if arg&32 != 0 {
			q.Live = before.Add(90 * time.Minute)
		}
		if arg&64 != 0 {
			q.Expired = before.Add(270 * time.Minute)
		}
		if arg&128 != 0 {
			q.Prefix = netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 0, 2, arg}), 26)
		}
		if more&8 != 0 {
			q.IDs = []store.ID{id, s.ids[(slices.Index(s.ids[:], id)+int(arg%3))%len(s.ids)], id}
		}
		s.says("%s", s.query(q))
		e.ordered(s.query(q), q, m.list(q)...)
	case "deleteuser":
		s.says("DeleteUser %q, cut-off %s, keep id %d", user, s.when(auth), slices.Index(s.ids[:], id))
		got, err := e.x.DeleteUser(e.ctx, user, auth, id)
		e.ok("DeleteUser", err)
		must, may := m.deleteUser(user, auth, id)
		for _, id := range must {
			if !slices.Contains(got, id) {
				e.Fatalf("DeleteUser: id %d is not named", slices.Index(s.ids[:], id))
			}
		}
		for _, id := range got {
			if !slices.Contains(may, id) {
				e.Fatalf("DeleteUser: id %d is named, and is not a removed record of the user, or is to be kept", slices.Index(s.ids[:], id))
			}
		}
	case "cutoff":
		s.says("Cutoff %q", user)
		e.cutoff(user, m.cutoffs[user])
	case "sweep":
		switch { // a removed record may go when it was removed, or when it would have expired
		case arg&4 == 0:
			before = e.in(-90 * time.Minute)
		case slices.ContainsFunc(slices.Collect(maps.Values(m.removed)), func(r *store.Record) bool { return !r.ExpiresAt.Before(before) }):
			before = e.in(10000 * time.Hour)
		}
		s.says("Sweep before %s, until it is done", s.when(before))
		least, most := m.sweep(before)
		if n := e.drain(before); n < least || n > most {
			e.Fatalf("Sweep forgot %d records, want %d to %d", n, least, most)
		}
	}
	for i, r := range e.list(store.Query{Data: true}) {
		want := m.list(store.Query{})
		if i >= len(want) || len(r.Secret) > 0 {
			e.Fatalf("List: got %d records or more, want %d, without Secret", i+1, len(want))
		}
		c := want[i].Clone()
		c.Secret = nil
		if d := diff(r, c); d != "" {
			e.Fatalf("List: record %d: %s", i+1, d)
		}
	}
	e.ordered("everything", store.Query{}, m.list(store.Query{})...)
}

// says notes the call that is about to be made.
func (s *sequence) says(format string, a ...any) { s.log[len(s.log)-1] = fmt.Sprintf(format, a...) }

// when is t as what is after the begin.
func (s *sequence) when(t time.Time) string {
	d := t.Sub(s.e.now)
	if d < 0 {
		return d.String()
	}
	return "+" + d.String()
}

// query says what q sets.
func (s *sequence) query(q store.Query) string {
	b := []string{"List"}
	says := func(set bool, format string, a ...any) {
		if set {
			b = append(b, fmt.Sprintf(format, a...))
		}
	}
	if len(q.IDs) > 0 {
		of := make([]int, len(q.IDs))
		for i, id := range q.IDs {
			of[i] = slices.Index(s.ids[:], id)
		}
		says(true, "of ids %v", of)
	}
	says(q.User != "", "of user %q", q.User)
	says(q.Kind == store.Users, "of users")
	says(q.Kind == store.Anonymous, "of kind anonymous")
	says(!q.Live.IsZero(), "live at %s", s.when(q.Live))
	says(!q.Expired.IsZero(), "expired by %s", s.when(q.Expired))
	says(q.Prefix.IsValid(), "from %v", q.Prefix)
	says(!q.After.IsZero(), "after id %d", slices.Index(s.ids[:], q.After))
	says(q.Limit > 0, "at most %d", q.Limit)
	says(q.Data, "with Data")
	return strings.Join(b, " ")
}

// whose says who has r.
func (s *sequence) whose(r *store.Record) string {
	if r.User == "" {
		return "anonymous"
	}
	return fmt.Sprintf("user %q authenticated %s", r.User, s.when(r.AuthenticatedAt))
}

// hold keeps copies of r, and spoils r itself, which is the caller's.
func (s *sequence) hold(i int, r *store.Record, both bool) {
	if s.held[i] = r.Clone(); both {
		s.held[i^1] = r.Clone()
	}
	spoil(r)
	r.Version, r.UserAgent = -1, "spoiled"
}

// agree ends the case unless the store and the model answered alike.
func (s *sequence) agree(got, want error, r, c *store.Record) {
	if (got == nil) != (want == nil) || want != nil && !errors.Is(got, want) {
		s.e.Fatalf("got error %s, want %s", harness.Sentinel(got), harness.Sentinel(want))
	}
	if d := diff(r, c); d != "" {
		s.e.Fatalf("the record: %s", d)
	}
}
