package cacheddb

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/qsessions/qsessions/core/store"
)

// A sealed form encrypts with the first of its keys, and lets in nothing that was not made with one of them.
type sealed []sealedKey

type sealedKey struct {
	name [keyNameSize]byte
	key  []byte // pseudorandom key of the namespace (RFC 5869)
}

const sealedHead = 1 + keyNameSize + nonceSize

func newSealed(namespace string, keys [][]byte) (sealed, error) {
	var f sealed
	for i, k := range keys {
		if len(k) != 32 {
			return nil, fmt.Errorf("cacheddb: Config.Keys[%d] has %d bytes, not 32", i, len(k))
		}
		name, err := keyName(k)
		if err != nil {
			return nil, fmt.Errorf("cacheddb: Config.Keys[%d]: %w", i, err)
		}
		if f.index(name) >= 0 {
			return nil, fmt.Errorf("cacheddb: Config.Keys[%d] is there twice", i)
		}
		key, err := hkdf.Extract(sha256.New, k, []byte("qsessions cache "+namespace))
		if err != nil {
			return nil, fmt.Errorf("cacheddb: Config.Keys[%d]: %w", i, err)
		}
		f = append(f, sealedKey{name, key})
	}
	return f, nil
}

func (f sealed) index(name [keyNameSize]byte) int {
	return slices.IndexFunc(f, func(k sealedKey) bool { return k.name == name })
}

// aead has a key of its own for each session (RFC 5869): a copy cannot be opened in another slot, and the limit of 2^32
// random nonces (NIST SP 800-38D, 8.3) holds for each session instead of for all of them together.
func (k *sealedKey) aead(id store.ID) (cipher.AEAD, error) {
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

func (f sealed) room() (head, tail int) { return sealedHead, tagSize }

func (f sealed) seal(id store.ID, b []byte) ([]byte, error) {
	a, err := f[0].aead(id)
	if err != nil {
		return nil, fmt.Errorf("cacheddb: encrypt: %w", err)
	}
	b[0] = sealedForm
	copy(b[1:], f[0].name[:])
	nonce := b[1+keyNameSize : sealedHead]
	_, _ = rand.Read(nonce) // never fails since Go 1.24
	return a.Seal(b[:sealedHead], nonce, b[sealedHead:], b[:1+keyNameSize]), nil
}

func (f sealed) open(id store.ID, b []byte) []byte {
	if len(b) < sealedHead || b[0] != sealedForm {
		return nil
	}
	i := f.index([keyNameSize]byte(b[1:]))
	if i < 0 {
		return nil
	}
	a, err := f[i].aead(id)
	if err != nil {
		return nil
	}
	body, err := a.Open(nil, b[1+keyNameSize:sealedHead], b[sealedHead:], b[:1+keyNameSize])
	if err != nil {
		return nil
	}
	return body
}

func (f sealed) foreign([]byte) bool { return false } // its keys are given, and no other comes
