package memory

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/qsessions/qsessions/core/store"
)

// The bounds of a store whose [Config] does not set them.
const (
	DefaultMaxRecords = 1 << 20
	DefaultMaxBytes   = 1 << 30
)

// Config holds the bounds of a [Store]. Its zero value has the defaults.
type Config struct {
	MaxRecords int   // records, removed ones included until a Sweep forgets them; default DefaultMaxRecords
	MaxBytes   int64 // strings, Secret, Data and an estimate of what holds them; default DefaultMaxBytes
}

// A Store keeps records in memory. Its zero value is ready to use, with the default bounds. It is safe for concurrent
// use and must not be copied.
//
// A removed record leaves its id, user and times behind, so that its id stays taken and DeleteUser can name it again.
// As the store has no clock it cannot tell when that was: Sweep forgets it when the record would have expired.
type Store struct {
	config Config
	used   usage
	swept  atomic.Uint32 // where the next Sweep begins
	shards [shardCount]shard
	users  [shardCount]userShard
	keys   keys
}

var (
	_ store.Indexed = (*Store)(nil)
	_ store.Keeper  = (*Store)(nil)
)

const shardCount = 64 // a power of two

// A shard holds the records of some ids. Its lock may be held while a userShard's is taken, never the other way round.
type shard struct {
	mu      sync.RWMutex
	records map[store.ID]*store.Record // never modified, only replaced: a reader copies them without the lock
	removed map[store.ID]tombstone
}

// New returns an empty store. The error says which bound is negative.
func New(c Config) (*Store, error) {
	if c.MaxRecords < 0 || c.MaxBytes < 0 {
		return nil, fmt.Errorf("memory: negative bound: MaxRecords %d, MaxBytes %d", c.MaxRecords, c.MaxBytes)
	}
	return &Store{config: c}, nil
}

// shardOf spreads by a random byte of the id.
func (s *Store) shardOf(id store.ID) *shard { return &s.shards[id[15]%shardCount] }

func (s *Store) record(id store.ID) *store.Record {
	sh := s.shardOf(id)
	sh.mu.RLock()
	defer sh.mu.RUnlock()
	return sh.records[id]
}

// Load implements [store.Store].
func (s *Store) Load(ctx context.Context, id store.ID) (*store.Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r := s.record(id)
	if r == nil {
		return nil, store.ErrNotFound
	}
	return clone(r, true, true), nil
}

// errFull matches ErrUnavailable: it is a condition of the store, not of the record.
var errFull = fmt.Errorf("memory: full: %w", store.ErrUnavailable)

// Create implements [store.Store]. It fails with an error that matches [store.ErrUnavailable], and changes nothing, if
// the store is full, and with [store.ErrTooLarge] if r could not be kept in an empty one.
func (s *Store) Create(ctx context.Context, r *store.Record) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if tooLarge(r) || size(r) > s.maxBytes() {
		return store.ErrTooLarge
	}
	sh := s.shardOf(r.ID)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	_, removed := sh.removed[r.ID]
	if removed || sh.records[r.ID] != nil {
		return store.ErrExists
	}
	if !s.reserve(1, size(r)) {
		return errFull
	}
	if sh.records == nil {
		sh.records = map[store.ID]*store.Record{}
	}
	n := own(r, &store.Record{})
	n.Version = 1
	sh.records[r.ID] = n
	s.index(n.User, n.ID)
	r.Version = 1
	return nil
}

// Save implements [store.Store]. It fails as Create does if r has grown and does not fit any more.
func (s *Store) Save(ctx context.Context, r *store.Record) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	sh := s.shardOf(r.ID)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	old := sh.records[r.ID]
	if old == nil || old.Version != r.Version {
		return store.ErrConflict
	}
	if tooLarge(r) || size(r) > s.maxBytes() {
		return store.ErrTooLarge
	}
	if old.User != "" && old.User != r.User {
		return store.ErrConflict
	}
	if !s.reserve(0, size(r)-size(old)) {
		return errFull
	}
	n := own(r, old)
	n.Version++
	sh.records[r.ID] = n
	if n.User != old.User {
		s.unindex(old.User, n.ID)
		s.index(n.User, n.ID)
	}
	r.Version++
	return nil
}

// Touch implements [store.Store]. It sets all four fields of t, and is not refused for want of room.
func (s *Store) Touch(ctx context.Context, r *store.Record, t store.Touch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(t.UserAgent) > store.MaxUserAgent {
		return store.ErrTooLarge
	}
	sh := s.shardOf(r.ID)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	old := sh.records[r.ID]
	if old == nil || old.Version != r.Version || !old.LastSeen.Equal(r.LastSeen) {
		return store.ErrConflict
	}
	n := *old // shares Secret and Data, which nobody modifies
	n.LastSeen, n.ExpiresAt, n.IP = t.LastSeen, t.ExpiresAt, t.IP
	n.UserAgent = ownString(t.UserAgent, old.UserAgent)
	s.used.add(0, size(&n)-size(old))
	sh.records[r.ID] = &n
	r.LastSeen, r.ExpiresAt, r.IP, r.UserAgent = t.LastSeen, t.ExpiresAt, t.IP, t.UserAgent
	return nil
}

// Delete implements [store.Store].
func (s *Store) Delete(ctx context.Context, ids ...store.ID) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, id := range ids {
		sh := s.shardOf(id)
		sh.mu.Lock()
		s.remove(sh, id)
		sh.mu.Unlock()
	}
	return nil
}
