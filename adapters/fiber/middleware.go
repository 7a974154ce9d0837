package fibersession

import (
	"bytes"
	"context"
	"net"
	"strings"

	"github.com/gofiber/fiber/v3"

	"github.com/qsessions/qsessions/core/clientip"
	"github.com/qsessions/qsessions/core/session"
)

// Config configures the middleware of [New]. Its zero value is ready to use where no proxy is in front.
type Config struct {
	// Next skips the middleware for requests for which it is true; default: none. They have no session.
	Next func(fiber.Ctx) bool

	// ClientIP finds the client's address behind proxies; default: the peer of the connection is the client. Fiber's own
	// settings for proxies do not count here. See package clientip for Unix sockets.
	ClientIP *clientip.Resolver

	// ClientHints asks browsers, by Accept-CH in every response, for the model and the version of their platform, and keeps
	// the hints that they send, for the enrichers: without them every Chrome on Android is model "K". It needs TLS, and
	// Chrome or its kin. Nothing varies by hints.
	ClientHints bool

	// Client says who sends a request, and replaces ClientIP; default: the address by ClientIP, the User-Agent, and with
	// ClientHints session.ReadHints(...). It is called for every request, by many goroutines. Its strings may be Fiber's
	// if nothing behind the middleware changes the request's header.
	Client func(fiber.Ctx) session.Client

	// ErrorHandler answers a request that cannot be served: the errors of From, Require and the commit, and those of
	// package session that a handler returns. An error that it returns goes to the application's ErrorHandler, as do all
	// of them by default: that finds a [*fiber.Error] in them which has the status, and a message that says nothing more.
	// [Status] has the status too. Errors of the server have been logged before.
	ErrorHandler fiber.ErrorHandler
}

type middleware struct {
	Config
	sessions *session.Manager
	header   string // that has the token in requests
}

// New returns middleware that gives each request behind it a session of m, which must not be nil. If middleware before
// did so already, it does nothing. It is safe for concurrent use.
func New(m *session.Manager, c Config) fiber.Handler {
	mw := &middleware{c, m, m.RequestHeader()}
	if mw.Client == nil {
		mw.Client = mw.sender
	}
	return mw.handle
}

func (mw *middleware) handle(c fiber.Ctx) error {
	if mw.Next != nil && mw.Next(c) {
		return c.Next()
	}
	site := c.Request().Header.Peek("Sec-Fetch-Site")
	raw := len(site) == 0 && verbatim(c)
	ctx, begun := mw.sessions.Start(c.Context(), mw.Client(c), linesOf(c, mw.header, raw)...)
	if !begun {
		return c.Next()
	}
	if raw || string(site) == "cross-site" {
		if fetch := session.ReadFetch(c.Method(), func(name string) string { return first(c, name) }); fetch.Site == "cross-site" {
			mw.sessions.NoteFetch(ctx, fetch)
		}
	}
	c.SetContext(ctx)
	if mw.ClientHints {
		c.Response().Header.Add("Accept-Ch", session.AcceptCH)
	}
	return mw.serve(c, ctx)
}

// serve leaves the context in c when it is done: a stream writer may read it just then, and the session in it is closed.
func (mw *middleware) serve(c fiber.Ctx, ctx context.Context) error {
	defer func() { apply(mw.sessions.Close(ctx), c) }() // also after a panic: the handler that recovers sends the stored cookie
	err := c.Next()
	if c.RequestCtx().LastTimeoutErrorResponse() != nil {
		return err // the handler may still be running, and its response is not sent
	}
	if err != nil {
		mw.answer(c, err)
	}
	if c.Response().StatusCode() >= fiber.StatusInternalServerError {
		return nil
	}
	effect, err := mw.sessions.Finish(ctx)
	if err != nil {
		withdraw(c)
		mw.answer(c, failed(err))
	}
	apply(effect, c)
	return nil
}

// sender is the default of Config.Client.
func (mw *middleware) sender(c fiber.Ctx) session.Client {
	sender := session.Client{UserAgent: userAgent(c)}
	remote, values := c.RequestCtx().RemoteAddr(), func(name string) []string { return lines(c, name) }
	if tcp, ok := remote.(*net.TCPAddr); ok && mw.ClientIP == nil {
		sender.IP = tcp.AddrPort().Addr()
	} else if strings.HasPrefix(remote.Network(), "unix") {
		sender.IP = mw.ClientIP.AddrUnix(values)
	} else {
		sender.IP = mw.ClientIP.Addr(remote.String(), values)
	}
	if mw.ClientHints {
		sender.Hints = session.ReadHints(func(name string) string { return first(c, name) })
	}
	return sender
}

// userAgent returns the first line of the header. Fiber has the last one, which is another only if a client sends several.
func userAgent(c fiber.Ctx) string {
	field, raw := []byte("User-Agent:"), c.Request().Header.RawHeaders()
	if _, rest, _ := bytes.Cut(raw, field); bytes.Contains(rest, field) {
		for line := range bytes.Lines(raw) {
			if value, ok := bytes.CutPrefix(line, field); ok {
				return string(bytes.TrimSpace(value))
			}
		}
	}
	return strings.Clone(c.Get(fiber.HeaderUserAgent))
}

// lines returns copies of the lines of a request header: a change of the header in Fiber overwrites the strings that c.Get has
// returned. The case of the name does not count, as it does to Fiber with DisableHeaderNormalizing.
func lines(c fiber.Ctx, name string) []string { return linesOf(c, name, verbatim(c)) }

// linesOf is lines where it is known whether the header is verbatim.
func linesOf(c fiber.Ctx, name string, verbatim bool) (copies []string) {
	found := c.Request().Header.PeekAll(name)
	if verbatim && (len(found) == 0 || name != fiber.HeaderCookie) { // All would join cookies, without their quotes
		for other, line := range c.Request().Header.All() {
			if strings.EqualFold(string(other), name) {
				copies = append(copies, string(line))
			}
		}
		return copies
	}
	if len(found) == 0 {
		return nil
	}
	copies = make([]string, len(found))
	for i, line := range found {
		copies[i] = string(line)
	}
	return copies
}

// first returns the first line of a request header, or "".
func first(c fiber.Ctx, name string) string {
	if found := lines(c, name); len(found) > 0 {
		return found[0]
	}
	return ""
}

// verbatim reports whether Fiber keeps the names of header fields as clients and proxies write them.
func verbatim(c fiber.Ctx) bool { return c.App().Config().DisableHeaderNormalizing }
