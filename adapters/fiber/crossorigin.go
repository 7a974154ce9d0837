package fibersession

import (
	"net/http"
	"net/url"

	"github.com/gofiber/fiber/v3"
)

// CrossOrigin is [http.CrossOriginProtection] as middleware of Fiber: it refuses with 403 the requests that a browser sends from another
// site or origin by a method other than GET, HEAD and OPTIONS. Forms need no token. A nil p is one without trusted origins. Its
// deny handler is not asked; the error goes to the application's ErrorHandler. Patterns that p lets pass match the path as Fiber
// routes by it.
//
// Behind a proxy that rewrites Host, name the site's origin by p's AddTrustedOrigin, for browsers that send no Sec-Fetch-Site.
func CrossOrigin(p *http.CrossOriginProtection) fiber.Handler {
	if p == nil {
		p = http.NewCrossOriginProtection()
	}
	return func(c fiber.Ctx) error {
		switch c.Method() {
		case fiber.MethodGet, fiber.MethodHead, fiber.MethodOptions:
			return c.Next()
		}
		from := c.Request()
		path := c.Path() // as it is, undecoded: patterns that p lets pass match what Fiber routes by
		if !clean(path) {
			path = "/\x00" // no pattern's
		}
		r := &http.Request{Method: c.Method(), URL: &url.URL{Path: path}, Host: string(from.Host()), Header: http.Header{}}
		for _, name := range [...]string{"Sec-Fetch-Site", "Origin"} {
			if values := lines(c, name); values != nil {
				r.Header[name] = values
			}
		}
		if err := p.Check(r); err != nil {
			return fiber.NewError(fiber.StatusForbidden, err.Error())
		}
		return c.Next()
	}
}
