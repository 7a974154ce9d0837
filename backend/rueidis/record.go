package rueidisstore

import (
	"encoding/binary"
	"hash/crc32"
	"net/netip"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

// The value of a record is a head, which scripts look into, and a body:
//
//	 0  'R'; a record that was removed, and is remembered, has 'D', and ends with the user
//	 1  version       8 bytes
//	 9  last seen     8 bytes; of a removed record: when it was removed
//	17  expires       8 bytes
//	25  authenticated 8 bytes
//	33  created       8 bytes
//	41  length of the head, 2 bytes
//	43  user, IP address and User-Agent, each behind its length in 1, 1 and 2 bytes
//	    CRC-32C of the id and all of the above
//	    Secret and Data as the binary form of a record with this id and version, and its CRC-32C
//
// Numbers are big-endian, times are microseconds since the zero time. So a version, or a version with a last seen, is a
// prefix to compare, and a touch exchanges the head alone.
const (
	atSeen    = 9
	atExpires = 17
	atAuth    = 25
	atCreated = 33
	atLength  = 41
	atUser    = 43

	maxFixed = atUser + 1 + store.MaxUser // as far as scripts look
	maxHead  = maxFixed + 1 + 16 + 2 + store.MaxUserAgent + 4

	timeSize = 8

	live    = 'R'
	removed = 'D'
)

// maxData is how many bytes of Data a record may have: what the session manager allows, and room for a seal. Redis would
// take more, but everybody else waits meanwhile.
const maxData = 9 << 20

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// versionPrefix is how the value of a record of that version begins, and seenPrefix of one that was last seen then.
func versionPrefix(version int64) string {
	return string(binary.BigEndian.AppendUint64([]byte{live}, uint64(version)))
}

func seenPrefix(r *store.Record) string {
	return string(appendTime([]byte(versionPrefix(r.Version)), r.LastSeen))
}

func appendHead(b []byte, r *store.Record) []byte {
	start := len(b)
	b = append(b, live)
	b = binary.BigEndian.AppendUint64(b, uint64(r.Version))
	for _, t := range [...]time.Time{r.LastSeen, r.ExpiresAt, r.AuthenticatedAt, r.CreatedAt} {
		b = appendTime(b, t)
	}
	b = append(b, 0, 0)
	b = append(b, userField(r.User)...)
	ip := r.IP.Unmap().AsSlice()
	b = append(append(b, byte(len(ip))), ip...)
	b = append(binary.BigEndian.AppendUint16(b, uint16(len(r.UserAgent))), r.UserAgent...)
	binary.BigEndian.PutUint16(b[start+atLength:], uint16(len(b)-start+4))
	return binary.BigEndian.AppendUint32(b, sum(r.ID, b[start:]))
}

// isNote reports whether a value says that the record was removed.
func isNote(value []byte) bool { return len(value) > 0 && value[0] == removed }

// userField is the user as a head has it.
func userField(user string) string { return string([]byte{byte(len(user))}) + user }

// encodeRecord returns the value of r.
func encodeRecord(r *store.Record) []byte {
	b := appendHead(make([]byte, 0, maxHead+64+len(r.Secret)+len(r.Data)), r)
	start := len(b)
	b = store.AppendRecord(b, &store.Record{ID: r.ID, Version: r.Version, Secret: r.Secret, Data: r.Data})
	return binary.BigEndian.AppendUint32(b, sum(r.ID, b[start:]))
}

// sum binds what it sums to id: a value that was copied to another key does not match.
func sum(id store.ID, b []byte) uint32 {
	return crc32.Update(crc32.Checksum(id[:], castagnoli), castagnoli, b)
}

// decodeHead returns the record of id without Secret and Data, and what is behind the head in b. It returns nil where b
// does not begin with a head of that id.
func decodeHead(id store.ID, b []byte) (r *store.Record, rest []byte) {
	if len(b) < atUser || b[0] != live {
		return nil, nil
	}
	n := int(binary.BigEndian.Uint16(b[atLength:]))
	if n < atUser+1+4 || n > len(b) {
		return nil, nil
	}
	head, rest := b[:n], b[n:]
	head, check := head[:n-4], head[n-4:]
	if binary.BigEndian.Uint32(check) != sum(id, head) {
		return nil, nil
	}
	r = &store.Record{
		ID: id, Version: int64(binary.BigEndian.Uint64(head[1:])), LastSeen: timeAt(head, atSeen), ExpiresAt: timeAt(head, atExpires),
		AuthenticatedAt: timeAt(head, atAuth), CreatedAt: timeAt(head, atCreated),
	}
	user, tail, ok := field(head[atUser:], 1)
	ip, tail, ok2 := field(tail, 1)
	agent, tail, ok3 := field(tail, 2)
	if !ok || !ok2 || !ok3 || len(tail) > 0 {
		return nil, nil
	}
	if len(ip) > 0 {
		if r.IP, ok = netip.AddrFromSlice(ip); !ok || r.IP.Is4In6() {
			return nil, nil
		}
	}
	r.User, r.UserAgent = string(user), string(agent)
	return r, rest
}

// field returns the next bytes of b, behind their length in size bytes.
func field(b []byte, size int) (v, rest []byte, ok bool) {
	if len(b) < size {
		return nil, nil, false
	}
	n := int(b[0])
	if size == 2 {
		n = int(binary.BigEndian.Uint16(b))
	}
	if b = b[size:]; len(b) < n {
		return nil, nil, false
	}
	return b[:n], b[n:], true
}

// decodeRecord returns the record of id, or nil where b is none. The record takes b over.
func decodeRecord(id store.ID, b []byte) *store.Record {
	r, body := decodeHead(id, b)
	if r == nil || len(body) < 4 {
		return nil
	}
	body, check := body[:len(body)-4], body[len(body)-4:]
	if binary.BigEndian.Uint32(check) != sum(id, body) {
		return nil
	}
	own, err := store.DecodeRecordInPlace(body)
	if err != nil || own.ID != id || own.Version != r.Version {
		return nil
	}
	r.Secret, r.Data = own.Secret, own.Data
	return r
}

const (
	zeroMicro = -62_135_596_800_000_000 // the zero time, since 1970
	maxMicro  = 315_537_897_600_000_000 - 1
)

// micros returns the microseconds from the zero time to t, which is moved into the years 1 to 9999.
func micros(t time.Time) int64 {
	switch y := t.UTC().Year(); {
	case y < 1:
		return 0
	case y > 9999:
		return maxMicro
	}
	return t.UnixMicro() - zeroMicro
}

func fromMicros(n int64) time.Time { return time.UnixMicro(n + zeroMicro).UTC() }

func appendTime(b []byte, t time.Time) []byte {
	return binary.BigEndian.AppendUint64(b, uint64(micros(t)))
}

// timeField is t as a head has it.
func timeField(t time.Time) string { return string(appendTime(nil, t)) }

func timeAt(b []byte, at int) time.Time {
	return fromMicros(int64(min(binary.BigEndian.Uint64(b[at:]), maxMicro)))
}
