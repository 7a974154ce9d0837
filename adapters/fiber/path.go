package fibersession

import (
	"errors"
	"net/url"
	"strings"

	"github.com/gofiber/fiber/v3"
)

var errPath = errors.New("fibersession: the path has another spelling that Fiber would route in another way")

// target returns the URL of the request, uri, with the path that Fiber routes by, which middleware may have replaced. It
// refuses a path that a handler of net/http could understand in another way than Fiber did.
func target(c fiber.Ctx, uri string) (*url.URL, error) {
	if strings.Contains(uri, "#") { // Fiber ends path and query there, net/url does not
		return nil, errPath
	}
	u, err := url.ParseRequestURI(uri)
	if err != nil || uri == "*" {
		return u, err
	}
	routed := strings.Clone(c.Path())
	if c.App().Config().UnescapePath {
		raw := string(c.Request().URI().PathOriginal())
		u.Path, u.RawPath = routed, ""
		if path, err := url.PathUnescape(raw); err == nil && path == routed && raw != u.EscapedPath() {
			u.RawPath = raw
		}
	} else {
		if !canonical(routed, c.App().Config().CaseSensitive) {
			return nil, errPath
		}
		path, err := url.ParseRequestURI(routed)
		if err != nil {
			return nil, err
		}
		u.Path, u.RawPath = path.Path, path.RawPath
	}
	if !clean(u.Path) {
		return nil, errPath
	}
	return u, nil
}

// unencoded has the marks that stand for themselves in a path (RFC 3986, section 3.3), as letters and digits do.
const unencoded = "-._~!$&'()*+,;=:@/"

// canonical reports whether path is the one spelling of it that is let through: each octet that stands for itself in a path does,
// any other is encoded, and none is a backslash or an encoded slash. The digits of encoded ones are in capitals if Fiber tells
// them from small letters.
func canonical(path string, caseSensitive bool) bool {
	for i := 0; i < len(path); i++ {
		if path[i] != '%' {
			if !plain(path[i]) {
				return false
			}
			continue
		}
		if len(path)-i < 3 {
			return false
		}
		digits := path[i+1 : i+3]
		octet := unhex(digits[0])<<4 | unhex(digits[1])
		if plain(octet) || octet == '\\' || caseSensitive && digits != strings.ToUpper(digits) {
			return false
		}
		i += 2
	}
	return true
}

// plain reports whether an octet stands for itself in a path.
func plain(octet byte) bool {
	return 'a' <= octet && octet <= 'z' || 'A' <= octet && octet <= 'Z' || '0' <= octet && octet <= '9' || strings.IndexByte(unencoded, octet) >= 0
}

// unhex returns the value of a hexadecimal digit; of anything else, which is an error of the parser, 0.
func unhex(b byte) byte {
	switch {
	case '0' <= b && b <= '9':
		return b - '0'
	case 'a' <= b|0x20 && b|0x20 <= 'f':
		return b | 0x20 - 'a' + 10
	}
	return 0
}

// clean reports whether path is absolute, without a backslash, and without elements that routers and file servers take away.
func clean(path string) bool {
	if !strings.HasPrefix(path, "/") || strings.Contains(path, `\`) || strings.Contains(path, "//") {
		return false
	}
	for element := range strings.SplitSeq(path[1:], "/") {
		if element == "." || element == ".." {
			return false
		}
	}
	return true
}
