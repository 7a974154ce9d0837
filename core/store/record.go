package store

import (
	"bytes"
	"net/netip"
	"time"
)

// The limits of a record's fields, in bytes. The session manager keeps to them before it calls a store; a store may
// answer [ErrTooLarge] to a record that does not.
const (
	MaxUser      = 255
	MaxUserAgent = 512
	MaxSecret    = 255
)

// A Record is one session as a store keeps it. Times are UTC, in whole microseconds.
type Record struct {
	ID              ID
	Version         int64     // 1 after Create, one more after each Save
	User            string    // "" is anonymous; set once, never changed; at most MaxUser bytes of UTF-8, compared byte by byte
	AuthenticatedAt time.Time // when the user's credentials were asked for; zero if anonymous
	CreatedAt       time.Time
	LastSeen        time.Time
	ExpiresAt       time.Time  // the effective end: never later than the deadline, which only the session knows
	IP              netip.Addr // no zone, never an IPv4-mapped IPv6 address; zero if unknown
	UserAgent       string     // at most MaxUserAgent bytes of UTF-8 without control characters; client hints may follow, each behind U+FDD0
	Secret          []byte     // the session's own notes: verifier digests, deadline, write nonce; at most MaxSecret bytes; never listed
	Data            []byte     // opaque
	Tag             uint64     // the store's note on where this copy came from; goes along with the copy, is not kept
}

// Live reports whether r may be used at now.
func (r *Record) Live(now time.Time) bool { return now.Before(r.ExpiresAt) }

// Clone returns a copy of r that shares no memory with it.
func (r *Record) Clone() *Record {
	c := *r
	c.Secret, c.Data = bytes.Clone(r.Secret), bytes.Clone(r.Data)
	return &c
}

// A Touch is what a request leaves behind that changed nothing. LastSeen is later than the record's, and ExpiresAt is
// not earlier than the record's.
type Touch struct {
	LastSeen, ExpiresAt time.Time
	IP                  netip.Addr
	UserAgent           string
}
