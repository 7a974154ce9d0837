package pages

import "strings"

// visible replaces control characters, but line feed and tab, by their pictures, and characters that change the direction
// of the text around them by U+FFFD.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r < ' ':
			return '\u2400' + r
		case r == 0x7f:
			return '\u2421'
		case r > 0x7f && r < 0xa0,
			r == '\u061c', r == '\u200e', r == '\u200f', r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069',
			r == '\u2028', r == '\u2029', r >= '\ufdd0' && r <= '\ufdef', r&0xfffe == 0xfffe:
			return '\ufffd'
		}
		return r
	}, s)
}
