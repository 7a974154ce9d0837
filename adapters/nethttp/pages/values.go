package pages

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// A Value is what is stored in a session under a name, as text. JSON is indented, and what is no text is in hexadecimal.
type Value struct {
	Name string `json:"name"`
	Text string `json:"text"`
	Cut  bool   `json:"cut,omitempty"` // Text is only the beginning
	Size int    `json:"size"`          // in bytes, as it is stored
}

// The bounds of what a detail page shows.
const (
	maxValues    = 100
	maxValueText = 4 << 10
	maxDepth     = 32 // of JSON that is indented: what that adds grows with the depth of each line
)

// showValues returns values by name, and how many it left out.
func showValues(stored map[string][]byte) (shown []Value, omitted int) {
	for _, name := range slices.Sorted(maps.Keys(stored)) {
		if len(shown) == maxValues {
			return shown, len(stored) - maxValues
		}
		b := stored[name]
		v := Value{Name: name, Size: len(b)}
		v.Text, v.Cut = valueText(b)
		shown = append(shown, v)
	}
	return shown, 0
}

func valueText(b []byte) (string, bool) {
	var indented bytes.Buffer
	if len(b) <= maxValueText && depth(b) <= maxDepth && json.Indent(&indented, b, "", "  ") == nil {
		b = indented.Bytes()
	}
	text := string(b)
	if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		text = hex.EncodeToString(b[:min(len(b), maxValueText/2)])
		return text, len(b) > maxValueText/2
	}
	if len(text) <= maxValueText {
		return text, false
	}
	end := maxValueText
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end], true
}

// depth is how deep JSON is nested, or more: it takes brackets in strings for brackets.
func depth(b []byte) (deepest int) {
	n := 0
	for _, c := range b {
		switch c {
		case '[', '{':
			n++
			deepest = max(deepest, n)
		case ']', '}':
			n--
		}
	}
	return deepest
}
