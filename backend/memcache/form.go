package memcachestore

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/qsessions/qsessions/core/store"
)

// The value of a record's item is
//
//	1, CRC-32C of the key and the record, 4 bytes; record
//
// where the record is in the binary form of [store.AppendRecord].
const (
	recordForm = 1
	recordHead = 1 + 4
)

func checksum(key string, record []byte) uint32 {
	t := crc32.MakeTable(crc32.Castagnoli) // the table is made once in a process
	return crc32.Update(crc32.Update(0, t, []byte(key)), t, record)
}

// encodeRecord returns the value of r under key.
func encodeRecord(key string, r *store.Record) []byte {
	b := make([]byte, recordHead, recordHead+96+len(r.User)+len(r.UserAgent)+len(r.Secret)+len(r.Data))
	b[0] = recordForm
	b = store.AppendRecord(b, r)
	binary.BigEndian.PutUint32(b[1:], checksum(key, b[recordHead:]))
	return b
}

// decodeRecord is the inverse of encodeRecord. It returns nil for whatever is not the value of id's record under key. The
// record takes b over.
func decodeRecord(key string, id store.ID, b []byte) *store.Record {
	if len(b) < recordHead || b[0] != recordForm || binary.BigEndian.Uint32(b[1:]) != checksum(key, b[recordHead:]) {
		return nil
	}
	r, err := store.DecodeRecordInPlace(b[recordHead:])
	if err != nil || r.ID != id {
		return nil
	}
	return r
}
