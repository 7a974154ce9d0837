package cacheddb

import (
	"bytes"
	"crypto/rand"
	"crypto/subtle"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/qsessions/qsessions/core/store"
)

// A scheme is how the deployment that has the key makes and reads copies in a namespace. The ones that the tests break have
// one part less.
type scheme struct {
	name string
	form func(namespace string, key []byte) form
	read func(f form, id store.ID, b []byte) (*store.Record, int64, bool) // nil: decode
	in   string                                                           // the attacks that get in, exactly
}

// An unchecked form takes what some other check of its own lets in.
type unchecked struct {
	*authenticated
	check func(f *authenticated, b []byte) bool
}

func (f unchecked) open(id store.ID, b []byte) []byte {
	if len(b) < authenticatedHead+stampSize+authenticatedTail || !f.check(f.authenticated, b) {
		return nil
	}
	return b[authenticatedHead : len(b)-authenticatedTail]
}

// parts are what a copy of an authenticated form is made of.
func parts(b []byte) (bound, nonce, tag []byte) {
	end := len(b) - authenticatedTail
	return b[:end], b[end : end+nonceSize], b[end+nonceSize:]
}

// code is the authentication code of a copy whose blind bytes are taken for zero.
func code(f *authenticated, b []byte, blind ...int) []byte {
	b = slices.Clone(b)
	for _, i := range blind {
		b[i] = 0
	}
	bound, nonce, _ := parts(b)
	a, err := f.aead(salt(b[1+keyNameSize:]))
	if err != nil {
		panic(err)
	}
	return a.Seal(nil, nonce, nil, bound)
}

// A blind form leaves some bytes of a copy out of its code.
type blind struct {
	*authenticated
	bytes func(b []byte) []int
}

func (f blind) seal(id store.ID, b []byte) ([]byte, error) {
	b, err := f.authenticated.seal(id, b)
	if err == nil {
		_, _, tag := parts(b)
		copy(tag, code(f.authenticated, b, f.bytes(b)...))
	}
	return b, err
}

func (f blind) open(_ store.ID, b []byte) []byte {
	if len(b) < authenticatedHead+stampSize+authenticatedTail {
		return nil
	}
	if bound, _, tag := parts(b); bytes.Equal(code(f.authenticated, b, f.bytes(b)...), tag) {
		return bound[authenticatedHead:]
	}
	return nil
}

// A repetitive form uses one nonce for all copies.
type repetitive struct{ *authenticated }

func (f repetitive) seal(id store.ID, b []byte) ([]byte, error) {
	b, err := f.authenticated.seal(id, b)
	if err == nil {
		_, nonce, tag := parts(b)
		clear(nonce)
		copy(tag, code(f.authenticated, b))
	}
	return b, err
}

func indexes(from, to int) (l []int) {
	for i := from; i < to; i++ {
		l = append(l, i)
	}
	return l
}

// readAnywhere is decode for a slot that does not matter.
func readAnywhere(f form, id store.ID, b []byte) (*store.Record, int64, bool) {
	body := f.open(id, b)
	if len(body) <= stampSize {
		return nil, 0, false
	}
	r, err := store.DecodeRecordInPlace(body[stampSize:])
	return r, int64(binary.BigEndian.Uint64(body)), err == nil
}

