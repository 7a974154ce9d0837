package memory

import (
	"sync/atomic"

	"github.com/qsessions/qsessions/core/store"
)

// What an entry needs beside its strings and slices, in bytes: the struct, its share of the maps, and its place in the
// index, measured where maps have just grown.
const (
	recordBytes    = 640
	tombstoneBytes = 512
	cutoffBytes    = 160
)

func size(r *store.Record) int64 {
	return recordBytes + int64(len(r.User)+len(r.UserAgent)+len(r.Secret)+len(r.Data))
}

func (t tombstone) size() int64 { return tombstoneBytes + int64(len(t.user)) }

// tooLarge reports whether a field of r is beyond the limits of package store.
func tooLarge(r *store.Record) bool {
	return len(r.User) > store.MaxUser || len(r.UserAgent) > store.MaxUserAgent || len(r.Secret) > store.MaxSecret
}

// usage counts what a store holds.
type usage struct {
	records atomic.Int64
	bytes   atomic.Int64
}

func (u *usage) add(records, bytes int64) (int64, int64) {
	return u.records.Add(records), u.bytes.Add(bytes)
}

// reserve adds to what is used, unless that grows beyond a bound. What shrinks is never refused.
func (s *Store) reserve(records, bytes int64) bool {
	r, b := s.used.add(records, bytes)
	if records > 0 && r > s.maxRecords() || bytes > 0 && b > s.maxBytes() {
		s.used.add(-records, -bytes)
		return false
	}
	return true
}

func (s *Store) maxRecords() int64 {
	if s.config.MaxRecords == 0 {
		return DefaultMaxRecords
	}
	return int64(s.config.MaxRecords)
}

func (s *Store) maxBytes() int64 {
	if s.config.MaxBytes == 0 {
		return DefaultMaxBytes
	}
	return s.config.MaxBytes
}
