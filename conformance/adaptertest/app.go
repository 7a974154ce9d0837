package adaptertest

import (
	"context"
	"io"
	"net"
	"time"

	"github.com/qsessions/qsessions/core/clientip"
	"github.com/qsessions/qsessions/core/session"
)

// An App is an application for one case. It is served over plain HTTP/1.1 on the loopback, with nothing in front of the
// framework's handlers but what it says, and, where a panic would otherwise end the process, what recovers from it: outside
// of the sessions.
type App struct {
	// Managers has the managers whose middleware is mounted around everything, the outermost one first. One that comes
	// twice is to be mounted twice.
	Managers []*session.Manager

	// Routes has what is served. Any other path is not found, by the framework's own handler for that, which is inside of
	// the middleware too.
	Routes []Route

	// ClientIP finds client addresses. If it is nil, the client is the peer of the connection.
	ClientIP *clientip.Resolver

	// ClientHints asks browsers for client hints, and keeps them. It is unset where Config.Lacks has [ClientHints].
	ClientHints bool

	// Error answers instead of the adapter's own error page, if it is not nil. It is nil where Config.Lacks has
	// [ErrorPage].
	Error func(x Exchange, err error) error
}

// A Route is one path and its handler.
type Route struct {
	// Path is matched exactly, and for every method, HEAD and OPTIONS included.
	Path string

	// Handle answers a request. What it returns is what a handler of the framework returns, be it an error or nil; where
	// handlers return nothing an error goes to the adapter's error page, as one of session.From does. It may panic.
	Handle func(Exchange) error

	// Managers has the managers whose middleware is mounted around this route alone, the outermost one first.
	Managers []*session.Manager

	// SignedIn lets only signed-in users through, and Fresh only those who authenticated at most so long ago, by the
	// adapter's middleware. They are unset where Config.Lacks has [Require].
	SignedIn bool
	Fresh    time.Duration

	// Proof lets only users through whose authentication meets it, as one proof, by the adapter's middleware; the zero value
	// asks for nothing. It is unset where Config.Lacks has [Proof].
	Proof session.Requirement

	// Passive marks the requests of the route as no use of their session, by the adapter's middleware. It is unset where
	// Config.Lacks has [Passive].
	Passive bool
}

// An Exchange is one request and its response, as the framework's handlers have them. A handler uses it in one goroutine,
// and not after it has returned. It answers by at most one of Send, Redirect, Fail, Stream and Hijack, and returns what
// that returns.
type Exchange interface {
	// Context carries the session: session.From finds it there.
	Context() context.Context

	// Query returns a value of the request's query, and Header the first line of a request header, or "". Where the
	// framework lends such strings, they are lent here too: do not copy them.
	Query(name string) string
	Header(name string) string

	// SetHeader and AddHeader change the header of the response.
	SetHeader(name, value string)
	AddHeader(name, value string)

	// Send answers with a status and a body.
	Send(status int, body string) error

	// Redirect answers by the framework's own redirect.
	Redirect(status int, url string) error

	// Fail answers in the way in which handlers of the framework fail with a status: by an error that they return, which
	// its error handler understands, or by a plain response.
	Fail(status int) error

	// Stream answers with status 200 and what body writes. It calls body at once, or, where Config.Lacks has [Flush], when
	// the handler has returned. flush sends what is written so far.
	Stream(body func(w io.Writer, flush func() error)) error
}

// An EarlyHinter is an Exchange of a framework that can send informational responses.
type EarlyHinter interface {
	// EarlyHints sends a response 103 with a line of Link, and goes on.
	EarlyHints(link string) error
}

// A Hijacker is an Exchange of a framework that can hand the connection to a handler.
type Hijacker interface {
	// Hijack calls f with the connection, at once or when the handler has returned. f writes a whole response. Then the
	// connection is closed.
	Hijack(f func(net.Conn)) error
}

// A Feature is something that not every framework can do, or not every adapter offers; features are added up.
type Feature uint16

// The features.
const (
	EarlyHints  Feature = 1 << iota // informational responses: [EarlyHinter]
	Hijack                          // handlers that take the connection: [Hijacker]
	Flush                           // a handler sends a part of its response, and goes on
	Cancel                          // the context of a request is canceled when its client goes away
	ClientHints                     // the adapter asks for client hints: App.ClientHints
	ErrorPage                       // the application may replace the error page: App.Error
	Require                         // middleware that turns away who is not signed in: Route.SignedIn, Route.Fresh
	Proof                           // middleware that asks for a level and an age of one proof: Route.Proof
	Passive                         // middleware for requests that are no use of their session: Route.Passive
)

var featureNames = []string{"EarlyHints", "Hijack", "Flush", "Cancel", "ClientHints", "ErrorPage", "Require", "Proof", "Passive"}

// String names the features.
func (f Feature) String() string {
	names := ""
	for i, name := range featureNames {
		if f&(1<<i) != 0 {
			if names != "" {
				names += ", "
			}
			names += name
		}
	}
	return names
}
