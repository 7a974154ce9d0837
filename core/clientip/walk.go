package clientip

import "strings"

// A walk takes the elements of a list header from the right. It reads from the right so that nothing that a client
// wrote, such as a quote without its counterpart, changes how that is read which a proxy has appended.
type walk struct {
	lines []string // those not begun yet
	line  string   // what is before the elements taken so far
	more  bool     // line has another element, which may be empty
	left  int      // how many bytes may still be looked at
}

// next returns the next element, without the white space around it, and false if there is none within reach.
func (w *walk) next() (string, bool) {
	if !w.more {
		if len(w.lines) == 0 {
			return "", false
		}
		last := len(w.lines) - 1
		w.lines, w.line, w.more = w.lines[:last], w.lines[last], true
	}
	reach, cut := w.line, len(w.line) > w.left
	if cut {
		reach = reach[len(reach)-w.left:]
	}
	comma := lastComma(reach)
	if comma < 0 && cut { // the end of a longer element, which may well be another address
		return "", false
	}
	element := reach[comma+1:]
	w.left -= len(element)
	w.line, w.more = strings.CutSuffix(w.line[:len(w.line)-len(element)], ",")
	return trim(element), true
}

// lastComma returns where the last comma outside of quotes is, or -1. In what is well-formed from some comma on, it finds
// that comma or a later one, whatever is before.
func lastComma(s string) int {
	quoted := false
	for i := len(s) - 1; i >= 0; i-- {
		switch {
		case s[i] == ',' && !quoted:
			return i
		case s[i] == '"' && !escaped(s, i):
			quoted = !quoted
		}
	}
	return -1
}

// escaped reports whether an odd number of backslashes is before s[i].
func escaped(s string, i int) bool {
	n := i
	for n > 0 && s[n-1] == '\\' {
		n--
	}
	return (i-n)%2 == 1
}

// trim cuts optional white space (RFC 9110, section 5.6.3).
func trim(s string) string { return strings.Trim(s, " \t") }
