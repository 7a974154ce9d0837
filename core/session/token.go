package session

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"

	"github.com/qsessions/qsessions/core/store"
)

// A token is what the client holds: base64url(ID ‖ family ‖ verifier), 16 bytes each, without padding. ASVS 5.0 7.2.3 asks
// for 128 random bits; family and verifier have 128 each, beside those of the ID.
//
// All tokens that follow one another by periodic exchange share their family. A record keeps a mark of the family, so that
// any earlier token of it is told from a guess at the public ID.
type token struct {
	id       store.ID
	family   [16]byte
	verifier [16]byte
}

const (
	tokenSize = 48
	tokenLen  = 64 // as text
)

// tokenCoding is strict: one text for one token.
var tokenCoding = base64.RawURLEncoding.Strict()

// A digest is what stores see of a token: its SHA-256, bound to a realm and to the ID.
type digest [sha256.Size]byte

// A mark is what stores see of a token's family, bound in the same way.
type mark [16]byte

// maxRealm is how many bytes the name of a realm may have.
const maxRealm = 128

// newToken returns a random token of a family of its own.
func newToken(id store.ID) token {
	t := token{id: id}
	_, _ = rand.Read(t.family[:]) // never fails since Go 1.24
	_, _ = rand.Read(t.verifier[:])
	return t
}

// next returns a random token of the same family.
func (t *token) next() token {
	n := token{id: t.id, family: t.family}
	_, _ = rand.Read(n.verifier[:])
	return n
}

// digest returns what a store sees of t. The realm keeps the tokens of two managers over one table apart.
func (t *token) digest(realm string) digest {
	var b [len(tokenLabel) + 2 + maxRealm + tokenSize]byte
	p := append(label(b[:0], tokenLabel, realm, t), t.verifier[:]...)
	return sha256.Sum256(p)
}

// mark returns what a store sees of the family of t.
func (t *token) mark(realm string) (m mark) {
	var b [len(familyLabel) + 2 + maxRealm + tokenSize]byte
	sum := sha256.Sum256(label(b[:0], familyLabel, realm, t))
	copy(m[:], sum[:])
	return m
}

const (
	tokenLabel  = "qsessions 2 token\x00"
	familyLabel = "qsessions 2 family\x00"
)

func label(b []byte, label, realm string, t *token) []byte {
	b = binary.BigEndian.AppendUint16(append(b, label...), uint16(len(realm)))
	b = append(append(b, realm...), t.id[:]...)
	return append(b, t.family[:]...)
}

// equal compares in constant time (ASVS 5.0 11.2.4).
func (d *digest) equal(e *digest) bool { return subtle.ConstantTimeCompare(d[:], e[:]) == 1 }

func (d *digest) isZero() bool { return *d == digest{} }

// equal compares in constant time. No mark equals the zero mark, which stands for none.
func (m *mark) equal(o *mark) bool { return subtle.ConstantTimeCompare(m[:], o[:]) == 1 && !o.isZero() }

func (m *mark) isZero() bool { return *m == mark{} }

// text returns t as the client holds it.
func (t *token) text() string {
	var b [tokenSize]byte
	copy(b[:16], t.id[:])
	copy(b[16:32], t.family[:])
	copy(b[32:], t.verifier[:])
	return tokenCoding.EncodeToString(b[:])
}

// parseToken is the inverse of text; ok is false for any other text.
func parseToken(s string) (t token, ok bool) {
	if len(s) != tokenLen {
		return t, false
	}
	var src [tokenLen]byte
	var b [tokenSize]byte
	copy(src[:], s)
	if n, err := tokenCoding.Decode(b[:], src[:]); err != nil || n != len(b) {
		return t, false
	}
	copy(t.id[:], b[:16])
	copy(t.family[:], b[16:32])
	copy(t.verifier[:], b[32:])
	return t, !t.id.IsZero()
}
