package session

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/qsessions/qsessions/core/memory"
)

type (
	address  struct{ Street string }
	textual  struct{ s string }
	wrapping struct{ Name string }
	hexed    struct{ B string }
	pointed  struct{ s string }
	name     string
	form     struct {
		address
		Name  string
		Seen  map[string]int
		Other any
		More  []*address
		By    map[textual]int
		Skip  string `json:"-"`
		Raw   json.RawMessage
		Bytes []byte
		inner string
	}
)

func (t textual) MarshalText() ([]byte, error)  { return []byte(t.s), nil }
func (p *pointed) MarshalText() ([]byte, error) { return []byte(p.s), nil }
func (w wrapping) MarshalJSON() ([]byte, error) {
	type plain wrapping
	return json.Marshal(plain(w))
}
func (h hexed) MarshalJSON() ([]byte, error) { return fmt.Appendf(nil, `"%x"`, h.B), nil }

// TestTextThatIsNotUTF8: RPT-32. Set and Update of a value fail that has text which JSON would change in silence, wherever it
// is in the value; what JSON carries is kept.
func TestTextThatIsNotUTF8(t *testing.T) {
	t.Parallel()
	const bad = "M\xfcller"
	const good = "M\u00fcller \ufffd \\ufffd \x00 <&>"
	same := &wrapping{bad}
	for name, c := range map[string]struct {
		v    any
		kept bool
	}{
		"string":                        {bad, false},
		"field":                         {form{Name: bad}, false},
		"pointer":                       {&form{Name: bad}, false},
		"embedded":                      {form{address: address{bad}}, false},
		"nested":                        {form{More: []*address{nil, {"x"}, {bad}}}, false},
		"any":                           {form{Other: map[string]any{"a": []any{1, bad}}}, false},
		"key":                           {form{Seen: map[string]int{bad: 1}}, false},
		"keys that become one":          {map[string]int{"\xff": 1, "\xfe": 2}, false},
		"key that is a text":            {form{By: map[textual]int{{bad}: 1}}, false},
		"array":                         {[2]string{"x", bad}, false},
		"MarshalText":                   {textual{bad}, false},
		"MarshalText of a pointer":      {[]pointed{{bad}}, false},
		"MarshalJSON by json.Marshal":   {wrapping{bad}, false},
		"raw":                           {json.RawMessage(`"` + bad + `"`), false},
		"raw in a struct":               {form{Raw: json.RawMessage(`"` + bad + `"`)}, false},
		"beside a good one":             {[]string{good, bad}, false},
		"a tree, to be refused":         {tree(3, bad), false},
		"cut off":                       {"\u00fc"[:1], false},
		"a surrogate":                   {"\xed\xa0\x80", false},
		"good":                          {good, true},
		"good, everywhere":              {form{Name: good, Seen: map[string]int{good: 1}, Other: good, By: map[textual]int{{good}: 1}}, true},
		"bytes":                         {[]byte(bad), true},
		"bytes in a struct":             {form{Bytes: []byte(bad), Name: good}, true},
		"not encoded":                   {form{Skip: bad, inner: bad, Name: good}, true},
		"MarshalJSON that carries it":   {[]any{hexed{bad}, good}, true},
		"raw, with a replacement":       {json.RawMessage(`"\ufffd"`), true},
		"nil":                           {[]any{nil, (*form)(nil), error(nil), good}, true},
		"numbers":                       {[]any{1, 2.5, true, good}, true},
		"a pointer to a pointer, of it": {ptr(ptr(bad)), false},
		"embedded, and not encoded": {struct {
			name
			V string
		}{bad, good}, true},
		"the same one twice": {[]*wrapping{same, same}, false},
	} {
		set := func(s Session) { Key[any]("v").Set(s, c.v) }
		update := func(s Session) { Key[any]("v").Update(s, func(any) any { return c.v }) }
		for way, f := range map[string]func(Session){"Set": set, "Update": update} {
			b := newBrowser(t, newManager(t, new(memory.Store), Config{}))
			err := b.attempt(f)
			if (err == nil) != c.kept || !c.kept && !errors.Is(err, errText) {
				t.Errorf("%s: %s: got %v", name, way, err)
			}
			if err != nil && strings.Contains(err.Error(), "ller") {
				t.Errorf("%s: %s: the error holds the value", name, way)
			}
			if (err == nil) != (b.cookie != "") {
				t.Errorf("%s: %s: error %v, but cookie %q", name, way, err, b.cookie)
			}
		}
	}
	b := newBrowser(t, newManager(t, new(memory.Store), Config{}))
	b.do(func(s Session) { Key[string]("v").Set(s, good); Key[[]byte]("b").Set(s, []byte(bad)) })
	b.do(func(s Session) {
		if got := Key[string]("v").Get(s); got != good {
			t.Errorf("got %q, want %q", got, good)
		}
		if got := Key[[]byte]("b").Get(s); string(got) != bad {
			t.Errorf("got %q, want %q", got, bad)
		}
	})
}

