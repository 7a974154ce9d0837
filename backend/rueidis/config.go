package rueidisstore

import (
	"fmt"
	"regexp"
)

// DefaultPrefix begins every key of this package, where the configuration names no other prefix.
const DefaultPrefix = "qsessions:"

var validPrefix = regexp.MustCompile(`^[A-Za-z0-9_.:/-]{1,64}$`)

// checkPrefix validates a prefix of keys and fills in the default. Braces are not allowed: a Cluster would put all keys
// into one slot.
func checkPrefix(prefix string) (string, error) {
	if prefix == "" {
		return DefaultPrefix, nil
	}
	if !validPrefix.MatchString(prefix) {
		return "", fmt.Errorf("rueidisstore: Prefix %q is not 1 to 64 letters, digits and characters of _.:/-", prefix)
	}
	return prefix, nil
}
