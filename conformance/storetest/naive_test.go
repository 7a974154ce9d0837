package storetest_test

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

// naive is a small store that is right unless it has a fault. Where a fault is a gap between two steps, the store itself
// waits in the gap for what must not come between, so that races are lost every time.
type naive struct {
	fault string
	pool  chan struct{} // one connection

	mu      sync.Mutex
	rows    map[store.ID]*store.Record
	dead    map[store.ID]*store.Record
	cutoffs map[string]time.Time
	stale   map[string]time.Time

	calls                                           atomic.Int64 // that are not done
	writes, looks, cuts, extended, sweeps, removals atomic.Int64 // calls that have ended
}

func newNaive(fault string) *naive {
	return &naive{
		fault: fault, pool: make(chan struct{}, 1), rows: make(map[store.ID]*store.Record), dead: make(map[store.ID]*store.Record),
		cutoffs: make(map[string]time.Time), stale: make(map[string]time.Time),
	}
}

func (s *naive) has(fault string) bool { return s.fault == fault }

// begin takes the lock and, for one fault, the connection.
func (s *naive) begin(ctx context.Context) (end func(), err error) {
	if err := ctx.Err(); err != nil && !s.has("swallows cancellation") {
		if s.has("calls a done context unavailable") {
			return nil, store.ErrUnavailable
		}
		return nil, err
	}
	if !s.has("holds its connection while it yields") {
		s.calls.Add(1)
		s.mu.Lock()
		return func() {
			s.mu.Unlock()
			s.calls.Add(-1)
		}, nil
	}
	select {
	case s.pool <- struct{}{}:
		return func() { <-s.pool }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// gap opens the lock in the middle of a call until n changes, or nobody else has come for a while.
func (s *naive) gap(n *atomic.Int64) {
	was := n.Load()
	s.mu.Unlock()
	for i, alone := 0, 0; i < 3000 && alone < 300 && n.Load() == was; i++ {
		if alone++; s.calls.Load() > 1 {
			alone = 0
		}
		runtime.Gosched()
	}
	s.mu.Lock()
}

// user is how user ids are compared.
func (s *naive) user(u string) string {
	switch s.fault {
	case "folds the case of users":
		return strings.ToLower(u)
	case "ignores spaces at the end of users":
		return strings.TrimRight(u, " ")
	case "takes users for numbers":
		return strings.TrimLeft(u, " +0")
	}
	return u
}

// keep is a record as it is stored.
func (s *naive) keep(r *store.Record) *store.Record {
	c := r.Clone()
	if !s.has("keeps the tag") {
		c.Tag = 0
	}
	unit := time.Microsecond
	switch s.fault {
	case "keeps the slices that it was given":
		c.Data, c.Secret = r.Data, r.Secret
	case "keeps the record that it was given":
		return r
	case "keeps times in seconds":
		unit = time.Second
	case "keeps times in milliseconds":
		unit = time.Millisecond
	case "cuts data at 64 KiB":
		c.Data = c.Data[:min(len(c.Data), 1<<16-1)]
	case "cuts text at 255 bytes":
		c.UserAgent = c.UserAgent[:min(len(c.UserAgent), 255)]
	case "ends data at a NUL":
		c.Data, _, _ = bytes.Cut(c.Data, []byte{0})
	}
	for _, t := range []*time.Time{&c.AuthenticatedAt, &c.CreatedAt, &c.LastSeen, &c.ExpiresAt} {
		*t = t.Truncate(unit)
		if s.has("answers in local time") {
			*t = t.In(time.FixedZone("CET", 3600))
		}
	}
	return c
}

func (s *naive) Load(ctx context.Context, id store.ID) (*store.Record, error) {
	end, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	r := s.rows[id]
	switch {
	case r == nil && s.has("loads nothing without an error"):
		return nil, nil
	case r == nil || s.has("has a clock of its own") && !r.Live(time.Now()):
		return nil, store.ErrNotFound
	case s.has("hands out what it keeps"):
		return r, nil
	}
	return r.Clone(), nil
}

func (s *naive) Create(ctx context.Context, r *store.Record) error {
	if s.has("has changed the record when it fails") {
		r.Version = 1
	}
	end, err := s.begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	if s.rows[r.ID] != nil && !s.has("replaces on Create") || s.dead[r.ID] != nil {
		if s.has("tells data in errors") {
			return errors.Join(store.ErrExists, errors.New("duplicate: "+r.UserAgent))
		}
		return store.ErrExists
	}
	s.look(r)
	c := s.keep(r)
	c.Version = 1
	s.rows[r.ID] = c
	r.Version = 1
	s.writes.Add(1)
	return nil
}

// look is the start of a login whose cut-off was read before the write.
func (s *naive) look(r *store.Record) {
	if !s.has("looks at the cut-off before it writes") || r.User == "" {
		return
	}
	seen := s.cutoffs[r.User]
	s.gap(&s.cuts)
	if s.cutoffs[r.User].After(seen) {
		s.stale[r.User] = seen
	}
}

func (s *naive) Save(ctx context.Context, r *store.Record) error {
	version := r.Version
	if s.has("has changed the record when it fails") {
		r.Version++
	}
	end, err := s.begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	switch s.fault {
	case "inserts on Save", "saves removed records":
		s.gap(&s.removals)
	case "compares LastSeen on Save", "counts a Touch as a version":
		s.gap(&s.extended)
	}
	old := s.rows[r.ID]
	if old == nil && s.has("saves removed records") {
		old = s.dead[r.ID]
	}
	switch {
	case old == nil && s.has("inserts on Save"):
	case old == nil:
		return store.ErrConflict
	case s.has("compares LastSeen on Save") && !old.LastSeen.Equal(r.LastSeen):
		return store.ErrConflict
	case s.has("lets the last writer win"):
		s.gap(&s.writes)
		version = old.Version
	case old.Version != version:
		return store.ErrConflict
	}
	if old != nil && old.User != "" && old.User != r.User && !s.has("changes the user") && !(s.has("removes the user") && r.User == "") {
		return store.ErrConflict
	}
	if s.has("checks, then saves") {
		s.gap(&s.writes)
	}
	s.look(r)
	c := s.keep(r)
	c.Version = version + 1
	s.rows[r.ID] = c
	delete(s.dead, r.ID)
	r.Version = c.Version
	s.writes.Add(1)
	s.extended.Add(1)
	return nil
}

func (s *naive) Touch(ctx context.Context, r *store.Record, t store.Touch) error {
	end, err := s.begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	if s.has("ignores the version on Touch") {
		s.gap(&s.writes)
	}
	old := s.rows[r.ID]
	if old == nil || old.Version != r.Version && !s.has("ignores the version on Touch") {
		return store.ErrConflict
	}
	switch {
	case s.has("ignores LastSeen on Touch"):
	case s.has("lets the latest touch win") && !old.LastSeen.After(t.LastSeen):
	case !old.LastSeen.Equal(r.LastSeen):
		return store.ErrConflict
	}
	c := s.keep(old)
	c.LastSeen, c.ExpiresAt, c.IP, c.UserAgent = t.LastSeen, t.ExpiresAt, t.IP, t.UserAgent
	c = s.keep(c)
	r.LastSeen, r.ExpiresAt, r.IP, r.UserAgent = t.LastSeen, t.ExpiresAt, t.IP, t.UserAgent
	if s.has("counts a Touch as a version") {
		c.Version++
		r.Version++
	}
	if s.has("does not tell the caller of a Touch") {
		r.LastSeen = old.LastSeen
	}
	s.rows[r.ID] = c
	s.extended.Add(1)
	return nil
}

// bury removes a record that is there.
func (s *naive) bury(id store.ID) {
	if r := s.rows[id]; r != nil {
		delete(s.rows, id)
		if !s.has("forgets removed records at once") {
			s.dead[id] = r
		}
	}
}

func (s *naive) Delete(ctx context.Context, ids ...store.ID) error {
	end, err := s.begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	if s.has("sorts the ids that it was given") {
		slices.SortFunc(ids, compareIDs)
	}
	if s.has("deletes a batch of 1000") {
		ids = ids[:min(len(ids), 1000)]
	}
	for _, id := range ids {
		if s.rows[id] == nil && s.has("fails to delete what is not there") {
			return store.ErrNotFound
		}
		s.bury(id)
	}
	s.removals.Add(1)
	return nil
}

func compareIDs(a, b store.ID) int { return bytes.Compare(a[:], b[:]) }