func ptr[T any](v T) *T { return &v }

// TestUserThatIsNotText: RPT-32, RPT-12. A user that some database cannot hold as text is refused everywhere, before a store
// is asked.
func TestUserThatIsNotText(t *testing.T) {
	t.Parallel()
	db := new(counting)
	m := newManager(t, db, Config{})
	for _, user := range []string{"\xff", "a\x00b", "", strings.Repeat("x", 256)} {
		b := newBrowser(t, m)
		if err := b.attempt(func(s Session) { s.Login(user) }); err == nil {
			t.Errorf("Login(%q) is accepted", user)
		}
		if _, err := m.RevokeUser(t.Context(), user); err == nil {
			t.Errorf("RevokeUser(%q) is accepted", user)
		}
		if err := m.Revoke(t.Context(), user, ID{1}); err == nil || errors.Is(err, ErrNotFound) {
			t.Errorf("Revoke(%q): %v", user, err)
		}
		if _, err := Collect(m.Sessions(t.Context(), user)); err == nil {
			t.Errorf("Sessions(%q) is accepted", user)
		}
		if user == "" {
			continue
		}
		if all, err := Collect(m.Find(t.Context(), Query{User: user})); err != nil || len(all) != 0 {
			t.Errorf("Find(%q): %v, %v", user, all, err)
		}
	}
	if n := db.total(); n != 0 {
		t.Errorf("the store was asked %d times", n)
	}
	for _, name := range []string{"\xff", "a\x00", ""} {
		if err := newBrowser(t, m).attempt(func(s Session) { Key[int](name).Set(s, 1) }); err == nil {
			t.Errorf("a value named %q is accepted", name)
		}
	}
}

// node is of a tree that leads back to its root, which its JSON leaves out.
type node struct {
	Name     string
	Parent   *node
	Children []*node
}

// MarshalJSON implements [json.Marshaler].
func (n *node) MarshalJSON() ([]byte, error) {
	encodings.Add(1)
	return json.Marshal(struct {
		Name     string
		Children []*node
	}{n.Name, n.Children})
}

var encodings atomic.Int64 // of nodes

func tree(depth int, name string) *node {
	root := &node{Name: "\ufffd"}
	n := root
	for range depth {
		n.Children = []*node{{Name: "x", Parent: n}, {Name: "\ufffd", Parent: n}}
		n = n.Children[1]
	}
	n.Name = name
	return root
}

// TestTextOfTrees: RPT-32. A value that refers to itself, but for its JSON, is looked at once, whatever text a client has sent
// for it, and its methods are called once more at the most.
func TestTextOfTrees(t *testing.T) {
	big := tree(100, "\ufffd")
	encodings.Store(0)
	if _, err := json.Marshal(big); err != nil {
		t.Fatal(err)
	}
	once := encodings.Swap(0)
	if _, err := (JSON{}).Encode(big); err != nil {
		t.Error(err)
	}
	if n := encodings.Load(); n > 2*once {
		t.Errorf("%d calls of MarshalJSON, where json.Marshal needs %d", n, once)
	}
	if _, err := (JSON{}).Encode(tree(100, "\xff")); !errors.Is(err, errText) {
		t.Errorf("got %v", err)
	}
}

// guarded is a value that its lock protects.
type guarded struct {
	mu sync.Mutex
	M  map[string]string
}

// MarshalJSON implements [json.Marshaler].
func (g *guarded) MarshalJSON() ([]byte, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return json.Marshal(g.M)
}

// TestTextUnderLock: RPT-32. What a value protects by a lock is not read without it.
func TestTextUnderLock(t *testing.T) {
	t.Parallel()
	g := &guarded{M: map[string]string{"x": "\ufffd"}}
	var wg sync.WaitGroup
	wg.Go(func() {
		for range 1000 {
			g.mu.Lock()
			g.M["x"] += "\ufffd"
			g.mu.Unlock()
		}
	})
	for range 100 {
		if _, err := (JSON{}).Encode(g); err != nil {
			t.Error(err)
		}
	}
	wg.Wait()
}
