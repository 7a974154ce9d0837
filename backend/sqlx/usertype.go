package sqlxstore

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const uuidLength = 36 // as text

var userTypeNames = [...]string{"Text", "Integer", "UUID", "UUIDBytes"}

// typeError returns an error unless t keeps each user in a column of type text as it is, and can keep users there at all.
func (d *dialect) typeError(t UserType, column, text string) error {
	fit := d.userTypes(text)
	if slices.Contains(fit, t) {
		return nil
	}
	if len(fit) == 0 {
		return fmt.Errorf("sqlxstore: User.Type is %s, %s is %s, which no Type can be used with: want a column of integers, text or UUIDs",
			userTypeNames[t], column, text)
	}
	names := make([]string, len(fit))
	for i, f := range fit {
		names[i] = userTypeNames[f]
	}
	return fmt.Errorf("sqlxstore: User.Type is %s, %s is %s: want %s", userTypeNames[t], column, text, strings.Join(names, " or "))
}

var (
	baseType   = regexp.MustCompile(`^[a-z]+(?: varying)?`)
	typeLength = regexp.MustCompile(`\((\d+)`)
)

// userTypes returns the types under which a column keeps each user apart from all others, or refuses them. Under any other the
// database would convert: to a column of integers "02" and "2.0" are 2.
func (d *dialect) userTypes(text string) []UserType {
	text = strings.ToLower(text)
	length := lengthOf(text)
	switch name := baseType.FindString(text); d.name {
	case Postgres:
		return postgresUserTypes(text, name)
	case MySQL:
		return mysqlUserTypes(text, name, length)
	default:
		return sqliteUserTypes(text)
	}
}

// lengthOf returns the number in a type such as char(36).
func lengthOf(text string) int {
	if m := typeLength.FindStringSubmatch(text); m != nil {
		if n, err := strconv.Atoi(m[1]); err == nil {
			return n
		}
	}
	return math.MaxInt32 // no bound
}

// spacesIn returns how many characters a string with a space at its end may have so that a column of MySQL keeps it.
func spacesIn(text string) int32 {
	if strings.HasPrefix(text, "char") { // keeps none at all
		return 0
	}
	return int32(min(lengthOf(text), math.MaxInt32))
}

// postgresUserTypes goes by the text of format_type. An extension's type may compare as it likes: citext ignores case.
func postgresUserTypes(text, name string) []UserType {
	switch name {
	case "smallint", "integer", "bigint":
		return []UserType{Integer}
	case "numeric":
		if text == name || strings.HasSuffix(text, ",0)") {
			return []UserType{Integer}
		}
	case "text", "character varying", "character":
		return []UserType{Text}
	case "uuid":
		return []UserType{UUID}
	case "bytea":
		return []UserType{UUIDBytes}
	}
	return nil
}

func mysqlUserTypes(text, name string, length int) []UserType {
	switch name {
	case "tinyint", "smallint", "mediumint", "int", "integer", "bigint":
		if !strings.Contains(text, "zerofill") { // as text, 2 is 0000000002
			return []UserType{Integer}
		}
	case "char", "varchar", "tinytext", "text", "mediumtext", "longtext", "tinyblob", "blob", "mediumblob", "longblob":
		if length < uuidLength {
			return []UserType{Text}
		}
		return []UserType{Text, UUID}
	case "varbinary":
		switch {
		case length == 16:
			return []UserType{UUIDBytes, Text}
		case length < uuidLength:
			return []UserType{Text}
		}
		return []UserType{Text, UUID}
	case "binary": // fills what is shorter with zeros
		switch length {
		case 16:
			return []UserType{UUIDBytes}
		case uuidLength:
			return []UserType{UUID}
		}
	case "uuid": // takes capitals for the same
		return []UserType{UUID}
	}
	return nil // an ENUM takes "2" for its second value, a YEAR "70" for 1970
}

// sqliteUserTypes goes by the affinity, which SQLite finds by these parts of a declared type, in this order.
func sqliteUserTypes(text string) []UserType {
	has := func(parts ...string) bool {
		return slices.ContainsFunc(parts, func(p string) bool { return strings.Contains(text, p) })
	}
	switch {
	case has("int"):
		return []UserType{Integer}
	case has("char", "clob", "text"):
		return []UserType{Text, UUID}
	case text == "":
		return []UserType{Text, Integer, UUID, UUIDBytes}
	case has("blob"):
		return []UserType{UUIDBytes}
	case has("real", "floa", "doub"): // above 2^53 two integers are the same
		return nil
	case has("uuid", "guid", "uniqueidentifier"): // numeric, as all below, but no UUID looks like a number
		return []UserType{UUID, UUIDBytes}
	case has("binary"):
		return []UserType{UUIDBytes}
	}
	return []UserType{Integer}
}
