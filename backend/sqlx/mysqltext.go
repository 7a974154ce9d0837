package sqlxstore

import (
	"encoding/hex"
	"strconv"
	"strings"
	"unicode/utf8"
)

// mysqlText puts args into text, for a server that refuses to prepare. Strings go as hexadecimal digits, so that no
// character set of the connection, and no sql_mode, changes where a literal ends. The statements of this package have no
// question mark but placeholders, and their arguments have no other types.
func mysqlText(text string, args []any) string {
	var b strings.Builder
	for _, arg := range args {
		before, after, _ := strings.Cut(text, "?")
		b.WriteString(before)
		text = after
		if counted, ok := arg.(*sending); ok {
			arg, _ = counted.Value()
		}
		switch v := arg.(type) {
		case nil:
			b.WriteString("NULL")
		case int:
			b.WriteString(strconv.Itoa(v))
		case int64:
			b.WriteString(strconv.FormatInt(v, 10))
		case uint64:
			b.WriteString(strconv.FormatUint(v, 10))
		case string:
			if utf8.ValidString(v) {
				b.WriteString("_utf8mb4 ")
			}
			b.WriteString("X'" + hex.EncodeToString([]byte(v)) + "'")
		case []byte:
			b.WriteString("X'" + hex.EncodeToString(v) + "'")
		default:
			panic("sqlxstore: an argument of a type that has no literal")
		}
	}
	b.WriteString(text)
	return b.String()
}
