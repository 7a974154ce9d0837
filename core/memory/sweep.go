package memory

import (
	"context"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

// Sweep implements [store.Indexed]. It looks at records until it has found limit that have expired, and holds up the
// writers of one sixty-fourth of the store at a time.
func (s *Store) Sweep(ctx context.Context, before time.Time, limit int) (int, error) {
	n := 0
	// It goes on where the last call stopped, so that a sweep in many calls looks at each record about once.
	start := s.swept.Load()
	for i := range uint32(shardCount) {
		if err := ctx.Err(); err != nil {
			return n, err
		}
		at := (start + i) % shardCount
		s.swept.Store(at)
		n += s.sweepShard(&s.shards[at], before, limit-n)
		if n >= limit {
			return n, nil
		}
	}
	for i := range s.users {
		s.sweepCutoffs(&s.users[i], before.Add(-24*time.Hour))
	}
	return n, nil
}

func (s *Store) sweepShard(sh *shard, before time.Time, limit int) int {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	n := 0
	for id, t := range sh.removed {
		if n == limit {
			return n
		}
		if t.expiresAt.Before(before) {
			delete(sh.removed, id)
			s.forget(id, t.user, t.size())
			n++
		}
	}
	for id, r := range sh.records {
		if n == limit {
			return n
		}
		if r.ExpiresAt.Before(before) {
			delete(sh.records, id)
			s.forget(id, r.User, size(r))
			n++
		}
	}
	return n
}

func (s *Store) forget(id store.ID, user string, bytes int64) {
	s.unindex(user, id)
	s.used.add(-1, -bytes)
}

func (s *Store) sweepCutoffs(us *userShard, before time.Time) {
	us.mu.Lock()
	defer us.mu.Unlock()
	for user, c := range us.cutoffs {
		if c.Before(before) {
			delete(us.cutoffs, user)
			s.used.add(0, -cutoffBytes-int64(len(user)))
		}
	}
}
