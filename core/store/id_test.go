package store

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestNewID(t *testing.T) {
	t.Parallel()
	// The layout of RFC 9562, section 5.7: 48 bits of milliseconds, version 7, variant 10.
	form := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	at := time.Date(2022, 2, 22, 19, 22, 22, 0, time.UTC) // the time of the example in the RFC, appendix A.6
	seen := map[ID]bool{}
	var all, none ID
	for i := range none {
		none[i] = 0xff
	}
	for range 1000 {
		id := NewID(at)
		if s := id.String(); !form.MatchString(s) || !strings.HasPrefix(s, "017f22e2-79b0-7") {
			t.Fatalf("NewID = %s, want the form of a UUID version 7 that begins with 017f22e2-79b0-7", s)
		}
		if seen[id] {
			t.Fatalf("%s came twice", id)
		}
		seen[id] = true
		for i := range id {
			all[i] |= id[i]
			none[i] &= id[i]
		}
	}
	wantAll, wantNone := "017f22e2-79b0-7fff-bfff-ffffffffffff", "017f22e2-79b0-7000-8000-000000000000"
	if all.String() != wantAll || none.String() != wantNone {
		t.Errorf("bits that were ever set: %s, always set: %s; want %s and %s, 74 random ones", all, none, wantAll, wantNone)
	}
}

func TestNewIDSortsByTime(t *testing.T) {
	t.Parallel()
	var last ID
	for i, at := range []time.Time{{}, time.UnixMilli(1), time.Unix(1, 0), time.Now(), time.Now().Add(time.Millisecond), time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)} {
		id := NewID(at)
		if bytes.Compare(last[:], id[:]) >= 0 {
			t.Errorf("id %d, of %v, is %v: not behind %v", i, at, id, last)
		}
		last = id
	}
}

func TestParseID(t *testing.T) {
	t.Parallel()
	id := NewID(time.Now())
	good := id.String()
	if got, err := ParseID(good); err != nil || got != id {
		t.Errorf("ParseID(%q) = %v, %v; want the same id", good, got, err)
	}
	const letters = "0abcdefa-0000-7000-8000-000000000000"
	if _, err := ParseID(letters); err != nil {
		t.Errorf("ParseID(%q): %v", letters, err)
	}
	for _, bad := range []string{
		"",
		strings.Repeat("-", 36),
		strings.ToUpper(letters),
		strings.ReplaceAll(good, "-", ""),
		"{" + good + "}",
		good + " ",
		" " + good[1:],
		good[:35],
		"g" + good[1:],
		strings.Replace(good, "-", "_", 1),
		"00000000-0000-0000-0000-000000000000",
		good[:34] + "é",
	} {
		if got, err := ParseID(bad); err == nil || !got.IsZero() {
			t.Errorf("ParseID(%q) = %v, %v; want an error", bad, got, err)
		} else if len(bad) > 1 && strings.Contains(err.Error(), bad) {
			t.Errorf("the error repeats its input: %v", err)
		}
	}
}

func TestIDText(t *testing.T) {
	t.Parallel()
	if s := (ID{}).String(); s != "" {
		t.Errorf("the zero ID reads %q, want nothing", s)
	}
	type object struct {
		ID   ID
		None ID
		Keys map[ID]int
	}
	id := NewID(time.Now())
	b, err := json.Marshal(object{ID: id, Keys: map[ID]int{id: 1}})
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"ID":"` + id.String() + `","None":"","Keys":{"` + id.String() + `":1}}`; string(b) != want {
		t.Errorf("Marshal = %s, want %s", b, want)
	}
	got := object{None: id}
	if err := json.Unmarshal(b, &got); err != nil || got.ID != id || !got.None.IsZero() || got.Keys[id] != 1 {
		t.Errorf("Unmarshal = %+v, %v", got, err)
	}
	if err := got.ID.UnmarshalText([]byte("x")); err == nil || got.ID != id {
		t.Errorf("UnmarshalText of nonsense: %v, id %v; want an error and no change", err, got.ID)
	}
}

func FuzzParseID(f *testing.F) {
	f.Add("017f22e2-79b0-7cc3-98c4-dc0c0c07398f")
	f.Add("00000000-0000-0000-0000-000000000000")
	f.Fuzz(func(t *testing.T, s string) {
		id, err := ParseID(s)
		if err == nil && id.String() != s || err != nil && !id.IsZero() {
			t.Errorf("ParseID(%q) = %v, %v", s, id, err)
		}
	})
}
