package memcachestore

import (
	"bytes"
	"errors"
	"strconv"
)

// maxLine is the longest line of an answer that the client takes.
const maxLine = 4 << 10

var (
	errLarge  = errors.New("the answer announces more than MaxItem")
	errExcess = errors.New("the answer says more than was asked")
)

// An answer follows what a server sends, through lines and values, before the client sees it. The client makes room for a
// value as soon as it is announced, be it 4 GiB, and keeps what comes after an answer for the next command.
type answer struct {
	max   int    // size of a value
	left  int    // of a value, with its end of line
	line  []byte // what has come of one
	ended bool
}

// follow says what is wrong with the next bytes of an answer.
func (a *answer) follow(b []byte) error {
	for len(b) > 0 {
		if a.ended {
			return errExcess
		}
		n := min(a.left, len(b))
		a.left -= n
		line, rest, whole := bytes.Cut(b[n:], []byte("\n"))
		if a.line = append(a.line, line...); len(a.line) > maxLine {
			return errLarge
		}
		if b = rest; !whole {
			return nil
		}
		size, isValue := valueSize(a.line)
		if size > uint64(a.max) {
			return errLarge
		}
		if a.ended = !isValue; isValue {
			a.left = int(size) + len("\r\n")
		}
		a.line = a.line[:0]
	}
	return nil
}

// valueSize returns the size that a line announces: VALUE, key, flags, size, CAS id. What is no number ends an answer: the
// client says so.
func valueSize(line []byte) (size uint64, ok bool) {
	rest, ok := bytes.CutPrefix(line, []byte("VALUE "))
	if !ok {
		return 0, false
	}
	_, rest, _ = bytes.Cut(rest, []byte(" "))
	_, rest, _ = bytes.Cut(rest, []byte(" "))
	number, _, _ := bytes.Cut(bytes.TrimSuffix(rest, []byte("\r")), []byte(" "))
	size, err := strconv.ParseUint(string(number), 10, 32)
	return size, err == nil
}
