package store

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"time"
)

// An ID names a session for its whole life. It is public: lists, URLs and logs show it, and alone it opens nothing.
// IDs made later sort later, roughly. The layout is that of a UUID version 7 (RFC 9562, section 5.7).
type ID [16]byte

// NewID returns a random ID that sorts by t, in milliseconds. It takes its 74 random bits from crypto/rand.
func NewID(t time.Time) ID {
	var id ID
	_, _ = rand.Read(id[6:]) // never fails since Go 1.24
	ms := uint64(max(t.UnixMilli(), 0))
	for i := range 6 {
		id[i] = byte(ms >> (40 - 8*i))
	}
	id[6] = id[6]&0x0f | 0x70
	id[8] = id[8]&0x3f | 0x80
	return id
}

var errMalformedID = fmt.Errorf("malformed session id: %w", ErrNotFound)

// ParseID is the inverse of [ID.String]. It accepts that one form only, and not the zero ID. Any other text names no
// session: its error matches [ErrNotFound].
func ParseID(s string) (ID, error) {
	var id ID
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return ID{}, errMalformedID
	}
	h := s[:8] + s[9:13] + s[14:18] + s[19:23] + s[24:]
	if _, err := hex.Decode(id[:], []byte(h)); err != nil || id.IsZero() || id.String() != s {
		return ID{}, errMalformedID
	}
	return id, nil
}

// IsZero reports whether id names nothing.
func (id ID) IsZero() bool { return id == ID{} }

// String returns the text form of a UUID in lower case, or "" for the zero ID.
func (id ID) String() string {
	if id.IsZero() {
		return ""
	}
	var b [36]byte
	hex.Encode(b[:8], id[:4])
	hex.Encode(b[9:13], id[4:6])
	hex.Encode(b[14:18], id[6:8])
	hex.Encode(b[19:23], id[8:10])
	hex.Encode(b[24:], id[10:])
	b[8], b[13], b[18], b[23] = '-', '-', '-', '-'
	return string(b[:])
}

// MarshalText implements [encoding.TextMarshaler] with the form of [ID.String].
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler]. It accepts what [ParseID] does, and the empty text as the zero ID.
func (id *ID) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*id = ID{}
		return nil
	}
	v, err := ParseID(string(b))
	if err != nil {
		return err
	}
	*id = v
	return nil
}
