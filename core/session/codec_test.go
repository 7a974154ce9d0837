package session

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
)

type panics struct{ How string }

func (p panics) MarshalJSON() ([]byte, error) { panic("cannot marshal") }
func (p *panics) UnmarshalJSON([]byte) error  { panic("cannot unmarshal") }

type refuses struct{}

func (refuses) MarshalJSON() ([]byte, error) { return nil, errors.New("refused") }

// TestUnencodable: BAD-43. A value that cannot be encoded fails the commit with an error that names the key, and nothing
// of the request is stored; no panic gets out.
func TestUnencodable(t *testing.T) {
	t.Parallel()
	cyclic := map[string]any{}
	cyclic["self"] = cyclic
	type node struct{ Next *node }
	loop := new(node)
	loop.Next = loop
	st := new(spy)
	m := manager(t, st, Config{})
	for name, value := range map[string]any{
		"NaN": math.NaN(), "Inf": math.Inf(1), "-Inf": math.Inf(-1), "chan": make(chan int), "func": func() {},
		"cyclic map": cyclic, "cyclic pointer": loop, "panic": panics{},
		"error": refuses{}, "map key": map[struct{}]int{{}: 1}, "complex": complex(1, 2), "raw": json.RawMessage("{"),
		"in a slice": []any{1, math.NaN()},
	} {
		for op, f := range map[string]func(Session){
			"Set":    func(s Session) { Key[any]("odd").Set(s, value) },
			"Update": func(s Session) { Key[any]("odd").Update(s, func(any) any { return value }) },
		} {
			v := visitor{t: t, m: m}
			_, err := v.try(func(s Session) {
				Key[string]("good").Set(s, "x")
				f(s)
				s.Login("alice")
				if s.Err() == nil {
					t.Errorf("%s %s: Err is nil", op, name)
				}
			})
			if err == nil || !strings.Contains(err.Error(), `"odd"`) || v.token != "" {
				t.Errorf("%s %s: got %v, token %t; want an error that names the key, and no token", op, name, err, v.token != "")
			}
		}
	}
	if st.count() != 0 {
		t.Errorf("%d store calls, want none", st.count())
	}
}

// TestUnencodableKeepsOld: BAD-43. What was stored before stays.
func TestUnencodableKeepsOld(t *testing.T) {
	t.Parallel()
	v := visitor{t: t, m: manager(t, new(spy), Config{})}
	v.do(func(s Session) { Key[float64]("f").Set(s, 1) })
	if _, err := v.try(func(s Session) { Key[float64]("f").Set(s, math.NaN()); Key[int]("n").Set(s, 1) }); err == nil {
		t.Fatal("NaN is stored")
	}
	v.do(func(s Session) {
		if f := Key[float64]("f").Get(s); f != 1 || Key[int]("n").Has(s) {
			t.Errorf("got %v, other value %t; want 1 and none", f, Key[int]("n").Has(s))
		}
	})
}

// TestOddValues: BAD-43, BAD-44. Values at the edge of JSON come back as they were: a nil map, integers beyond 2^53,
// fields that are not exported left out.
func TestOddValues(t *testing.T) {
	t.Parallel()
	v := visitor{t: t, m: manager(t, new(spy), Config{})}
	type partly struct {
		A int
		b int
	}
	const big = 1<<53 + 1
	v.do(func(s Session) {
		Key[map[string]int]("nil map").Set(s, nil)
		Key[[]byte]("bytes").Set(s, []byte{0, 0xff})
		Key[int64]("big").Set(s, big)
		Key[int64]("least").Set(s, math.MinInt64)
		Key[uint64]("most").Set(s, math.MaxUint64)
		Key[partly]("partly").Set(s, partly{1, 2})
		Key[*int]("nil").Set(s, nil)
		Key[map[string]int64]("in a map").Set(s, map[string]int64{"n": big})
		Key[int64]("counted").Set(s, big)
	})
	v.do(func(s Session) { Key[int64]("counted").Update(s, func(n int64) int64 { return n + 1 }) })
	v.do(func(s Session) {
		if m, ok := Key[map[string]int]("nil map").Lookup(s); m != nil || !ok {
			t.Errorf("nil map: got %v, %t", m, ok)
		}
		got := fmt.Sprint(Key[[]byte]("bytes").Get(s), Key[int64]("big").Get(s), Key[int64]("least").Get(s), Key[uint64]("most").Get(s),
			Key[partly]("partly").Get(s), Key[*int]("nil").Get(s), Key[map[string]int64]("in a map").Get(s), Key[int64]("counted").Get(s))
		if want := "[0 255] 9007199254740993 -9223372036854775808 18446744073709551615 {1 0} <nil> map[n:9007199254740993] 9007199254740994"; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		if raw := Key[json.RawMessage]("big").Get(s); string(raw) != "9007199254740993" {
			t.Errorf("raw: got %s", raw)
		}
	})
}

