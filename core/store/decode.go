package store

import (
	"encoding/binary"
	"math"
	"net/netip"
	"time"
)

// DecodeRecord is the inverse of [AppendRecord]. It shares no memory with b, and allocates no more than about twice
// len(b) and the size of a [Record]. It accepts the one form that AppendRecord gives a record, and nothing behind it;
// any other b is [ErrCorrupt], so that a field beyond its limit, a time outside the years 1 to 9999 and a form of a
// later version are never half understood. Secret and Data are nil if they are empty; times are UTC.
func DecodeRecord(b []byte) (*Record, error) {
	r, err := DecodeRecordInPlace(b)
	if err != nil {
		return nil, err
	}
	if n := len(r.Secret); n+len(r.Data) > 0 {
		own := append(append(make([]byte, 0, n+len(r.Data)), r.Secret...), r.Data...) // one allocation for both
		if n > 0 {
			r.Secret = own[:n:n] // an append must not reach Data
		}
		if len(r.Data) > 0 {
			r.Data = own[n:]
		}
	}
	return r, nil
}

// DecodeRecordInPlace is [DecodeRecord], but the Secret and Data of the record are parts of b, which the caller gives away.
func DecodeRecordInPlace(b []byte) (*Record, error) {
	d := decoder{rest: b}
	if v := d.take(1); d.bad || v[0] != binaryVersion {
		return nil, ErrCorrupt
	}
	var r Record
	copy(r.ID[:], d.take(len(r.ID)))
	r.Version = int64(d.uvarint(math.MaxInt64))
	for _, t := range [...]*time.Time{&r.AuthenticatedAt, &r.CreatedAt, &r.LastSeen, &r.ExpiresAt} {
		*t = time.UnixMicro(int64(d.uvarint(maxMicro)) + zeroMicro).UTC()
	}
	user := d.bytes(MaxUser)
	ip := d.ip()
	agent := d.bytes(MaxUserAgent)
	secret := d.bytes(MaxSecret)
	data := d.bytes(len(d.rest))
	if d.bad || len(d.rest) > 0 {
		return nil, ErrCorrupt
	}
	r.User, r.IP, r.UserAgent = string(user), ip, string(agent)
	if len(secret) > 0 {
		r.Secret = secret[:len(secret):len(secret)] // an append must not reach what follows
	}
	if len(data) > 0 {
		r.Data = data[:len(data):len(data)]
	}
	return &r, nil
}

// A decoder reads from the front of rest. Once something is bad everything is, and reads as zero.
type decoder struct {
	rest []byte
	bad  bool
}

func (d *decoder) fail() {
	d.rest, d.bad = nil, true
}

// take returns the next n bytes.
func (d *decoder) take(n int) []byte {
	if d.bad || n > len(d.rest) {
		d.fail()
		return nil
	}
	v := d.rest[:n]
	d.rest = d.rest[n:]
	return v
}

func (d *decoder) uvarint(most uint64) uint64 {
	v, n := binary.Uvarint(d.rest)
	if d.bad || n <= 0 || v > most || n > 1 && d.rest[n-1] == 0 { // a last byte of zero: it could be shorter
		d.fail()
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

func (d *decoder) bytes(most int) []byte {
	return d.take(int(d.uvarint(uint64(most))))
}

func (d *decoder) ip() netip.Addr {
	v := d.bytes(16)
	if len(v) == 0 {
		return netip.Addr{}
	}
	ip, ok := netip.AddrFromSlice(v)
	if !ok || ip.Is4In6() {
		d.fail()
	}
	return ip
}
