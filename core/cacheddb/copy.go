package cacheddb

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"

	"github.com/qsessions/qsessions/core/store"
)

// A form turns records into copies and back. A copy is one of
//
//	1, CRC-32C of the namespace and all the rest, not-after, record
//	2, 4 bytes that name the key, 12 bytes of nonce, AES-256-GCM of (not-after, record)
//
// where not-after has 8 bytes, big-endian microseconds since 1970. The record says whose slot it belongs to: in another
// one it is no copy. Whatever else is in a slot, such as a copy of a later version, is none either.
type form struct {
	table *crc32.Table
	seed  uint32 // checksum of the namespace
	keys  []copyKey
}

type copyKey struct {
	name [4]byte
	key  []byte // pseudorandom key of the namespace (RFC 5869)
}

const (
	checked     = 1
	sealed      = 2
	checkedHead = 1 + 4
	sealedHead  = 1 + 4 + 12
	stampSize   = 8
)

func newForm(namespace string, keys [][]byte) (form, error) {
	f := form{table: crc32.MakeTable(crc32.Castagnoli)}
	f.seed = crc32.Update(0, f.table, append([]byte{checked}, namespace...))
	for i, k := range keys {
		if len(k) != 32 {
			return f, fmt.Errorf("cacheddb: Config.Keys[%d] has %d bytes, not 32", i, len(k))
		}
		name, err := hkdf.Key(sha256.New, k, nil, "qsessions cache key name", 4)
		if err != nil {
			return f, fmt.Errorf("cacheddb: Config.Keys[%d]: %w", i, err)
		}
		if slices.ContainsFunc(f.keys, func(o copyKey) bool { return o.name == [4]byte(name) }) {
			return f, fmt.Errorf("cacheddb: Config.Keys[%d] is there twice", i)
		}
		key, err := hkdf.Extract(sha256.New, k, []byte("qsessions cache "+namespace))
		if err != nil {
			return f, fmt.Errorf("cacheddb: Config.Keys[%d]: %w", i, err)
		}
		f.keys = append(f.keys, copyKey{[4]byte(name), key})
	}
	return f, nil
}

// aead has a key of its own for each session (RFC 5869): a copy cannot be opened in another slot, and the limit of 2^32
// random nonces (NIST SP 800-38D, 8.3) holds for each session instead of for all of them together.
func (k *copyKey) aead(id store.ID) (cipher.AEAD, error) {
	key, err := hkdf.Expand(sha256.New, k.key, string(id[:]), 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// recordBytes is about what the parts of a record need that have no length of their own.
const recordBytes = 96

// encode returns the copy of r for its own slot, good until notAfter.
func (f *form) encode(r *store.Record, notAfter int64) ([]byte, error) {
	size := sealedHead + stampSize + recordBytes + len(r.User) + len(r.UserAgent) + len(r.Secret) + len(r.Data)
	if len(f.keys) == 0 {
		b := append(make([]byte, 0, size), checked, 0, 0, 0, 0)
		b = binary.BigEndian.AppendUint64(b, uint64(notAfter))
		b = store.AppendRecord(b, r)
		binary.BigEndian.PutUint32(b[1:], f.sum(b[checkedHead:]))
		return b, nil
	}
	a, err := f.keys[0].aead(r.ID)
	if err != nil {
		return nil, fmt.Errorf("cacheddb: encrypt: %w", err)
	}
	b := make([]byte, sealedHead, size+a.Overhead())
	b[0] = sealed
	copy(b[1:5], f.keys[0].name[:])
	_, _ = rand.Read(b[5:sealedHead])
	b = binary.BigEndian.AppendUint64(b, uint64(notAfter))
	b = store.AppendRecord(b, r)
	return a.Seal(b[:sealedHead], b[5:sealedHead], b[sealedHead:], b[:5]), nil
}

func (f *form) sum(rest []byte) uint32 { return crc32.Update(f.seed, f.table, rest) }

// decode returns what the copy in the slot of id says, and until when. It is not ok if that is no copy of id. It does not
// change b, and r takes it over.
func (f *form) decode(id store.ID, b []byte) (r *store.Record, notAfter int64, ok bool) {
	var plain []byte
	switch {
	case len(f.keys) == 0 && len(b) > checkedHead+stampSize && b[0] == checked:
		plain = b[checkedHead:]
		if binary.BigEndian.Uint32(b[1:]) != f.sum(plain) {
			return nil, 0, false
		}
	case len(b) > sealedHead && b[0] == sealed:
		if plain = f.open(id, b); len(plain) <= stampSize {
			return nil, 0, false
		}
	default:
		return nil, 0, false
	}
	r, err := store.DecodeRecordInPlace(plain[stampSize:])
	if err != nil || r.ID != id {
		return nil, 0, false
	}
	return r, int64(binary.BigEndian.Uint64(plain)), true
}

func (f *form) open(id store.ID, b []byte) []byte {
	i := slices.IndexFunc(f.keys, func(k copyKey) bool { return k.name == [4]byte(b[1:5]) })
	if i < 0 {
		return nil
	}
	a, err := f.keys[i].aead(id)
	if err != nil {
		return nil
	}
	plain, err := a.Open(nil, b[5:sealedHead], b[sealedHead:], b[:5])
	if err != nil {
		return nil
	}
	return plain
}
