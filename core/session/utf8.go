package session

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"reflect"
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
	if substituted(b) && badText(reflect.ValueOf(v)) {
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
)

// badText reports whether v, of which there is a JSON form, has text in it that is not UTF-8.
func badText(v reflect.Value) bool {
	if !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil() {
		return false
	}
	if m, ok := as[json.Marshaler](v, jsonMarshaler); ok {
		b, err := m.MarshalJSON()
		return err == nil && substituted(b) && badParts(v) // it may well have called json.Marshal
	}
	if m, ok := as[encoding.TextMarshaler](v, textMarshaler); ok {
		b, err := m.MarshalText()
		return err == nil && !utf8.Valid(b)
	}
	return badParts(v)
}

// badParts is badText for the parts of v.
func badParts(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.String:
		return !utf8.ValidString(v.String())
	case reflect.Pointer, reflect.Interface:
		return badText(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if (f.IsExported() || f.Anonymous) && f.Tag.Get("json") != "-" && badText(v.Field(i)) {
				return true
			}
		}
	case reflect.Map:
		for k, e := range v.Seq2() {
			if k.Kind() == reflect.String && !utf8.ValidString(k.String()) || k.Kind() != reflect.String && badText(k) || badText(e) {
				return true
			}
		}
	case reflect.Slice, reflect.Array:
		if v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8 {
			return false // base64
		}
		for i := range v.Len() {
			if badText(v.Index(i)) {
				return true
			}
		}
	}
	return false
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
