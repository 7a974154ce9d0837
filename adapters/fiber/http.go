package fibersession

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"sync"

	"github.com/gofiber/fiber/v3"

	"github.com/qsessions/qsessions/core/session"
)

// HTTP is a handler of net/http as one of Fiber. What it is given is its own, and not memory of Fiber's: the request with
// the path that Fiber routes by, all header lines and the body, and a context that ends with the handler, in which
// [session.From] finds the session. What middleware before it has put into the response's header is in that of h.
//
// Handlers of net/http decode paths, and Fiber routes by them as they came. So that no spelling of a path passes by what
// guards it in Fiber, as /%73taff would pass by app.Use("/staff", guard), each path has one spelling, and others are refused with
// 400: a character is encoded where RFC 3986 demands that and nowhere else (with CaseSensitive by digits in capitals: %C3%BC),
// slashes and backslashes are not encoded, and there is no backslash, and no empty, "." or ".." element. A Fiber with
// UnescapePath decodes too: there h gets the path as Fiber has decoded it, and any character may be encoded. A "#", which no
// client sends, is refused in any case.
//
// The response is sent when h has returned, so that a change of the session is never too late: its writer is no
// [http.Flusher] and no [http.Hijacker], informational responses are not sent, and a body is kept in memory. A panic goes on,
// also one with [http.ErrAbortHandler].
func HTTP(h http.Handler) fiber.Handler {
	return func(c fiber.Ctx) error {
		ctx, cancel := context.WithCancel(c.Context())
		defer cancel()
		r, err := request(c)
		if err != nil {
			return fiber.ErrBadRequest
		}
		defer r.Body.Close()
		r = r.WithContext(ctx)
		w := newWriter(c)
		defer func() {
			if r.MultipartForm != nil {
				_ = r.MultipartForm.RemoveAll() // the temporary files of uploads
			}
		}()
		h.ServeHTTP(w, r)
		w.send(c)
		s, _ := session.Peek(ctx)
		depends(c, session.Vary(ctx), s)
		return nil
	}
}

// request returns the request of c in memory of its own, but for its body.
func request(c fiber.Ctx) (*http.Request, error) {
	from := c.Request()
	uri := string(from.Header.RequestURI())
	target, err := target(c, uri)
	if err != nil {
		return nil, err
	}
	r := &http.Request{
		Method: c.Method(), URL: target, RequestURI: uri, Host: target.Host, Proto: string(from.Header.Protocol()),
		Header: make(http.Header), RemoteAddr: c.RequestCtx().RemoteAddr().String(), TLS: c.RequestCtx().TLSConnectionState(),
		Body: http.NoBody,
	}
	if r.Host == "" {
		r.Host = string(from.Header.Host())
	}
	r.ProtoMajor, r.ProtoMinor, _ = http.ParseHTTPVersion(r.Proto)
	if cookies := lines(c, fiber.HeaderCookie); cookies != nil { // All would join them, without their quotes
		r.Header["Cookie"] = cookies
	}
	for name, value := range from.Header.All() {
		switch name := http.CanonicalHeaderKey(string(name)); name {
		case "Host", "Cookie", "Transfer-Encoding":
		default:
			r.Header[name] = append(r.Header[name], string(value))
		}
	}
	if from.IsBodyStream() {
		r.Body, r.ContentLength = &body{from: from.BodyStream()}, int64(from.Header.ContentLength())
		if r.ContentLength < 0 {
			r.ContentLength, r.TransferEncoding = -1, []string{"chunked"}
		}
	} else if b := from.Body(); len(b) > 0 {
		r.Body, r.ContentLength = &body{from: bytes.NewReader(b)}, int64(len(b))
	}
	return r, nil
}

// A body is one of Fiber's until it is closed.
type body struct {
	mu   sync.Mutex
	from io.Reader // nil: closed
}

// Read implements [io.Reader].
func (b *body) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.from == nil {
		return 0, http.ErrBodyReadAfterClose
	}
	return b.from.Read(p)
}

// Close implements [io.Closer].
func (b *body) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.from = nil
	return nil
}