// TestSpoiledValue: BAD-45, CVE-40. A value that cannot be decoded counts as absent and is reported by its name; the
// other values, and who is signed in, do not suffer.
func TestSpoiledValue(t *testing.T) {
	t.Parallel()
	for name, raw := range map[string]string{
		"deep": strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000), "deep and open": strings.Repeat(`{"a":`, 20_000),
		"not JSON": "secret-text{", "empty": "", "NUL": "\x00", "other type": `"secret-text"`, "gob": "\x0c\xff\x81\x02\x01",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var events []Event
			st := new(spy)
			m := manager(t, st, Config{MaxData: 1 << 20, Observe: func(_ context.Context, e Event) { events = append(events, e) }})
			v := visitor{t: t, m: m}
			v.do(func(s Session) { s.Login("alice"); Key[int]("other").Set(s, 7) })
			spoil(t, st, v.token, func(d data) data { return d.with("bad", []byte(raw)) })
			events = nil
			v.do(func(s Session) {
				if n, ok := Key[[]int]("bad").Lookup(s); n != nil || ok {
					t.Errorf("Lookup = %v, %t; want none", n, ok)
				}
				if got := Key[[]int]("bad").GetOr(s, []int{3}); len(got) != 1 || !Key[[]int]("bad").Has(s) {
					t.Errorf("GetOr = %v, want the default, and Has", got)
				}
				if s.User() != "alice" || Key[int]("other").Get(s) != 7 || s.Err() != nil {
					t.Errorf("user %q, other value %d, Err %v", s.User(), Key[int]("other").Get(s), s.Err())
				}
			})
			if len(events) == 0 {
				t.Fatal("no event")
			}
			for _, e := range events {
				if e.Kind != ValueCorrupt || e.Reason != "bad" || e.User != "alice" || !errors.Is(e.Err, ErrCorrupt) || strings.Contains(fmt.Sprintf("%+v", e), "secret-text") {
					t.Errorf("event %+v, want ValueCorrupt of bad, without the data", e)
				}
			}
			if _, err := v.try(func(s Session) { Key[[]int]("bad").Update(s, func(n []int) []int { return append(n, 1) }) }); !errors.Is(err, ErrCorrupt) {
				t.Errorf("Update: got %v, want ErrCorrupt", err)
			}
			v.do(func(s Session) { Key[int]("other").Set(s, 8) })
			v.do(func(s Session) { Key[[]int]("bad").Set(s, []int{1}) })
			v.do(func(s Session) {
				if got := fmt.Sprint(Key[[]int]("bad").Get(s), Key[int]("other").Get(s)); got != "[1] 8" {
					t.Errorf("after Set: got %s, want [1] 8", got)
				}
			})
		})
	}
}

// TestDuplicateJSONKeys: BAD-45. Of an object's equal keys the last one wins, and nothing else is touched.
func TestDuplicateJSONKeys(t *testing.T) {
	t.Parallel()
	st := new(spy)
	v := visitor{t: t, m: manager(t, st, Config{})}
	v.do(func(s Session) { s.Login("alice") })
	spoil(t, st, v.token, func(d data) data { return d.with("m", []byte(`{"a":1,"a":2}`)).with("n", []byte("7")) })
	v.do(func(s Session) {
		if got := fmt.Sprintf("%v %d %s", Key[map[string]int]("m").Get(s), Key[int]("n").Get(s), s.User()); got != "map[a:2] 7 alice" {
			t.Errorf("got %s", got)
		}
	})
}

