package session

import (
	"errors"
	"fmt"
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
	// "session" if Insecure. A name with one of the prefixes __Host-, __Secure-, __Http- and __Host-Http- must keep the rules
	// of its prefix (RFC 6265bis, section 4.1.3, and its draft on layered cookies): browsers drop such a cookie without a
	// word.
	Name     string
	Path     string // default "/"
	Domain   string // default none: this host alone
	SameSite SameSite
	// Partitioned keeps the cookie apart for each top-level site (CHIPS); it needs Secure. When it is turned on or off, a
	// browser holds two cookies of the name for a while: both are read, and the one of before is taken back.
	Partitioned bool
	// Insecure leaves out Secure and the prefix, for plain http in development. [New] logs a warning.
	Insecure bool
}

func (c Cookie) withDefaults(field string) (Cookie, error) {
	if c.Path == "" {
		c.Path = "/"
	}
	if c.Domain != "." {
		c.Domain = strings.TrimPrefix(c.Domain, ".") // browsers do (RFC 6265bis, section 5.6.3)
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
	lower := strings.ToLower(c.Name)            // browsers compare prefixes without case
	host := strings.HasPrefix(lower, "__host-") // also __Host-Http-
	secure := strings.HasPrefix(lower, "__secure-") || strings.HasPrefix(lower, "__http-")
	switch {
	case len(c.Name) > 128 || strings.ContainsFunc(c.Name, func(r rune) bool { return !tokenChar(r) }):
		return c, fmt.Errorf("session: Config."+field+".Name %.140q is not a cookie name", c.Name)
	case c.Path[0] != '/' || !attributeText(c.Path):
		return c, fmt.Errorf("session: Config."+field+".Path %.140q is not a path", c.Path)
	case !attributeText(c.Domain) || strings.ContainsAny(c.Domain, " /:,") || strings.HasPrefix(c.Domain, ".") || len(c.Domain) > 255:
		return c, fmt.Errorf("session: Config."+field+".Domain %.140q is not a domain", c.Domain)
	case host && (c.Domain != "" || c.Path != "/" || c.Insecure):
		return c, errors.New("session: Config." + field + ": a __Host- cookie has no Domain, Path=/ and is not Insecure")
	case secure && c.Insecure:
		return c, errors.New("session: Config." + field + ": a __Secure- or __Http- cookie is not Insecure")
	case c.SameSite > SameSiteNone:
		return c, fmt.Errorf("session: Config."+field+".SameSite %d is unknown", c.SameSite)
	case c.SameSite == SameSiteNone && c.Insecure:
		return c, errors.New("session: Config." + field + ": SameSite=None is not Insecure")
	case c.Partitioned && c.Insecure:
		return c, errors.New("session: Config." + field + ": a partitioned cookie is not Insecure")
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

// emptied renders the Set-Cookie that changes the cookie's value, ahead of the one that takes it back. Chromium then shows no
// page of before from its back/forward cache; that the cookie goes is not enough for it (seen in version 156).
func (c *Cookie) emptied() string {
	line := c.header("", 0)
	return strings.Replace(line, "; Max-Age=0", "", 1)
}

// maxCookieAge is how long browsers keep a cookie at most (RFC 6265bis, section 5.5).
const maxCookieAge = 400 * 24 * time.Hour

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
		b = strconv.AppendInt(append(b, "; Max-Age="...), int64(max(min(age, maxCookieAge)/time.Second, 1)), 10)
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
