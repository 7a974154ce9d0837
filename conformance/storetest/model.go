package storetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

// model is the contract as a program: what a store must hold, without concurrency.
type model struct {
	rows    map[store.ID]*store.Record
	removed map[store.ID]*store.Record // remembered until a Sweep
	cutoffs map[string]time.Time
}

func (m *model) create(r *store.Record) error {
	if m.rows[r.ID] != nil || m.removed[r.ID] != nil {
		return store.ErrExists
	}
	r.Version = 1
	m.rows[r.ID] = r.Clone()
	return nil
}

func (m *model) save(r *store.Record) error {
	old := m.rows[r.ID]
	if old == nil || old.Version != r.Version {
		return store.ErrConflict
	}
	r.Version++
	m.rows[r.ID] = r.Clone()
	return nil
}

func (m *model) touch(r *store.Record, t store.Touch) error {
	old := m.rows[r.ID]
	if old == nil || old.Version != r.Version || !old.LastSeen.Equal(r.LastSeen) {
		return store.ErrConflict
	}
	m.rows[r.ID] = touched(old, t)
	*r = *touched(r, t)
	return nil
}

func (m *model) remove(id store.ID) {
	if r := m.rows[id]; r != nil {
		m.removed[id] = r
		delete(m.rows, id)
	}
}

// deleteUser returns the ids that must be named, and those that may be: of all removed records of the user.
func (m *model) deleteUser(user string, cutoff time.Time, keep store.ID) (must, may []store.ID) {
	if cutoff.After(m.cutoffs[user]) {
		m.cutoffs[user] = cutoff
	}
	for _, of := range []map[store.ID]*store.Record{m.rows, m.removed} {
		for id, r := range of {
			if r.User == user && r.AuthenticatedAt.Before(cutoff) && id != keep {
				must = append(must, id)
			}
		}
	}
	for _, id := range must {
		m.remove(id)
	}
	for id, r := range m.removed {
		if r.User == user && id != keep {
			may = append(may, id)
		}
	}
	return must, may
}

// sweep forgets what Sweep must forget until it is done, and returns the fewest and the most that it may count.
func (m *model) sweep(before time.Time) (least, most int) {
	due := func(_ store.ID, r *store.Record) bool { return r.ExpiresAt.Before(before) }
	n, removed := len(m.rows), len(m.removed)
	maps.DeleteFunc(m.rows, due)
	maps.DeleteFunc(m.removed, due)
	maps.DeleteFunc(m.cutoffs, func(_ string, t time.Time) bool { return t.Before(before.Add(-24 * time.Hour)) })
	n -= len(m.rows)
	return n, n + removed - len(m.removed)
}

func (m *model) list(q store.Query) []*store.Record {
	rs := matching(newest(slices.Collect(maps.Values(m.rows))...), q)
	if q.Limit > 0 {
		rs = rs[:min(len(rs), q.Limit)]
	}
	return rs
}

const seeds = 12

// seed returns random bytes, always the same.
func seed(n uint64) []byte {
	r := rand.New(rand.NewPCG(n, 1))
	ops := make([]byte, 600)
	for i := range ops {
		ops[i] = byte(r.Uint32())
	}
	return ops
}

// Fuzz decodes sequences of calls from random bytes, and compares what the store answers with a model. When they
// differ, it prints the calls. The seeds run with every go test.
func Fuzz(f *testing.F, c Config) {
	for n := range uint64(seeds) {
		f.Add(seed(n))
	}
	f.Fuzz(func(t *testing.T, ops []byte) {
		if err := c.sequence(t.Context(), ops[:min(len(ops), 600)]); err != nil {
			t.Error(err)
		}
	})
}

