package memcachestore

import (
	"math"
	"time"
)

const maxRelative = 30 * 24 * 60 * 60 // seconds; memcached reads a larger number as a date

// expiration returns what memcached is told of an item that must be kept for ttl: whole seconds, rounded up and at least
// one, and above 30 days the date. Dates end in 2038; an item that would end later has no end, which is 0.
func expiration(ttl time.Duration, now time.Time) int32 {
	s := int64((max(ttl, 1)-1)/time.Second) + 1
	if s <= maxRelative {
		return int32(s)
	}
	if s += now.Unix(); s <= math.MaxInt32 {
		return int32(s)
	}
	return 0
}
