package cacheddb

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"hash/crc32"

	"github.com/qsessions/qsessions/core/store"
)

// The first byte of a copy is its form.
const (
	checkedForm       = 1
	sealedForm        = 2
	authenticatedForm = 3

	keyNameSize = 4
	nonceSize   = 12
	tagSize     = 16
)

// A checked form keeps accidents out, and anyone who writes to the cache on purpose in.
type checked struct {
	table *crc32.Table
	seed  uint32 // checksum of the namespace
}

const checkedHead = 1 + 4

func newChecked(namespace string) *checked {
	table := crc32.MakeTable(crc32.Castagnoli)
	return &checked{table, crc32.Update(0, table, append([]byte{checkedForm}, namespace...))}
}

func (f *checked) room() (head, tail int) { return checkedHead, 0 }

func (f *checked) sum(body []byte) uint32 { return crc32.Update(f.seed, f.table, body) }

func (f *checked) seal(_ store.ID, b []byte) ([]byte, error) {
	b[0] = checkedForm
	binary.BigEndian.PutUint32(b[1:], f.sum(b[checkedHead:]))
	return b, nil
}

func (f *checked) open(_ store.ID, b []byte) []byte {
	if len(b) < checkedHead || b[0] != checkedForm || binary.BigEndian.Uint32(b[1:]) != f.sum(b[checkedHead:]) {
		return nil
	}
	return b[checkedHead:]
}

func (f *checked) foreign([]byte) bool { return false }

// keyName returns a name that tells keys apart, and nothing about them.
func keyName(key []byte) (name [keyNameSize]byte, err error) {
	b, err := hkdf.Key(sha256.New, key, nil, "qsessions cache key name", keyNameSize)
	copy(name[:], b)
	return name, err
}
