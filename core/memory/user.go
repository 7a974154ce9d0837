package memory

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

// A userShard holds what is known of some users: the ids of their records, removed ones included, and their cut-offs.
type userShard struct {
	mu      sync.RWMutex
	ids     map[string]map[store.ID]struct{}
	cutoffs map[string]time.Time
}

// usersOf spreads by FNV-1a.
func (s *Store) usersOf(user string) *userShard {
	h := uint32(2166136261)
	for i := range len(user) {
		h = (h ^ uint32(user[i])) * 16777619
	}
	return &s.users[h%shardCount]
}

func (s *Store) index(user string, id store.ID) {
	if user == "" {
		return
	}
	us := s.usersOf(user)
	us.mu.Lock()
	defer us.mu.Unlock()
	ids := us.ids[user]
	if ids == nil {
		if us.ids == nil {
			us.ids = map[string]map[store.ID]struct{}{}
		}
		ids = map[store.ID]struct{}{}
		us.ids[user] = ids
	}
	ids[id] = struct{}{}
}

func (s *Store) unindex(user string, id store.ID) {
	if user == "" {
		return
	}
	us := s.usersOf(user)
	us.mu.Lock()
	defer us.mu.Unlock()
	ids := us.ids[user]
	delete(ids, id)
	if len(ids) == 0 {
		delete(us.ids, user)
	}
}

// idsOf returns the ids of the user's records, removed ones included, in no order.
func (s *Store) idsOf(user string) []store.ID {
	us := s.usersOf(user)
	us.mu.RLock()
	defer us.mu.RUnlock()
	ids := make([]store.ID, 0, len(us.ids[user]))
	for id := range us.ids[user] {
		ids = append(ids, id)
	}
	return ids
}

// DeleteUser implements [store.Indexed]. A cut-off counts in the bytes that are used, but is never refused.
func (s *Store) DeleteUser(ctx context.Context, user string, cutoff time.Time, keep ...store.ID) ([]store.ID, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	// A login writes its record, then looks for a cut-off. So the cut-off comes first here, and the index second: one of
	// the two sees the other.
	s.publish(user, cutoff)
	var gone []store.ID
	for _, id := range s.idsOf(user) {
		if !slices.Contains(keep, id) && s.removeEarlier(id, user, cutoff) {
			gone = append(gone, id)
		}
	}
	return gone, nil
}

// removeEarlier removes the user's record, and reports whether it is removed, now or before.
func (s *Store) removeEarlier(id store.ID, user string, cutoff time.Time) bool {
	sh := s.shardOf(id)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if r := sh.records[id]; r != nil && r.User == user && r.AuthenticatedAt.Before(cutoff) {
		s.remove(sh, id)
	}
	t, ok := sh.removed[id]
	return ok && t.user == user && t.authenticatedAt.Before(cutoff)
}

func (s *Store) publish(user string, cutoff time.Time) {
	us := s.usersOf(user)
	us.mu.Lock()
	defer us.mu.Unlock()
	old, known := us.cutoffs[user]
	if !cutoff.After(old) {
		return
	}
	if us.cutoffs == nil {
		us.cutoffs = map[string]time.Time{}
	}
	if !known {
		s.used.add(0, cutoffBytes+int64(len(user)))
	}
	us.cutoffs[strings.Clone(user)] = cutoff // a map takes the new string also for a key that it has
}

// Cutoff implements [store.Indexed].
func (s *Store) Cutoff(ctx context.Context, user string) (time.Time, error) {
	if err := ctx.Err(); err != nil {
		return time.Time{}, err
	}
	us := s.usersOf(user)
	us.mu.RLock()
	defer us.mu.RUnlock()
	return us.cutoffs[user], nil
}
