package session

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"reflect"
	"sync"
	"unicode/utf8"
)

// errText is the error of text that JSON cannot carry.
var errText = errors.New("it has text that is not UTF-8, which JSON cannot carry: use []byte")

// checkText returns errText if b, the JSON of v, is not what v holds, as v has text that is not UTF-8: encoding/json replaces
// it by U+FFFD without a word, and two keys of a map may become one. Most values have no U+FFFD, and are not looked at.
func checkText(v any, b []byte) error {
	if !utf8.Valid(b) { // of a json.RawMessage, or a MarshalJSON
		return errText
	}
	if !substituted(b) {
		return nil
	}
	if w := (textWalk{}); w.bad(reflect.ValueOf(v)) {
		return errText
	}
	return nil
}

// substituted reports whether b may have a replacement character, escaped or not.
func substituted(b []byte) bool {
	return bytes.Contains(b, []byte(`\ufffd`)) || bytes.Contains(b, []byte("\ufffd"))
}

var (
	jsonMarshaler = reflect.TypeFor[json.Marshaler]()
	textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()
	locker        = reflect.TypeFor[sync.Locker]()
)

// A textWalk looks for text that is not UTF-8 in a value, of which there is a JSON form. It looks at each part once.
type textWalk struct {
	seen  map[part]struct{}
	depth int
	own   bool // the parts are of a value that has made its JSON itself, which may have left them out, and may refer to itself
}

// A part is what a pointer, a map or a slice refers to.
type part struct {
	t   reflect.Type
	at  uintptr
	len int
}

// maxTextDepth is how deep encoding/json decodes.
const maxTextDepth = 10_000

// bad reports whether v has text in it that is not UTF-8.
func (w *textWalk) bad(v reflect.Value) bool {
	if !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil() || w.depth > maxTextDepth {
		return false
	}
	w.depth++
	defer func() { w.depth-- }()
	if m, ok := as[json.Marshaler](v, jsonMarshaler); ok && !w.own { // with own it is called by the one around it, if at all
		b, err := m.MarshalJSON()
		if err != nil || !substituted(b) {
			return false
		}
		w.own = true // it may well have called json.Marshal
		defer func() { w.own = false }()
	} else if !ok {
		if m, ok := as[encoding.TextMarshaler](v, textMarshaler); ok {
			b, err := m.MarshalText()
			return err == nil && !utf8.Valid(b)
		}
	}
	return w.badPart(v)
}

// badPart is bad for the parts of v.
func (w *textWalk) badPart(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.String:
		return !utf8.ValidString(v.String())
	case reflect.Interface:
		return w.bad(v.Elem())
	case reflect.Pointer:
		return w.first(v, 0) && w.bad(v.Elem())
	case reflect.Struct:
		return w.badField(v)
	case reflect.Map:
		if !w.first(v, 0) {
			return false
		}
		for k, e := range v.Seq2() {
			if k.Kind() == reflect.String && !utf8.ValidString(k.String()) || k.Kind() != reflect.String && w.bad(k) || w.bad(e) {
				return true
			}
		}
	case reflect.Slice, reflect.Array:
		if v.Kind() == reflect.Slice && (v.Type().Elem().Kind() == reflect.Uint8 || !w.first(v, v.Len())) { // the former is base64
			return false
		}
		for i := range v.Len() {
			if w.bad(v.Index(i)) {
				return true
			}
		}
	}
	return false
}

// badField is bad for the fields of a struct that have a JSON form.
func (w *textWalk) badField(v reflect.Value) bool {
	if w.own && locked(v.Type()) {
		return false
	}
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if !f.IsExported() && !(f.Anonymous && indirect(f.Type).Kind() == reflect.Struct) || f.Tag.Get("json") == "-" {
			continue
		}
		if w.bad(v.Field(i)) {
			return true
		}
	}
	return false
}

// first reports whether w has not been at what v refers to.
func (w *textWalk) first(v reflect.Value, n int) bool {
	p := part{v.Type(), v.Pointer(), n}
	if _, ok := w.seen[p]; ok {
		return false
	}
	if w.seen == nil {
		w.seen = map[part]struct{}{}
	}
	w.seen[p] = struct{}{}
	return true
}

// locked reports whether a struct has a lock, without which only its own methods may look at it.
func locked(t reflect.Type) bool {
	for i := range t.NumField() {
		if f := t.Field(i).Type; f.Implements(locker) || reflect.PointerTo(f).Implements(locker) {
			return true
		}
	}
	return false
}

func indirect(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}

// as returns v, or its address, as the interface of which t is the type, as encoding/json does.
func as[T any](v reflect.Value, t reflect.Type) (T, bool) {
	if v.Type().Implements(t) && v.CanInterface() {
		m, ok := v.Interface().(T)
		return m, ok
	}
	if v.CanAddr() && v.Addr().CanInterface() && reflect.PointerTo(v.Type()).Implements(t) {
		m, ok := v.Addr().Interface().(T)
		return m, ok
	}
	var none T
	return none, false
}
