package sqlxstore

import (
	"fmt"
	"slices"
	"strings"
)

// The client charsets of MySQL in which no byte of a longer character is a backslash or a quote. In big5, cp932, gb18030, gbk and
// sjis one may be: the driver escapes the quote in the bytes BF 27 as BF 5C 27, the server reads the character BF5C, and the quote
// ends the text.
var safeCharsets = []string{
	"utf8mb4", "utf8mb3", "utf8", "ascii", "binary",
	"armscii8", "cp1250", "cp1251", "cp1256", "cp1257", "cp850", "cp852", "cp866", "dec8", "eucjpms", "euckr", "geostd8", "greek", "hebrew", "hp8", "keybcs2",
	"koi8r", "koi8u", "latin1", "latin2", "latin5", "latin7", "macce", "macroman", "tis620", "ujis",
}

// checkCharset refuses a charset in which escaping is not safe, or is not known to be. It does so whether the pool escapes or not:
// of a pool that the application opened that cannot be seen.
func checkCharset(name string) error {
	name = strings.ToLower(name)
	if slices.Contains(safeCharsets, name) {
		return nil
	}
	return fmt.Errorf("sqlxstore: the client charset of the connections (character_set_client) is %.20q, in which escaped text is not safe; use utf8mb4", name)
}
