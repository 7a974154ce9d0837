package session

import (
	"encoding/json"
	"fmt"
)

// A Codec turns single values into bytes and back. It must be safe for concurrent use, and must not keep b or v. Encode must
// fail for a value that Decode cannot give back. Decode gets bytes that a client may have influenced: it must not instantiate
// types by a name that it finds in them.
type Codec interface {
	Encode(v any) ([]byte, error)
	Decode(b []byte, v any) error
}

// JSON is the default codec. Values stay legible in the database, and a key of type [json.RawMessage] gives untyped
// access to them.
type JSON struct{}

// Encode implements [Codec]. It fails for text that is not UTF-8, which [json.Marshal] would change; a []byte may hold any
// bytes.
func (JSON) Encode(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err == nil {
		err = checkText(v, b)
	}
	if err != nil {
		return nil, err
	}
	return b, nil
}

// Decode implements [Codec].
func (JSON) Decode(b []byte, v any) error {
	if s, ok := v.(*string); ok && plainText(b) {
		*s = string(b[1 : len(b)-1])
		return nil
	}
	return json.Unmarshal(b, v)
}

// plainText reports whether b is a JSON string that stands for just the bytes between its quotes.
func plainText(b []byte) bool {
	if len(b) < 2 || b[0] != '"' || b[len(b)-1] != '"' {
		return false
	}
	for _, c := range b[1 : len(b)-1] {
		if c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// encode is c.Encode, without the panics that a MarshalJSON may raise.
func encode(c Codec, name string, v any) (b []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			b, err = nil, fmt.Errorf("session: value %q cannot be encoded: panic with a %T", name, p)
		}
	}()
	b, err = c.Encode(v)
	if err != nil {
		return nil, fmt.Errorf("session: value %q cannot be encoded: %w", name, err)
	}
	return b, nil
}

// decode is c.Decode, without its panics, and with [ErrCorrupt] as its error.
func decode(c Codec, name string, b []byte, v any) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("session: value %q: %w: panic", name, ErrCorrupt)
		}
	}()
	if err := c.Decode(b, v); err != nil {
		return fmt.Errorf("session: value %q: %w: %T", name, ErrCorrupt, err) // the text could hold data
	}
	return nil
}
