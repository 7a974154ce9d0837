package cacheddb

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"sync/atomic"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

// An authenticated form lets in nothing that was not made with its key, by GMAC (NIST SP 800-38D). It hides nothing.
type authenticated struct {
	name [keyNameSize]byte
	key  []byte // pseudorandom key of the deployment (RFC 5869)
	info string // of the namespace

	own   atomic.Pointer[maker]
	known atomic.Pointer[salts]
}

// A salt tells apart the keys of the processes of a deployment.
type salt [16]byte

// A salts map has the keys of copies that were genuine. It is replaced, never changed.
type salts map[salt]cipher.AEAD

// A maker makes the copies of a process.
type maker struct {
	salt   salt
	aead   cipher.AEAD
	copies atomic.Uint64
}

const (
	authenticatedHead = 1 + keyNameSize + len(salt{})
	authenticatedTail = nonceSize + tagSize

	maxSalts  = 256
	maxCopies = 1 << 31 // of a maker; NIST SP 800-38D, 8.3 allows 2^32 random nonces for a key
)

// newAuthenticated returns the form of a namespace for the deployment that has the key.
func newAuthenticated(namespace string, key []byte) (*authenticated, error) {
	name, err := keyName(key)
	if err != nil {
		return nil, err
	}
	random, err := hkdf.Extract(sha256.New, key, nil)
	if err != nil {
		return nil, err
	}
	f := &authenticated{name: name, key: random, info: "qsessions cache authentication " + namespace}
	m, err := f.newMaker()
	if err != nil {
		return nil, err
	}
	f.own.Store(m)
	f.known.Store(new(salts))
	return f, nil
}

// aead returns the key of a salt, which a hostile cache may have chosen: so it is context to HKDF, and not HKDF's salt
// (RFC 5869, 3.1).
func (f *authenticated) aead(s salt) (cipher.AEAD, error) {
	key, err := hkdf.Expand(sha256.New, f.key, f.info+string(s[:]), 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	if a, err := cipher.NewGCM(block); err == nil {
		return a, nil
	}
	return cipher.NewGCMWithRandomNonce(block) // in FIPS 140-only mode the module must draw the nonces
}

func (f *authenticated) newMaker() (*maker, error) {
	m := new(maker)
	_, _ = rand.Read(m.salt[:]) // never fails since Go 1.24
	var err error
	m.aead, err = f.aead(m.salt)
	return m, err
}

// maker returns the maker of the next copy.
func (f *authenticated) maker() (*maker, error) {
	m := f.own.Load()
	if m.copies.Add(1) <= maxCopies {
		return m, nil
	}
	next, err := f.newMaker()
	if err != nil {
		return nil, err
	}
	f.own.CompareAndSwap(m, next) // or another caller's has taken its place
	return next, nil
}

func (f *authenticated) room() (head, tail int) { return authenticatedHead, authenticatedTail }

func (f *authenticated) seal(_ store.ID, b []byte) ([]byte, error) {
	m, err := f.maker()
	if err != nil {
		return nil, fmt.Errorf("cacheddb: authenticate: %w", err)
	}
	b[0] = authenticatedForm
	copy(b[1:], f.name[:])
	copy(b[1+keyNameSize:], m.salt[:])
	end := len(b)
	if m.aead.NonceSize() > 0 {
		b = appendNonce(b)
	}
	return m.aead.Seal(b, b[end:], nil, b[:end]), nil
}

// appendNonce appends a random nonce that has the time in it: clones of a process, or of its machine, may draw the same
// bytes, and two tags with one nonce and key give the key of GMAC away.
func appendNonce(b []byte) []byte {
	end := len(b)
	b = append(b, make([]byte, nonceSize)...)
	_, _ = rand.Read(b[end:]) // never fails since Go 1.24
	last := b[end+nonceSize-8:]
	binary.BigEndian.PutUint64(last, binary.BigEndian.Uint64(last)^uint64(time.Now().UnixNano()))
	return b
}

func (f *authenticated) open(_ store.ID, b []byte) []byte {
	end := len(b) - authenticatedTail
	if end < authenticatedHead || b[0] != authenticatedForm || [keyNameSize]byte(b[1:]) != f.name {
		return nil
	}
	s := salt(b[1+keyNameSize:])
	known := f.known.Load()
	a, met := (*known)[s]
	if !met {
		var err error
		if a, err = f.aead(s); err != nil {
			return nil
		}
	}
	tag := end + a.NonceSize()
	if _, err := a.Open(nil, b[end:tag], b[tag:], b[:end]); err != nil {
		return nil
	}
	if !met {
		f.remember(known, s, a)
	}
	return b[authenticatedHead:end]
}

// remember adds the salt of a genuine copy to those that were known: what a hostile cache makes up takes no room. When
// there is none left, all others are forgotten.
func (f *authenticated) remember(known *salts, s salt, a cipher.AEAD) {
	next := salts{s: a}
	if len(*known) < maxSalts {
		maps.Copy(next, *known)
	}
	f.known.CompareAndSwap(known, &next) // or another caller has added one, and this one waits for its next copy
}

func (f *authenticated) foreign(b []byte) bool {
	return len(b) >= authenticatedHead+authenticatedTail && b[0] == authenticatedForm && [keyNameSize]byte(b[1:]) != f.name
}
