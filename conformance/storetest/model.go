package storetest

import (
	"maps"
	"slices"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

// model is the contract as a program: what a store must hold, without concurrency.
type model struct {
	rows    map[store.ID]*store.Record
	removed map[store.ID]*store.Record // remembered until a Sweep
	cutoffs map[string]time.Time
}

func newModel() *model {
	return &model{make(map[store.ID]*store.Record), make(map[store.ID]*store.Record), make(map[string]time.Time)}
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
	if old == nil || old.Version != r.Version || old.User != "" && old.User != r.User {
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
