package cacheddb

import (
	"encoding/binary"

	"github.com/qsessions/qsessions/core/store"
)

// A form turns records into copies and back. A copy is one of
//
//	1, CRC-32C of the namespace and all the rest, not-after, record
//	2, 4 bytes that name the key, 12 bytes of nonce, AES-256-GCM of (not-after, record)
//	3, 4 bytes that name the key, 16 bytes of salt, not-after, record, 12 bytes of nonce, AES-256-GMAC of all before the nonce
//
// where not-after has 8 bytes, big-endian microseconds since 1970, and the salt is that of the process. A Store makes one
// form, and reads no other, but for Config.Plain. The keys of forms 2 and 3 are derived for the namespace. The record says
// which slot it belongs to: in another one it is no copy. Whatever else is in a slot, such as a copy of a later version, is
// none either.
type form interface {
	// room is how many bytes a copy has before and behind its body, which is not-after and the record.
	room() (head, tail int)
	// seal makes the copy for the slot of id out of b, which has room before its body, and may have it behind.
	seal(id store.ID, b []byte) ([]byte, error)
	// open returns the body of the copy in the slot of id, or nil. It does not change b, and the body may lie in b.
	open(id store.ID, b []byte) []byte
	// foreign reports whether b names a key that the form does not have.
	foreign(b []byte) bool
}

const stampSize = 8

// recordBytes is about what the parts of a record need that have no length of their own.
const recordBytes = 96

// encode returns the copy of r for its own slot, good until notAfter.
func encode(f form, r *store.Record, notAfter int64) ([]byte, error) {
	head, tail := f.room()
	size := head + stampSize + recordBytes + len(r.User) + len(r.UserAgent) + len(r.Secret) + len(r.Data) + tail
	b := binary.BigEndian.AppendUint64(make([]byte, head, size), uint64(notAfter))
	return f.seal(r.ID, store.AppendRecord(b, r))
}

// decode returns what the copy in the slot of id says, and until when. It is not ok if that is no copy of id. It does not
// change b, and r takes it over.
func decode(f form, id store.ID, b []byte) (r *store.Record, notAfter int64, ok bool) {
	body := f.open(id, b)
	if len(body) <= stampSize {
		return nil, 0, false
	}
	r, err := store.DecodeRecordInPlace(body[stampSize:])
	if err != nil || r.ID != id {
		return nil, 0, false
	}
	return r, int64(binary.BigEndian.Uint64(body)), true
}
