package cacheddb

import (
	"bytes"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

func key(b byte) []byte { return bytes.Repeat([]byte{b}, 32) }

func must[F form](f F, err error) form {
	if err != nil {
		panic(err)
	}
	return f
}

func withKey(namespace string, key []byte) form { return must(newAuthenticated(namespace, key)) }

func withKeys(namespace string, keys ...[]byte) form { return must(newSealed(namespace, keys)) }

func TestCopy(t *testing.T) {
	for name, f := range map[string]form{
		"checked": newChecked(""), "checked, of a namespace": newChecked("shop"),
		"authenticated": withKey("", key(1)), "authenticated, of a namespace": withKey("shop", key(1)), "sealed": withKeys("shop", key(1)),
	} {
		for _, r := range []*store.Record{record(), {ID: store.NewID(time.Now()), Version: 1}} {
			b, err := encode(f, r, 123)
			if err != nil {
				t.Fatal(err)
			}
			got, notAfter, ok := decode(f, r.ID, b)
			if !ok || notAfter != 123 || !reflect.DeepEqual(got, r) {
				t.Errorf("%s: got %+v, %d, %t, want %+v", name, got, notAfter, ok, r)
			}
			if name == "sealed" && len(r.User) > 0 && bytes.Contains(b, []byte(r.User)) {
				t.Errorf("%s: the copy shows the user", name)
			}
			for i := range b { // CVE-20, FLT-6: each bit counts
				for bit := range 8 {
					bad := slices.Clone(b)
					bad[i] ^= 1 << bit
					if _, _, ok := decode(f, r.ID, bad); ok {
						t.Fatalf("%s: bit %d of byte %d of %d does not matter", name, bit, i, len(b))
					}
				}
				if _, _, ok := decode(f, r.ID, b[:i]); ok {
					t.Fatalf("%s: %d bytes of %d are a copy", name, i, len(b))
				}
			}
			if _, _, ok := decode(f, r.ID, append(slices.Clone(b), 0)); ok {
				t.Errorf("%s: a byte behind the copy does not matter", name)
			}
			if _, _, ok := decode(f, store.NewID(time.Now()), b); ok {
				t.Errorf("%s: a copy is good in the slot of another session", name)
			}
		}
	}
}

// CVE-23, CVE-24: a copy is good for those only who agree on the namespace and the keys.
func TestCopyForeign(t *testing.T) {
	r := record()
	forms := []form{
		newChecked(""), newChecked("a"), newChecked("b"), withKeys("", key(1)), withKeys("", key(2)), withKeys("a", key(1)),
		withKey("", key(1)), withKey("", key(2)), withKey("a", key(1)), withKey("b", key(1)),
	}
	for i, from := range forms {
		b, err := encode(from, r, 1)
		if err != nil {
			t.Fatal(err)
		}
		for j, to := range forms {
			if _, _, ok := decode(to, r.ID, b); ok != (i == j) {
				t.Errorf("a copy of form %d in form %d: ok %t", i, j, ok)
			}
		}
	}
	old, both, now := withKeys("", key(1)), withKeys("", key(2), key(1)), withKeys("", key(2))
	b, _ := encode(old, r, 1)
	if _, _, ok := decode(both, r.ID, b); !ok {
		t.Error("a copy from before a change of keys is lost")
	}
	b, _ = encode(both, r, 1)
	if _, _, ok := decode(now, r.ID, b); !ok {
		t.Error("a copy is not encrypted with the first key")
	}
}

// An authenticated copy costs no allocation but its own, and its check none.
func TestCopyAllocations(t *testing.T) {
	if underRace {
		t.Skip("the race detector makes pools forget")
	}
	f, r := withKey("shop", key(1)), record()
	b, err := encode(f, r, 1)
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() { _, _ = encode(f, r, 1) }); n > 1 {
		t.Errorf("encode: %v allocations, want 1", n)
	}
	if n := testing.AllocsPerRun(100, func() { _, _, _ = decode(f, r.ID, b) }); n > 3 {
		t.Errorf("decode: %v allocations, want 3, those of a record", n)
	}
}

// CVE-20, CVE-23, FLT-6: whatever the cache answers, a load returns what is in the database.
func TestCacheLies(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		r, other := w.create(), w.create()
		swapped, err := encode(w.form(), other, time.Now().Add(time.Minute).UnixMicro())
		w.ok(err)
		renamed := other.Clone()
		renamed.ID = r.ID
		forged, err := encode(w.form(), renamed, time.Now().Add(time.Minute).UnixMicro())
		w.ok(err)
		forged[len(forged)-1]++
		later := slices.Clone(swapped)
		later[0] = 9
		lies := [][]byte{{}, {0}, {1}, {2}, []byte("L12345678"), swapped, forged, later, bytes.Repeat([]byte{1}, 1<<20)}
		for i, lie := range lies {
			w.cache.answer = lie
			if got := w.load(w.a, r.ID); got.ID != r.ID || got.User != r.User || string(got.Secret) != string(r.Secret) {
				t.Errorf("lie %d: got %+v", i, got)
			}
			if n := w.db.took("Load"); n[0] != 1 {
				t.Errorf("lie %d: got %d loads of the database, want 1", i, n[0])
			}
		}
		if s := w.a.Stats(); s.Bad != uint64(len(lies)) || s.Hits != 0 {
			t.Errorf("got %d bad copies and %d hits, want %d and none", s.Bad, s.Hits, len(lies))
		}
		w.cache.answer = swapped
		w.ok(w.db.Store.Delete(w.Context(), r.ID))
		w.gone(w.a, r.ID)
	})
}

func FuzzDecode(f *testing.F) {
	forms, r := []form{newChecked(""), withKeys("", key(1)), withKey("", key(1))}, record()
	for _, form := range forms {
		b, err := encode(form, r, 1)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, form := range forms {
			before := slices.Clone(b)
			got, _, ok := decode(form, r.ID, b)
			if ok != (got != nil) || ok && got.ID != r.ID {
				t.Errorf("got %+v, %t", got, ok)
			}
			if !bytes.Equal(b, before) {
				t.Error("decode changed its argument")
			}
			_ = form.foreign(b)
		}
	})
}

func BenchmarkCopy(b *testing.B) {
	r := record()
	r.Data, r.UserAgent, r.Secret = make([]byte, 300), string(bytes.Repeat([]byte("a"), 110)), make([]byte, 100)
	for name, f := range map[string]form{"checked": newChecked(""), "authenticated": withKey("", key(1)), "sealed": withKeys("", key(1))} {
		c, err := encode(f, r, 1)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name+"/encode", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = encode(f, r, 1)
			}
		})
		b.Run(name+"/decode", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _, _ = decode(f, r.ID, c)
			}
		})
	}
}
