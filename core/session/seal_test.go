package session

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

func newKey() []byte {
	k := make([]byte, 32)
	_, _ = rand.Read(k)
	return k
}

func testSealer(t testing.TB, plain bool, keys ...[]byte) *sealer {
	t.Helper()
	s, err := newSealer(keys, plain)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestSeal: CVE-39. What is sealed is opened again in the same row, with the same key, and shows nothing of the values.
func TestSeal(t *testing.T) {
	t.Parallel()
	s := testSealer(t, false, newKey())
	id := store.NewID(time.Now())
	d := data(nil).with("name", []byte("legible text"))
	seen := map[string]bool{}
	for range 100 {
		b, err := s.seal(id, d)
		if err != nil || bytes.Contains(b, []byte("legible")) || bytes.Contains(b, []byte("name")) || seen[string(b[5:])] {
			t.Fatalf("seal: %v, or it is legible, or the same as before: %x", err, b)
		}
		seen[string(b[5:])] = true
		if got, err := s.open(id, b); err != nil || !bytes.Equal(got, d) {
			t.Fatalf("open = %q, %v; want %q", got, err, d)
		}
	}
	if b, err := s.seal(id, nil); err != nil || len(b) != 0 {
		t.Errorf("no values are sealed as %x, %v; want nothing", b, err)
	}
}

// TestOpenRefuses: CVE-39. Whatever is not what this row's key sealed is ErrCorrupt: a flipped bit, a cut, another row,
// another key, and above all plain data, which no failure falls back to.
func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	key := newKey()
	s := testSealer(t, false, key)
	id := store.NewID(time.Now())
	d := data(nil).with("name", []byte("value"))
	b, err := s.seal(id, d)
	if err != nil {
		t.Fatal(err)
	}
	refuse := func(what string, s *sealer, id store.ID, b []byte) {
		t.Helper()
		if got, err := s.open(id, b); got != nil || !errors.Is(err, ErrCorrupt) || strings.Contains(err.Error(), "value") {
			t.Errorf("%s: open = %q, %v; want ErrCorrupt", what, got, err)
		}
	}
	for i := range len(b) * 8 {
		c := bytes.Clone(b)
		c[i/8] ^= 1 << (i % 8)
		refuse(fmt.Sprint("bit ", i), s, id, c)
	}
	for i := 1; i < len(b); i++ {
		refuse(fmt.Sprint("cut at ", i), s, id, b[:i])
	}
	refuse("longer", s, id, append(bytes.Clone(b), 0))
	refuse("another row", s, store.NewID(time.Now()), b)
	refuse("another key", testSealer(t, false, newKey()), id, b)
	refuse("no key", nil, id, b)
	refuse("plain data", s, id, d)
	refuse("plain data without values", s, id, data{dataVersion})
	old := testSealer(t, true, newKey())
	refuse("another key, plain data allowed", old, id, b)
	refuse("damaged plain data", old, id, d[:len(d)-1])
	if got, err := old.open(id, d); err != nil || !bytes.Equal(got, d) {
		t.Errorf("ReadPlaintext: open = %q, %v", got, err)
	}
	// A value that was sealed, but is no data, is refused as well.
	junk, err := s.seal(id, data("not data"))
	if err != nil {
		t.Fatal(err)
	}
	refuse("sealed junk", s, id, junk)
}

// TestKeyRotation: CVE-39. A new key in front opens what the old one sealed, and seals what is saved from then on; data
// from before encryption is read only if that was asked for, and is sealed with the next save.
func TestKeyRotation(t *testing.T) {
	t.Parallel()
	const n Key[int] = "n"
	a, b := newKey(), newKey()
	st := new(spy)
	v := visitor{t: t, m: manager(t, st, Config{})}
	v.do(func(s Session) { s.Login("alice"); n.Set(s, 1) })
	use := func(c Config, want, next int) {
		t.Helper()
		v.m = manager(t, st, c)
		v.do(func(s Session) {
			if got := n.Get(s); got != want || s.User() != "alice" {
				t.Errorf("got %d of %q, want %d of alice", got, s.User(), want)
			}
			if next != 0 {
				n.Set(s, next)
			}
		})
	}
	use(Config{Keys: [][]byte{a}}, 0, 0) // plain data, which is not asked for
	use(Config{Keys: [][]byte{a}, ReadPlaintext: true}, 1, 0)
	use(Config{}, 1, 0) // reading has changed nothing
	use(Config{Keys: [][]byte{a}, ReadPlaintext: true}, 1, 2)
	use(Config{}, 0, 0) // sealed now
	use(Config{Keys: [][]byte{a}}, 2, 0)
	use(Config{Keys: [][]byte{b, a}}, 2, 0)
	use(Config{Keys: [][]byte{a}}, 2, 0)
	use(Config{Keys: [][]byte{b, a}}, 2, 3)
	use(Config{Keys: [][]byte{a}}, 0, 0) // sealed by b now
	use(Config{Keys: [][]byte{b}}, 3, 0)
}