// sequence runs the calls that ops stands for.
func (c Config) sequence(ctx context.Context, ops []byte) error {
	s := &sequence{m: &model{make(map[store.ID]*store.Record), make(map[store.ID]*store.Record), make(map[string]time.Time)}}
	k := Case{Name: "model/sequence", run: func(e *env) {
		s.e, s.users = e, []string{e.user("ann"), e.user("Ann")}
		for i := range s.ids {
			s.ids[i] = e.id()
		}
		for ; len(ops) >= 3; ops = ops[3:] {
			s.step(ops[0], ops[1], ops[2])
			e.still()
		}
	}}
	if err := c.run(ctx, k); err != nil {
		return fmt.Errorf("storetest: the store differs from the model: %w\nafter these calls:\n\t%s", err, strings.Join(s.log, "\n\t"))
	}
	return nil
}

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
	s.log = append(s.log, fmt.Sprintf("%s id=%d copy=%d arg=%d", name, i/2, i%2, arg))
	switch name {
	case "create":
		r := e.record()
		r.ID, r.ExpiresAt = id, hour(arg)
		if r.Data = []byte{op, target, arg}; arg&1 == 0 {
			r.User, r.AuthenticatedAt = user, auth
		}
		c := r.Clone()
		s.agree(e.s.Create(e.ctx, r), m.create(c), r, c)
		s.hold(i, r, true)
	case "load":
		r, err := store.LoadFresh(e.ctx, e.s, id)
		if m.rows[id] == nil {
			e.want("Load", err, store.ErrNotFound)
			return
		}
		s.agree(err, nil, r, m.rows[id])
		s.hold(i, r, arg&1 == 0)
	case "save":
		if r := s.held[i]; r != nil {
			if r.Data, r.ExpiresAt = []byte{op, target, arg}, hour(arg); r.User == "" && arg&1 == 0 {
				r.User, r.AuthenticatedAt = user, auth
			}
			c := r.Clone()
			s.agree(e.s.Save(e.ctx, r), m.save(c), r, c)
			s.hold(i, r, false)
		}
	case "touch":
		if r := s.held[i]; r != nil {
			t := store.Touch{LastSeen: r.LastSeen.Add(time.Duration(arg%3+1) * time.Microsecond), ExpiresAt: r.ExpiresAt.Add(3 * time.Hour * time.Duration(arg%2)),
				IP: netip.AddrFrom4([4]byte{192, 0, 2, arg}), UserAgent: strings.Repeat("a", int(arg))}
			c := r.Clone()
			s.agree(e.s.Touch(e.ctx, r, t), m.touch(c, t), r, c)
			s.hold(i, r, false)
		}
	case "delete":
		ids := s.ids[i/2 : min(i/2+int(arg%2)+1, len(s.ids))]
		e.ok("Delete", e.s.Delete(e.ctx, ids...))
		for _, id := range ids {
			m.remove(id)
		}
	}
	if e.x != nil {
		s.indexed(name, user, auth, id, arg, hour(arg%3).Add(-90*time.Minute))
	}
}

// indexed is step for the methods of an indexed store. Most of a sweep's time is behind what expires at a grid point.
func (s *sequence) indexed(name, user string, auth time.Time, id store.ID, arg byte, before time.Time) {
	e, m := s.e, s.m
	switch name {
	case "list":
		q := store.Query{Kind: store.Kind(arg % 3), Limit: int(arg >> 2 % 4), Data: arg&4 != 0}
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
		e.ordered(fmt.Sprintf("%+v", q), q, m.list(q)...)
	case "deleteuser":
		got, err := e.x.DeleteUser(e.ctx, user, auth, id)
		e.ok("DeleteUser", err)
		must, may := m.deleteUser(user, auth, id)
		for _, id := range must {
			if !slices.Contains(got, id) {
				e.fatalf("DeleteUser: id %d is not named", slices.Index(s.ids[:], id))
			}
		}
		for _, id := range got {
			if !slices.Contains(may, id) {
				e.fatalf("DeleteUser: id %d is named, and is not a removed record of the user, or is to be kept", slices.Index(s.ids[:], id))
			}
		}
	case "cutoff":
		e.cutoff(user, m.cutoffs[user])
	case "sweep":
		switch { // a removed record may go when it was removed, or when it would have expired
		case arg&4 == 0:
			before = e.in(-90 * time.Minute)
		case slices.ContainsFunc(slices.Collect(maps.Values(m.removed)), func(r *store.Record) bool { return !r.ExpiresAt.Before(before) }):
			before = e.in(10000 * time.Hour)
		}
		least, most := m.sweep(before)
		if n := e.drain(before); n < least || n > most {
			e.fatalf("Sweep forgot %d records, want %d to %d", n, least, most)
		}
	}
	for i, r := range e.list(store.Query{Data: true}) {
		want := m.list(store.Query{})
		if i >= len(want) || len(r.Secret) > 0 {
			e.fatalf("List: got %d records or more, want %d, without Secret", i+1, len(want))
		}
		c := want[i].Clone()
		c.Secret = nil
		if d := diff(r, c); d != "" {
			e.fatalf("List: record %d: %s", i+1, d)
		}
	}
	e.ordered("everything", store.Query{}, m.list(store.Query{})...)
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
		s.e.fatalf("got error %s, want %s", sentinel(got), sentinel(want))
	}
	if d := diff(r, c); d != "" {
		s.e.fatalf("the record: %s", d)
	}
}
