package session

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// TestKey walks through every method, before and after the commit.
func TestKey(t *testing.T) {
	t.Parallel()
	const n, absent Key[int] = "n", "absent"
	const text Key[string] = "text"
	v := visitor{t: t, m: manager(t, new(spy), Config{})}
	state := func(s Session) string {
		x, ok := n.Lookup(s)
		return fmt.Sprintf("%d %d %t %d %t %q %t %v", n.Get(s), x, ok, n.GetOr(s, 9), n.Has(s), text.Get(s), text.Has(s), slices.Sorted(s.Keys()))
	}
	want := func(s Session, what, want string) {
		t.Helper()
		if got := state(s); got != want || s.Err() != nil {
			t.Errorf("%s: got %s, Err %v\nwant %s", what, got, s.Err(), want)
		}
	}
	const none, both = `0 0 false 9 false "" false []`, `1 1 true 1 true "x" true [n text]`
	v.do(func(s Session) {
		want(s, "empty", none)
		if got := fmt.Sprint(absent.Get(s), absent.Pop(s), absent.Has(s)); got != "0 0 false" || !s.ID().IsZero() {
			t.Errorf("absent: got %s; ID %v, want none", got, s.ID())
		}
		absent.Delete(s)
		n.Set(s, 1)
		text.Set(s, "x")
		want(s, "set", both)
	})
	v.do(func(s Session) { want(s, "stored", both) })
	v.do(func(s Session) {
		n.Delete(s)
		want(s, "deleted", `0 0 false 9 false "x" true [text]`)
		n.Update(s, func(x int) int { return x + 5 })
		want(s, "updated", `5 5 true 5 true "x" true [n text]`)
	})
	v.do(func(s Session) {
		if got := text.Pop(s); got != "x" {
			t.Errorf("Pop = %q, want x", got)
		}
		want(s, "popped", `5 5 true 5 true "" false [n]`)
	})
	v.do(func(s Session) {
		want(s, "popped and stored", `5 5 true 5 true "" false [n]`)
		s.Clear()
		want(s, "cleared", none)
	})
	v.do(func(s Session) { want(s, "cleared and stored", none) })
	if v.token == "" {
		t.Error("clearing the values took the token back")
	}
}

// TestKeyRawMessage: a key of json.RawMessage reads and writes what others wrote, without their types.
func TestKeyRawMessage(t *testing.T) {
	t.Parallel()
	v := visitor{t: t, m: manager(t, new(spy), Config{})}
	v.do(func(s Session) {
		Key[map[string]int]("m").Set(s, map[string]int{"a": 1})
		Key[json.RawMessage]("raw").Set(s, json.RawMessage(` {"a" : 2} `))
	})
	v.do(func(s Session) {
		all := map[string]string{}
		for name := range s.Keys() {
			all[name] = string(Key[json.RawMessage](name).Get(s))
		}
		if want := map[string]string{"m": `{"a":1}`, "raw": `{"a":2}`}; !maps.Equal(all, want) {
			t.Errorf("got %v, want %v", all, want)
		}
		if got := Key[map[string]int]("raw").Get(s)["a"]; got != 2 {
			t.Errorf("typed: got %d, want 2", got)
		}
	})
}

// TestKeysWhileChanging: the loop over the names may change them.
func TestKeysWhileChanging(t *testing.T) {
	t.Parallel()
	v := visitor{t: t, m: manager(t, new(spy), Config{})}
	v.do(func(s Session) {
		for i := range 10 {
			Key[int](fmt.Sprint("k", i)).Set(s, i)
		}
		n := 0
		for name := range s.Keys() {
			Key[int](name).Delete(s)
			n++
		}
		if left := slices.Collect(s.Keys()); n != 10 || len(left) != 0 {
			t.Errorf("saw %d names, %v are left; want 10 and none", n, left)
		}
	})
}

// TestUpdateThatChanges: an Update whose function changes the session is refused instead of losing one of the changes.
func TestUpdateThatChanges(t *testing.T) {
	t.Parallel()
	st := new(spy)
	v := visitor{t: t, m: manager(t, st, Config{})}
	_, err := v.try(func(s Session) {
		Key[int]("n").Update(s, func(n int) int {
			Key[int]("other").Set(s, n)
			return n + 1
		})
	})
	if err == nil || !strings.Contains(err.Error(), `"n"`) || st.count() != 0 {
		t.Errorf("got %v after %d store calls, want an error that names the key, and none", err, st.count())
	}
	v.do(func(s Session) { Key[int]("other").Set(s, 4) })
	v.do(func(s Session) {
		Key[int]("n").Update(s, func(n int) int { return n + Key[int]("other").Get(s) + len(s.User()) }) // reading is fine
		if n := Key[int]("n").Get(s); n != 4 {
			t.Errorf("got %d, want 4", n)
		}
	})
}

