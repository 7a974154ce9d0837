package store

import (
	"encoding/binary"
	"errors"
	"time"
)

// ErrCorrupt says that bytes are not a record in binary form. [DecodeRecord] returns it.
var ErrCorrupt = errors.New("store: malformed record")

// binaryVersion is the first byte of the binary form. What follows, in this order:
//
//	id                                       16 bytes
//	version                                  varint
//	authenticated, created, seen, expires    varint each: microseconds since the zero time, which so is 0
//	user, ip, user agent, secret, data       varint length and bytes each; ip has 0, 4 or 16
//
// A varint is that of [binary.Uvarint]. Each record has one form: varints are as short as they can be.
const binaryVersion = 1

// AppendRecord appends the binary form of r to b and returns the extended slice. The form is compact and has no
// checksum: a place that may change bytes needs one around it. It holds all fields but Tag; a time loses what is below
// a microsecond. [DecodeRecord] is the inverse for a record that keeps to the limits of its fields, and refuses the form
// of one that does not. It is safe to call at the same time for the same r.
func AppendRecord(b []byte, r *Record) []byte {
	b = append(b, binaryVersion)
	b = append(b, r.ID[:]...)
	b = binary.AppendUvarint(b, uint64(r.Version))
	for _, t := range [...]time.Time{r.AuthenticatedAt, r.CreatedAt, r.LastSeen, r.ExpiresAt} {
		b = binary.AppendUvarint(b, timeMicro(t))
	}
	b = appendBytes(b, r.User)
	switch ip := r.IP.Unmap(); {
	case ip.Is4():
		a := ip.As4()
		b = appendBytes(b, a[:])
	case ip.Is6():
		a := ip.As16()
		b = appendBytes(b, a[:])
	default:
		b = append(b, 0)
	}
	b = appendBytes(b, r.UserAgent)
	b = appendBytes(b, r.Secret)
	return appendBytes(b, r.Data)
}

func appendBytes[T string | []byte](b []byte, v T) []byte {
	return append(binary.AppendUvarint(b, uint64(len(v))), v...)
}

// The range of a time is from the zero time to the end of the year 9999, beyond which it has no text form.
const (
	zeroSecond = -62_135_596_800 // since 1970
	endSecond  = 253_402_300_800
	zeroMicro  = zeroSecond * 1_000_000
	maxMicro   = (endSecond-zeroSecond)*1_000_000 - 1 // since the zero time
)

// timeMicro returns the microseconds from the zero time to t, or more than maxMicro for a t out of range.
func timeMicro(t time.Time) uint64 {
	if s := t.Unix(); s < zeroSecond || s >= endSecond {
		return maxMicro + 1
	}
	return uint64(t.UnixMicro() - zeroMicro)
}