// TestWrongKey: CVE-39, BAD-48. A manager with the wrong key refuses to write, and wipes nothing, until Clear.
func TestWrongKey(t *testing.T) {
	t.Parallel()
	for _, c := range []Config{{}, {Keys: [][]byte{newKey()}}, {Keys: [][]byte{newKey()}, ReadPlaintext: true}} {
		st := new(spy)
		v := visitor{t: t, m: manager(t, st, Config{Keys: [][]byte{newKey()}})}
		v.do(func(s Session) { s.Login("alice"); Key[int]("n").Set(s, 7) })
		id := idOf(v.token)
		r, err := st.Store.Load(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		right := v.m
		v.m = manager(t, st, c)
		if _, err := v.try(func(s Session) { Key[int]("n").Set(s, 8) }); !errors.Is(err, ErrCorrupt) {
			t.Errorf("Set: got %v, want ErrCorrupt", err)
		}
		v.m = right
		v.do(func(s Session) {
			if n := Key[int]("n").Get(s); n != 7 {
				t.Errorf("after a visit of the wrong key: got %d, want 7", n)
			}
		})
		v.m = manager(t, st, c)
		checkUnreadable(t, "wrong key", &v, st, r.Data)
	}
}

// TestMovedData: CVE-39. Sealed values that are put into another session's row do not open there.
func TestMovedData(t *testing.T) {
	t.Parallel()
	st := new(spy)
	m := manager(t, st, Config{Keys: [][]byte{newKey()}})
	alice, mallory := visitor{t: t, m: m}, visitor{t: t, m: m}
	alice.do(func(s Session) { s.Login("alice"); Key[bool]("admin").Set(s, true) })
	mallory.do(func(s Session) { s.Login("mallory"); Key[bool]("admin").Set(s, false) })
	var stolen data
	spoil(t, st, alice.token, func(d data) data { stolen = d; return d })
	spoil(t, st, mallory.token, func(data) data { return stolen })
	mallory.do(func(s Session) {
		if Key[bool]("admin").Get(s) || s.User() != "mallory" {
			t.Errorf("the values of alice open for %q", s.User())
		}
	})
	if _, err := mallory.try(func(s Session) { Key[int]("n").Set(s, 1) }); !errors.Is(err, ErrCorrupt) {
		t.Errorf("Set over moved values: got %v, want ErrCorrupt", err)
	}
	alice.do(func(s Session) {
		if !Key[bool]("admin").Get(s) {
			t.Error("alice has lost her values")
		}
	})
}

// FuzzOpen: CVE-39, CVE-41. Whatever is opened is either ErrCorrupt or valid data; without ReadPlaintext nothing that
// was not sealed opens.
func FuzzOpen(f *testing.F) {
	key := bytes.Repeat([]byte("k"), 32)
	id := store.NewID(time.UnixMilli(1))
	strict, lenient := testSealer(f, false, key), testSealer(f, true, key)
	d := data(nil).with("name", []byte("value"))
	sealed, err := strict.seal(id, d)
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(nil))
	f.Add([]byte(d))
	f.Add(sealed)
	f.Add(sealed[:sealHead])
	f.Add(append(bytes.Clone(sealed[:sealHead]), 0))
	for _, b := range malformedData() {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for name, s := range map[string]*sealer{"none": nil, "strict": strict, "lenient": lenient} {
			d, err := s.open(id, b)
			switch {
			case err != nil && (!errors.Is(err, ErrCorrupt) || d != nil):
				t.Errorf("%s: got %q, %v", name, d, err)
			case err == nil && !d.valid():
				t.Errorf("%s: %q is not valid", name, d)
			case err == nil && name == "strict" && len(b) > 0 && !bytes.Equal(b, sealed):
				t.Errorf("%x opens as %q", b, d)
			}
		}
	})
}
