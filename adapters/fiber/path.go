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
		if needlesslyEncoded(routed) {
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

// needlesslyEncoded reports whether an octet of path is encoded that stands for itself in a path (RFC 3986, section 3.3), or a
// slash or backslash.
func needlesslyEncoded(path string) bool {
	for {
		_, rest, found := strings.Cut(path, "%")
		if !found || len(rest) < 2 {
			return false // an incomplete one is an error of the parser
		}
		octet := unhex(rest[0])<<4 | unhex(rest[1])
		if 'a' <= octet && octet <= 'z' || 'A' <= octet && octet <= 'Z' || '0' <= octet && octet <= '9' ||
			strings.IndexByte("-._~!$&'()*+,;=:@/\\", octet) >= 0 {
			return true
		}
		path = rest
	}
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
