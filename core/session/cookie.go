package session

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// SameSite is the cookie attribute of that name.
type SameSite uint8

// The values of [SameSite].
const (
	SameSiteLax SameSite = iota
	SameSiteStrict
	SameSiteNone // needs Secure
)

// A Cookie is the cookie that carries the token. The zero Cookie is the strictest: __Host-session; Path=/; Secure;
// HttpOnly; SameSite=Lax; gone when the browser closes, unless the login had [Remember].
type Cookie struct {
	// Name is the cookie's name; default "__Host-session", "__Secure-session" if there is a Domain or another Path, or
	// "session" if Insecure. A name with a prefix must keep the rules of its prefix (RFC 6265bis, section 4.1.3): browsers
	// drop such a cookie without a word.
	Name        string
	Path        string // default "/"
	Domain      string // default none: this host alone
	SameSite    SameSite
	Partitioned bool // CHIPS; needs Secure
	// Insecure leaves out Secure and the prefix, for plain http in development. [New] logs a warning.
	Insecure bool
}

func (c Cookie) withDefaults() (Cookie, error) {
	if c.Path == "" {
		c.Path = "/"
	}
	if c.Name == "" {
		switch {
		case c.Insecure:
			c.Name = "session"
		case c.Domain != "" || c.Path != "/":
			c.Name = "__Secure-session"
		default:
			c.Name = "__Host-session"
		}
	}
	lower := strings.ToLower(c.Name) // browsers compare prefixes without case
	host, secure := strings.HasPrefix(lower, "__host-"), strings.HasPrefix(lower, "__secure-")
	switch {
	case len(c.Name) > 128 || strings.ContainsFunc(c.Name, func(r rune) bool { return !tokenChar(r) }):
		return c, fmt.Errorf("session: Config.Cookie.Name %.140q is not a cookie name", c.Name)
	case c.Path[0] != '/' || !attributeText(c.Path):
		return c, fmt.Errorf("session: Config.Cookie.Path %.140q is not a path", c.Path)
	case !attributeText(c.Domain) || strings.ContainsAny(c.Domain, " /:,") || len(c.Domain) > 255:
		return c, fmt.Errorf("session: Config.Cookie.Domain %.140q is not a domain", c.Domain)
	case host && (c.Domain != "" || c.Path != "/" || c.Insecure):
		return c, errors.New("session: Config.Cookie: a __Host- cookie has no Domain, Path=/ and is not Insecure")
	case secure && c.Insecure:
		return c, errors.New("session: Config.Cookie: a __Secure- cookie is not Insecure")
	case c.SameSite > SameSiteNone:
		return c, fmt.Errorf("session: Config.Cookie.SameSite %d is unknown", c.SameSite)
	case c.SameSite == SameSiteNone && c.Insecure:
		return c, errors.New("session: Config.Cookie: SameSite=None is not Insecure")
	case c.Partitioned && c.Insecure:
		return c, errors.New("session: Config.Cookie: a partitioned cookie is not Insecure")
	}
	return c, nil
}

// tokenChar reports whether r may be in a token of RFC 9110, section 5.6.2: cookie and header names.
func tokenChar(r rune) bool {
	return r > ' ' && r < 0x7f && !strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
}

func attributeText(s string) bool {
	return len(s) <= 1024 && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' || r == ';' })
}

// header renders the Set-Cookie that hands token to the client for age, or until the browser closes if age is zero; an
// empty token takes it back.
func (c *Cookie) header(token string, age time.Duration) string {
	b := make([]byte, 0, 192)
	b = append(append(append(b, c.Name...), '='), token...)
	b = append(append(b, "; Path="...), c.Path...)
	if c.Domain != "" {
		b = append(append(b, "; Domain="...), c.Domain...)
	}
	if token == "" {
		b = append(b, "; Max-Age=0"...)
	} else if age > 0 {
		b = strconv.AppendInt(append(b, "; Max-Age="...), int64(max(age/time.Second, 1)), 10)
	}
	b = append(b, "; HttpOnly"...)
	if !c.Insecure {
		b = append(b, "; Secure"...)
	}
	b = append(b, [...]string{"; SameSite=Lax", "; SameSite=Strict", "; SameSite=None"}[c.SameSite]...)
	if c.Partitioned {
		b = append(b, "; Partitioned"...)
	}
	return string(b)
}

const (
	maxCandidates = 3       // a client may hold cookies of one name for several paths and domains
	maxCookies    = 3000    // as net/http: beyond that nothing is read
	maxHeader     = 1 << 20 // bytes of one header line
)

// candidates returns up to three different well-formed tokens in the lines of a Cookie header, in their order. A name
// that begins with __Host- exists once in a browser, so only its first token counts.
func (c *Cookie) candidates(lines []string, found *[maxCandidates]string) int {
	n, limit, seen := 0, maxCandidates, 0
	if len(c.Name) >= 7 && strings.EqualFold(c.Name[:7], "__Host-") {
		limit = 1
	}
	for _, line := range lines {
		if len(line) > maxHeader {
			continue
		}
		for line != "" {
			var part string
			part, line, _ = strings.Cut(line, ";")
			if seen++; seen > maxCookies {
				return 0
			}
			name, value, ok := strings.Cut(strings.TrimLeft(part, " \t"), "=")
			if !ok || name != c.Name || len(value) != tokenLen {
				continue
			}
			if _, _, ok := parseToken(value); !ok || slices.Contains(found[:n], value) {
				continue
			}
			found[n] = value
			if n++; n == limit {
				return n
			}
		}
	}
	return n
}
