package session

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"

	"github.com/qsessions/qsessions/core/store"
)

// A token is what the client holds: base64url(ID ‖ verifier), without padding. ASVS 5.0 7.2.3 asks for 128 random bits;
// the verifier has 256, beside those of the ID.
const tokenLen = 64

// tokenCoding is strict: one text for one token.
var tokenCoding = base64.RawURLEncoding.Strict()

// A verifier is the secret half of a token. Nothing keeps it but the client.
type verifier [32]byte

// A digest is the SHA-256 of a verifier: all that stores see.
type digest [sha256.Size]byte

func newVerifier() (v verifier) {
	_, _ = rand.Read(v[:]) // never fails since Go 1.24
	return v
}

func (v *verifier) digest() digest { return sha256.Sum256(v[:]) }

// equal compares in constant time (ASVS 5.0 11.2.4).
func (d *digest) equal(e *digest) bool { return subtle.ConstantTimeCompare(d[:], e[:]) == 1 }

func (d *digest) isZero() bool { return *d == digest{} }

func formatToken(id store.ID, v *verifier) string {
	var b [16 + 32]byte
	copy(b[:16], id[:])
	copy(b[16:], v[:])
	return tokenCoding.EncodeToString(b[:])
}

// parseToken is the inverse of formatToken; ok is false for any other text.
func parseToken(s string) (id store.ID, v verifier, ok bool) {
	if len(s) != tokenLen {
		return id, v, false
	}
	var src [tokenLen]byte
	var b [16 + 32]byte
	copy(src[:], s)
	if n, err := tokenCoding.Decode(b[:], src[:]); err != nil || n != len(b) {
		return id, v, false
	}
	copy(id[:], b[:16])
	copy(v[:], b[16:])
	return id, v, !id.IsZero()
}