var schemes = []scheme{
	{name: "authenticated", form: withKey},
	{name: "sealed", form: func(namespace string, key []byte) form { return withKeys(namespace, key) }},
	{
		name: "the code is not compared", in: "zero-code altered prolonged sum namespace deployment own-key",
		form: func(namespace string, key []byte) form {
			return unchecked{withKey(namespace, key).(*authenticated), func(*authenticated, []byte) bool { return true }}
		},
	},
	{
		name: "a code of none is one", in: "zero-code",
		form: func(namespace string, key []byte) form {
			return unchecked{withKey(namespace, key).(*authenticated), func(f *authenticated, b []byte) bool {
				_, _, got := parts(b)
				return bytes.Equal(got, make([]byte, len(got))) || f.open(store.ID{}, b) != nil
			}}
		},
	},
	{
		name: "not-after is not bound", in: "prolonged",
		form: func(namespace string, key []byte) form {
			return blind{withKey(namespace, key).(*authenticated), func([]byte) []int { return indexes(authenticatedHead, authenticatedHead+stampSize) }}
		},
	},
	{
		name: "the record is not bound", in: "altered",
		form: func(namespace string, key []byte) form {
			return blind{withKey(namespace, key).(*authenticated), func(b []byte) []int {
				return indexes(authenticatedHead+stampSize, len(b)-authenticatedTail)
			}}
		},
	},
	{name: "one nonce for all", in: "sum", form: func(namespace string, key []byte) form { return repetitive{withKey(namespace, key).(*authenticated)} }},
	{name: "the slot is not bound", in: "slot", form: withKey, read: readAnywhere},
	{name: "the namespace is not bound", in: "namespace", form: func(_ string, key []byte) form { return withKey("", key) }},
	{name: "the key is not the deployment's", in: "deployment", form: func(namespace string, _ []byte) form { return withKey(namespace, key(1)) }},
	{name: "the key is that of the program", in: "deployment own-key", form: func(namespace string, _ []byte) form { return withKey(namespace, key(99)) }},
	{name: "another form will do", in: "checksum", form: func(namespace string, key []byte) form { return either{withKey(namespace, key), newChecked(namespace)} }},
	{name: "checked", in: "checksum sum deployment", form: func(namespace string, _ []byte) form { return newChecked(namespace) }},
}

// An either form takes what another form takes, too.
type either struct {
	form
	other form
}

func (f either) open(id store.ID, b []byte) []byte {
	if body := f.form.open(id, b); body != nil {
		return body
	}
	return f.other.open(id, b)
}

// TestAttacks: ATK-1. Nothing that was not made by the deployment, for its namespace, for the slot, and as it is, is read; and
// each part that makes it so is missed.
func TestAttacks(t *testing.T) {
	const end, later = 1 << 20, 9_000_000
	mine, foreign := key(1), make([]byte, 32)
	_, _ = rand.Read(foreign)
	for _, s := range schemes {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			read := s.read
			if read == nil {
				read = decode
			}
			must := func(b []byte, err error) []byte {
				if err != nil {
					t.Fatal(err)
				}
				return b
			}
			here := s.form("shop", mine)
			victim := record()
			other := victim.Clone()
			other.ID = store.NewID(victim.CreatedAt)
			genuine := must(encode(here, victim, end))
			if r, at, ok := read(here, victim.ID, genuine); !ok || at != end || r.User != "ann" {
				t.Fatalf("the genuine copy: got %+v, %d, %t", r, at, ok)
			}
			admin := victim.Clone()
			admin.User = "eve"
			head, tail := here.room()
			// forge puts a body of the attacker's into the genuine copy.
			forge := func(r *store.Record, notAfter int64) []byte {
				b := binary.BigEndian.AppendUint64(slices.Clone(genuine[:head]), uint64(notAfter))
				return append(store.AppendRecord(b, r), genuine[len(genuine)-tail:]...)
			}
			zero := forge(admin, end)
			clear(zero[len(zero)-min(tail, tagSize):])
			// GMAC and checksums are linear: three copies with one nonce are a fourth.
			sum := slices.Clone(genuine)
			subtle.XORBytes(sum, sum, must(encode(here, victim, end|1<<21)))
			subtle.XORBytes(sum, sum, must(encode(here, victim, end|1<<22)))
			var in []string
			for _, a := range []struct {
				name string
				copy []byte
			}{
				{"checksum", must(encode(newChecked("shop"), admin, end))},
				{"zero-code", zero},
				{"altered", forge(admin, end)},
				{"prolonged", forge(victim, later)},
				{"sum", sum},
				{"slot", must(encode(here, other, end))},
				{"namespace", must(encode(s.form("another", mine), victim, later))},
				{"deployment", must(encode(s.form("shop", foreign), admin, end))},
				{"own-key", must(encode(withKey("shop", key(99)), admin, end))},
			} {
				// A copy in another slot is the one that is not the victim's.
				if r, at, ok := read(here, victim.ID, a.copy); ok && (r.User != victim.User || at != end || r.ID != victim.ID) {
					in = append(in, a.name)
				}
			}
			if got := strings.Join(in, " "); got != s.in {
				t.Errorf("got in: %q, want %q", got, s.in)
			}
		})
	}
}
