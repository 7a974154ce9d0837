package useragent

import "strings"

// A field is what is left to read of a structured field (RFC 8941). Each of the parsers below takes all of it or fails, as
// the RFC demands: half a field is none.
type field struct{ s string }

// stringField reads an item that is a string.
func stringField(s string) (value string, ok bool) {
	f := field{strings.Trim(s, " ")}
	value, ok = f.text()
	return value, ok && f.parameters(nil) && f.s == ""
}

// boolField reads an item that is a boolean.
func boolField(s string) (value, ok bool) {
	f := field{strings.Trim(s, " ")}
	ok = f.skip("?1")
	value = ok
	ok = ok || f.skip("?0")
	return value, ok && f.parameters(nil) && f.s == ""
}

// A brand is a member of Sec-CH-UA.
type brand struct{ name, version string }

// brandsField reads a list of strings with a parameter v, which is a string too.
func brandsField(s string) (brands []brand, ok bool) {
	f := field{strings.Trim(s, " ")}
	for f.s != "" {
		var b brand
		if b.name, ok = f.text(); !ok || !f.parameters(&b.version) {
			return nil, false
		}
		brands = append(brands, b)
		f.s = strings.TrimLeft(f.s, " \t")
		if f.s == "" {
			return brands, true
		}
		if !f.skip(",") {
			return nil, false
		}
		if f.s = strings.TrimLeft(f.s, " \t"); f.s == "" {
			return nil, false // a comma at the end
		}
	}
	return nil, false
}

func (f *field) skip(prefix string) bool {
	rest, ok := strings.CutPrefix(f.s, prefix)
	if ok {
		f.s = rest
	}
	return ok
}

// text reads a string: quoted, of printable ASCII, where a backslash stands before a quote or a backslash only.
func (f *field) text() (string, bool) {
	if !f.skip(`"`) {
		return "", false
	}
	var b strings.Builder
	for i := 0; i < len(f.s); i++ {
		switch c := f.s[i]; {
		case c == '"':
			f.s = f.s[i+1:]
			return b.String(), true
		case c == '\\':
			if i++; i == len(f.s) || f.s[i] != '"' && f.s[i] != '\\' {
				return "", false
			}
			b.WriteByte(f.s[i])
		case c < ' ' || c > '~':
			return "", false
		default:
			b.WriteByte(c)
		}
	}
	return "", false
}

// parameters reads ;key=value pairs. The last v, if it is a string, goes to version.
func (f *field) parameters(version *string) bool {
	for f.skip(";") {
		f.s = strings.TrimLeft(f.s, " ")
		key := f.run(keyChar)
		if key == "" || key[0] != '*' && (key[0] < 'a' || key[0] > 'z') {
			return false
		}
		if !f.skip("=") {
			continue // a key alone is true
		}
		if strings.HasPrefix(f.s, `"`) {
			value, ok := f.text()
			if !ok {
				return false
			}
			if key == "v" && version != nil {
				*version = value
			}
		} else if f.run(itemChar) == "" {
			return false
		}
	}
	return true
}

// run takes characters as long as they are in set.
func (f *field) run(set func(byte) bool) string {
	n := 0
	for n < len(f.s) && set(f.s[n]) {
		n++
	}
	taken := f.s[:n]
	f.s = f.s[n:]
	return taken
}

func keyChar(c byte) bool {
	return 'a' <= c && c <= 'z' || digit(c) || strings.IndexByte("_-.*", c) >= 0
}

// itemChar has the characters of tokens, numbers, booleans and binaries; what they mean is nothing to us.
func itemChar(c byte) bool {
	return letter(c) || digit(c) || strings.IndexByte("!#$%&'*+-.^_`|~:/?=", c) >= 0
}

func digit(c byte) bool { return '0' <= c && c <= '9' }
