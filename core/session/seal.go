package session

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/qsessions/qsessions/core/store"
)

// A sealer encrypts a session's data with AES-256-GCM (NIST SP 800-38D). Each session has its own key, derived by HKDF
// (RFC 5869) from the configured key and the session's ID: data of one row cannot be opened in another, and the limit of
// 2^32 random nonces holds for each session instead of for all of them together.
//
// Sealed data is: 0x02, 4 bytes that name the key, 12 bytes of nonce, ciphertext and tag.
type sealer struct {
	keys  []sealKey // the first one seals
	plain bool      // data that is not encrypted is read
	off   bool      // data is not encrypted when it is written
}

type sealKey struct {
	name [4]byte
	key  []byte
}

const (
	sealVersion = 2
	sealHead    = 1 + 4 + 12
)

func newSealer(keys [][]byte, plain bool) (*sealer, error) {
	s := &sealer{plain: plain}
	for i, k := range keys {
		if len(k) != 32 {
			return nil, fmt.Errorf("session: Config.Keys[%d] has %d bytes, not 32", i, len(k))
		}
		name, err := hkdf.Key(sha256.New, k, nil, "qsessions key name", 4)
		if err != nil {
			return nil, fmt.Errorf("session: Config.Keys[%d]: %w", i, err)
		}
		for _, other := range s.keys {
			if other.name == [4]byte(name) {
				return nil, fmt.Errorf("session: Config.Keys[%d] is there twice", i)
			}
		}
		s.keys = append(s.keys, sealKey{[4]byte(name), append([]byte(nil), k...)})
	}
	return s, nil
}

func (k *sealKey) aead(id store.ID) (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, k.key, id[:], "qsessions data", 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// seal returns d as it is stored.
func (s *sealer) seal(id store.ID, d data) ([]byte, error) {
	if s == nil || s.off || len(d) == 0 {
		return d, nil
	}
	a, err := s.keys[0].aead(id)
	if err != nil {
		return nil, fmt.Errorf("session: encrypt: %w", err)
	}
	b := make([]byte, sealHead, sealHead+len(d)+a.Overhead())
	b[0] = sealVersion
	copy(b[1:5], s.keys[0].name[:])
	_, _ = rand.Read(b[5:sealHead])
	return a.Seal(b, b[5:sealHead], d, b[:5]), nil
}

// outdated reports whether b is stored in another way than seal would store it now.
func (s *sealer) outdated(b []byte) bool {
	if s == nil || len(b) == 0 {
		return false
	}
	if s.off {
		return b[0] != dataVersion
	}
	return len(b) < sealHead || b[0] != sealVersion || s.keys[0].name != [4]byte(b[1:5])
}

var errSealed = errors.New("session: data is encrypted with a key that is not configured, or damaged")

// open is the inverse of seal. What it cannot open it never tries to read in another way.
func (s *sealer) open(id store.ID, b []byte) (data, error) {
	if s == nil || len(b) == 0 || s.plain && b[0] == dataVersion {
		if d := data(b); d.valid() {
			return d, nil
		}
		return nil, fmt.Errorf("session: data: %w", ErrCorrupt)
	}
	if len(b) > sealHead && b[0] == sealVersion {
		for i := range s.keys {
			if s.keys[i].name != [4]byte(b[1:5]) {
				continue
			}
			a, err := s.keys[i].aead(id)
			if err != nil {
				return nil, fmt.Errorf("session: decrypt: %w", err)
			}
			if d, err := a.Open(nil, b[5:sealHead], b[sealHead:], b[:5]); err == nil && data(d).valid() {
				return d, nil
			}
		}
	}
	return nil, fmt.Errorf("%w: %w", ErrCorrupt, errSealed)
}