// spoil changes the stored values of the session that token opens, behind its manager's back.
func spoil(t *testing.T, st *spy, token string, f func(data) data) {
	t.Helper()
	id := idOf(token)
	r, err := st.Store.Load(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	r.Data = f(r.Data)
	if err := st.Store.Save(t.Context(), r); err != nil {
		t.Fatal(err)
	}
}

// TestDecodePanic: BAD-43, CVE-40. A panic of an UnmarshalJSON is contained like any other error.
func TestDecodePanic(t *testing.T) {
	t.Parallel()
	v := visitor{t: t, m: manager(t, new(spy), Config{})}
	v.do(func(s Session) { Key[string]("p").Set(s, "x"); Key[int]("n").Set(s, 7) })
	v.do(func(s Session) {
		if _, ok := Key[panics]("p").Lookup(s); ok || Key[int]("n").Get(s) != 7 {
			t.Errorf("Lookup ok %t, other value %d", ok, Key[int]("n").Get(s))
		}
	})
}

// TestValuesAreCopied: BAD-47. Values are encoded when they are set: what happens to a slice or map afterwards changes
// nothing, neither before the commit nor after it, and what Get returns belongs to the caller.
func TestValuesAreCopied(t *testing.T) {
	t.Parallel()
	v := visitor{t: t, m: manager(t, new(spy), Config{})}
	list, table, raw := []string{"a"}, map[string]int{"n": 1}, json.RawMessage(`"raw"`)
	check := func(s Session) {
		t.Helper()
		got := fmt.Sprintf("%v %v %s", Key[[]string]("list").Get(s), Key[map[string]int]("table").Get(s), Key[json.RawMessage]("raw").Get(s))
		if want := `[a] map[n:1] "raw"`; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	spoilCopies := func(s Session) {
		Key[[]string]("list").Get(s)[0] = "b"
		Key[map[string]int]("table").Get(s)["n"] = 2
		copy(Key[json.RawMessage]("raw").Get(s), "#####")
	}
	v.do(func(s Session) {
		Key[[]string]("list").Set(s, list)
		Key[map[string]int]("table").Set(s, table)
		Key[json.RawMessage]("raw").Set(s, raw)
		list[0], table["n"] = "b", 2
		copy(raw, "#####")
		check(s)
		spoilCopies(s)
		check(s)
	})
	v.do(func(s Session) { check(s); spoilCopies(s); check(s) })
}

// TestConcurrentUse: BAD-47. Goroutines of one request may share its session.
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	v := visitor{t: t, m: manager(t, new(spy), Config{})}
	v.do(func(s Session) { Key[int]("count").Set(s, 0) })
	v.do(func(s Session) {
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				for j := range 20 {
					Key[int]("count").Update(s, func(n int) int { return n + 1 })
					k := Key[[]int](fmt.Sprint("k", i))
					k.Set(s, []int{j})
					if got := k.Get(s); len(got) != 1 || got[0] != j {
						t.Errorf("got %v, want [%d]", got, j)
					}
					k.Has(s)
					Key[string]("text").Pop(s)
					for range s.Keys() {
						break
					}
					_, _, _, _ = s.Info(), s.User(), s.ID(), s.Err()
				}
				s.Rotate()
			})
		}
		wg.Wait()
	})
	v.do(func(s Session) {
		if n := Key[int]("count").Get(s); n != 160 {
			t.Errorf("counted to %d, want 160: increments were lost", n)
		}
	})
}

// The short way to a string finds what encoding/json finds.
func TestJSONStrings(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`""`, `"a"`, `"a b/<>&'"`, `"ä"`, "\"\xff\"", `"\u0041"`, `"a\"b"`, `"a"b"`, `"\\"`, `"\"`, "\"\t\"", "\"\x7f\"", `"`, ``, ` "a"`, `"a" `, `null`, `1`,
		`a"`, `"a`, `'a'`,
	} {
		got, want := "before", "before"
		err, wantErr := JSON{}.Decode([]byte(text), &got), json.Unmarshal([]byte(text), &want)
		if got != want || (err == nil) != (wantErr == nil) {
			t.Errorf("Decode(%q) = %q, %v; encoding/json has %q, %v", text, got, err, want, wantErr)
		}
	}
}
