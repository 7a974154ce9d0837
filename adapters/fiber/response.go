package fibersession

import (
	"github.com/gofiber/fiber/v3"
	"github.com/valyala/fasthttp"

	"github.com/qsessions/qsessions/core/session"
)

// A header is the header of a response as package session knows one.
type header struct{ *fasthttp.ResponseHeader }

var _ session.Header = header{}

// unshared is the Cache-Control of a response that depends on a stored session until the commit, which takes it away: Fiber's
// cache, if it is behind the middleware, keeps no such response. On a hit it would send it as a public one, and to clients
// whose session has ended. No application writes it in this way.
const unshared = "no-cache,private,no-cache"

// apply writes e into the response that will be sent: of a request that has timed out, it is not c's.
func apply(e session.Effect, c fiber.Ctx) {
	h := &c.Response().Header
	if timeout := c.RequestCtx().LastTimeoutErrorResponse(); timeout != nil {
		h = &timeout.Header
	}
	if string(h.Peek(fiber.HeaderCacheControl)) == unshared {
		h.Del(fiber.HeaderCacheControl)
	}
	if e != (session.Effect{}) { // without allocating
		applyTo(h, e)
	}
}

// applyTo looks first, without allocating, whether the most common header is there already.
func applyTo(h *fasthttp.ResponseHeader, e session.Effect) {
	if string(h.Peek(fiber.HeaderVary)) == e.Vary {
		e.Vary = ""
	}
	e.Apply(header{h})
}

// Values implements [session.Header].
func (h header) Values(name string) []string {
	var values []string
	for _, v := range h.PeekAll(name) {
		values = append(values, string(v))
	}
	return values
}

// ofBody has the header fields that describe a response which is not sent after all.
var ofBody = [...]string{
	fiber.HeaderAcceptRanges, fiber.HeaderCacheControl, fiber.HeaderClearSiteData, fiber.HeaderContentDisposition,
	fiber.HeaderContentEncoding, fiber.HeaderContentLanguage, fiber.HeaderContentLength, fiber.HeaderContentLocation,
	fiber.HeaderContentRange, fiber.HeaderContentType, fiber.HeaderETag, fiber.HeaderExpires, fiber.HeaderLastModified,
	fiber.HeaderLocation, "Refresh", fiber.HeaderTrailer,
}

// withdraw takes the response of a handler back. An error handler that names no status does not make it a success.
func withdraw(c fiber.Ctx) {
	c.RequestCtx().Hijack(nil)
	c.RequestCtx().HijackSetNoResponse(false)
	c.Response().ResetBody()
	for _, name := range ofBody {
		c.Response().Header.Del(name)
	}
	c.Status(fiber.StatusInternalServerError)
}
