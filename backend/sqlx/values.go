package sqlxstore

import (
	"encoding/hex"
	"errors"
	"net/netip"
	"strconv"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

// An idColumn scans an id in either form.
type idColumn store.ID

var errBadID = errors.New("not an id")

// Scan implements [sql.Scanner].
func (c *idColumn) Scan(src any) error {
	var b []byte
	switch v := src.(type) {
	case []byte:
		b = v
	case string:
		b = []byte(v)
	}
	id, ok := uuidBytes(b)
	if !ok {
		return errBadID
	}
	*c = idColumn(id)
	return nil
}

// uuidBytes reads 16 bytes, or the text form, in lower case, of 16 bytes.
func uuidBytes(b []byte) (u [16]byte, ok bool) {
	switch len(b) {
	case 16:
		return [16]byte(b), true
	case 36:
		h := make([]byte, 0, 32)
		for i, c := range b {
			dash := i == 8 || i == 13 || i == 18 || i == 23
			if dash != (c == '-') || 'A' <= c && c <= 'F' {
				return u, false
			}
			if !dash {
				h = append(h, c)
			}
		}
		_, err := hex.Decode(u[:], h)
		return u, err == nil
	}
	return u, false
}

// uuidText is store.ID.String, but has a text for the zero id too.
func uuidText(u [16]byte) string {
	h := hex.EncodeToString(u[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// userValue returns the parameter for user, strictly converted, or false if the column cannot have it.
func (t UserType) userValue(user string) (any, bool) {
	if len(user) > store.MaxUser {
		return nil, false
	}
	switch t {
	case Integer:
		n, err := strconv.ParseInt(user, 10, 64)
		return n, err == nil && strconv.FormatInt(n, 10) == user
	case UUID:
		_, ok := uuidBytes([]byte(user))
		return user, ok && len(user) == 36
	case UUIDBytes:
		u, ok := uuidBytes([]byte(user))
		return u[:], ok && len(user) == 36
	default:
		return user, true
	}
}

// userText is the inverse of userValue for what was scanned as text; NULL is anonymous.
func (t UserType) userText(user string, valid bool) string {
	if t == UUIDBytes && valid && len(user) == 16 {
		return uuidText([16]byte([]byte(user)))
	}
	return user
}

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicros(v int64) time.Time {
	if v == 0 {
		return time.Time{}
	}
	return time.UnixMicro(v).UTC()
}

// In the column expires_at 0 stands for removed, so a time that has no room above it, the zero time for one, is 1.
func expiryMicros(t time.Time) int64 { return max(micros(t), 1) }

func expiryFromMicros(v int64) time.Time {
	if v <= 1 {
		return time.Time{}
	}
	return fromMicros(v)
}

const hourMicros = int64(time.Hour / time.Microsecond)

// sweepHour is the hour in which a record that ends at t may be forgotten: the first full one after t.
func sweepHour(t time.Time) int64 { return expiryMicros(t)/hourMicros + 1 }

// lastSweepHour is the last hour of sweepHour that is over at t.
func lastSweepHour(t time.Time) int64 { return expiryMicros(t) / hourMicros }

// ipValue returns the 16 bytes of a, an IPv4 address mapped, so that every prefix is a range.
func ipValue(a netip.Addr) any {
	if !a.IsValid() {
		return nil
	}
	b := a.As16()
	return b[:]
}

func fromIP(b []byte) netip.Addr {
	if len(b) != 16 {
		return netip.Addr{}
	}
	return netip.AddrFrom16([16]byte(b)).Unmap()
}

// blob returns b, but never NULL.
func blob(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// bounds returns the first and the last address of p in the form of ipValue.
func bounds(p netip.Prefix) (first, last netip.Addr) {
	p = p.Masked()
	bits := p.Bits()
	if p.Addr().Is4() {
		bits += 96
	}
	lo := p.Addr().As16()
	hi := lo
	for i := bits; i < 128; i++ {
		hi[i/8] |= 1 << (7 - i%8)
	}
	return netip.AddrFrom16(lo), netip.AddrFrom16(hi)
}
