package clientip

import (
	"net/netip"
	"strconv"
	"strings"
)

// Parse returns the address of a peer, in the form of a RemoteAddr: "192.0.2.1:80", "[2001:db8::1]:80", or either
// without a port and brackets. It returns the zero Addr for anything else, such as "" or "@", which is how the peer of a
// Unix socket looks. The address has no zone, and an IPv4-mapped one is an IPv4 address.
func Parse(remote string) netip.Addr {
	addr, _ := parseNode(remote, false)
	return addr
}

// parseListed parses an element of X-Forwarded-For.
func parseListed(element string) (netip.Addr, bool) { return parseNode(element, false) }

// parseBarePort parses an element that ends in a colon and a port, with brackets or without. An IPv4 address may lack the port.
func parseBarePort(element string) (netip.Addr, bool) {
	colon := strings.LastIndexByte(element, ':')
	if colon < 0 || strings.HasPrefix(element, "[") {
		return parseNode(element, false)
	}
	if !isPort(element[colon+1:]) {
		return netip.Addr{}, false
	}
	return parseAddr(element[:colon])
}

// parseForwarded parses the "for" of an element of Forwarded (RFC 7239, section 4), which must be there once. It lets
// pass what many proxies write: white space around pairs, and values that ought to be quoted.
func parseForwarded(element string) (netip.Addr, bool) {
	node, found := "", false
	for rest := element; rest != ""; {
		if rest[0] == ';' {
			rest = trim(rest[1:])
			continue
		}
		name, value, ok := strings.Cut(rest, "=")
		if !ok || !isToken(name) {
			return netip.Addr{}, false
		}
		if value, rest, ok = cutValue(value); !ok {
			return netip.Addr{}, false
		}
		if strings.EqualFold(name, "for") {
			if found {
				return netip.Addr{}, false
			}
			node, found = value, true
		}
	}
	return parseNode(node, true)
}

// cutValue splits what is behind an equals sign into a value and what follows, which is nothing or begins with a
// semicolon. A quoted value keeps its backslashes: no address has one.
func cutValue(s string) (value, rest string, ok bool) {
	if !strings.HasPrefix(s, `"`) {
		end := strings.IndexByte(s, ';')
		if end < 0 {
			end = len(s)
		}
		value = trim(s[:end])
		return value, s[end:], value != "" && !strings.Contains(value, `"`)
	}
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			rest = trim(s[i+1:])
			return s[1:i], rest, rest == "" || rest[0] == ';'
		}
	}
	return "", "", false
}

// parseNode parses an address that may have a port, and brackets if it is IPv6. An obfuscated port (RFC 7239, section
// 6.3) is one only where it may be.
func parseNode(s string, obfuscated bool) (netip.Addr, bool) {
	host, port, hasPort := s, "", false
	if strings.HasPrefix(s, "[") {
		host, port, hasPort = strings.Cut(s[1:], "]")
		if !hasPort || !strings.Contains(host, ":") {
			return netip.Addr{}, false
		}
		if hasPort = port != ""; hasPort {
			if port[0] != ':' {
				return netip.Addr{}, false
			}
			port = port[1:]
		}
	} else if strings.Count(s, ":") == 1 {
		host, port, hasPort = strings.Cut(s, ":")
	}
	if hasPort && !isPort(port) && !(obfuscated && isObfuscated(port)) {
		return netip.Addr{}, false
	}
	return parseAddr(host)
}

// parseAddr cuts the zone before netip sees it: it would keep a copy of it.
func parseAddr(s string) (netip.Addr, bool) {
	host, zone, zoned := strings.Cut(s, "%")
	if zoned && (zone == "" || !strings.Contains(host, ":")) {
		return netip.Addr{}, false
	}
	addr, err := netip.ParseAddr(host)
	return addr.Unmap(), err == nil
}

func isPort(s string) bool {
	_, err := strconv.ParseUint(s, 10, 16)
	return err == nil && len(s) <= 5
}

func isObfuscated(s string) bool {
	return len(s) > 1 && s[0] == '_' && strings.Trim(s, letters+digits+"._-") == ""
}

// isToken reports whether s is a token (RFC 9110, section 5.6.2).
func isToken(s string) bool {
	return s != "" && strings.Trim(s, letters+digits+"!#$%&'*+-.^_`|~") == ""
}

const (
	letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	digits  = "0123456789"
)
