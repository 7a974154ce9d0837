package session

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"
)

// asMap reads d the slow way.
func (d data) asMap() map[string]string {
	m := map[string]string{}
	for n, v := range d.all() {
		m[string(n)] = string(v)
	}
	return m
}

// TestDataAgainstMap applies random changes to data and to a map: they stay the same, and no step modifies what an
// earlier one returned.
func TestDataAgainstMap(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		var d data
		model := map[string]string{}
		for step := range 100 {
			name := fmt.Sprint("n", r.IntN(8))
			value := strings.Repeat("v", r.IntN(300))
			before, copied := d, bytes.Clone(d)
			c := change{op: opSet, name: name, value: []byte(value)}
			switch r.IntN(20) {
			case 0:
				c = change{op: opClear}
				clear(model)
			case 1, 2, 3, 4, 5:
				c = change{op: opDelete, name: name}
				delete(model, name)
			case 6, 7, 8, 9:
				want, has := model[name]
				c = change{op: opUpdate, name: name, fn: func(old []byte, ok bool) ([]byte, error) {
					if ok != has || string(old) != want {
						t.Errorf("update gets %.20q, %t; want %.20q, %t", old, ok, want, has)
					}
					return append([]byte("u"), old...), nil
				}}
				model[name] = "u" + want
			default:
				model[name] = value
			}
			next, err := applyAll(d, []change{c})
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(before, copied) {
				t.Fatalf("step %d modified its input", step)
			}
			d = next
			if got := d.asMap(); !maps.Equal(got, model) || !d.valid() {
				t.Fatalf("step %d: valid %t, got %d values, want %d", step, d.valid(), len(got), len(model))
			}
			for n, want := range model {
				if v, ok := d.get(n); !ok || string(v) != want || cap(v) != len(v) {
					t.Fatalf("get(%s): got %d bytes, cap %d, %t; want %d", n, len(v), cap(v), ok, len(want))
				}
			}
		}
	}
}

func malformedData() [][]byte {
	huge := binary.AppendUvarint([]byte{dataVersion}, 1<<63)
	good := data(nil).with("name", []byte("value"))
	return [][]byte{
		{0}, {2}, {0xff}, {dataVersion, 1}, {dataVersion, 1, 'a'}, {dataVersion, 1, 'a', 5}, {dataVersion, 0}, huge,
		append(huge, huge...), append([]byte{dataVersion, 1, 'a'}, huge[1:]...), good[:len(good)-1], append(bytes.Clone(good), 1),
		append([]byte{dataVersion}, bytes.Repeat([]byte{0xff}, 20)...), []byte("null"), []byte("{}"), []byte("None"),
		append(binary.AppendUvarint([]byte{dataVersion}, 1<<64-1), "abc"...),
	}
}

// TestDataMalformed: CVE-41, BAD-48. Data that cannot be read to its end is not valid; what reads it all the same neither
// panics nor allocates for a length that is a lie.
func TestDataMalformed(t *testing.T) {
	for _, b := range malformedData() {
		d := data(b)
		if d.valid() {
			t.Errorf("%.40x is valid", b)
		}
		if n := testing.AllocsPerRun(1, func() {
			d.valid()
			d.get("a")
			for range d.all() {
				continue
			}
		}); n != 0 {
			t.Errorf("%.40x: %v allocations", b, n)
		}
		if out := d.with("a", []byte("b")); cap(out) > len(b)+100 || len(out) > len(b)+10 {
			t.Errorf("%.40x: with returns %d bytes, cap %d", b, len(out), cap(out))
		}
	}
	for _, b := range [][]byte{nil, {}, {dataVersion}, {dataVersion, 0, 0}} {
		if !data(b).valid() {
			t.Errorf("%x is not valid", b)
		}
	}
}

// FuzzData: CVE-40, CVE-41. Any bytes can be asked; valid ones keep what a change does not touch.
func FuzzData(f *testing.F) {
	f.Add([]byte(nil), "a", []byte("b"))
	f.Add([]byte(data(nil).with("a", []byte("1")).with("b", nil)), "a", []byte("2"))
	for _, b := range malformedData() {
		f.Add(b, "name", []byte("x"))
	}
	f.Fuzz(func(t *testing.T, b []byte, name string, value []byte) {
		d := data(b)
		old := d.asMap()
		next := d.with(name, value)
		if v, ok := next.get(name); !ok || !bytes.Equal(v, value) || !next.valid() || len(next) > len(b)+len(name)+len(value)+21 {
			t.Errorf("with(%q): got %q, %t, valid %t, %d bytes", name, v, ok, next.valid(), len(next))
		}
		gone := next.without(name, 0)
		if _, ok := gone.get(name); ok {
			t.Errorf("without(%q) has it still", name)
		}
		delete(old, name)
		if d.valid() && !maps.Equal(gone.asMap(), old) {
			t.Errorf("the other values: got %q, want %q", gone.asMap(), old)
		}
	})
}

// TestNames: BAD-46, SEC-40. Names that a store, a log or this package could trip over are refused, and nothing is
// stored.
func TestNames(t *testing.T) {
	t.Parallel()
	st := new(spy)
	m := manager(t, st, Config{})
	for _, name := range []string{
		"", strings.Repeat("n", 10<<10), strings.Repeat("n", 129), "\x00", "a\x00b", "a\nb", "\x1b[31m", "a\x7fb", "a\u0085b",
		"_", "_user", "__proto__", "a\xffb", "\xff",
	} {
		for op, f := range map[string]func(Session){
			"Set":    func(s Session) { Key[int](name).Set(s, 1) },
			"Update": func(s Session) { Key[int](name).Update(s, func(n int) int { return n + 1 }) },
		} {
			v := visitor{t: t, m: m}
			if _, err := v.try(func(s Session) {
				f(s)
				if s.Err() == nil || Key[int](name).Has(s) {
					t.Errorf("%s(%.20q): Err %v, has it %t", op, name, s.Err(), Key[int](name).Has(s))
				}
			}); err == nil || len(err.Error()) > 1000 || strings.ContainsAny(err.Error(), "\x00\n\x1b\x7f") {
				t.Errorf("%s(%.20q): got error %v, want a short and clean one", op, name, err)
			}
		}
	}
	if st.count() != 0 {
		t.Errorf("%d store calls, want none", st.count())
	}
	v := visitor{t: t, m: m}
	for _, name := range []string{"a", strings.Repeat("n", 128), "a_", "Größe", "a b", "a.b/c", "購物車", "-", "None", "null"} {
		v.do(func(s Session) { Key[string](name).Set(s, name) })
		v.do(func(s Session) {
			if got := Key[string](name).Get(s); got != name {
				t.Errorf("%q: got %q", name, got)
			}
		})
	}
}