// TestTooLarge: BAD-40. Values beyond the limit fail the commit with ErrTooLarge; what was stored stays, and so does what
// the request sees.
func TestTooLarge(t *testing.T) {
	t.Parallel()
	const k Key[string] = "k"
	for _, c := range []Config{{}, {MaxData: 1000}, {MaxData: 1000, Keys: [][]byte{bytes.Repeat([]byte("k"), 32)}}} {
		v := visitor{t: t, m: manager(t, new(spy), c)}
		most := v.m.cfg.MaxData
		v.do(func(s Session) { k.Set(s, "old") })
		for what, f := range map[string]func(Session){
			"one":    func(s Session) { k.Set(s, strings.Repeat("x", most)) },
			"update": func(s Session) { k.Update(s, func(old string) string { return old + strings.Repeat("x", most) }) },
			"many": func(s Session) {
				for i := range 101 {
					Key[string](fmt.Sprint("k", i)).Set(s, strings.Repeat("x", most/100))
				}
			},
			"with a login": func(s Session) { s.Login("alice"); k.Set(s, strings.Repeat("x", most)) },
		} {
			_, err := v.try(func(s Session) {
				f(s)
				if got := k.Get(s); got != "old" || !errors.Is(s.Err(), ErrTooLarge) {
					t.Errorf("%s: sees %.10q, Err %v; want the old value and ErrTooLarge", what, got, s.Err())
				}
			})
			if !errors.Is(err, ErrTooLarge) || strings.Contains(err.Error(), "xxx") {
				t.Errorf("%s: got %v, want ErrTooLarge", what, err)
			}
			v.do(func(s Session) {
				if got := fmt.Sprintf("%s %v %q", k.Get(s), slices.Collect(s.Keys()), s.User()); got != `old [k] ""` {
					t.Errorf("%s: stored is %.40q, want the old value alone", what, got)
				}
			})
		}
		longest := most
		for len(data(nil).with(string(k), make([]byte, longest+len(`""`)))) > most {
			longest--
		}
		v.do(func(s Session) { k.Set(s, strings.Repeat("x", longest)) })
		if _, err := v.try(func(s Session) { k.Set(s, strings.Repeat("x", longest+1)) }); !errors.Is(err, ErrTooLarge) {
			t.Errorf("one byte beyond the limit: got %v, want ErrTooLarge", err)
		}
	}
}

// TestCorruptData: BAD-48, CVE-40. A session whose stored values cannot be read still says whose it is; it refuses
// writes, so that nothing is wiped by mistake, until Clear repairs it.
func TestCorruptData(t *testing.T) {
	t.Parallel()
	for i, damage := range malformedData() {
		st := new(spy)
		v := visitor{t: t, m: manager(t, st, Config{})}
		v.do(func(s Session) { s.Login("alice"); Key[int]("n").Set(s, 7) })
		spoil(t, st, v.token, func(data) data { return damage })
		checkUnreadable(t, fmt.Sprintf("damage %d", i), &v, st, damage)
	}
}

// checkUnreadable checks a session of alice whose stored values are damage.
func checkUnreadable(t *testing.T, what string, v *visitor, st *spy, damage []byte) {
	t.Helper()
	id := idOf(v.token)
	const n Key[int] = "n"
	v.do(func(s Session) {
		if s.User() != "alice" || s.ID() != id || n.Has(s) || n.GetOr(s, 3) != 3 || len(slices.Collect(s.Keys())) != 0 || s.Err() != nil {
			t.Errorf("%s: user %q, has n %t, Err %v; want alice without values", what, s.User(), n.Has(s), s.Err())
		}
	})
	for op, f := range map[string]func(Session){
		"set":    func(s Session) { n.Set(s, 1) },
		"update": func(s Session) { n.Update(s, func(n int) int { return n + 1 }) },
	} {
		if _, err := v.try(f); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %s: got %v, want ErrCorrupt", what, op, err)
		}
	}
	v.do(func(s Session) { s.Reauthenticate(Level(2)) }) // what is not a value can still be saved
	v.do(func(s Session) { s.Rotate() })
	r, err := st.Store.Load(t.Context(), id)
	if err != nil || !bytes.Equal(r.Data, damage) {
		t.Errorf("%s: the stored values were changed (%v)", what, err)
	}
	v.do(func(s Session) { s.Clear(); n.Set(s, 1) })
	v.do(func(s Session) {
		if s.User() != "alice" || n.Get(s) != 1 {
			t.Errorf("%s: after Clear: user %q, n %d; want alice and 1", what, s.User(), n.Get(s))
		}
	})
}

// TestKeyAllocations: reading one of ten values allocates what decoding it does, and nothing else.
func TestKeyAllocations(t *testing.T) {
	v := visitor{t: t, m: manager(t, new(spy), Config{})}
	v.do(func(s Session) {
		for i := range 10 {
			Key[int](fmt.Sprint("key", i)).Set(s, i)
		}
	})
	const key Key[int] = "key7"
	b := []byte("7")
	decoding := testing.AllocsPerRun(100, func() {
		n := new(int)
		if err := v.m.cfg.Codec.Decode(b, n); err != nil {
			t.Fatal(err)
		}
	})
	v.do(func(s Session) {
		h := s.self()
		if n := testing.AllocsPerRun(100, func() { h.value("key7") }); n != 0 {
			t.Errorf("finding a value: %v allocations, want none", n)
		}
		if n := testing.AllocsPerRun(100, func() { key.Get(s) }); n > decoding {
			t.Errorf("Get: %v allocations, want the %v of decoding", n, decoding)
		}
		if n := testing.AllocsPerRun(100, func() { key.Has(s) }); n != 0 {
			t.Errorf("Has: %v allocations, want none", n)
		}
	})
}
