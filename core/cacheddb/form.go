package cacheddb

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"hash/crc32"
	"sync"

	"github.com/qsessions/qsessions/core/store"
)

// The first byte of a copy is its form.
const (
	checkedForm       = 1
	sealedForm        = 2
	authenticatedForm = 3

	keyNameSize = 4
)

// A checked form keeps accidents out, and whoever writes to the cache on purpose in.
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

// An authenticated form lets in nothing that was not made with its key. It hides nothing.
type authenticated struct {
	name [keyNameSize]byte
	macs sync.Pool // of *mac
}

type mac struct {
	hash.Hash
	sum [sha256.Size]byte
}

const authenticatedHead = 1 + keyNameSize + sha256.Size

// newAuthenticated returns the form of a namespace for the deployment that has the key.
func newAuthenticated(namespace string, key []byte) (*authenticated, error) {
	name, err := keyName(key)
	if err != nil {
		return nil, err
	}
	own, err := hkdf.Key(sha256.New, key, nil, "qsessions cache authentication "+namespace, sha256.Size)
	if err != nil {
		return nil, err
	}
	f := &authenticated{name: name}
	f.macs.New = func() any { return &mac{Hash: hmac.New(sha256.New, own)} }
	return f, nil
}

// keyName returns a name that tells keys apart, and nothing about them.
func keyName(key []byte) (name [keyNameSize]byte, err error) {
	b, err := hkdf.Key(sha256.New, key, nil, "qsessions cache key name", keyNameSize)
	copy(name[:], b)
	return name, err
}

func (f *authenticated) room() (head, tail int) { return authenticatedHead, 0 }

// authenticate sets m.sum to the code of the body of a copy. The rest of the copy is compared with what it must be.
func (m *mac) authenticate(b []byte) {
	m.Reset()
	m.Write(b[authenticatedHead:])
	m.Sum(m.sum[:0])
}

func (f *authenticated) seal(_ store.ID, b []byte) ([]byte, error) {
	m := f.macs.Get().(*mac)
	defer f.macs.Put(m)
	b[0] = authenticatedForm
	copy(b[1:], f.name[:])
	m.authenticate(b)
	copy(b[1+keyNameSize:], m.sum[:])
	return b, nil
}

func (f *authenticated) open(_ store.ID, b []byte) []byte {
	if len(b) < authenticatedHead || b[0] != authenticatedForm || [keyNameSize]byte(b[1:]) != f.name {
		return nil
	}
	m := f.macs.Get().(*mac)
	defer f.macs.Put(m)
	m.authenticate(b)
	if !hmac.Equal(m.sum[:], b[1+keyNameSize:authenticatedHead]) {
		return nil
	}
	return b[authenticatedHead:]
}

func (f *authenticated) foreign(b []byte) bool {
	return len(b) >= authenticatedHead && b[0] == authenticatedForm && [keyNameSize]byte(b[1:]) != f.name
}
