package session

import (
	"encoding/binary"
	"iter"
	"unicode"
	"unicode/utf8"
)

// data is a session's values: nothing at all, or a version byte and then, for each value, uvarint(len) name uvarint(len)
// value. It is never modified in place: a reader may keep a part of it.
type data []byte

const dataVersion = 1

// valid reports whether d can be read to its end.
func (d data) valid() bool {
	if len(d) == 0 {
		return true
	}
	if d[0] != dataVersion {
		return false
	}
	for b := d[1:]; len(b) > 0; {
		_, _, rest, ok := next(b)
		if !ok {
			return false
		}
		b = rest
	}
	return true
}

// cut splits a length-prefixed part off b.
func cut(b []byte) (head, tail []byte, ok bool) {
	n, w := binary.Uvarint(b)
	if w <= 0 || n > uint64(len(b)-w) {
		return nil, nil, false
	}
	end := w + int(n)
	return b[w:end:end], b[end:], true
}

func next(b []byte) (name, value, rest []byte, ok bool) {
	if name, rest, ok = cut(b); ok {
		value, rest, ok = cut(rest)
	}
	return name, value, rest, ok
}

// all iterates over names and values.
func (d data) all() iter.Seq2[[]byte, []byte] {
	return func(yield func(name, value []byte) bool) {
		for b := d.body(); len(b) > 0; {
			name, value, rest, ok := next(b)
			if !ok || !yield(name, value) {
				return
			}
			b = rest
		}
	}
}

func (d data) body() []byte {
	if len(d) == 0 {
		return nil
	}
	return d[1:]
}

func (d data) get(name string) ([]byte, bool) {
	for b := d.body(); len(b) > 0; {
		n, v, rest, ok := next(b)
		if !ok {
			break
		}
		if string(n) == name {
			return v, true
		}
		b = rest
	}
	return nil, false
}

// with returns a copy of d in which name is v.
func (d data) with(name string, v []byte) data {
	out := d.without(name, len(name)+len(v)+2*binary.MaxVarintLen32)
	out = append(binary.AppendUvarint(out, uint64(len(name))), name...)
	return append(binary.AppendUvarint(out, uint64(len(v))), v...)
}

// without returns a copy of d that lacks name and has room for more bytes.
func (d data) without(name string, room int) data {
	out := append(make(data, 0, max(len(d), 1)+room), dataVersion)
	for b := d.body(); len(b) > 0; {
		n, _, rest, ok := next(b)
		if !ok {
			break
		}
		if string(n) != name {
			out = append(out, b[:len(b)-len(rest)]...)
		}
		b = rest
	}
	return out
}

const maxName = 128

// goodName reports whether name may name a value: 1 to 128 bytes of UTF-8, no control characters, no leading underscore
// (kept for this package).
func goodName(name string) bool {
	if name == "" || len(name) > maxName || name[0] == '_' || !utf8.ValidString(name) {
		return false
	}
	for _, r := range name {
		if unicode.IsControl(r) {
			return false
		}
	}
	return true
}

// A change is one step of a delta. It can be applied again, over what another request saved in between.
type change struct {
	op    op
	name  string
	value []byte
	fn    func(old []byte, ok bool) ([]byte, error)
}

type op uint8

const (
	opSet op = iota
	opDelete
	opUpdate
	opClear
)

func (c *change) apply(d data) (data, error) {
	switch c.op {
	case opClear:
		return nil, nil
	case opDelete:
		return d.without(c.name, 0), nil
	case opUpdate:
		old, ok := d.get(c.name)
		v, err := c.fn(old, ok)
		if err != nil {
			return nil, err
		}
		return d.with(c.name, v), nil
	default:
		return d.with(c.name, c.value), nil
	}
}

// applyAll applies changes to d in order.
func applyAll(d data, changes []change) (data, error) {
	var err error
	for i := range changes {
		if d, err = changes[i].apply(d); err != nil {
			return nil, err
		}
	}
	return d, nil
}
